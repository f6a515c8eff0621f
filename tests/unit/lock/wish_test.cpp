// SPDX-License-Identifier: BSL-1.0
//
// What a range is asked for with goes through the engine as the name of a lock, and comes out of it
// as it went in.
#include "range/wish.hpp"

#include <gtest/gtest.h>

namespace holdfast::ranges {
namespace {

using namespace std::string_literals;

range_options with_id(std::string id) {
    range_options how;
    how.owner = "o\0wner"s;
    how.id = std::move(id);
    how.data = "d\0ata"s;
    how.capacity = 3;
    return how;
}

TEST(wish, has_all_that_was_asked_for) {
    const std::string wish = to_wish("r\0om"s, {-5, 7}, 2, with_id("order 7"));
    EXPECT_EQ(key_of(wish), "r\0om"s);
    EXPECT_EQ(id_of(wish), "order 7");
    const range_claim read = from_wish(wish);
    EXPECT_EQ(read.key, "r\0om"s);
    EXPECT_EQ(read.start, -5);
    EXPECT_EQ(read.end, 7);
    EXPECT_EQ(read.units, 2U);
    EXPECT_EQ(read.capacity, 3U);
    EXPECT_EQ(read.owner, "o\0wner"s);
    EXPECT_EQ(read.data, "d\0ata"s);
    EXPECT_EQ(read.id, "") << "it goes beside the wish";
}

TEST(wish, tells_an_id_from_what_is_beside_it) {
    EXPECT_EQ(id_of(to_wish("room", {0, 1}, 1, with_id(""))), "");
    EXPECT_EQ(id_of(wish_for("room")), "");
    EXPECT_EQ(key_of(wish_for("room")), "room");
    EXPECT_EQ(key_of("no wish"), "");
}

}  // namespace
}  // namespace holdfast::ranges
