// SPDX-License-Identifier: BSL-1.0
//
// What it is: how long to pause before trying again. Pure.
// Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace holdfast::core {

/// @param failures  Attempts that failed in a row, from 1.
/// @param random    64 evenly distributed bits.
/// @return A pause drawn evenly from the upper half of a window that starts at `least`, doubles
///         with each failure and ends at `most`.
/// @par Source  "Exponential Backoff And Jitter", AWS Architecture Blog 2015: equal jitter.
[[nodiscard]] constexpr std::chrono::nanoseconds backoff_pause(unsigned failures,
                                                               std::chrono::nanoseconds least,
                                                               std::chrono::nanoseconds most,
                                                               std::uint64_t random) noexcept {
    const unsigned doublings = std::min(failures == 0 ? 0U : failures - 1, 20U);
    const auto window = std::min(most.count(), least.count() << doublings);
    const auto half = window / 2;
    if (half <= 0) return std::chrono::nanoseconds(std::max<std::int64_t>(window, 0));
    const auto drawn = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half + 1));
    return std::chrono::nanoseconds(window - half + drawn);
}

}  // namespace holdfast::core
