// SPDX-License-Identifier: BSL-1.0
#include "range/range_rules.hpp"

#include "base/name.hpp"
#include "core/range_rule.hpp"

#include <string>

namespace holdfast::ranges {
namespace {

failure broken(std::string rule, std::string_view given) {
    return {errc::misuse, rule.append(", not ").append(given)};
}

}  // namespace

std::optional<failure> check_key(std::string_view key) {
    if (!key.empty() && key.size() <= name_bytes_max) return std::nullopt;
    return broken("a key of ranges has 1 to 512 bytes", std::to_string(key.size()));
}

std::optional<failure> check_hold_id(std::string_view id) {
    if (!id.empty() && id.size() <= hold_id_bytes_max) return std::nullopt;
    return broken("the id of a hold has 1 to 255 bytes", std::to_string(id.size()));
}

std::optional<failure> check_hold(std::string_view key, std::string_view id) {
    if (auto wrong = check_key(key)) return wrong;
    return check_hold_id(id);
}

std::optional<failure> check_range(const range& which) {
    if (which.start < which.end) return std::nullopt;
    return broken("the end of a range must be above its start",
                  std::to_string(which.start) + " to " + std::to_string(which.end));
}

std::optional<failure> check_units(std::string_view what, std::uint32_t units) {
    if (units >= 1 && units <= range_units_max) return std::nullopt;
    return broken(std::string(what) + " must be from 1 to 1000000", std::to_string(units));
}

std::optional<failure> check_wanted(std::string_view key, const range& where, std::uint32_t units,
                                    const range_options& options) {
    if (auto wrong = check_key(key)) return wrong;
    if (auto wrong = check_range(where)) return wrong;
    if (auto wrong = check_units("units", units)) return wrong;
    if (options.capacity > 0) {
        if (auto wrong = check_units("capacity", options.capacity)) return wrong;
        if (units > options.capacity)
            return broken(
                "units must be at most the capacity of " + std::to_string(options.capacity),
                std::to_string(units));
    }
    if (!options.id.empty())
        if (auto wrong = check_hold_id(options.id)) return wrong;
    if (options.data.size() > hold_data_bytes_max)
        return broken("the data of a hold has at most 65536 bytes",
                      std::to_string(options.data.size()));
    return std::nullopt;
}

std::optional<failure> check_all(const std::vector<range_request>& wanted,
                                 const range_options& options) {
    if (wanted.empty() || wanted.size() > 64)
        return broken("hold_all takes 1 to 64 ranges", std::to_string(wanted.size()));
    for (auto one = wanted.begin(); one != wanted.end(); ++one) {
        const range where{.start = one->start, .end = one->end};
        if (auto wrong = check_wanted(one->key, where, one->units, options)) return wrong;
        for (auto other = wanted.begin(); other != one; ++other) {
            if (other->key != one->key) continue;
            if (!options.id.empty())
                return failure{errc::misuse, "hold_all with an id takes each key once"};
            if (core::overlap({other->start, other->end}, {one->start, one->end}))
                return failure{errc::misuse,
                               "hold_all takes ranges of one key only if they do not overlap"};
        }
    }
    return std::nullopt;
}

}  // namespace holdfast::ranges
