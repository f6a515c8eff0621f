// SPDX-License-Identifier: BSL-1.0
//
// What it is: how much of a lease `run` keeps back in order to end CMD in time.
//
//   start                              term_at          kill_at        valid_until
//     |--- renewals at a third of the ttl ---|--- grace ---|-- kill margin --|
//
// Thread safety: pure functions.
#pragma once

#include <holdfast/clock.hpp>

#include "boot_time.hpp"

#include <algorithm>
#include <chrono>

namespace holdfast::cli {

/// The two parts of a lease that are kept back at its end.
struct stop_plan {
    std::chrono::milliseconds grace{0};        ///< From SIGTERM to SIGKILL.
    std::chrono::milliseconds kill_margin{0};  ///< From SIGKILL to the end of validity.

    [[nodiscard]] std::chrono::milliseconds whole() const noexcept { return grace + kill_margin; }
    [[nodiscard]] boot_time term_at(time_point valid_until) const noexcept {
        return valid_until.time_since_epoch() - whole();
    }
    [[nodiscard]] boot_time kill_at(time_point valid_until) const noexcept {
        return valid_until.time_since_epoch() - kill_margin;
    }
};

/// @return A quarter of `ttl`, at most 5 s.
[[nodiscard]] constexpr std::chrono::milliseconds default_grace(std::chrono::milliseconds ttl) {
    return std::min(ttl / 4, std::chrono::milliseconds{5000});
}

/// @return A twentieth of `ttl`, 20 ms to 500 ms, but never over a tenth: together with the longest
///         grace, a half, it stays within what `acquire_options::stop_margin` may be.
[[nodiscard]] constexpr std::chrono::milliseconds kill_margin_of(std::chrono::milliseconds ttl) {
    using std::chrono::milliseconds;
    return std::min(std::clamp(ttl / 20, milliseconds{20}, milliseconds{500}), ttl / 10);
}

}  // namespace holdfast::cli
