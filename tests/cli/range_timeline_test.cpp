// SPDX-License-Identifier: BSL-1.0
//
// What it is: the picture that `holdfast range list` draws on a terminal.
#include "../../apps/cli/range_timeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

range_hold hold(std::int64_t start, std::int64_t end, bool permanent = false) {
    range_hold one;
    one.start = start;
    one.end = end;
    one.permanent = permanent;
    return one;
}

TEST(timeline, draws_what_does_not_overlap_in_one_row) {
    EXPECT_EQ(draw_timeline({hold(0, 4), hold(4, 6, true), hold(8, 10)}, everything, 10, false),
              "0       10\n"
              "▒▒▒░█▌  ▒░\n");
}

TEST(timeline, draws_what_overlaps_in_rows_of_its_own) {
    EXPECT_EQ(draw_timeline({hold(0, 6), hold(2, 4), hold(4, 10), hold(6, 8)}, {0, 20}, 20, false),
              "0                 20\n"
              "▒▒▒▒▒░▒░\n"
              "  ▒░▒▒▒▒▒░\n");
}

TEST(timeline, ends_at_the_window) {
    EXPECT_EQ(draw_timeline({hold(-50, 2), hold(9, 50)}, {0, 10}, 10, false),
              "0       10\n"
              "▒░       ░\n");
}

TEST(timeline, shows_the_shortest_hold_and_several_in_one_column) {
    EXPECT_EQ(draw_timeline({hold(0, 1), hold(500, 501), hold(501, 502)}, {0, 1000}, 10, false),
              "0     1000\n"
              "░    +\n");
    EXPECT_EQ(draw_timeline({hold(999, 1000)}, {0, 1000}, 10, false), "0     1000\n         ░\n");
}

TEST(timeline, tells_instants) {
    EXPECT_EQ(draw_timeline({hold(0, 1000)}, {0, 2000}, 44, true),
              "1970-01-01T00:00:00Z    1970-01-01T00:00:02Z\n"
              "▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░\n");
}

TEST(timeline, takes_all_numbers_there_are_and_any_width) {
    EXPECT_EQ(draw_timeline({hold(everything.start, 0), hold(0, everything.end, true)}, everything,
                            4, false),
              "-9223372036854775808 9223372036854775807\n"
              "▒░█▌\n");
    EXPECT_EQ(draw_timeline({hold(1, 2), hold(3, 4)}, everything, 1, false), "1 4\n+\n");
}

TEST(timeline, has_at_most_20_lines_and_says_what_is_left_out) {
    std::vector<range_hold> many(30, hold(0, 10));
    many.push_back(hold(10, 12));
    const auto text = draw_timeline(many, everything, 12, false);
    EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')),
              timeline_lines_max);
    EXPECT_TRUE(text.ends_with("… and 12 more, on top of these\n")) << text;
    EXPECT_TRUE(text.starts_with("0         12\n▒▒▒▒▒▒▒▒▒░▒░\n▒▒▒▒▒▒▒▒▒░\n")) << text;
}

}  // namespace
}  // namespace holdfast::cli
