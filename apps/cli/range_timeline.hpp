// SPDX-License-Identifier: BSL-1.0
//
// What it is: holds as a picture of text: time runs to the right, and what overlaps stands in rows
// of its own.
// Thread safety: pure functions; `output_columns` asks the terminal.
#pragma once

#include <holdfast/range.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

/// The picture has at most so many lines.
inline constexpr std::size_t timeline_lines_max = 20;

/// @return How many columns stdout has; nothing if it is no terminal.
[[nodiscard]] std::optional<std::size_t> output_columns();

/// @param holds    In the order of their starts; at least one.
/// @param window   What is drawn; where it is without end, the first or the last hold ends it.
/// @param width    In columns, at least 1.
/// @param in_time  The ends are told as instants.
/// @return Lines. The first tells what the left and the right edge mean. A hold is `▒▒▒░`, or
///         `███▌` if it was confirmed; `+` is a column in which there are several. Where there are
///         too many rows, the last line tells how many holds are not drawn.
[[nodiscard]] std::string draw_timeline(const std::vector<range_hold>& holds, range window,
                                        std::size_t width, bool in_time);

}  // namespace holdfast::cli
