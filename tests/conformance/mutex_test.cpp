// SPDX-License-Identifier: BSL-1.0
//
// The mutexes over each store, with the standard's lock types and several threads.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class shared_mutexes : public testing::TestWithParam<store_kind> {
protected:
    void SetUp() override {
        if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    }
    /// Runs `work` on a thread of its own, as another holder would.
    template <class Work>
    static void elsewhere(Work work) {
        std::jthread(std::move(work)).join();
    }

    std::unique_ptr<store_place> place_ = GetParam().make_place();
    locker locks_{place_->url()};
    locker others_{place_->url()};
};

TEST_P(shared_mutexes, let_readers_in_together_and_a_writer_alone) {
    shared_mutex mine{locks_, "table"};
    shared_mutex theirs{others_, "table"};
    {
        const std::shared_lock reading(mine);
        EXPECT_GT(mine.fencing_token(), 0U);
        EXPECT_FALSE(mine.lost().stop_requested());
        elsewhere([&] {
            const std::shared_lock also_reading(theirs, std::try_to_lock);
            EXPECT_TRUE(also_reading.owns_lock());
            EXPECT_EQ(locks_.inspect("table").value()->holders, 2U);
        });
        elsewhere([&] {
            EXPECT_FALSE(theirs.try_lock());
            EXPECT_FALSE(theirs.try_lock_for(5ms));
        });
    }
    ASSERT_TRUE(poll_until([&] { return !locks_.inspect("table").value(); }));
    const std::unique_lock writing(mine);
    EXPECT_EQ(locks_.inspect("table").value()->mode, lock_mode::exclusive);
    elsewhere([&] {
        EXPECT_FALSE(theirs.try_lock_shared());
        EXPECT_FALSE(theirs.try_lock_shared_for(5ms));
        EXPECT_FALSE(theirs.try_lock_shared_until(std::chrono::steady_clock::now() + 5ms));
        EXPECT_EQ(theirs.remaining(), 0ms);
        EXPECT_TRUE(theirs.lost().stop_requested());
    });
}

TEST_P(shared_mutexes, work_with_scoped_lock_over_several) {
    shared_mutex first{locks_, "first"};
    shared_mutex second{locks_, "second"};
    std::shared_mutex local;
    std::atomic<int> inside{0};
    auto work = [&](shared_mutex& a, shared_mutex& b) {
        for (int i = 0; i < 10; ++i) {
            const std::scoped_lock all(a, b, local);
            EXPECT_EQ(inside++, 0);
            --inside;
        }
    };
    std::jthread one([&] { work(first, second); });
    std::jthread other([&] { work(second, first); });
}

// Why: std::lock gives back what it has when another one is taken, and a lock that is handed from
// one to the next is never free: they could be in each other's way for ever.
TEST_P(shared_mutexes, are_taken_by_a_crowd_in_any_order_without_trying_for_ever) {
    shared_mutex first{locks_, "first"};
    shared_mutex second{locks_, "second"};
    constexpr int rounds = 30;
    const std::uint64_t before = locks_.statistics().attempts;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < 4; ++i)
            crowd.emplace_back([&, i] {
                for (int round = 0; round < rounds; ++round) {
                    const std::scoped_lock all(i % 2 == 0 ? first : second,
                                               i % 2 == 0 ? second : first);
                }
            });
    }
    // Two each where nobody is in the way.
    EXPECT_LT(locks_.statistics().attempts - before, 4U * rounds * 2 * 10);
}

// Why: only who has just given all back again lets others go first.
TEST_P(shared_mutexes, cost_no_pause_after_a_lock_that_asked_for_no_other) {
    shared_mutex first{locks_, "first"};
    shared_mutex second{locks_, "second"};
    const auto median = [&] {
        std::vector<std::chrono::steady_clock::duration> all;
        for (int i = 0; i < 21; ++i) {
            const auto begun = std::chrono::steady_clock::now();
            first.lock();
            first.unlock();
            all.push_back(std::chrono::steady_clock::now() - begun);
        }
        std::ranges::nth_element(all, all.begin() + 10);
        return all[10];
    };
    const auto usual = median();
    const auto others = locks_.acquire("second");
    ASSERT_TRUE(others);
    for (int i = 0; i < 12; ++i) {
        const std::unique_lock held(first);
        EXPECT_FALSE(second.try_lock());
    }
    EXPECT_LT(median(), 10 * usual);
}

TEST_P(shared_mutexes, of_permits_give_a_thread_as_many_as_it_asks_for) {
    mutex desks{locks_, "desks", {.permits = 2}};
    const auto taken = [&] {
        const auto found = locks_.inspect("desks").value();
        return found ? found->holders : 0;
    };
    desks.lock();
    desks.lock();
    EXPECT_EQ(taken(), 2U);
    EXPECT_FALSE(desks.try_lock());
    desks.unlock();
    EXPECT_TRUE(poll_until([&] { return taken() == 1; }));
    EXPECT_GT(desks.fencing_token(), 0U) << "it has one";
    desks.unlock();
    EXPECT_TRUE(poll_until([&] { return taken() == 0; }));
}

