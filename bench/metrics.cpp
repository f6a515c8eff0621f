// SPDX-License-Identifier: BSL-1.0
//
// The question: which part of a lone caller's time goes into counting? Prints a JSON object on
// standard output and the same as a table on standard error.
//
// One operation is an acquire and a release. They are measured in turn with what the engine counts
// for one, by the same code and nothing else, five slices each of a tenth of `--seconds`. What is
// told are the medians, and as the share the median of those of neighbouring slices. Counting in a
// loop of its own has its numbers at hand always; `callgrind` (docs/internals/performance.md) says
// what it is in place.
#include <holdfast/holdfast.hpp>

#include "arguments.hpp"
#include "lock/meter.hpp"
#include "measure.hpp"
#include "record.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace {

using namespace holdfast::bench;

constexpr int slices = 5;

/// @return How long one operation takes, in nanoseconds; below zero if one failed.
double time_pairs(holdfast::locker& locks, double seconds) {
    const std::int64_t begin = nanoseconds_now();
    const std::int64_t until = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t pairs = 0;
    while (nanoseconds_now() < until) {
        auto held = locks.acquire("bench");
        if (!held || !held->release()) return -1;
        ++pairs;
    }
    return static_cast<double>(nanoseconds_now() - begin) / static_cast<double>(pairs);
}

/// As the engine does for one acquisition and its release.
void count_pair(holdfast::lock::meter& counted, std::chrono::nanoseconds took) {
    counted.attempts.add();
    counted.wait_time.add(took);
    counted.hold_time.add(took * 3);
    counted.releases.add();
}

/// @return How long that takes, in nanoseconds.
double time_counting(holdfast::lock::meter& counted, double seconds) {
    constexpr int rounds = 10'000;
    const std::int64_t begin = nanoseconds_now();
    const std::int64_t until = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t pairs = 0;
    while (nanoseconds_now() < until) {
        // Of all sizes, so that no branch is always the same.
        for (int i = 1; i <= rounds; ++i)
            count_pair(counted, std::chrono::nanoseconds((i * 7919LL) % 1'000'003));
        pairs += rounds;
    }
    return static_cast<double>(nanoseconds_now() - begin) / static_cast<double>(pairs);
}

int run(const std::string& url, double seconds) {
    holdfast::locker locks(url);
    const auto counted = std::make_unique<holdfast::lock::meter>();
    const double slice = seconds / (2 * slices);
    std::vector<double> pairs, counting, shares;
    static_cast<void>(time_pairs(locks, 0.2));
    for (int i = 0; i < slices; ++i) {
        pairs.push_back(time_pairs(locks, slice));
        counting.push_back(time_counting(*counted, slice));
        if (pairs.back() < 0) {
            std::fputs("metrics: an operation failed\n", stderr);
            return 1;
        }
        shares.push_back(counting.back() / pairs.back());
    }
    record line("metrics");
    line.add("store", url).add("ops_per_s", 1e9 / median(pairs), 0);
    line.add("pair_ns", median(pairs), 0).add("counting_ns", median(counting), 1);
    line.add("counting_share", median(shares), 4);
    line.print();
    return 0;
}

}  // namespace

int main(int count, char** values) {
    arguments given(count, values, "metrics --store URL [--seconds S]");
    const std::string url = given.text("--store");
    const double seconds = given.number("--seconds", 5);
    given.all_read();
    if (url.empty()) given.refuse("--store is missing");
    return run(url, seconds);
}
