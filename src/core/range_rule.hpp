// SPDX-License-Identifier: BSL-1.0
//
// What it is: when holds on ranges are in each other's way, and how a store finds those that are
// without looking at all. Pure.
// Thread safety: pure functions; `usage` is plain state.
//
// A hold that was granted while only one at a time was allowed stands in single file: class 0. What
// stands there never overlaps, so the one with the greatest start below a range's end decides. All
// others are sorted by length: those of class c are at most 2^(c - 1) long, so one that overlaps a
// range starts less than that before it.
#pragma once

#include <holdfast/range.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace holdfast::core {

/// Of holds that were granted under a capacity of 1.
inline constexpr unsigned single_file = 0;
/// The class of the longest range.
inline constexpr unsigned length_class_max = 65;

[[nodiscard]] constexpr bool overlap(const range& a, const range& b) noexcept {
    return a.start < b.end && b.start < a.end;
}

[[nodiscard]] constexpr std::uint64_t length_of(const range& which) noexcept {
    return static_cast<std::uint64_t>(which.end) - static_cast<std::uint64_t>(which.start);
}

/// @return The length class, 1 to 65: the smallest c for which 2^(c - 1) is no less than the
///         length.
[[nodiscard]] constexpr unsigned length_class(const range& which) noexcept {
    return 1 + static_cast<unsigned>(std::bit_width(length_of(which) - 1));
}

/// @return The class in which a hold stands that was granted under `capacity`.
[[nodiscard]] constexpr unsigned class_of(const range& which, std::uint32_t capacity) noexcept {
    return capacity == 1 ? single_file : length_class(which);
}

/// @param length_class  1 to 65.
/// @return The first start that a hold of that class can have and reach beyond `start`.
[[nodiscard]] constexpr std::int64_t first_start(unsigned length_class,
                                                 std::int64_t start) noexcept {
    constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    if (length_class > 64) return lowest;
    const std::uint64_t reach = (std::uint64_t{1} << (length_class - 1)) - 1;
    const std::uint64_t room = length_of({.start = lowest, .end = start});
    if (reach >= room) return lowest;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(start) - reach);
}

/// How many units are taken within a range.
class usage {
public:
    explicit usage(const range& within) noexcept : within_(within) {}

    /// Takes in a hold, if it overlaps the range.
    void add(const range& which, std::uint32_t units) {
        if (!overlap(which, within_)) return;
        changes_.emplace_back(std::max(which.start, within_.start), std::int64_t{units});
        changes_.emplace_back(std::min(which.end, within_.end), -std::int64_t{units});
    }
    /// @return The most units that are taken at any point.
    [[nodiscard]] std::int64_t peak() {
        // What ends where another begins is sorted before it.
        std::sort(changes_.begin(), changes_.end());
        std::int64_t taken = 0;
        std::int64_t most = 0;
        for (const auto& [where, units] : changes_) {
            taken += units;
            most = std::max(most, taken);
        }
        return most;
    }

private:
    range within_;
    std::vector<std::pair<std::int64_t, std::int64_t>> changes_;
};

}  // namespace holdfast::core
