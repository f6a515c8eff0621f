// SPDX-License-Identifier: BSL-1.0
#include "core/range_rule.hpp"

#include "core/gap_finder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace holdfast::core {
namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

TEST(overlap, is_half_open) {
    EXPECT_TRUE(overlap({0, 10}, {9, 20}));
    EXPECT_TRUE(overlap({0, 10}, {3, 4}));
    EXPECT_TRUE(overlap({0, 10}, {0, 10}));
    EXPECT_FALSE(overlap({0, 10}, {10, 20}));
    EXPECT_FALSE(overlap({10, 20}, {0, 10}));
    EXPECT_TRUE(overlap({lowest, highest}, {highest - 1, highest}));
}

TEST(length_class, is_the_smallest_power_of_two_that_holds_the_length) {
    EXPECT_EQ(length_class({0, 1}), 1U);
    EXPECT_EQ(length_class({0, 2}), 2U);
    EXPECT_EQ(length_class({0, 3}), 3U);
    EXPECT_EQ(length_class({0, 4}), 3U);
    EXPECT_EQ(length_class({0, 5}), 4U);
    EXPECT_EQ(length_class({-4, 4}), 4U);
    EXPECT_EQ(length_class({lowest, 0}), 64U);
    EXPECT_EQ(length_class({lowest, 1}), 65U);
    EXPECT_EQ(length_class({lowest, highest}), length_class_max);
}

// Why: a hold that is missed here is a double booking.
// How: the longest hold of each class that just reaches a point begins at the first start, and one
// that begins a tick earlier does not reach it.
TEST(first_start, misses_no_hold_and_looks_no_further) {
    for (unsigned which = 1; which < 64; ++which) {
        const std::int64_t length = std::int64_t{1} << (which - 1);
        const std::int64_t first = first_start(which, 1000);
        EXPECT_TRUE(overlap({first, first + length}, {1000, 1001})) << which;
        EXPECT_FALSE(overlap({first - 1, first - 1 + length}, {1000, 1001})) << which;
        EXPECT_EQ(length_class({first, first + length}), which);
    }
    EXPECT_EQ(first_start(65, 1000), lowest);
    EXPECT_EQ(first_start(64, lowest + 5), lowest);
    EXPECT_EQ(first_start(10, lowest + 5), lowest);
    EXPECT_EQ(first_start(64, highest), 0);
    EXPECT_EQ(first_start(1, lowest), lowest);
}

TEST(usage, counts_what_is_taken_at_once_and_not_in_all) {
    usage taken({0, 100});
    taken.add({0, 50}, 2);
    taken.add({50, 100}, 3);
    EXPECT_EQ(taken.peak(), 3) << "what ends makes room for what begins";
    taken.add({49, 51}, 1);
    EXPECT_EQ(taken.peak(), 4);
    taken.add({100, 200}, 9);
    taken.add({lowest, 0}, 9);
    EXPECT_EQ(taken.peak(), 4) << "outside";
    taken.add({lowest, highest}, 1);
    EXPECT_EQ(taken.peak(), 5);
}

std::optional<range> find(gap_finder finder, std::initializer_list<range_hold> holds) {
    for (const range_hold& one : holds)
        if (auto found = finder.before({one.start, one.end}, one.units)) return found;
    return finder.at_end();
}

TEST(gap_finder, finds_the_first_gap_that_is_long_enough) {
    const gap_finder ten({0, 100}, 10, 1, 1);
    EXPECT_EQ(find(ten, {}), (range{0, 10}));
    EXPECT_EQ(find(ten, {{.start = 5, .end = 20}, {.start = 29, .end = 40}}), (range{40, 50}));
    EXPECT_EQ(find(ten, {{.start = -5, .end = 20}, {.start = 30, .end = 40}}), (range{20, 30}));
    EXPECT_EQ(find(ten, {{.start = 9, .end = 91}}), std::nullopt);
    EXPECT_EQ(find(ten, {{.start = 9, .end = 90}}), (range{90, 100}));
    EXPECT_EQ(find(ten, {{.start = lowest, .end = highest}}), std::nullopt);
    const gap_finder all({lowest, highest}, highest, 1, 1);
    EXPECT_EQ(find(all, {}), (range{lowest, -1}));
    EXPECT_EQ(find(all, {{.start = lowest, .end = 0}}), (range{0, highest}));
    EXPECT_EQ(find(all, {{.start = -2, .end = 1}}), std::nullopt);
}

TEST(gap_finder, counts_units) {
    const gap_finder two({0, 100}, 10, 2, 3);
    EXPECT_EQ(find(two, {{.start = 0, .end = 50}}), (range{0, 10}));
    EXPECT_EQ(find(two, {{.start = 0, .end = 50}, {.start = 5, .end = 30}}), (range{30, 40}));
    EXPECT_EQ(find(two, {{.start = 0, .end = 50, .units = 2}, {.start = 40, .end = 60}}),
              (range{50, 60}));
    EXPECT_EQ(find(gap_finder({0, 100}, 10, 4, 3), {}), std::nullopt);
}

}  // namespace
}  // namespace holdfast::core
