// SPDX-License-Identifier: BSL-1.0
#include "histogram.hpp"

#include <algorithm>
#include <bit>

namespace holdfast::cli {

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

}  // namespace holdfast::cli
