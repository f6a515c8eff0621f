// SPDX-License-Identifier: BSL-1.0
//
// What it is: keys and holds as they stand in the tables, and what follows from them: classes,
// where to look for what overlaps, and whether it fits.
// Thread safety: pure functions and plain values.
//
// Classes: a hold that was granted while there was room for one is of class 0, and such holds never
// overlap each other, live or not. Others are sorted by length: holds of class c are at most
// 2^(c-1) long, so what overlaps a range starts at most so much before it. Class 63 has all those
// that are longer, too.
#pragma once

#include <holdfast/range_store.hpp>

#include "mysql/client/cells.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mysql {

/// The expiry of what is permanent.
inline constexpr std::int64_t permanent_expiry = std::numeric_limits<std::int64_t>::max();
inline constexpr int longest_class = 63;

/// A row of `holdfast_range_key`, and the time.
struct key_row {
    std::int64_t fence{0};
    std::int64_t capacity{1};
    std::int64_t seen{0};
    std::uint64_t classes{0};
    std::int64_t clock{0};  ///< µs since 1970, the server's.
    /// The key's own time, which never goes back.
    [[nodiscard]] std::int64_t now() const noexcept { return std::max(seen, clock); }
};

/// A row of `holdfast_range_hold`.
struct hold_row {
    std::string id{};
    std::int64_t starts{0};
    std::int64_t ends{0};
    std::int64_t units{1};
    std::int64_t fence{0};
    std::int64_t expires{0};
    std::string owner{};  // From here on only where they were asked for.
    std::string data{};
    std::int64_t in_class{0};
    std::int64_t granted{1};  ///< The capacity that it was counted against.
};

/// @return The row that the cells of one tell, in the order that all statements have.
[[nodiscard]] hold_row read_hold(const std::vector<cell>& cells);
[[nodiscard]] key_row read_key(const std::vector<cell>& cells);

/// @return A hold as callers see it, at `now`.
[[nodiscard]] range_hold tell_hold(std::string_view key, hold_row from, std::int64_t now);

/// @return The class of a hold that is granted against `capacity`.
[[nodiscard]] int class_of(range where, std::int64_t capacity) noexcept;
/// @return The lowest start that a hold of class `c`, above 0, may have and overlap `where`.
[[nodiscard]] std::int64_t lowest_start(range where, int c) noexcept;
/// @return The bit of a class among a key's; class 0 has none, as it is always looked at.
[[nodiscard]] std::uint64_t class_bit(int c) noexcept;
/// @return The classes to look at, from 0 on.
[[nodiscard]] std::vector<int> classes_of(const key_row& key);

/// @return Whether `units` more fit beside `others`, which overlap `where`.
[[nodiscard]] bool fits(std::span<const hold_row> others, range where, std::int64_t units,
                        std::int64_t capacity);

/// Sorts by start and then by token.
void put_in_order(std::vector<hold_row>& holds);

/// @return How a claim on `key` fails that `blockers` are in the way of.
[[nodiscard]] failure blocked_by(const std::string& address, std::string_view key,
                                 std::vector<hold_row> blockers, std::int64_t now);
[[nodiscard]] failure too_many_units(const std::string& address, std::int64_t wanted,
                                     std::int64_t capacity);
[[nodiscard]] failure another_hold(const std::string& address);
[[nodiscard]] failure confirmed_hold(const std::string& address);
[[nodiscard]] failure no_such_hold(const std::string& address);
/// The id is live, with another token than was meant.
[[nodiscard]] failure replaced_hold(const std::string& address);

}  // namespace holdfast::mysql
