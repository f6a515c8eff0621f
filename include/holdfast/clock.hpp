// SPDX-License-Identifier: BSL-1.0
//
// What it is: the clock on which every lease is measured.
// Thread safety: all functions may be called from any thread.
#pragma once

#include <chrono>

namespace holdfast {

/// CLOCK_BOOTTIME: steady, never stepped, and it goes on while the machine is suspended, as the
/// server's clock does. `std::chrono::steady_clock` stands still then, and would take a lock for
/// valid that ran out during the sleep.
struct boot_clock {
    /// What a clock of the standard library names.
    /// @{
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<boot_clock>;
    static constexpr bool is_steady = true;
    /// @}

    /// @return The time since the machine was started, time in suspension included.
    [[nodiscard]] static time_point now() noexcept;
};

/// A point on `boot_clock`. Means nothing on another machine, or after a restart of this one.
using time_point = boot_clock::time_point;

}  // namespace holdfast
