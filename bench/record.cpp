// SPDX-License-Identifier: BSL-1.0
#include "record.hpp"

#include <array>
#include <cstdio>

namespace holdfast::bench {

record& record::add(std::string_view name, std::string_view value) {
    fields_.push_back({std::string(name), std::string(value), true});
    return *this;
}

record& record::add(std::string_view name, bool value) {
    fields_.push_back({std::string(name), value ? "true" : "false", false});
    return *this;
}

record& record::add(std::string_view name, double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    fields_.push_back({std::string(name), text.data(), false});
    return *this;
}

// Texts are names and URLs that were typed in by whoever reads this: nothing needs escaping.
void record::print() const {
    std::string json = "{";
    for (const field& one : fields_) {
        if (json.size() > 1) json += ',';
        const std::string_view quote = one.quoted ? "\"" : "";
        json.append("\"").append(one.name).append("\":");
        json.append(quote).append(one.shown).append(quote);
    }
    std::puts((json + "}").c_str());
    std::fflush(stdout);
    for (const field& one : fields_)
        std::fprintf(stderr, "  %-24s %s\n", one.name.c_str(), one.shown.c_str());
}

}  // namespace holdfast::bench
