// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_contract.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::test {
namespace {

class waiting : public store_contract {
protected:
    using wait = std::shared_ptr<started<ended_flag>>;

    [[nodiscard]] wait await_change(store& where, std::string_view name, time_point until) {
        return start(context_, with_value(where.await_change(name, until)));
    }
    [[nodiscard]] bool ends_promptly(const wait& each) {
        return drive_until(
            context_, [&] { return each->ended(); }, promptly);
    }
    /// Lets everything that is ready happen, and a little more.
    void settle() { run(sleep_until(time_, time_.now() + 20ms)); }
};

TEST_P(waiting, ends_at_once_when_the_name_is_free) {
    EXPECT_TRUE(ends_promptly(await_change(*first_, "job", time_.now() + 10min)));
    ASSERT_TRUE(acquire(*first_, "job", value(), brief_ttl));
    wait_until_free(*first_, "job");
    EXPECT_TRUE(ends_promptly(await_change(*second_, "job", time_.now() + 10min)));
}

TEST_P(waiting, ends_when_another_store_releases_the_name) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    const wait waiter = await_change(*second_, "job", time_.now() + 10min);
    settle();
    ASSERT_TRUE(release(*first_, "job", mine));
    EXPECT_TRUE(ends_promptly(waiter));
}

TEST_P(waiting, ends_when_its_own_store_releases_the_name) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    const wait waiter = await_change(*first_, "job", time_.now() + 10min);
    settle();
    ASSERT_TRUE(release(*first_, "job", mine));
    EXPECT_TRUE(ends_promptly(waiter));
}

TEST_P(waiting, ends_when_the_name_is_taken_away) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    const wait waiter = await_change(*second_, "job", time_.now() + 10min);
    settle();
    ASSERT_TRUE(take_away(*first_, "job"));
    EXPECT_TRUE(ends_promptly(waiter));
}

TEST_P(waiting, ends_when_the_lease_runs_out) {
    ASSERT_TRUE(acquire(*first_, "job", value(), short_ttl));
    const time_point before = time_.now();
    EXPECT_TRUE(ends_promptly(await_change(*second_, "job", time_.now() + 10min)));
    EXPECT_LT(time_.now() - before, short_ttl + promptly);
}

TEST_P(waiting, ends_at_its_time_at_the_latest) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    EXPECT_TRUE(ends_promptly(await_change(*second_, "job", time_.now() + 50ms)));
    EXPECT_TRUE(ends_promptly(await_change(*second_, "job", time_.now() - 1s)));
}

// Why: every waiter gets its try, or the one that was not woken waits out the lease.
TEST_P(waiting, ends_for_every_waiter_of_the_name) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    std::vector<wait> waiters;
    for (int i = 0; i < 8; ++i)
        waiters.push_back(
            await_change(i % 2 == 0 ? *first_ : *second_, "job", time_.now() + 10min));
    settle();
    ASSERT_TRUE(release(*first_, "job", mine));
    for (const wait& each : waiters) EXPECT_TRUE(ends_promptly(each));
}

// Why: a release between the look at the name and the wait must not be missed.
// How: released at once, after as many steps of the waiter as the round's number says.
TEST_P(waiting, misses_no_release_however_early_it_comes) {
    for (int round = 0; round < 60; ++round) {
        const std::string mine = value();
        ASSERT_TRUE(acquire(*first_, "job", mine));
        const wait waiter = await_change(*second_, "job", time_.now() + 10min);
        for (int steps = round % 12; steps > 0; --steps) context_.poll_one();
        ASSERT_TRUE(release(*first_, "job", mine));
        ASSERT_TRUE(ends_promptly(waiter)) << "in round " << round;
    }
}

TEST_P(waiting, sees_every_one_of_many_releases) {
    for (int round = 0; round < 60; ++round) {
        const std::string mine = value();
        ASSERT_TRUE(acquire(*first_, "job", mine));
        const wait waiter = await_change(*second_, "job", time_.now() + 10min);
        if (round % 2 == 0) settle();
        ASSERT_TRUE(release(*first_, "job", mine));
        ASSERT_TRUE(ends_promptly(waiter)) << "in round " << round;
    }
}