// Why: who waits for one of its own process asks nobody, and would learn of it by that one's next
// renewal only, a third of the ttl later.
TEST_P(shared_mutexes, are_had_at_once_by_who_waits_when_the_own_process_breaks_the_lock) {
    for (const bool breaks : {true, false}) {
        auto first = locks_.acquire("job", {.ttl = 60s});
        ASSERT_TRUE(first);
        std::optional<guard> second;
        std::jthread waits([&] {
            if (auto held = locks_.acquire("job", {.ttl = 60s, .wait = 20s}))
                second = std::move(*held);
        });
        EXPECT_TRUE(first->release());
        waits.join();
        ASSERT_TRUE(second) << "it waited, so those behind it wait for it";
        std::jthread behind([&] {
            const auto held = locks_.acquire("job", {.ttl = 60s, .wait = 15s});
            EXPECT_TRUE(held) << held.error().message();
        });
        // It waits by now, mostly: else it finds the name free, which is as well.
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(others_.inspect("job"));
        if (breaks)
            EXPECT_TRUE(locks_.break_lock("job").value());
        else
            EXPECT_TRUE(locks_.release({.name = "job", .id = second->id()}));
        behind.join();
        EXPECT_FALSE(second->held());
    }
    EXPECT_EQ(locks_.statistics().renewals, 0U);
}

// Why: what std::mutex takes, ours takes: numbers that overflow where they are counted otherwise.
TEST_P(shared_mutexes, take_every_limit_that_a_clock_can_tell) {
    shared_mutex mine{locks_, "table"};
    const auto takes = [&](auto limit) {
        const bool got = mine.try_lock_for(limit);
        if (got) mine.unlock();
        return got;
    };
    using clock = std::chrono::steady_clock;
    EXPECT_TRUE(takes(std::chrono::seconds::max()));
    EXPECT_TRUE(takes(std::chrono::hours::max()));
    EXPECT_TRUE(takes(std::chrono::duration<double>::max()));
    EXPECT_TRUE(takes(std::chrono::hours::min()));
    ASSERT_TRUE(mine.try_lock_until(clock::time_point::max()));
    elsewhere([&] {
        shared_mutex theirs{others_, "table"};
        EXPECT_FALSE(theirs.try_lock_until(clock::time_point::min()));
        EXPECT_FALSE(theirs.try_lock_shared_until(clock::time_point::min()));
        EXPECT_FALSE(theirs.try_lock_for(std::chrono::nanoseconds::min()));
        EXPECT_FALSE(theirs.try_lock_for(std::chrono::duration<double>(std::nan(""))));
    });
    mine.unlock();
}

// Why: the exclusion, as programs use it. How: writers add to two numbers, readers compare them.
TEST_P(shared_mutexes, show_readers_no_half_written_state) {
    shared_mutex mine{locks_, "numbers"};
    shared_mutex theirs{others_, "numbers"};
    long first = 0;
    long second = 0;
    std::atomic<int> differences{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&, i] {
                for (int round = 0; round < 20; ++round) {
                    const std::unique_lock writing(i == 0 ? mine : theirs);
                    ++first;
                    std::this_thread::yield();
                    ++second;
                }
            });
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&, i] {
                for (int round = 0; round < 20; ++round) {
                    const std::shared_lock reading(i % 2 == 0 ? mine : theirs);
                    if (first != second) ++differences;
                }
            });
    }
    EXPECT_EQ(differences, 0);
    EXPECT_EQ(first, 40);
    EXPECT_EQ(second, 40);
}

TEST_P(shared_mutexes, tell_a_reader_that_it_lost_its_share) {
    shared_mutex table{locks_, "table", {.ttl = 300ms}};
    table.lock_shared();
    ASSERT_TRUE(others_.break_lock("table").value());
    EXPECT_TRUE(poll_until([&] { return table.lost().stop_requested(); }));
    table.unlock_shared();
}

TEST_P(shared_mutexes, let_as_many_in_as_there_are_permits) {
    mutex permits{locks_, "pool", {.permits = 2}};
    permits.lock();
    std::latch tried{1};
    std::jthread second([&] {
        EXPECT_TRUE(permits.try_lock());
        tried.wait();
        permits.unlock();
    });
    ASSERT_TRUE(poll_until([&] { return others_.inspect("pool").value()->holders == 2; }));
    elsewhere([&] { EXPECT_FALSE(permits.try_lock()); });
    tried.count_down();
    elsewhere([&] {
        EXPECT_TRUE(permits.try_lock_for(20s));
        permits.unlock();
    });
    permits.unlock();
}

INSTANTIATE_TEST_SUITE_P(every_store, shared_mutexes, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
