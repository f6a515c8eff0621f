// SPDX-License-Identifier: BSL-1.0
//
// Why: a log is users' code: it blocks, throws, and calls back. How: real lockers on the memory
// store.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>
#include <holdfast/memory.hpp>

#include "support/poll.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using test::poll_until;

/// Loses a lock, so that there is something to tell of.
void lose_one(locker& locks) {
    auto held = locks.acquire("job", {.ttl = 300ms});
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(locks.break_lock("job"));
    ASSERT_TRUE(poll_until([&] { return !held->held(); }));
}

TEST(on_event, of_a_blocking_locker_runs_on_another_thread_and_may_call_the_locker) {
    std::optional<locker> locks;
    std::atomic<bool> called{false};
    std::thread::id thread;
    locker_options options;
    options.on_event = [&](const event& what) {
        if (what.kind != event_kind::lost) return;
        thread = std::this_thread::get_id();
        called =
            locks->acquire("another", {.wait = 5s}).has_value() && locks->statistics().losses == 1;
    };
    locks.emplace("memory:", options);
    lose_one(*locks);
    EXPECT_TRUE(poll_until([&] { return called.load(); }));
    EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(on_event, that_blocks_holds_nothing_up_but_the_log) {
    std::promise<void> blocked;
    std::promise<void> go_on;
    std::atomic<int> told{0};
    locker_options options;
    options.on_event = [&](const event&) {
        if (told++ > 0) return;
        blocked.set_value();
        go_on.get_future().wait();
    };
    locker locks("memory:", options);
    lose_one(locks);
    blocked.get_future().wait();
    const auto before = locks.statistics().renewals;
    auto held = locks.acquire("kept", {.ttl = 900ms});
    ASSERT_TRUE(held);
    EXPECT_TRUE(poll_until([&] { return locks.statistics().renewals >= before + 2; }));
    EXPECT_TRUE(held->held());
    lose_one(locks);
    EXPECT_EQ(told, 1);
    go_on.set_value();
    EXPECT_TRUE(poll_until([&] { return told == 2; }));
}

TEST(on_event, that_throws_is_counted) {
    locker_options options;
    options.on_event = [](const event&) { throw std::runtime_error("the disk is full"); };
    locker locks("memory:", options);
    lose_one(locks);
    lose_one(locks);
    EXPECT_TRUE(poll_until([&] { return locks.statistics().events_refused == 2; }));
    EXPECT_EQ(locks.statistics().losses, 2U);
}

TEST(on_event, has_been_told_all_when_the_locker_is_gone) {
    std::vector<event> told;
    locker_options options;
    options.on_event = [&](const event& what) { told.push_back(what); };
    {
        locker locks("memory:", options);
        for (int i = 0; i < 3; ++i) lose_one(locks);
    }
    ASSERT_EQ(told.size(), 3U);
    EXPECT_EQ(told[0].reason, lost_reason::deleted);
    EXPECT_EQ(told[0].node, "memory:");
    EXPECT_EQ(told[0].id.size(), 8U);
}

asio::awaitable<void> lose_one_async(async_locker& locks) {
    acquire_options options;
    options.ttl = 300ms;
    auto held = co_await locks.acquire("job", options);
    EXPECT_TRUE(held);
    const auto broken = co_await locks.break_lock("job");
    EXPECT_TRUE(broken);
    while (held->held()) co_await asio::post(locks.get_executor(), asio::use_awaitable);
}

TEST(on_event, of_an_async_locker_runs_on_its_context) {
    asio::io_context context;
    std::vector<event> told;
    locker_options options;
    options.on_event = [&](const event& what) { told.push_back(what); };
    {
        async_locker locks(context.get_executor(), "memory:", options);
        test::run(context, lose_one_async(locks));
        EXPECT_TRUE(test::drive_until(context, [&] { return told.size() == 1; }));
    }
    context.run_for(5s);
    EXPECT_EQ(told.size(), 1U);
}

TEST(on_event, tells_the_key_of_a_range_and_not_what_it_holds) {
    std::vector<event> told;
    locker_options options;
    options.on_event = [&](const event& what) { told.push_back(what); };
    {
        range_locker rooms("memory:", options);
        auto held = rooms.hold("room", 1, 2, {.ttl = 300ms, .data = "a secret"});
        ASSERT_TRUE(held);
        ASSERT_TRUE(rooms.release("room", held->id()));
        ASSERT_TRUE(poll_until([&] { return !held->held(); }));
        const lock_statistics all = rooms.statistics();
        EXPECT_EQ(all.grants, 1U);
        EXPECT_EQ(all.attempts, 1U);
    }
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].name, "room");
    EXPECT_EQ(to_string(told[0]).find("secret"), std::string::npos);
}

TEST(slow_acquire, has_a_domain) {
    for (const auto wrong : {-1ms, std::chrono::milliseconds(24h) + 1ms}) {
        const auto refused = locker::open("memory:", {.slow_acquire = wrong});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::misuse);
        EXPECT_NE(refused.error().text.find("slow_acquire"), std::string::npos);
    }
    EXPECT_TRUE(locker::open("memory:", {.slow_acquire = 24h}));
    int told = 0;
    const auto count = [&](const event&) { ++told; };
    {
        locker locks("memory:", {.on_event = count, .slow_acquire = 0ms});
        auto held = locks.acquire("job");
        EXPECT_FALSE(locks.acquire("job", {.wait = 20ms}));
    }
    EXPECT_EQ(told, 0) << "0 switches it off";
    {
        locker locks("memory:", {.on_event = count, .slow_acquire = 20ms});
        auto held = locks.acquire("job");
        EXPECT_FALSE(locks.acquire("job", {.wait = 20ms}));
    }
    EXPECT_EQ(told, 1);
}

// Why: several threads take, pass on and release at once; no count may be lost.
TEST(statistics, are_exact_after_a_crowd_of_threads) {
    constexpr int threads = 8;
    constexpr int rounds = 300;
    locker locks("memory:");
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < threads; ++i)
            crowd.emplace_back([&, i] {
                const std::string name = i % 2 == 0 ? "one" : "own" + std::to_string(i);
                for (int k = 0; k < rounds; ++k) {
                    auto held = locks.acquire(name, {.wait = 30s});
                    if (!held || !held->release()) ADD_FAILURE();
                    static_cast<void>(locks.statistics());
                }
            });
    }
    const lock_statistics all = locks.statistics();
    EXPECT_EQ(all.grants, std::uint64_t{threads * rounds});
    EXPECT_EQ(all.releases, std::uint64_t{threads * rounds});
    EXPECT_EQ(all.wait_time.count(), all.grants);
    EXPECT_EQ(all.hold_time.count(), all.grants);
    EXPECT_EQ(all.vain_wait_time.count(), 0U);
    EXPECT_EQ(all.held(), 0U);
    EXPECT_EQ(all.losses + all.store_errors + all.releases_in_doubt, 0U);
}

}  // namespace
}  // namespace holdfast