TEST_P(waiting, ends_when_it_is_cancelled) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total}) {
        asio::cancellation_signal signal;
        const wait waiter = start(
            context_, with_value(second_->await_change("job", soon() + 10min)),
            [&](auto handler) { return asio::bind_cancellation_slot(signal.slot(), handler); });
        settle();
        EXPECT_FALSE(waiter->ended());
        cancel(context_, signal, type);
        // Terminal is what coroutines listen to by default; the others may or may not reach them.
        if (type == asio::cancellation_type::terminal) {
            EXPECT_TRUE(ends_promptly(waiter));
        }
        second_->stop();
        EXPECT_TRUE(ends_promptly(waiter));
        second_ = open();
    }
}

// Why: a caller that was cancelled on its way here must not wait, and nothing may throw.
TEST_P(waiting, ends_at_once_for_a_caller_that_was_cancelled_before) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    asio::cancellation_signal signal;
    auto caller = [&]() -> asio::awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        signal.emit(asio::cancellation_type::terminal);
        co_await second_->await_change("job", soon() + 10min);
        const claim wanted{"another job", value(), long_ttl, true};
        const auto granted = co_await second_->acquire(wanted, attempt::first, soon());
        EXPECT_TRUE(granted || granted.error().code == errc::cancelled);
        const auto seen = co_await second_->inspect("job", "", soon());
        EXPECT_TRUE(seen || seen.error().code == errc::cancelled);
    };
    const wait ended = start(context_, with_value(caller()), [&](auto handler) {
        return asio::bind_cancellation_slot(signal.slot(), std::move(handler));
    });
    ASSERT_TRUE(ends_promptly(ended));
    EXPECT_FALSE(ended->thrown);
}

TEST_P(waiting, ends_when_the_store_stops) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    const wait first = await_change(*second_, "job", time_.now() + 10min);
    const wait second = await_change(*second_, "job", time_.now() + 10min);
    settle();
    second_->stop();
    EXPECT_TRUE(ends_promptly(first));
    EXPECT_TRUE(ends_promptly(second));
}

TEST_P(waiting, answers_cancelled_after_a_stop_and_leaves_others_alone) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    first_->stop();
    first_->stop();
    const auto acquired = acquire(*first_, "another job", value());
    ASSERT_FALSE(acquired);
    EXPECT_EQ(acquired.error().code, errc::cancelled);
    const auto renewed = renew(*first_, "job", mine);
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::cancelled);
    const auto released = release(*first_, "job", mine);
    ASSERT_FALSE(released);
    EXPECT_EQ(released.error().code, errc::cancelled);
    EXPECT_EQ(run(first_->inspect("job", "", soon())).error().code, errc::cancelled);
    EXPECT_EQ(run(first_->list("", soon())).error().code, errc::cancelled);
    EXPECT_EQ(run(first_->take_away("job", soon())).error().code, errc::cancelled);
    EXPECT_TRUE(ends_promptly(await_change(*first_, "job", time_.now() + 10min)));
    EXPECT_TRUE(renew(*second_, "job", mine));
}

// Why: mutual exclusion, as it is used. How: eight workers take turns by the store alone; each
// counts in a number that nothing else protects across its awaits.
TEST_P(waiting, lets_workers_take_turns_one_at_a_time) {
    constexpr int workers = 8;
    constexpr int rounds = 25;
    int inside = 0;
    int counter = 0;
    auto worker = [&](store& where, int number) -> asio::awaitable<void> {
        const std::string label = "worker " + std::to_string(number);
        for (int done = 0; done < rounds;) {
            const claim wanted{"job", value(label), long_ttl, true};
            const auto granted = co_await where.acquire(wanted, attempt::first, soon());
            if (!granted) {
                co_await where.await_change("job", soon());
                continue;
            }
            EXPECT_EQ(inside++, 0);
            const int seen = counter;
            static_cast<void>(co_await sleep_until(time_, time_.now() + 100us));
            counter = seen + 1;
            --inside;
            const auto released = co_await where.release("job", wanted.value, soon());
            EXPECT_TRUE(released);
            ++done;
        }
    };
    std::vector<wait> all;
    for (int i = 0; i < workers; ++i)
        all.push_back(start(context_, with_value(worker(i % 2 == 0 ? *first_ : *second_, i))));
    EXPECT_TRUE(drive_until(context_, [&] {
        return std::all_of(all.begin(), all.end(), [](const wait& each) { return each->ended(); });
    }));
    EXPECT_EQ(counter, workers * rounds);
}

INSTANTIATE_TEST_SUITE_P(every_store, waiting, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
