// SPDX-License-Identifier: BSL-1.0
//
// A watch over each store: what it tells of what others do, and what it does not.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/lock_watcher.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class watching : public testing::TestWithParam<store_kind> {
protected:
    std::unique_ptr<store_place> place_ = GetParam().make_place();
    locker locks_{place_->url()};
};

TEST_P(watching, tells_what_is_held_taken_and_released) {
    auto before = locks_.acquire("w:before", {.owner = "me"});
    auto foreign = locks_.acquire("x:other");
    ASSERT_TRUE(before && foreign);
    lock_watcher watch(place_->url(), "w:");
    ASSERT_TRUE(watch.tells({"held w:before"})) << testing::PrintToString(watch.told());
    EXPECT_EQ(watch.last().lock.holder.owner, "me");
    auto next = locks_.acquire("w:next", {.ttl = 20s});
    ASSERT_TRUE(next);
    ASSERT_TRUE(watch.tells_once("taken w:next"));
    EXPECT_EQ(watch.last().lock.id, next->id());
    EXPECT_EQ(watch.last().lock.fencing_token, next->fencing_token());
    EXPECT_TRUE(foreign->release());
    EXPECT_TRUE(next->release());
    EXPECT_TRUE(watch.tells_once("released w:next"));
    EXPECT_TRUE(before->release());
    EXPECT_TRUE(
        watch.tells({"held w:before", "taken w:next", "released w:next", "released w:before"}))
        << testing::PrintToString(watch.told());
    EXPECT_TRUE(watch.end());
}

TEST_P(watching, does_not_tell_of_renewals_but_of_the_end_without_one) {
    lock_watcher watch(place_->url());
    {
        auto kept = locks_.acquire("kept", {.ttl = 300ms});
        ASSERT_TRUE(kept && watch.tells({"taken kept"}));
        const time_point past = boot_clock::now() + 700ms;  // More than two leases.
        ASSERT_TRUE(poll_until([&] { return boot_clock::now() > past; }));
        ASSERT_TRUE(kept->held());
        EXPECT_THAT(watch.told(), ElementsAre("taken kept"));
        ASSERT_TRUE(kept->release());
        ASSERT_TRUE(watch.tells_once("released kept"));
    }
    auto left = locks_.acquire("left", {.ttl = 400ms, .auto_renew = false});
    ASSERT_TRUE(left);
    EXPECT_TRUE(watch.tells({"taken kept", "released kept", "taken left", "expired left"}))
        << testing::PrintToString(watch.told());
}

TEST_P(watching, tells_of_a_lock_that_is_taken_away) {
    lock_watcher watch(place_->url());
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held && watch.tells({"taken job"}));
    ASSERT_TRUE(locks_.break_lock("job").value());
    const std::string end = GetParam().name == "redis" ? "broken job" : "released job";
    EXPECT_TRUE(watch.tells({"taken job", end})) << testing::PrintToString(watch.told());
}

TEST_P(watching, tells_of_a_lock_that_is_handed_over) {
    if (!GetParam().able.lines) GTEST_SKIP() << "it keeps no lines";
    lock_watcher watch(place_->url());
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held && watch.tells({"taken job"}));
    locker other(place_->url());
    result<guard> next = errc::cancelled;
    std::jthread waiter([&] { next = other.acquire("job", {.wait = 30s, .fair = true}); });
    ASSERT_TRUE(poll_until([&] { return locks_.inspect("job").value()->waiters > 0; }));
    ASSERT_TRUE(held->release());
    waiter.join();
    ASSERT_TRUE(next);
    EXPECT_TRUE(watch.tells({"taken job", "handed_over job"}))
        << testing::PrintToString(watch.told());
    EXPECT_EQ(watch.last().lock.id, next->id());
}

TEST_P(watching, tells_of_the_first_and_the_last_of_several_holders) {
    if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    lock_watcher watch(place_->url());
    const acquire_options how{.mode = lock_mode::shared};
    auto first = locks_.acquire("table", how);
    ASSERT_TRUE(first && watch.tells({"taken table"}));
    auto second = locks_.acquire("table", how);
    ASSERT_TRUE(second && first->release());
    auto third = locks_.acquire("end of it");
    ASSERT_TRUE(watch.tells_once("taken end of it"));
    ASSERT_TRUE(second->release());
    EXPECT_TRUE(watch.tells({"taken table", "taken end of it", "released table"}))
        << testing::PrintToString(watch.told());
}

TEST_P(watching, ends_when_it_is_told_to_and_when_its_caller_throws) {
    std::stop_source stop;
    stop.request_stop();
    EXPECT_TRUE(locks_.watch(
        "", [](const lock_change&) {}, stop.get_token()));
    EXPECT_EQ(locks_.watch(std::string(600, 'x'), [](const lock_change&) {}, {}).error().code,
              errc::misuse);
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held);
    const auto throwing = [](const lock_change&) { throw std::runtime_error("enough"); };
    EXPECT_THROW(static_cast<void>(locks_.watch("", throwing, {})), std::runtime_error);
    EXPECT_TRUE(held->release()) << "the locker is as good as before";
}

INSTANTIATE_TEST_SUITE_P(stores, watching, testing::ValuesIn(store_kinds()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace holdfast::test
