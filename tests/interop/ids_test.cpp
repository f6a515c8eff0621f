// SPDX-License-Identifier: BSL-1.0
//
// What an id of the one side is worth on the other. Each test runs with either as the holder.
#include "interop/stage.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using ids = interop_test;
INSTANTIATE_TEST_SUITE_P(interop, ids, testing::ValuesIn(all_settings()), name_of);

// Warlock's is the base64 of a UUID of version 1: its 13th hex digit is a 1, which the ninth letter
// tells, and its variant is told by the eleventh.
const char* shape_of(package which) {
    if (which == package::warlock)
        return "[A-Za-z0-9+/]{8}[E-H][A-Za-z0-9+/][CGKOSWaeimquy26+][A-Za-z0-9+/]{10}[AQgw]==";
    return which == package::dist_lock_2 ? "c[a-z0-9]{24}" : "[0-9a-f]{32}";
}

// Why: who reads the keys of the one side must be able to read those of the other.
TEST_P(ids, stand_under_the_same_key_in_the_same_shape_and_alone) {
    const package which = GetParam().which;
    auto held = holder().take({"some name"}, long_ttl);
    ASSERT_TRUE(held);
    ASSERT_TRUE(stage_->held_everywhere("some name"));
    const std::string key = stage_->key_of("some name");
    for (std::size_t i = 0; i < GetParam().servers; ++i) {
        EXPECT_EQ(stage_->text(i, {"TYPE", key}),
                  which == package::dist_lock_2 ? "hash" : "string");
        EXPECT_EQ(stage_->number(i, {"DBSIZE"}), 1) << "there is a key beside the lock's";
    }
    EXPECT_THAT(stage_->id_of("some name"), testing::MatchesRegex(shape_of(which)));
    EXPECT_EQ(stage_->id_of("some name"), held->id);
    EXPECT_LE(stage_->time_left("some name"), long_ttl);
    EXPECT_GT(stage_->time_left("some name"), long_ttl - 60s);
    if (which != package::dist_lock_2) return;
    EXPECT_EQ(stage_->number(0, {"HLEN", key}), 2);
    EXPECT_EQ(stage_->text(0, {"HGET", key, "owner"}), "interop");
}

// How: ids that are wrong in one letter, of an earlier lock, and of another lock.
TEST_P(ids, that_are_wrong_release_and_extend_nothing) {
    auto earlier = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(earlier && earlier->release());
    ASSERT_TRUE(stage_->gone_everywhere("a"));
    auto held = holder().take({"a"}, 60s);
    auto elsewhere = other().take({"b"}, long_ttl);
    ASSERT_TRUE(held && elsewhere);
    std::string altered = held->id;
    altered.at(3) = altered.at(3) == 'b' ? 'd' : 'b';
    for (const std::string& wrong : {altered, earlier->id, elsewhere->id}) {
        for (party* const one : {&holder(), &other()}) {
            EXPECT_FALSE(one->release_by_id("a", wrong));
            EXPECT_FALSE(one->extend_by_id("a", wrong, long_ttl));
        }
    }
    EXPECT_EQ(stage_->holding("a"), GetParam().servers);
    EXPECT_EQ(stage_->id_of("a"), held->id);
    EXPECT_LE(stage_->time_left("a"), 60s);
    EXPECT_FALSE(other().take({"a"}, long_ttl));
    EXPECT_TRUE(held->release());
}

TEST_P(ids, of_what_nobody_holds_release_and_extend_nothing) {
    auto earlier = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(earlier && earlier->release());
    ASSERT_TRUE(stage_->gone_everywhere("a"));
    for (party* const one : {&holder(), &other()}) {
        EXPECT_FALSE(one->extend_by_id("a", earlier->id, long_ttl));
        EXPECT_FALSE(one->release_by_id("a", earlier->id));
    }
    EXPECT_EQ(stage_->holding("a"), 0U);
}

TEST_P(ids, let_the_other_release) {
    auto held = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(held);
    ASSERT_TRUE(stage_->held_everywhere("a"));
    EXPECT_TRUE(other().release_by_id("a", held->id));
    ASSERT_TRUE(stage_->gone_everywhere("a"));
    EXPECT_FALSE(held->extend(long_ttl));
    EXPECT_TRUE(other().take({"a"}, long_ttl));
}

TEST_P(ids, let_the_other_extend_and_the_holder_go_on) {
    auto held = holder().take({"a"}, 30s);
    ASSERT_TRUE(held);
    ASSERT_TRUE(stage_->held_everywhere("a"));
    EXPECT_TRUE(other().extend_by_id("a", held->id, long_ttl));
    EXPECT_TRUE(poll_until([&] { return stage_->time_left("a") > 60s; }));
    EXPECT_LE(stage_->time_left("a"), long_ttl);
    EXPECT_EQ(stage_->id_of("a"), held->id);
    EXPECT_FALSE(other().take({"a"}, long_ttl));
    EXPECT_TRUE(held->release()) << "it is still the holder's";
    ASSERT_TRUE(stage_->gone_everywhere("a"));
}

}  // namespace
}  // namespace holdfast::test
