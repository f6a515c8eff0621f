// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace holdfast::bench {

arguments::arguments(int count, char** values, std::string_view usage)
    : left_(values + 1, values + count), usage_(usage) {}

bool arguments::flag(std::string_view name) {
    const auto place = std::find(left_.begin(), left_.end(), name);
    if (place == left_.end()) return false;
    left_.erase(place);
    return true;
}

std::string arguments::text(std::string_view name, std::string_view otherwise) {
    const auto place = std::find(left_.begin(), left_.end(), name);
    if (place == left_.end()) return std::string(otherwise);
    if (place + 1 == left_.end()) refuse(std::string(name) + " wants a value");
    std::string value = std::move(*(place + 1));
    left_.erase(place, place + 2);
    return value;
}

double arguments::number(std::string_view name, double otherwise) {
    const std::string given = text(name);
    if (given.empty()) return otherwise;
    double value = 0;
    const char* const end = given.data() + given.size();
    const auto [stop, error] = std::from_chars(given.data(), end, value);
    if (error != std::errc{} || stop != end || value < 0)
        refuse(std::string(name) + " wants a number");
    return value;
}

int arguments::count(std::string_view name, int otherwise) {
    const double value = number(name, otherwise);
    if (value > 1e6) refuse(std::string(name) + " is too large");
    return static_cast<int>(value);
}

void arguments::all_read() const {
    if (!left_.empty()) refuse("not understood: " + left_.front());
}

void arguments::refuse(std::string_view why) const {
    std::fprintf(stderr, "%.*s\nusage: %.*s\n", static_cast<int>(why.size()), why.data(),
                 static_cast<int>(usage_.size()), usage_.data());
    std::exit(64);
}

}  // namespace holdfast::bench
