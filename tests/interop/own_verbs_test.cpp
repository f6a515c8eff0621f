// SPDX-License-Identifier: BSL-1.0
//
// What one package has and the others have not: several resources, the present holder, other keys.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/warlock.hpp>

#include "interop/node_peer.hpp"
#include "interop/stage.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using redlock_resources = interop_test;
INSTANTIATE_TEST_SUITE_P(interop, redlock_resources, testing::ValuesIn(redlock_settings()),
                         name_of);

TEST_P(redlock_resources, are_taken_all_or_none) {
    auto held = holder().take({"x", "y"}, long_ttl);
    ASSERT_TRUE(held);
    for (const char* const one : {"x", "y"}) {
        ASSERT_TRUE(stage_->held_everywhere(one));
        EXPECT_EQ(stage_->id_of(one), held->id);
        EXPECT_FALSE(other().take({one}, long_ttl));
    }
    EXPECT_FALSE(other().take({"y", "z"}, long_ttl));
    EXPECT_FALSE(other().take({"z", "y"}, long_ttl));
    EXPECT_EQ(stage_->holding("z"), 0U) << "it is taken alone";
    EXPECT_TRUE(other().take({"w", "z"}, long_ttl));
    EXPECT_FALSE(holder().take({"v", "z"}, long_ttl));
    EXPECT_TRUE(held->release());
    ASSERT_TRUE(stage_->gone_everywhere("x") && stage_->gone_everywhere("y"));
    EXPECT_TRUE(other().take({"y", "x"}, long_ttl));
}

TEST_P(redlock_resources, are_extended_together) {
    auto held = holder().take({"x", "y"}, 30s);
    ASSERT_TRUE(held && stage_->held_everywhere("x") && stage_->held_everywhere("y"));
    ASSERT_TRUE(held->extend(long_ttl));
    for (const char* const one : {"x", "y"})
        EXPECT_TRUE(poll_until([&] { return stage_->time_left(one) > 60s; }));
    EXPECT_FALSE(other().take({"y"}, long_ttl));
}

using redlock_majority = interop_test;
INSTANTIATE_TEST_SUITE_P(interop, redlock_majority, testing::ValuesIn(redlock_settings(3)),
                         name_of);

// Why: a majority is a majority of the same servers for both. How: one of three has an unrelated
// holder of the same key; two are enough for either side, and keep out the other.
TEST_P(redlock_majority, is_enough_for_either_and_keeps_out_the_other) {
    ASSERT_EQ(stage_->server(2).command({"SET", "a", "somebody else"}), "+OK\r\n");
    auto held = holder().take({"a"}, long_ttl);
    ASSERT_TRUE(held);
    EXPECT_FALSE(other().take({"a"}, long_ttl));
    EXPECT_TRUE(held->release());
    ASSERT_TRUE(poll_until([&] { return stage_->holding("a") == 1; }));
    // The refused attempt was decided by two servers: at the third it may still be under way, be
    // granted there now, and stand in the way of the next attempt until it is given back.
    EXPECT_TRUE(poll_until([&] { return other().take({"a"}, long_ttl).has_value(); }));
    EXPECT_EQ(stage_->text(2, {"GET", "a"}), "somebody else");
}

// A server and a Node process for one package.
template <package which>
class beside : public testing::Test {
protected:
    void SetUp() override {
        const std::string missing = missing_for_interop();
        if (!missing.empty()) GTEST_SKIP() << missing;
        stage_ = std::make_unique<stage>(setting{which});
        node_ = std::make_unique<node_peer>(std::string(to_string(which)), stage_->node_urls());
    }
    [[nodiscard]] std::string url() const { return stage_->urls().front(); }

    std::unique_ptr<stage> stage_;
    std::unique_ptr<node_peer> node_;
};
using beside_dist_lock = beside<package::dist_lock_2>;
using beside_warlock = beside<package::warlock>;

TEST_F(beside_dist_lock, a_holder_is_told_released_and_extended_by_ours) {
    compat::dist_lock ours(url(), {.max_retries = 0});
    EXPECT_FALSE(ours.get_acquired_lock("a").value());
    const auto theirs = node_->demand("acquire", {{"name", "a"}, {"owner", "node's own"}});
    auto found = ours.get_acquired_lock("a").value();
    ASSERT_TRUE(found);
    EXPECT_EQ(text_in(theirs, "id"), found->id());
    EXPECT_EQ(text_in(theirs, "key"), found->key());
    EXPECT_EQ(text_in(theirs, "owner"), found->owner());
    EXPECT_TRUE(found->extend(long_ttl).value());
    EXPECT_GT(stage_->time_left("a"), 60s);
    EXPECT_TRUE(found->release().value());
    EXPECT_EQ(node_->demand("release", {{"handle", theirs.at("handle")}}).at("result"), false);
    EXPECT_EQ(stage_->holding("a"), 0U);
}

