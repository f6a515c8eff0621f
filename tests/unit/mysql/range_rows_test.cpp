// SPDX-License-Identifier: BSL-1.0
#include "mysql/range_rows.hpp"

#include <gtest/gtest.h>

namespace holdfast::mysql {
namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

hold_row hold_of(std::int64_t starts, std::int64_t ends, std::int64_t units = 1) {
    hold_row row;
    row.starts = starts;
    row.ends = ends;
    row.units = units;
    return row;
}

TEST(class_of, is_zero_where_there_is_room_for_one_and_else_goes_by_the_length) {
    EXPECT_EQ(class_of({0, 1000}, 1), 0);
    EXPECT_EQ(class_of({5, 6}, 2), 1);
    EXPECT_EQ(class_of({5, 7}, 2), 2);
    EXPECT_EQ(class_of({5, 8}, 2), 3);
    EXPECT_EQ(class_of({5, 9}, 2), 3);
    EXPECT_EQ(class_of({5, 10}, 2), 4);
    EXPECT_EQ(class_of({0, std::int64_t{1} << 61}, 2), 62);
    EXPECT_EQ(class_of({0, (std::int64_t{1} << 61) + 1}, 2), 63);
    EXPECT_EQ(class_of({lowest, highest}, 2), longest_class);
}

// Why: a hold that is missed is a double booking. How: every length that a class may have.
TEST(lowest_start, leaves_out_no_hold_that_overlaps) {
    for (int c = 1; c < longest_class; ++c) {
        const std::int64_t longest = std::int64_t{1} << (c - 1);
        for (const std::int64_t start : {std::int64_t{0}, lowest, lowest + longest, highest - 1}) {
            const range where{start, start + 1};
            const std::int64_t from = lowest_start(where, c);
            const bool at_the_end = start < lowest + longest;
            EXPECT_LE(from, at_the_end ? lowest : start - longest + 1) << c;
        }
    }
    EXPECT_EQ(lowest_start({highest - 1, highest}, longest_class), lowest);
}

TEST(classes_of, tells_zero_and_those_that_were_used) {
    key_row key;
    EXPECT_EQ(classes_of(key), (std::vector<int>{0}));
    key.classes = class_bit(1) | class_bit(7) | class_bit(longest_class) | class_bit(0);
    EXPECT_EQ(classes_of(key), (std::vector<int>{0, 1, 7, longest_class}));
}

TEST(fits, counts_what_is_there_at_each_point) {
    const std::vector<hold_row> others{hold_of(0, 10), hold_of(10, 20), hold_of(5, 15, 2)};
    EXPECT_TRUE(fits(others, {0, 20}, 1, 4));
    EXPECT_FALSE(fits(others, {0, 20}, 1, 3));
    EXPECT_TRUE(fits({}, {lowest, highest}, 3, 3));
    EXPECT_FALSE(fits({}, {0, 1}, 4, 3));
    const std::vector<hold_row> wide{hold_of(lowest, highest, 2)};
    EXPECT_TRUE(fits(wide, {highest - 1, highest}, 1, 3));
    EXPECT_FALSE(fits(wide, {lowest, lowest + 1}, 2, 3));
}

TEST(tell_hold, rounds_what_is_left_up_and_shows_no_end_of_what_is_permanent) {
    hold_row row = hold_of(1, 2);
    row.expires = 1'000'001;
    EXPECT_EQ(tell_hold("k", row, 1'000'000).remaining.count(), 1);
    EXPECT_EQ(tell_hold("k", row, 1).remaining.count(), 1000);
    row.expires = permanent_expiry;
    EXPECT_TRUE(tell_hold("k", row, 1).permanent);
    EXPECT_EQ(tell_hold("k", row, 1).remaining.count(), 0);
}

}  // namespace
}  // namespace holdfast::mysql
