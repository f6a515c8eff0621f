// SPDX-License-Identifier: BSL-1.0
#include "redis/lock_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using redis::describe;
using redis::ownership;
using redis::resp::kind;
using redis::resp::reply;

reply text(std::string content) { return {kind::text, 0, std::move(content), {}}; }
reply error(std::string content) { return {kind::error, 0, std::move(content), {}}; }
reply integer(std::int64_t value) { return {kind::integer, value, {}, {}}; }

TEST(a_lock_that_is_looked_at, is_told_by_its_three_replies) {
    const auto info =
        describe("job", text("0123|42@web|night"), integer(1500), text("1754000000000000"));
    EXPECT_EQ(info.name, "job");
    EXPECT_EQ(info.id, "0123");
    EXPECT_EQ(info.holder.pid, 42);
    EXPECT_EQ(info.holder.host, "web");
    EXPECT_EQ(info.holder.owner, "night");
    EXPECT_EQ(info.holder.remaining, 1500ms);
    EXPECT_EQ(info.fencing_token, 1'754'000'000'000'000U);
    EXPECT_EQ(info.value, "0123|42@web|night");
}

TEST(a_lock_that_others_made, is_told_as_far_as_it_goes) {
    const auto info = describe("job", text("uuid"), integer(-1), reply{});
    EXPECT_EQ(info.id, "uuid");
    EXPECT_EQ(info.holder.remaining, -1ms);
    EXPECT_EQ(info.fencing_token, 0U);
    EXPECT_EQ(describe("job", text("x"), integer(-2), text("no number")).fencing_token, 0U);
    // A counter that is about to get its floor: between the first INCR of a name and that.
    EXPECT_EQ(describe("job", text("x"), integer(-2), text("1")).fencing_token, 0U);
    EXPECT_EQ(describe("job", text("x"), integer(INT64_MIN), reply{}).holder.remaining, -1ms);
}

TEST(the_answer_to_a_renewal_or_release, says_whose_it_is) {
    EXPECT_TRUE(ownership(integer(1), "a"));
    const auto taken = ownership(integer(0), "redis://h");
    EXPECT_EQ(taken.error().code, errc::lost);
    EXPECT_EQ(taken.error().reason, lost_reason::taken);
    EXPECT_THAT(taken.error().text, testing::StartsWith("redis://h: "));
    EXPECT_EQ(ownership(integer(-1), "a").error().reason, lost_reason::deleted);
    const auto other_type = ownership(error("WRONGTYPE Operation against a key"), "a");
    EXPECT_EQ(other_type.error().code, errc::wrong_type);
}

// Why: "not ours" must be the server's word; an answer that is none must never end a lease as lost.
TEST(the_answer_to_a_renewal_or_release, is_no_loss_when_it_is_an_error) {
    EXPECT_EQ(ownership(error("READONLY You can't write"), "a").error().code, errc::denied);
    EXPECT_EQ(ownership(error("BUSY Redis is busy"), "a").error().code, errc::unreachable);
    EXPECT_EQ(ownership(error("ERR odd"), "a").error().code, errc::protocol);
    EXPECT_EQ(ownership(text("QUEUED"), "a").error().code, errc::protocol);
    EXPECT_EQ(ownership(reply{}, "a").error().code, errc::protocol);
}

TEST(a_list, is_sorted_and_names_each_lock_once) {
    std::vector<lock_info> found;
    for (const char* const name : {"b", "a", "b", "c", "a"}) found.emplace_back().name = name;
    redis::sort_by_name(found);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].name, "a");
    EXPECT_EQ(found[1].name, "b");
    EXPECT_EQ(found[2].name, "c");
}

}  // namespace
}  // namespace holdfast::test
