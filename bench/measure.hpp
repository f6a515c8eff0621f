// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the benchmarks measure with: a clock, the process' CPU time and allocations, and
// a histogram of durations that allocates nothing.
// Thread safety: free functions; a histogram belongs to one thread, or to memory that one process
// writes and others read when it is done.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace holdfast::bench {

/// @return Nanoseconds on CLOCK_MONOTONIC, which all processes of a machine share.
[[nodiscard]] std::int64_t nanoseconds_now() noexcept;
/// @return Seconds of CPU that this process has used, in the kernel too.
[[nodiscard]] double cpu_seconds() noexcept;
/// @return How often operator new was called so far, in all threads.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// @return The one in the middle; 0 if there is none.
[[nodiscard]] double median(std::vector<double> values);

/// Counts durations in buckets that are 1/32 of their value wide.
class histogram {
public:
    void add(std::int64_t nanoseconds) noexcept;
    void add(const histogram& other) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// @return The duration in µs below which this share, 0 to 1, of all lies.
    [[nodiscard]] double microseconds_at(double share) const noexcept;

private:
    static constexpr unsigned fine_bits = 5;
    static constexpr std::size_t size = (64 - fine_bits + 1) << fine_bits;
    std::array<std::uint64_t, size> buckets_{};
    std::uint64_t count_{0};
};

}  // namespace holdfast::bench