TEST_F(beside_dist_lock, a_holder_of_ours_is_told_released_and_extended_by_node) {
    compat::dist_lock ours(url(), {.max_retries = 0});
    EXPECT_EQ(node_->demand("getAcquiredLock", {{"name", "a"}}).at("got"), false);
    auto held = ours.acquire("a", "our own").value();
    ASSERT_TRUE(held);
    const auto found = node_->demand("getAcquiredLock", {{"name", "a"}});
    ASSERT_EQ(found.at("got"), true);
    EXPECT_EQ(text_in(found, "id"), held->id());
    EXPECT_EQ(text_in(found, "key"), held->key());
    EXPECT_EQ(text_in(found, "owner"), held->owner());
    const boost::json::object longer{{"handle", found.at("handle")},
                                     {"milliseconds", long_ttl.count()}};
    EXPECT_EQ(node_->demand("extend", longer).at("result"), true);
    EXPECT_GT(stage_->time_left("a"), 60s);
    EXPECT_EQ(node_->demand("release", {{"handle", found.at("handle")}}).at("result"), true);
    EXPECT_FALSE(held->release().value());
}

TEST_F(beside_dist_lock, prefixes_and_odd_owners_mean_the_same) {
    compat::dist_lock ours(url(), {.max_retries = 0, .key_prefix = "p/"});
    node_->demand("configure", {{"keyPrefix", "p/"}, {"maxRetries", 0}});
    for (const std::string owner : {"", R"(a|b ä "c")"}) {
        auto held = ours.acquire("a", owner).value();
        ASSERT_TRUE(held);
        EXPECT_EQ(held->key(), "p/a");
        EXPECT_EQ(node_->demand("acquire", {{"name", "a"}}).at("got"), false);
        const auto found = node_->demand("getAcquiredLock", {{"name", "a"}});
        EXPECT_EQ(text_in(found, "owner"), owner);
        EXPECT_TRUE(held->release().value());
    }
    for (const std::string owner : {"", R"(a|b ä "c")", "of two\nlines"}) {
        const auto theirs = node_->demand("acquire", {{"name", "a"}, {"owner", owner}});
        ASSERT_EQ(theirs.at("got"), true);
        EXPECT_FALSE(ours.acquire("a").value());
        EXPECT_EQ(ours.get_acquired_lock("a").value()->owner(), owner);
        node_->demand("release", {{"handle", theirs.at("handle")}});
    }
}

TEST_F(beside_warlock, another_key_function_means_the_same_lock) {
    compat::warlock ours(url(), {.make_key = [](auto key) { return "p/" + std::string(key); }});
    node_->demand("configure", {{"prefix", "p/"}});
    EXPECT_EQ(text_in(node_->demand("makeKey", {{"key", "a"}}), "key"), ours.make_key("a"));
    const auto held = ours.lock("a", long_ttl).value();
    ASSERT_TRUE(held);
    EXPECT_EQ(stage_->number(0, {"EXISTS", "p/a"}), 1);
    EXPECT_EQ(node_->demand("lock", {{"key", "a"}, {"ttl", 1000}}).at("got"), false);
    EXPECT_EQ(node_->demand("unlock", {{"key", "a"}, {"id", held.id}}).at("result"), 1);
    const auto theirs = node_->demand("lock", {{"key", "a"}, {"ttl", long_ttl.count()}});
    ASSERT_EQ(theirs.at("got"), true);
    EXPECT_FALSE(ours.lock("a", long_ttl).value());
    EXPECT_EQ(ours.unlock("a", text_in(theirs, "id")).value(), 1);
}

// The default rules, on both sides.
TEST_F(beside_warlock, optimistic_attempts_end_with_the_same_error) {
    compat::warlock ours(url());
    ASSERT_TRUE(ours.lock("a", long_ttl).value());
    const auto theirs =
        node_->ask("optimistic", {{"key", "a"}, {"ttl", 1000}, {"maxAttempts", 3}, {"wait", 1}});
    ASSERT_EQ(theirs.at("ok"), false);
    const auto mine = ours.optimistic("a", 1000ms, 3, 1ms);
    ASSERT_FALSE(mine);
    const std::string text = text_in(theirs, "error");
    EXPECT_EQ(text, "unable to obtain lock");
    EXPECT_TRUE(mine.error().text.starts_with(text)) << mine.error().text;
}

}  // namespace
}  // namespace holdfast::test
