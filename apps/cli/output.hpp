// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the commands print, for people and as JSON. Names, labels and hosts are bytes
// that others chose: they are made harmless for a terminal, and valid UTF-8 for JSON.
// Thread safety: pure functions, but for `print_*` and `say`, which write.
#pragma once

#include <holdfast/lease.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::cli {

/// @return `bytes` with control bytes, and what is no UTF-8, written as `\xNN`.
[[nodiscard]] std::string printable(std::string_view bytes);
/// @return `printable` within double quotes.
[[nodiscard]] std::string in_quotes(std::string_view bytes);
/// @return What may be shown of an id: its first 8 digits and "…", at most half of it.
[[nodiscard]] std::string short_id(std::string_view id);
/// @return A time for people: `250 ms`, `12.5 s`.
[[nodiscard]] std::string spoken(std::chrono::milliseconds time);

/// Adds `key`. Bytes that are no UTF-8 become U+FFFD there, and `key_hex` tells all of them.
void put_bytes(boost::json::object& row, std::string_view key, std::string_view bytes);

/// @return The row of a lock that is held, its id short.
[[nodiscard]] boost::json::object to_json(const lock_info& info);

/// Lines of a key and its value.
using fields = std::vector<std::pair<std::string, std::string>>;
/// Puts a fencing token as "fence"; null where the lock has none.
void put_token(boost::json::object& row, std::uint64_t token);
/// @return A fencing token as text; empty where the lock has none.
[[nodiscard]] std::string token_text(std::uint64_t token);
/// @return The fields of a lock that is held, its id short.
[[nodiscard]] fields to_fields(const lock_info& info);

/// Print on stdout. @return Whether all of it was written. If not, `main` says so, unless the
/// command ends with `exit_unavailable`, having said so itself.
bool print_json(const boost::json::object& row);
bool print_fields(const fields& lines);
bool print_text(std::string_view text);
/// @return The errno of the first print that failed; 0 if none did.
[[nodiscard]] int print_error() noexcept;

/// Writes one line on stderr: `holdfast: WHAT: WHY`, without passwords and control characters.
void say(std::string_view what, std::string_view why);

}  // namespace holdfast::cli
