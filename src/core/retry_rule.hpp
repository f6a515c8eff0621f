// SPDX-License-Identifier: BSL-1.0
//
// What it is: how often and how far apart an acquisition tries, where that is counted instead of
// being timed: the rule of the facades, whose originals poll.
// Thread safety: plain values and pure functions.
#pragma once

#include "core/lease_math.hpp"

#include <cstdint>

namespace holdfast::core {

/// Tries at most `attempts_max` times, `delay` apart, each pause up to `jitter` longer or shorter.
struct retry_rule {
    std::uint64_t attempts_max{0};  ///< 0: without end.
    milliseconds delay{0};
    milliseconds jitter{0};
    bool errors_end{false};  ///< Only a lock that is held is tried again, not a store that is down.
};

/// @param random  Any 64 bits.
/// @return A pause, evenly spread over [delay - jitter, delay + jitter], never below 0.
[[nodiscard]] constexpr nanoseconds retry_pause(const retry_rule& rule,
                                                std::uint64_t random) noexcept {
    const auto spread = static_cast<std::uint64_t>(nanoseconds(rule.jitter).count());
    const nanoseconds shift(static_cast<nanoseconds::rep>(random % (2 * spread + 1)));
    return std::max(nanoseconds(rule.delay) - rule.jitter + shift, nanoseconds{0});
}

}  // namespace holdfast::core
