// SPDX-License-Identifier: BSL-1.0
#include "measure.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>

namespace holdfast::bench {

std::int64_t nanoseconds_now() noexcept {
    timespec present{};
    ::clock_gettime(CLOCK_MONOTONIC, &present);
    return present.tv_sec * 1'000'000'000LL + present.tv_nsec;
}

double cpu_seconds() noexcept {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace holdfast::bench
