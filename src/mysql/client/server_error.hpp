// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the error numbers of MySQL and MariaDB servers, and of their client library,
// mean for a caller.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include <string>
#include <string_view>

namespace holdfast::mysql {

/// What an error means for the conversation that met it.
enum class verdict {
    refused,  ///< The statement was answered with no, and saying it again changes nothing.
    busy,     ///< A deadlock, a lock that did not come, a statement that took too long: the
              ///< transaction may be tried again from its start.
    gone,     ///< The connection is at its end.
};

/// An error number, sorted.
struct error_meaning {
    errc code{errc::protocol};
    verdict what{verdict::refused};
};

/// The server's number of an error that a trigger raised by itself (ER_SIGNAL_EXCEPTION).
inline constexpr unsigned signalled_by_trigger = 1644;
/// The server's number for a primary key that is there already (ER_DUP_ENTRY).
inline constexpr unsigned duplicate_key = 1062;
/// The server's number for a trigger that is there already (ER_TRG_ALREADY_EXISTS).
inline constexpr unsigned trigger_exists = 1359;

/// How often what met `verdict::busy` is tried in all.
inline constexpr unsigned tries_max = 8;

/// Sorts `number`: `unreachable` for what passes by itself, `denied` for what an operator has to
/// mend, `wrong_type` for tables that are not as they should be, `misuse` for values that a column
/// cannot hold, `timed_out` for what was busy, else `protocol`.
[[nodiscard]] error_meaning classify(unsigned number) noexcept;

/// @return `text` for people: printable and of bounded length.
[[nodiscard]] std::string tidy_text(std::string_view text);

}  // namespace holdfast::mysql
