// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the error replies of a Redis server mean for a caller.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include <string>
#include <string_view>

namespace holdfast::redis {

/// Sorts `text`, an error reply without its '-'.
/// @return `unreachable` for what passes by itself (LOADING, BUSY, ...), `denied` for what an
///         operator has to mend (NOPERM, OOM, READONLY, ...), `wrong_type`, else `protocol`.
[[nodiscard]] errc classify(std::string_view text) noexcept;

/// @return `text` for people: printable, of bounded length, and without the arguments that old
///         servers repeat (they may hold a password).
[[nodiscard]] std::string tidy_text(std::string_view text);

}  // namespace holdfast::redis
