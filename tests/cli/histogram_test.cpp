// SPDX-License-Identifier: BSL-1.0
//
// What it is: the durations that `holdfast bench` counts.
#include "../../apps/cli/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace holdfast::cli {
namespace {

TEST(histogram, of_nothing_tells_zero) {
    const histogram none;
    EXPECT_EQ(none.count(), 0U);
    EXPECT_EQ(none.microseconds_at(0.5), 0);
}

// Why: buckets are as wide as a 32nd of what they count, whatever the magnitude.
// How: one duration of each magnitude, alone.
TEST(histogram, tells_each_duration_to_a_32nd) {
    for (std::int64_t ns = 1; ns < 4'000'000'000'000; ns = ns * 3 + 1) {
        histogram one;
        one.add(ns);
        const double told = one.microseconds_at(0.5) * 1e3;
        EXPECT_LE(told, static_cast<double>(ns));
        EXPECT_GE(told, static_cast<double>(ns) * 31 / 32) << ns;
    }
}

TEST(histogram, tells_below_which_duration_a_share_lies) {
    histogram all;
    for (std::int64_t us = 1; us <= 100; ++us) all.add(us * 1000);
    EXPECT_NEAR(all.microseconds_at(0.5), 51, 2);
    EXPECT_NEAR(all.microseconds_at(0.99), 100, 4);
}

TEST(histogram, adds_up) {
    histogram fast;
    histogram slow;
    for (int i = 0; i < 10; ++i) fast.add(1000);
    for (int i = 0; i < 30; ++i) slow.add(9000);
    fast.add(slow);
    EXPECT_EQ(fast.count(), 40U);
    EXPECT_NEAR(fast.microseconds_at(0.2), 1, 0.1);
    EXPECT_NEAR(fast.microseconds_at(0.5), 9, 0.3);
}

TEST(histogram, takes_the_least_and_the_most_there_is) {
    histogram odd;
    odd.add(-5);
    odd.add(std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(odd.count(), 2U);
    EXPECT_EQ(odd.microseconds_at(0), 0);
}

}  // namespace
}  // namespace holdfast::cli
