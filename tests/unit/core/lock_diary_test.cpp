// SPDX-License-Identifier: BSL-1.0
#include "core/lock_diary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::core {
namespace {

using namespace std::chrono_literals;

const time_point beginning{std::chrono::hours(1)};

lock_info held(const std::string& name, const std::string& id, std::chrono::milliseconds left) {
    lock_info one;
    one.name = name;
    one.id = id;
    one.holder.remaining = left;
    return one;
}

std::string text(const std::optional<lock_change>& change) {
    return change ? std::string(to_string(change->what)) + " " + change->lock.name : "nothing";
}

TEST(lock_diary, tells_a_release_from_an_expiry_by_the_time) {
    lock_diary known;
    EXPECT_EQ(text(known.look("a", held("a", "1", 10s), beginning)), "taken a");
    EXPECT_EQ(text(known.look("a", held("a", "1", 9s), beginning + 1s)), "nothing");
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning + 2s)), "released a");
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning + 2s)), "nothing");
    EXPECT_EQ(text(known.look("a", held("a", "2", 10s), beginning)), "taken a");
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning + 10s)), "expired a");
    EXPECT_EQ(text(known.look("a", held("a", "3", -1ms), beginning)), "taken a");
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning + 24h)), "released a")
        << "it never ends";
}

TEST(lock_diary, counts_a_lease_from_the_last_look) {
    lock_diary known;
    EXPECT_EQ(text(known.look("a", held("a", "1", 10s), beginning)), "taken a");
    EXPECT_EQ(known.next_end(), beginning + 10s);
    EXPECT_EQ(text(known.look("a", held("a", "1", 10s), beginning + 5s)), "nothing");
    EXPECT_EQ(known.next_end(), beginning + 15s);
    EXPECT_TRUE(known.ended(beginning + 14s).empty());
    EXPECT_THAT(known.ended(beginning + 15s), testing::ElementsAre("a"));
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning + 11s)), "released a");
    EXPECT_EQ(known.next_end(), time_point::max());
}

TEST(lock_diary, tells_of_another_holder_and_of_one_that_was_taken_away) {
    lock_diary known;
    EXPECT_EQ(text(known.look("a", held("a", "1", 10s), beginning)), "taken a");
    EXPECT_EQ(text(known.look("a", held("a", "2", 10s), beginning)), "handed_over a");
    EXPECT_EQ(text(known.look("a", std::nullopt, beginning, lock_diary::end::broken)), "broken a");
}

TEST(lock_diary, does_not_tell_who_shares_a_lock) {
    lock_diary known;
    lock_info one = held("a", "1", 10s);
    one.mode = lock_mode::shared;
    EXPECT_EQ(text(known.look("a", one, beginning)), "taken a");
    one.id = "2";
    EXPECT_EQ(text(known.look("a", one, beginning)), "nothing");
    EXPECT_EQ(text(known.look("a", held("a", "3", 10s), beginning)), "handed_over a");
}

TEST(lock_diary, finds_what_is_different_in_a_list) {
    lock_diary known;
    const auto first = known.begin({held("a", "1", 10s), held("b", "2", 10s)}, beginning);
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].what, change_kind::held);
    std::vector<std::string> told;
    for (const auto& change :
         known.look_at_all({held("b", "3", 10s), held("c", "4", 10s)}, beginning + 1s, {"a"}))
        told.push_back(text(change));
    EXPECT_THAT(told, testing::ElementsAre("broken a", "handed_over b", "taken c"));
}

TEST(lock_diary, knows_no_more_than_it_has_room_for) {
    lock_diary known;
    for (std::size_t i = 0; i <= lock_diary::locks_max; ++i) {
        const std::string name = std::to_string(i);
        static_cast<void>(known.look(name, held(name, "1", 10s), beginning));
    }
    EXPECT_EQ(known.size(), lock_diary::locks_max);
    EXPECT_EQ(text(known.look("one more", held("one more", "1", 10s), beginning)), "nothing");
    EXPECT_EQ(text(known.look("0", std::nullopt, beginning)), "released 0");
    EXPECT_EQ(text(known.look("one more", held("one more", "1", 10s), beginning)),
              "taken one more");
}

}  // namespace
}  // namespace holdfast::core
