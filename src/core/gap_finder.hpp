// SPDX-License-Identifier: BSL-1.0
//
// What it is: finds the first range of a length that has room, from a key's holds as they come, in
// the order of their starts. Pure.
// Thread safety: none; plain state.
// Invariants: all holds that were taken in start at or before the next one; so what is free before
// that one's start stays free.
#pragma once

#include <holdfast/range.hpp>

#include "core/range_rule.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

namespace holdfast::core {

/// See the top of the file.
class gap_finder {
public:
    /// @param length  Above 0. @param units  What is to fit in beside what is taken.
    gap_finder(const range& window, std::int64_t length, std::uint32_t units,
               std::uint32_t capacity) noexcept
        : window_(window),
          length_(static_cast<std::uint64_t>(length)),
          room_(std::int64_t{capacity} - std::int64_t{units}),
          gap_start_(window.start) {}

    /// @return The first gap, if it is known now, with the next hold at hand.
    [[nodiscard]] std::optional<range> before(const range& next, std::uint32_t units) {
        if (room_ < 0) return std::nullopt;
        const auto found = free_until(std::min(next.start, window_.end));
        if (found || !overlap(next, window_)) return found;
        taken_ += units;
        ends_[next.end] += units;
        if (taken_ > room_) open_ = false;
        return std::nullopt;
    }
    /// @return The first gap, with no hold left.
    [[nodiscard]] std::optional<range> at_end() {
        if (room_ < 0) return std::nullopt;
        return free_until(window_.end);
    }

private:
    /// Goes on to `where`, up to which nothing begins.
    std::optional<range> free_until(std::int64_t where) {
        while (!ends_.empty() && ends_.begin()->first <= where) {
            const auto [end, units] = *ends_.begin();
            if (auto found = gap_up_to(end)) return found;
            ends_.erase(ends_.begin());
            taken_ -= units;
            if (!open_ && taken_ <= room_) {
                open_ = true;
                gap_start_ = end;
            }
        }
        return gap_up_to(where);
    }
    [[nodiscard]] std::optional<range> gap_up_to(std::int64_t where) const {
        if (!open_ || where <= gap_start_) return std::nullopt;
        if (length_of({.start = gap_start_, .end = where}) < length_) return std::nullopt;
        const auto end = static_cast<std::uint64_t>(gap_start_) + length_;
        return range{.start = gap_start_, .end = static_cast<std::int64_t>(end)};
    }

    range window_;
    std::uint64_t length_;
    std::int64_t room_;
    std::int64_t gap_start_;  // From here on there is room, if `open_`.
    bool open_{true};
    std::int64_t taken_{0};
    std::map<std::int64_t, std::int64_t> ends_;  // Units by where they become free.
};

}  // namespace holdfast::core
