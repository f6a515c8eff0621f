// SPDX-License-Identifier: BSL-1.0
#include "port/wall_clock.hpp"

#include <time.h>

namespace holdfast::port {

std::chrono::microseconds wall_now() noexcept {
    timespec present{};
    ::clock_gettime(CLOCK_REALTIME, &present);
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::seconds(present.tv_sec) + std::chrono::nanoseconds(present.tv_nsec));
}

}  // namespace holdfast::port
