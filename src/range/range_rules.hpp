// SPDX-License-Identifier: BSL-1.0
//
// What it is: what may be asked of a range locker. Each rule that is broken is named, with what was
// given.
// Thread safety: pure functions.
#pragma once

#include <holdfast/range_locker.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace holdfast::ranges {

/// @return Why this is no key of ranges, or nothing.
[[nodiscard]] std::optional<failure> check_key(std::string_view key);
/// @return Why this is no id of a hold, or nothing.
[[nodiscard]] std::optional<failure> check_hold_id(std::string_view id);
/// @return Why `key` and `id` are not those of a hold, or nothing.
[[nodiscard]] std::optional<failure> check_hold(std::string_view key, std::string_view id);
/// @return Why this is no range, or nothing.
[[nodiscard]] std::optional<failure> check_range(const range& which);
/// @return Why this is no number of units, or nothing. @param what  As it is called.
[[nodiscard]] std::optional<failure> check_units(std::string_view what, std::uint32_t units);
/// @return What breaks a rule of one hold, but for those of all locks, or nothing.
[[nodiscard]] std::optional<failure> check_wanted(std::string_view key, const range& where,
                                                  std::uint32_t units,
                                                  const range_options& options);
[[nodiscard]] std::optional<failure> check_all(const std::vector<range_request>& wanted,
                                               const range_options& options);

}  // namespace holdfast::ranges
