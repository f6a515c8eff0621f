// SPDX-License-Identifier: BSL-1.0
//
// An original and our facade take turns. Each test runs with either as the holder.
#include "interop/stage.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using exclusion = interop_test;
INSTANTIATE_TEST_SUITE_P(interop, exclusion, testing::ValuesIn(all_settings()), name_of);

/// No test takes so long, whatever the machine has to do.
/// What handing over may take beyond the retry delay: time for a busy machine.
constexpr milliseconds scheduling = 10s;

TEST_P(exclusion, refuses_what_the_other_holds_until_it_is_released) {
    auto held = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(held);
    ASSERT_TRUE(stage_->held_everywhere("a"));
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(other().take({"a"}, long_ttl));
    EXPECT_EQ(stage_->id_of("a"), held->id) << "being refused changes nothing";
    EXPECT_TRUE(held->release());
    ASSERT_TRUE(stage_->gone_everywhere("a"));
    auto next = other().take({"a"}, long_ttl);
    ASSERT_TRUE(next);
    EXPECT_NE(next->id, held->id);
    EXPECT_FALSE(holder().take({"a"}, long_ttl));
    EXPECT_TRUE(other().take({"b"}, long_ttl)) << "another name is another lock";
}

// How: the waiter has been refused at least once when the holder releases, and the lock would last
// for much longer than the test waits.
TEST_P(exclusion, hands_over_within_the_retry_delay_of_who_waits) {
    auto held = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(held);
    const auto look = other().wait_for("a", long_ttl);
    ASSERT_TRUE(sees_more_attempts());
    ASSERT_FALSE(look());
    ASSERT_EQ(stage_->id_of("a"), held->id);
    EXPECT_TRUE(held->release());
    std::optional<grip> got;
    EXPECT_TRUE(poll_until([&] { return (got = look()).has_value(); }, retry_delay + scheduling));
    ASSERT_TRUE(got);
    EXPECT_NE(stage_->id_of("a"), held->id);
    EXPECT_FALSE(holder().take({"a"}, long_ttl));
}

// How: the other keeps asking until the first expiry has passed by.
TEST_P(exclusion, sees_the_expiry_that_an_extension_gave) {
    constexpr milliseconds ttl = 2s;
    static_cast<void>(other());  // Ready before the time runs.
    auto held = holder().take({"a"}, ttl);
    const auto first_expiry = std::chrono::steady_clock::now() + ttl;
    ASSERT_TRUE(held);
    ASSERT_TRUE(held->extend(long_ttl));
    EXPECT_TRUE(poll_until([&] { return stage_->time_left("a") > long_ttl - 60s; }));
    EXPECT_LE(stage_->time_left("a"), long_ttl);
    EXPECT_EQ(stage_->id_of("a"), held->id);
    bool passed = false;
    while (!passed) {
        passed = std::chrono::steady_clock::now() > first_expiry;
        ASSERT_FALSE(other().take({"a"}, long_ttl));
    }
    EXPECT_TRUE(held->release());
    ASSERT_TRUE(stage_->gone_everywhere("a"));
    EXPECT_TRUE(other().take({"a"}, long_ttl));
}

TEST_P(exclusion, lets_go_of_what_has_run_out_and_cannot_be_brought_back) {
    constexpr milliseconds ttl = 1s;
    static_cast<void>(other());
    const auto before = std::chrono::steady_clock::now();
    auto held = holder().take({"a"}, ttl);
    ASSERT_TRUE(held);
    std::optional<grip> next;
    ASSERT_TRUE(poll_until([&] { return (next = other().take({"a"}, long_ttl)).has_value(); }));
    EXPECT_GE(std::chrono::steady_clock::now() - before, ttl - 20ms);
    EXPECT_FALSE(held->extend(long_ttl));
    EXPECT_FALSE(held->release());
    EXPECT_EQ(stage_->id_of("a"), next->id);
    EXPECT_TRUE(next->release());
}

}  // namespace
}  // namespace holdfast::test
