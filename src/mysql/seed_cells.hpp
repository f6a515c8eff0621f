// SPDX-License-Identifier: BSL-1.0
//
// What it is: rows of the original's table as they come from the server, and the rules for what may
// be put there.
// Thread safety: pure functions.
#pragma once

#include "mysql/client/cells.hpp"
#include "mysql/client/connection.hpp"
#include "mysql/seed_table.hpp"

#include <optional>
#include <string>

namespace holdfast::mysql {

/// The server's error numbers count as one of these.
[[nodiscard]] bool is_passing(errc code) noexcept;

/// @return The row that stands in an answer of `look`, `look_again`, `find` or `get`, if one does.
[[nodiscard]] std::optional<seed_row> read_row(const answer& said);

/// @return Why `wanted` must not be sent, or nothing. Names the input and the rule.
[[nodiscard]] std::optional<failure> check_wish(const seed_wish& wanted);
/// @return Why `text` is no id or key (`what`), or nothing.
[[nodiscard]] std::optional<failure> check_text(std::string_view what, std::string_view text);

}  // namespace holdfast::mysql
