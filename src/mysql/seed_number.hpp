// SPDX-License-Identifier: BSL-1.0
//
// What it is: the numbers that stand as text in the columns of the original's table, read as MySQL
// compares them: as far as the text is a number, and 0 if it is none.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::mysql {

/// Where to go from a number that is not whole.
enum class rounding { down, up };

/// Reads what originals write: "42", "7000.5", "1.0000000017952392e+21", "NaN". What does not fit
/// becomes the nearest that does.
[[nodiscard]] std::int64_t read_number(std::string_view text, rounding direction) noexcept;

/// How many characters `text` has in UTF-8, or -1 if it is not UTF-8.
[[nodiscard]] std::int64_t count_characters(std::string_view text) noexcept;

}  // namespace holdfast::mysql
