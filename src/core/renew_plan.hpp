// SPDX-License-Identifier: BSL-1.0
//
// What it is: when a held lease is renewed, how long an attempt may take, and when its holder is
// told to stop. Pure.
// Thread safety: pure functions.
#pragma once

#include <holdfast/clock.hpp>

#include "core/backoff.hpp"
#include "core/lease_math.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace holdfast::core {

/// When the first attempt at the next renewal starts: a third of the ttl after the last one that
/// succeeded was sent, so that two more thirds are left for retries and for stopping.
[[nodiscard]] constexpr time_point renew_at(time_point sent, milliseconds ttl) noexcept {
    return sent + nanoseconds(ttl) / 3;
}

/// When an attempt at a renewal gives up: a quarter of the ttl, so that one that hangs on a dead
/// connection leaves time for another, but never past the instant at which the holder is told.
[[nodiscard]] constexpr time_point attempt_until(time_point now, milliseconds ttl,
                                                 milliseconds timeout,
                                                 time_point stop_by) noexcept {
    const time_point patience = now + std::min<nanoseconds>(timeout, nanoseconds(ttl) / 4);
    return std::min(patience, stop_by);
}

/// When the next attempt follows one that failed: growing and jittered, from a fiftieth to a tenth
/// of the ttl, at most a second.
[[nodiscard]] constexpr time_point retry_at(time_point now, milliseconds ttl, unsigned failures,
                                            std::uint64_t random) noexcept {
    const nanoseconds most = std::min<nanoseconds>(nanoseconds(ttl) / 10, std::chrono::seconds(1));
    return now + backoff_pause(failures, nanoseconds(ttl) / 50, most, random);
}

}  // namespace holdfast::core
