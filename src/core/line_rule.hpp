// SPDX-License-Identifier: BSL-1.0
//
// What it is: how long a place in a line lasts, and how often it is asked for again. Pure.
// Thread safety: pure functions.
#pragma once

#include <holdfast/clock.hpp>

#include <algorithm>
#include <chrono>

namespace holdfast::core {

/// The lease of a place: as long as the lock's own, but at most 5 s and what its holder needs to
/// stop, since a waiter that dies blocks those behind it for so long; and at least 300 ms, so that
/// nobody asks all the time.
[[nodiscard]] constexpr std::chrono::milliseconds place_lease(
    std::chrono::milliseconds ttl, std::chrono::nanoseconds stop_margin) noexcept {
    using namespace std::chrono_literals;
    const auto margin = std::chrono::ceil<std::chrono::milliseconds>(stop_margin);
    return std::max<std::chrono::milliseconds>(std::min(ttl, 5s + margin + margin / 2), 300ms);
}

/// When the place is asked for again that was asked for at `asked_at`: early enough that, whenever
/// the lock is handed over, two thirds of the lease are left, the stop margin aside.
[[nodiscard]] constexpr time_point ask_again_at(time_point asked_at,
                                                std::chrono::milliseconds lease,
                                                std::chrono::nanoseconds stop_margin) noexcept {
    return asked_at + (std::chrono::nanoseconds(lease) - stop_margin) / 3;
}

}  // namespace holdfast::core
