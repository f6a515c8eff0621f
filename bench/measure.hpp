// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the benchmarks measure with: a clock, the process' CPU time and allocations, and
// the histogram of durations that the program `holdfast` has too.
// Thread safety: free functions.
#pragma once

#include "cli/histogram.hpp"

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

using cli::histogram;

}  // namespace holdfast::bench
