// SPDX-License-Identifier: BSL-1.0
//
// What it is: how bounds, ids and holds on ranges stand on a server: range_book.lua says where.
// Bytes are ordered as the numbers are that they stand for.
// Thread safety: pure functions.
#pragma once

#include <holdfast/range.hpp>
#include <holdfast/range_store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// How many bytes a bound has.
inline constexpr std::size_t bound_bytes = 8;

/// @return 8 bytes, the highest first, with the sign turned.
[[nodiscard]] std::string write_bound(std::int64_t bound);
/// @param bytes  At least `bound_bytes`.
[[nodiscard]] std::int64_t read_bound(std::string_view bytes) noexcept;

/// @return The class of holds that have the length of `extent`: one byte, from 1 to 65.
[[nodiscard]] std::string class_of(const range& extent);

/// @return 'x' and 16 bytes for 32 lower-case hexadecimal digits; else 't' and the id.
[[nodiscard]] std::string write_id(std::string_view id);
/// @return The id; nothing if it is none of these.
[[nodiscard]] std::optional<std::string> read_id(std::string_view coded);

/// @return Start and token of the first place behind the cursor: 15 bytes.
[[nodiscard]] std::string write_cursor(const range_cursor& after);

/// @return As it stands in a place: 7 bytes. Empty for 0, which is no token.
[[nodiscard]] std::string write_token(std::uint64_t token);

/// @return What stands behind the place and the capacity in a record.
[[nodiscard]] std::string write_labels(std::string_view owner, std::string_view data);

/// @param record   Place, capacity and labels.
/// @param left_ms  How long it lasts; -1: for ever.
/// @return The hold, but for its key and id; nothing if the record makes no sense.
[[nodiscard]] std::optional<range_hold> read_record(std::string_view record, std::int64_t left_ms);

}  // namespace holdfast::redis
