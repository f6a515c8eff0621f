// SPDX-License-Identifier: BSL-1.0
//
// What it is: how long a lease may be trusted, as pure functions.
// Thread safety: pure functions.
#pragma once

#include <holdfast/clock.hpp>

#include <algorithm>
#include <chrono>

namespace holdfast::core {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// How much of a ttl is given up to clocks that run at different rates, and to the store's
/// granularity of a millisecond.
/// @par Source  Redlock, redis.io "Distributed locks": CLOCK_DRIFT; 2 ms as its implementations.
[[nodiscard]] constexpr nanoseconds drift_of(milliseconds ttl, double factor) noexcept {
    const auto ttl_ns = static_cast<double>(nanoseconds(ttl).count());
    return nanoseconds(static_cast<nanoseconds::rep>(ttl_ns * factor)) + milliseconds(2);
}

/// @param sent  Taken before the first byte of the request was sent: the server cannot have counted
///              the ttl from any earlier instant.
/// @return The instant past which the lease must be taken for somebody else's.
[[nodiscard]] constexpr time_point valid_until(time_point sent, milliseconds ttl,
                                               double factor) noexcept {
    return sent + ttl - drift_of(ttl, factor);
}

/// @return How long before the end of validity a holder is told, unless it says otherwise.
[[nodiscard]] constexpr nanoseconds default_stop_margin(milliseconds ttl) noexcept {
    return std::min<nanoseconds>(nanoseconds(ttl) / 10, std::chrono::seconds(1));
}

/// @return The longest stop margin that leaves room for a renewal and a retry before it.
[[nodiscard]] constexpr milliseconds stop_margin_max(milliseconds ttl) noexcept {
    return ttl / 2 + ttl / 10;
}

/// @return `start + length`, or the end of time where that does not fit.
[[nodiscard]] constexpr time_point saturating_add(time_point start, milliseconds length) noexcept {
    const auto room = std::chrono::duration_cast<milliseconds>(time_point::max() - start);
    return length >= room ? time_point::max() : start + length;
}

}  // namespace holdfast::core
