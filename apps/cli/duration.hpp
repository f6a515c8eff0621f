// SPDX-License-Identifier: BSL-1.0
//
// What it is: durations as people write them on the command line.
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace holdfast::cli {

/// @param text  A whole number and its unit, without a space: `250ms`, `30s`, `5m`, `1h`.
/// @return Nothing if it is none, has no unit, or is over 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// @param text  Seconds as flock(1) takes them: `10`, `0.25`. What is finer than a millisecond
///              counts as a whole one.
/// @return Nothing if it is none, or is over 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text);

}  // namespace holdfast::cli
