// SPDX-License-Identifier: BSL-1.0
//
// What it is: the ends of ranges as people write them on the command line.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// @param text  A whole number (`-20`), or an instant as in RFC 3339: `2026-11-21T10:00:00Z`,
///              `2026-11-21T11:00:00.250+01:00`. The offset has to be there. Finer than a
///              millisecond there are only zeros.
/// @return The number; of an instant its milliseconds since 1970. Nothing if it is neither, does
///         not exist in the calendar, is a leap second, or does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_instant(std::string_view text);

/// @param text  What `parse_instant` makes nothing of.
/// @return What it should have been, by the rule that it breaks.
[[nodiscard]] std::string_view instead_of_instant(std::string_view text);

/// @param ms  Milliseconds since 1970.
/// @return The instant in UTC, such as `2026-11-21T10:00:00Z`; milliseconds only where there are
///         some. Nothing outside of the years 0 to 9999, which RFC 3339 cannot say.
[[nodiscard]] std::optional<std::string> rfc3339(std::int64_t ms);

}  // namespace holdfast::cli
