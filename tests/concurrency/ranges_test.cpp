// SPDX-License-Identifier: BSL-1.0
//
// Why: one range locker is used by any number of threads, and guards end on any of them.
// How: as races_test.cpp, for the thread sanitizer.
#include <holdfast/async_range_locker.hpp>
#include <holdfast/holdfast.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t places = 8;

/// What each place is used for; only its hold keeps two from doing it at once.
using counters = std::array<long, static_cast<std::size_t>(places)>;

void use(range_locker& ranges, counters& guarded, int thread) {
    range_options how;
    how.wait = 60s;
    how.auto_renew = thread % 2 == 0;
    for (int i = 0; i < 100; ++i) {
        const std::int64_t place = (thread * 5 + i * 3) % places;
        auto held = ranges.hold("room", place * 10, place * 10 + 10, how);
        ASSERT_TRUE(held) << held.error().message();
        long& counter = guarded.at(static_cast<std::size_t>(place));
        counter = counter + 1;
        EXPECT_FALSE(held->lost().stop_requested());
        if (i % 3 != 0) held->release();  // Else the destructor does it.
    }
}

TEST(ranges, are_held_by_one_thread_at_a_time) {
    range_locker ranges{"memory:"};
    counters guarded{};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) threads.emplace_back([&, i] { use(ranges, guarded, i); });
    }
    long all = 0;
    for (const long one : guarded) all += one;
    EXPECT_EQ(all, 800);
    EXPECT_TRUE(ranges.list("room").value().empty());
}

TEST(ranges, may_be_looked_at_and_moved_while_others_come_and_go) {
    range_locker ranges{"memory:"};
    std::jthread looker([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            ASSERT_TRUE(ranges.list("room"));
            ASSERT_TRUE(ranges.free_gap("room", 5, {0, 1000}));
            EXPECT_GE(ranges.statistics().grants, 0U);
        }
    });
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (int turn = 0; turn < 100; ++turn) {
                auto held = ranges.hold("room", i * 100, i * 100 + 10).value();
                ASSERT_TRUE(held.move(i * 100 + 5, i * 100 + 20));
                ASSERT_TRUE(turn % 2 == 0 ? held.release().has_value()
                                          : ranges.release("room", held.id()).has_value());
            }
        });
}

TEST(ranges, are_held_by_coroutines_of_several_threads) {
    asio::thread_pool pool{4};
    {
        async_range_locker ranges{pool.get_executor(), "memory:"};
        auto work = [&](std::int64_t place) -> asio::awaitable<int> {
            range_options how;
            how.wait = 60s;
            int done = 0;
            for (int i = 0; i < 100; ++i) {
                auto held = co_await ranges.hold("room", place, place + 2, how);
                if (!held) co_return done;
                const auto gone = co_await held->release();
                if (gone) ++done;
            }
            co_return done;
        };
        std::vector<std::future<int>> all;
        for (std::int64_t i = 0; i < 8; ++i)
            all.push_back(asio::co_spawn(pool, work(i), asio::use_future));
        for (auto& one : all) EXPECT_EQ(one.get(), 100);
    }
    pool.join();  // The locker's last work is done there.
}

}  // namespace
}  // namespace holdfast
