// SPDX-License-Identifier: BSL-1.0
//
// What it is: CLOCK_BOOTTIME, on which the library measures validity, for the guardian, which must
// not depend on anything but the kernel.
// Thread safety: pure functions.
#pragma once

#include <sys/timerfd.h>
#include <time.h>

#include <chrono>
#include <cstdint>

namespace holdfast::cli {

/// Time since the machine was started. The same clock as `holdfast::boot_clock`.
using boot_time = std::chrono::nanoseconds;

/// Later than anything that happens.
inline constexpr boot_time never = boot_time::max();

[[nodiscard]] inline timespec to_timespec(boot_time when) noexcept {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    return {static_cast<time_t>(seconds.count()), static_cast<long>((when - seconds).count())};
}

[[nodiscard]] inline boot_time boot_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// The wall clock, to be shown: milliseconds since 1970.
[[nodiscard]] inline std::int64_t wall_now_ms() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

/// Sets the timer `fd` (of CLOCK_BOOTTIME) to `when`; at once if that is over, off if `never`.
inline void set_timer(int fd, boot_time when) noexcept {
    itimerspec setting{};  // All zero switches the timer off.
    if (when != never) setting.it_value = to_timespec(when < boot_time{1} ? boot_time{1} : when);
    ::timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, nullptr);
}

}  // namespace holdfast::cli
