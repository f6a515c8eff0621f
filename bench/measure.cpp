// SPDX-License-Identifier: BSL-1.0
#include "measure.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <bit>

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

void histogram::add(std::int64_t nanoseconds) noexcept {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0));
    // Below 2^fine_bits each value has a bucket; above, its first fine_bits + 1 digits choose it.
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > fine_bits + 1 ? width - fine_bits - 1 : 0;
    ++buckets_[(shift << fine_bits) + (value >> shift)];
    ++count_;
}

void histogram::add(const histogram& other) noexcept {
    for (std::size_t i = 0; i < size; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
}

double histogram::microseconds_at(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < size; ++i) {
        seen += buckets_[i];
        if (seen <= wanted) continue;
        const std::size_t shift = (i >> fine_bits) > 1 ? (i >> fine_bits) - 1 : 0;
        const std::size_t digits = i - (shift << fine_bits);
        return static_cast<double>(digits << shift) / 1e3;
    }
    return 0;
}

}  // namespace holdfast::bench
