// SPDX-License-Identifier: BSL-1.0
#include <holdfast/sqlite.hpp>
#include <holdfast/store.hpp>

#include "integration/sqlite_raw.hpp"
#include "lock/session.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "support/run.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

/// A store, and another program that keeps the file to itself.
class sqlite_busy : public testing::Test {
protected:
    sqlite_busy() {
        const auto make = lock::factory_for("sqlite:" + path()).value();
        where_ = make({context_.get_executor(), time_, random_, {}}).value();
    }
    ~sqlite_busy() override {
        where_->stop();
        context_.poll();
    }
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }
    [[nodiscard]] claim claim_on(const std::string& name) {
        return {name, "value " + std::to_string(++values_), 1min, true};
    }
    result<grant> acquire(const std::string& name, std::chrono::nanoseconds within = 10s) {
        const claim wanted = claim_on(name);
        return run(context_, where_->acquire(wanted, attempt::first, time_.now() + within));
    }
    void settle(std::chrono::nanoseconds length) {
        static_cast<void>(run(context_, sleep_until(time_, time_.now() + length)));
    }

    temp_dir directory_;
    asio::io_context context_;
    system_timeline time_{context_.get_executor()};
    system_entropy random_;
    std::shared_ptr<store> where_;
    int values_{0};
};

TEST_F(sqlite_busy, is_unreachable_at_the_deadline_and_without_effect) {
    ASSERT_TRUE(acquire("held"));
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    const time_point before = time_.now();
    const auto refused = acquire("job", 100ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    EXPECT_GE(time_.now() - before, 100ms);
    EXPECT_LT(time_.now() - before, 5s);
    renewal late{"held", "value 1", 1min};
    run(context_, where_->renew(std::span(&late, 1), time_.now() + 50ms));
    EXPECT_EQ(late.outcome.error().code, errc::unreachable);
    // Reading goes on while somebody writes.
    EXPECT_TRUE(run(context_, where_->inspect("held", "", time_.now() + 50ms)).value());
    other.query("COMMIT");
    EXPECT_FALSE(run(context_, where_->inspect("job", "", time_.now() + 10s)).value());
    EXPECT_TRUE(acquire("job"));
}

TEST_F(sqlite_busy, goes_on_as_soon_as_the_other_is_done) {
    ASSERT_TRUE(acquire("held"));
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    const claim wanted = claim_on("job");
    const auto asked = start(context_, where_->acquire(wanted, attempt::first, time_.now() + 30s));
    settle(50ms);
    EXPECT_FALSE(asked->ended());
    other.query("COMMIT");
    EXPECT_TRUE(drive_until(
        context_, [&] { return asked->ended(); }, 5s));
    EXPECT_TRUE(*asked->answer);
}

// Why: whoever came first must not starve behind those who come when the file is free for a moment.
TEST_F(sqlite_busy, serves_those_who_wait_in_the_order_in_which_they_came) {
    ASSERT_TRUE(acquire("held"));
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    std::vector<claim> claims;
    for (int i = 0; i < 10; ++i) claims.push_back(claim_on("job " + std::to_string(i)));
    std::vector<int> order;
    auto take = [&](int number) -> asio::awaitable<void> {
        const claim& wanted = claims[static_cast<std::size_t>(number)];
        const auto granted = co_await where_->acquire(wanted, attempt::first, time_.now() + 30s);
        EXPECT_TRUE(granted);
        order.push_back(number);
    };
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(start(context_, with_value(take(i))));
        settle(2ms);
    }
    other.query("COMMIT");
    EXPECT_TRUE(drive_until(
        context_, [&] { return order.size() == 10; }, 10s));
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

// Why: a thread that releases and asks again at once must not starve the others of its locker.
// How: like a blocking caller, it comes back to the executor between two calls, and no further.
TEST_F(sqlite_busy, lets_a_waiter_have_the_name_before_the_one_that_released_it) {
    int rounds = 0;
    bool waited = false;
    auto greedy = [&]() -> asio::awaitable<void> {
        while (!waited && rounds < 1000) {
            const claim mine = claim_on("job");
            if (!co_await where_->acquire(mine, attempt::first, time_.now() + 10s)) break;
            co_await asio::post(context_, asio::use_awaitable);
            const auto released = co_await where_->release("job", mine.value, time_.now() + 10s);
            EXPECT_TRUE(released);
            ++rounds;
            co_await asio::post(context_, asio::use_awaitable);
        }
    };
    auto patient = [&]() -> asio::awaitable<void> {
        const claim mine = claim_on("job");
        while (!waited) {
            co_await where_->await_change("job", time_.now() + 10s);
            const auto granted = co_await where_->acquire(mine, attempt::first, time_.now() + 10s);
            waited = granted.has_value();
        }
    };
    const auto first = start(context_, with_value(greedy()));
    const auto second = start(context_, with_value(patient()));
    EXPECT_TRUE(drive_until(context_, [&] { return first->ended() && second->ended(); }));
    EXPECT_LE(rounds, 2);
}

// Why: waiters sleep until the end of the lease that they saw, and a renewal may bring it forward.
TEST_F(sqlite_busy, tells_waiters_when_a_renewal_makes_a_lease_shorter) {
    ASSERT_TRUE(acquire("job"));
    const auto waiter = start(context_, with_value(where_->await_change("job", time_.now() + 1h)));
    settle(20ms);
    renewal shorter{"job", "value 1", 100ms};
    run(context_, where_->renew(std::span(&shorter, 1), time_.now() + 10s));
    EXPECT_TRUE(shorter.outcome);
    EXPECT_TRUE(drive_until(
        context_, [&] { return waiter->ended(); }, 5s));
}

TEST_F(sqlite_busy, ends_a_wait_for_its_turn_when_it_is_cancelled) {
    ASSERT_TRUE(acquire("held"));
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    const claim first = claim_on("first");
    const claim second = claim_on("second");
    asio::cancellation_signal signals[2];
    auto bound_to = [](asio::cancellation_signal& signal) {
        return [&signal](auto handler) {
            return asio::bind_cancellation_slot(signal.slot(), std::move(handler));
        };
    };
    const time_point deadline = time_.now() + 30s;
    const auto head =
        start(context_, where_->acquire(first, attempt::first, deadline), bound_to(signals[0]));
    const auto next =
        start(context_, where_->acquire(second, attempt::first, deadline), bound_to(signals[1]));
    settle(20ms);
    cancel(context_, signals[0]);
    ASSERT_TRUE(drive_until(
        context_, [&] { return head->ended(); }, 5s));
    EXPECT_EQ(head->answer->error().code, errc::cancelled);
    EXPECT_FALSE(next->ended());
    cancel(context_, signals[1]);
    ASSERT_TRUE(drive_until(
        context_, [&] { return next->ended(); }, 5s));
    EXPECT_EQ(next->answer->error().code, errc::cancelled);
    other.query("COMMIT");
    EXPECT_TRUE(acquire("first"));
}

TEST_F(sqlite_busy, ends_a_wait_for_its_turn_when_it_stops) {
    ASSERT_TRUE(acquire("held"));
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    const claim wanted = claim_on("job");
    const auto asked = start(context_, where_->acquire(wanted, attempt::first, time_.now() + 30s));
    settle(10ms);
    where_->stop();
    ASSERT_TRUE(drive_until(
        context_, [&] { return asked->ended(); }, 5s));
    EXPECT_EQ(asked->answer->error().code, errc::cancelled);
}

}  // namespace
}  // namespace holdfast::test
