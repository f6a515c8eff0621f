// SPDX-License-Identifier: BSL-1.0
//
// What it is: text in columns, for people.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// The headings, then a row for each; all of one length.
using table_rows = std::vector<std::vector<std::string>>;

/// @return How many columns of a terminal `text` takes, near enough: one for each UTF-8 character.
[[nodiscard]] std::size_t columns(std::string_view text);
/// @return `text`, or its beginning and "…", within so many columns.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t columns_max);
/// @return The rows, one on each line, with "-" in place of what is empty.
[[nodiscard]] std::string to_table(const table_rows& rows);

}  // namespace holdfast::cli
