// SPDX-License-Identifier: BSL-1.0
//
// Why: the guarantees hold for callers on many threads, while things end under their hands. How:
// each test makes two things happen at once, many times, and is meant for the thread sanitizer.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

void on_threads(int count, const std::function<void(int)>& work) {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

TEST(races, sixteen_threads_share_a_locker_and_lose_no_increment) {
    locker locks{"memory:"};
    long counter = 0;  // Guarded by the lock alone.
    std::uint64_t last_token = 0;
    on_threads(16, [&](int) {
        for (int i = 0; i < 100; ++i) {
            auto held = locks.acquire("counter", {.wait = 60s});
            ASSERT_TRUE(held) << held.error().message();
            counter = counter + 1;
            EXPECT_GT(held->fencing_token(), last_token);
            last_token = held->fencing_token();
            if (i % 3 != 0) held->release();  // Else the destructor does it.
        }
    });
    EXPECT_EQ(counter, 1600);
}

TEST(races, a_watch_beside_those_who_take_locks_ends_when_it_is_told_to) {
    locker locks{"memory:"};
    for (int round = 0; round < 10; ++round) {
        std::stop_source stop;
        std::atomic<int> told{0};
        on_threads(4, [&](int who) {
            if (who == 0) {
                const auto note = [&](const lock_change&) { ++told; };
                EXPECT_TRUE(locks.watch("", note, stop.get_token()));
                return;
            }
            for (int i = 0; i < 50; ++i)
                ASSERT_TRUE(locks.acquire("lock " + std::to_string(who), {.wait = 60s}));
            if (who == round % 3 + 1) stop.request_stop();
        });
    }
}

TEST(races, several_lockers_of_one_store_exclude_each_other) {
    long counter = 0;
    on_threads(4, [&](int) {
        locker locks{"memory:several"};
        for (int i = 0; i < 100; ++i) {
            auto held = locks.acquire("counter", {.wait = 60s});
            ASSERT_TRUE(held) << held.error().message();
            counter = counter + 1;
        }
    });
    EXPECT_EQ(counter, 400);
}

TEST(races, a_wait_may_be_stopped_while_the_lock_becomes_free) {
    locker locks{"memory:"};
    for (int i = 0; i < 100; ++i) {
        auto held = locks.acquire("job").value();
        std::stop_source stop;
        std::barrier together(3);
        std::jthread waiter([&] {
            together.arrive_and_wait();
            auto got = locks.acquire("job", {.wait = 10s, .stop = stop.get_token()});
            EXPECT_TRUE(got || got.error().code == errc::cancelled);
        });
        std::jthread stopper([&] {
            together.arrive_and_wait();
            stop.request_stop();
        });
        together.arrive_and_wait();
        held.release();
        waiter.join();
        stopper.join();
        // Whoever was first: nothing is left.
        EXPECT_TRUE(locks.acquire("job", {.wait = 10s}));
    }
}

TEST(races, guards_may_go_while_they_are_renewed_and_lost) {
    locker locks{"memory:"};
    std::atomic<int> told{0};
    on_threads(8, [&](int number) {
        const std::string name = "job" + std::to_string(number);
        for (int i = 0; i < 20; ++i) {
            auto held = locks.acquire(name, {.ttl = 30ms, .wait = 10s}).value();
            const std::stop_callback callback(held.lost(), [&] { ++told; });
            if (i % 2 == 0) {
                EXPECT_TRUE(locks.break_lock(name));
                while (!held.lost().stop_requested()) std::this_thread::yield();
            } else {
                static_cast<void>(held.renew(40ms));
            }
            if (i % 4 == 0) static_cast<void>(held.release());
        }
    });
    EXPECT_GE(told.load(), 80);
}

TEST(races, observers_may_look_at_a_guard_while_it_is_renewed) {
    locker locks{"memory:"};
    auto held = locks.acquire("job", {.ttl = 10s}).value();
    std::atomic<bool> end{false};
    std::jthread observer([&] {
        while (!end) {
            EXPECT_LE(held.remaining(), 20s);
            static_cast<void>(held.why_lost());
            static_cast<void>(held.valid_until());
            static_cast<void>(locks.statistics());
        }
    });
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(held.renew(i % 2 == 0 ? 10s : 20s));
    end = true;
}

TEST(races, lockers_may_be_made_and_destroyed_while_their_guards_live_on) {
    on_threads(4, [](int number) {
        for (int i = 0; i < 20; ++i) {
            guard held;
            {
                locker locks{"memory:made"};
                held = locks.acquire("job" + std::to_string(number), {.ttl = 50ms, .wait = 10s})
                           .value();
            }
            EXPECT_FALSE(held.name().empty());
        }
    });
}

TEST(races, coroutines_on_a_pool_of_threads_share_a_locker) {
    asio::thread_pool pool(4);
    std::optional<async_locker> owner(std::in_place, pool.get_executor(), "memory:");
    async_locker& locks = *owner;
    long counter = 0;
    auto work = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 50; ++i) {
            acquire_options options;
            options.wait = 60s;
            auto held = co_await locks.acquire("counter", options);
            EXPECT_TRUE(held);
            counter = counter + 1;
            const auto gone = co_await held->release();
            EXPECT_TRUE(gone);
        }
    };
    std::vector<std::future<void>> ends;
    for (int i = 0; i < 16; ++i) ends.push_back(asio::co_spawn(pool, work(), asio::use_future));
    for (auto& end : ends) end.get();
    EXPECT_EQ(counter, 800);
    owner.reset();
    pool.join();
}

}  // namespace
}  // namespace holdfast
