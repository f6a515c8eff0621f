// SPDX-License-Identifier: BSL-1.0
//
// Coroutines that call from other executors than the locker's, are cancelled there, throw, or leave
// things behind.
#include <holdfast/async_locker.hpp>
#include <holdfast/memory.hpp>

#include "support/poll.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<errc> wait_for(async_locker& locks, std::chrono::milliseconds wait) {
    acquire_options options;
    options.wait = wait;
    auto held = co_await locks.acquire("job", options);
    if (held) co_return errc::misuse;
    co_return held.error().code;
}

// Why: the signal may come while the locker is busy with others, before it has begun the call.
TEST(a_coroutine, that_is_cancelled_before_the_locker_gets_to_it_is_cancelled) {
    asio::thread_pool pool(2);
    std::optional<async_locker> locks(std::in_place, pool.get_executor(), "memory:");
    asio::io_context mine;
    auto taken = asio::co_spawn(pool, locks->acquire("job"), asio::use_future).get();
    ASSERT_TRUE(taken);
    std::promise<void> busy;
    std::promise<void> go_on;
    asio::post(locks->get_executor(), [&] {
        busy.set_value();
        go_on.get_future().wait();
    });
    busy.get_future().wait();
    asio::cancellation_signal signal;
    auto ended = std::make_shared<std::promise<errc>>();
    auto done = ended->get_future();
    asio::co_spawn(
        mine, wait_for(*locks, 60s),
        asio::bind_cancellation_slot(signal.slot(), [ended](const std::exception_ptr&, errc code) {
            ended->set_value(code);
        }));
    mine.poll();  // It is on its way to the locker.
    signal.emit(asio::cancellation_type::terminal);
    go_on.set_value();
    std::jthread running([&] { mine.run(); });
    ASSERT_EQ(done.wait_for(30s), std::future_status::ready);
    EXPECT_EQ(done.get(), errc::cancelled);
    *taken = async_guard();
    locks.reset();
    pool.join();
}

// Why: with Boost 1.81's own way the signal may be gone when the cancellation arrives.
TEST(a_coroutine, may_race_an_acquisition_against_a_timer_on_another_thread) {
    using namespace asio::experimental::awaitable_operators;
    asio::thread_pool pool(2);
    std::optional<async_locker> locks(std::in_place, pool.get_executor(), "memory:");
    asio::io_context mine;
    auto race = [&]() -> asio::awaitable<int> {
        int won = 0;
        asio::steady_timer timer(mine);
        for (int i = 0; i < 500; ++i) {
            timer.expires_after(std::chrono::microseconds(i % 7 * 10));
            auto both =
                locks->acquire("job" + std::to_string(i)) || timer.async_wait(asio::use_awaitable);
            auto first = co_await std::move(both);
            if (first.index() == 0) ++won;
        }
        co_return won;
    };
    auto won = asio::co_spawn(mine, race(), asio::use_future);
    mine.run();
    EXPECT_GE(won.get(), 0);
    locks.reset();
    pool.join();
}

TEST(a_coroutine, that_throws_leaves_the_locker_in_order) {
    asio::io_context context;
    std::optional<async_locker> locks(std::in_place, context.get_executor(), "memory:");
    auto throws = [&]() -> asio::awaitable<void> {
        auto held = co_await locks->acquire("job");
        throw std::runtime_error("of the user's");
    };
    asio::co_spawn(locks->get_executor(), throws(), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    EXPECT_THROW(context.run_for(30s), std::runtime_error);
    context.restart();
    bool fine = false;
    auto again = [&]() -> asio::awaitable<void> {
        acquire_options patient;
        patient.wait = 20s;
        auto held = co_await locks->acquire("job", patient);
        fine = held.has_value();
    };
    asio::co_spawn(context, again(), [&](const std::exception_ptr&) { locks.reset(); });
    context.run_for(30s);
    EXPECT_TRUE(fine);
}

TEST(a_locker, that_goes_away_right_behind_its_guard_has_released_it) {
    asio::io_context context;
    auto work = [&]() -> asio::awaitable<bool> {
        std::optional<async_locker> locks(std::in_place, context.get_executor(),
                                          "memory:right-behind");
        {
            auto held = co_await locks->acquire("job");
            if (!held) co_return false;
        }
        locks.reset();
        co_return true;
    };
    auto took = asio::co_spawn(context, work(), asio::use_future);
    async_locker other(context.get_executor(), "memory:right-behind");
    context.run_for(1s);
    EXPECT_TRUE(took.get());
    context.restart();
    auto next = asio::co_spawn(context, other.try_acquire("job"), asio::use_future);
    ASSERT_TRUE(poll_until([&] {
        context.restart();
        context.poll();
        return next.wait_for(0s) == std::future_status::ready;
    }));
    auto held = next.get();
    EXPECT_TRUE(held) << held.error().message();
    *held = async_guard();
    { const async_locker gone = std::move(other); }
    context.restart();
    context.run_for(10s);
}

TEST(an_async_release, that_is_not_awaited_releases_nothing) {
    asio::io_context context;
    std::optional<async_locker> locks(std::in_place, context.get_executor(), "memory:");
    auto work = [&]() -> asio::awaitable<bool> {
        auto held = co_await locks->acquire("job");
        { const auto forgotten = held->release(); }
        const bool still = held->held();
        const auto gone = co_await held->release();
        co_return still&& gone.has_value() && !held->held();
    };
    auto fine = asio::co_spawn(context, work(), asio::use_future);
    context.run_for(1s);
    EXPECT_TRUE(fine.get());
    locks.reset();
    context.restart();
    context.run_for(10s);
}

}  // namespace
}  // namespace holdfast::test
