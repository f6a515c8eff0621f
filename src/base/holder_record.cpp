// SPDX-License-Identifier: BSL-1.0
#include "base/holder_record.hpp"

#include "base/name.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::base {
namespace {

std::string printable(std::string_view text) {
    std::string clean(text);
    std::replace_if(clean.begin(), clean.end(), is_control, '?');
    return clean;
}

}  // namespace

void write_hex(const std::array<std::byte, 16>& bits, std::string& into) {
    constexpr std::string_view digits = "0123456789abcdef";
    into.resize(2 * bits.size());
    char* next = into.data();
    for (const std::byte b : bits) {
        *next++ = digits[std::to_integer<unsigned>(b) >> 4U];
        *next++ = digits[std::to_integer<unsigned>(b) & 0xFU];
    }
}

void write_holder_record(std::string& into, std::string_view id, std::int64_t pid,
                         std::string_view host, std::string_view owner) {
    into.clear();
    into.reserve(id.size() + host.size() + owner.size() + 24);
    into.append(id).append("|").append(std::to_string(pid)).append("@");
    for (const char c : host)
        if (c != '|' && !is_control(c)) into += c;
    into.append("|").append(owner);
}

std::string write_holder_record(std::string_view id, std::int64_t pid, std::string_view host,
                                std::string_view owner) {
    std::string record;
    write_holder_record(record, id, pid, host, owner);
    return record;
}

holder_record read_holder_record(std::string_view value) {
    holder_record record;
    const auto first = value.find('|');
    record.id = value.substr(0, first);
    if (first == std::string_view::npos) return record;
    const std::string_view rest = value.substr(first + 1);
    const auto second = rest.find('|');
    const std::string_view place = rest.substr(0, second);
    if (second != std::string_view::npos) record.holder.owner = printable(rest.substr(second + 1));
    std::int64_t pid = 0;
    const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), pid);
    const auto digits = static_cast<std::size_t>(end - place.data());
    if (error != std::errc{} || pid < 0 || digits >= place.size() || place[digits] != '@')
        return record;
    record.holder.pid = pid;
    record.holder.host = printable(place.substr(digits + 1));
    return record;
}

}  // namespace holdfast::base
