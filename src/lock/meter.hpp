// SPDX-License-Identifier: BSL-1.0
//
// What it is: where an engine counts. It is on the way of every acquisition and release, so a
// number costs a load and a store: no two threads count at the same time.
// Thread safety: `read` may be called from any thread; the others belong to the engine's executor.
#pragma once

#include <holdfast/statistics.hpp>

#include "core/duration_buckets.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace holdfast::lock {

/// A number that only rises.
class tally {
public:
    void add(std::uint64_t more = 1) noexcept {
        value_.store(read() + more, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// Where durations are counted.
class duration_tally {
public:
    void add(std::chrono::nanoseconds took) noexcept {
        counts_[core::bucket_of(took)].add();
        if (took.count() > 0) sum_.add(static_cast<std::uint64_t>(took.count()));
    }
    [[nodiscard]] duration_histogram read() const noexcept {
        duration_histogram all;
        for (std::size_t i = 0; i < counts_.size(); ++i) all.counts[i] = counts_[i].read();
        all.sum = std::chrono::nanoseconds(sum_.read());
        return all;
    }

private:
    std::array<tally, duration_histogram::bounds.size() + 1> counts_{};
    tally sum_{};  // Nanoseconds.
};

/// A number for each value of `Enum`.
template <class Enum, class Counts>
class tallies {
public:
    void add(Enum which) noexcept {
        const auto index = static_cast<std::size_t>(which);
        if (index < all_.size()) all_[index].add();
    }
    [[nodiscard]] Counts read() const noexcept {
        Counts counts{};
        for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = all_[i].read();
        return counts;
    }

private:
    std::array<tally, Counts{}.size()> all_{};
};
using errc_tallies = tallies<errc, errc_counts>;
using lost_reason_tallies = tallies<lost_reason, lost_reason_counts>;

/// See the top of the file. The names are those of `lock_statistics`.
struct meter {
    tally attempts{}, refusals{}, adoptions{}, passes{};
    tally renewals{}, renewal_failures{}, releases{}, releases_in_doubt{};
    errc_tallies failures_by{}, errors_by{};
    lost_reason_tallies losses_by{};
    duration_tally wait_time{}, vain_wait_time{}, hold_time{}, renewal_margin{};

    [[nodiscard]] lock_statistics read() const;
};

}  // namespace holdfast::lock
