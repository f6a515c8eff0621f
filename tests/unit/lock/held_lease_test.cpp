// SPDX-License-Identifier: BSL-1.0
#include "lock/held_lease.hpp"

#include "lock/lease_pool.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using lock::held_ptr;
using lock::lease_pool;

TEST(a_lease_pool, gives_a_lease_again_as_if_it_were_new) {
    const auto pool = std::make_shared<lease_pool>();
    held_ptr first = pool->take();
    const lock::held_lease* const same = first.get();
    first->attempts = 7;
    first->id_was_told = true;
    const std::stop_token old_signal = first->lost_signal();
    EXPECT_TRUE(first->lose(lost_reason::taken));
    first.reset();
    const held_ptr second = pool->take();
    EXPECT_EQ(second.get(), same);
    EXPECT_TRUE(second->held());
    EXPECT_EQ(second->why_lost(), lost_reason::none);
    EXPECT_EQ(second->attempts, 0U);
    EXPECT_FALSE(second->id_was_told);
    EXPECT_FALSE(second->lost_signal().stop_requested());
    EXPECT_NE(second->lost_signal(), old_signal);
}

// Why: who looks at what it held before must not see, or end, what others hold now.
TEST(a_lease_pool, does_not_give_what_somebody_still_knows_of) {
    const auto pool = std::make_shared<lease_pool>();
    held_ptr first = pool->take();
    const std::weak_ptr<lock::held_lease> observer = first;
    const lock::held_lease* const old = first.get();
    first.reset();
    EXPECT_TRUE(observer.expired());
    EXPECT_NE(pool->take().get(), old);
}

TEST(a_lease_pool, may_go_away_before_its_leases) {
    auto pool = std::make_shared<lease_pool>();
    held_ptr last = pool->take();
    held_ptr before = pool->take();
    before.reset();
    pool.reset();
    last->name = "still there";
    EXPECT_TRUE(last->held());
}

TEST(a_lease_pool, takes_leases_back_from_any_thread) {
    const auto pool = std::make_shared<lease_pool>();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 1000; ++round) {
                const held_ptr mine = pool->take();
                ASSERT_TRUE(mine->lose(lost_reason::expired));
            }
        });
}

TEST(a_held_lease, signals_to_who_asks_after_the_loss) {
    const auto pool = std::make_shared<lease_pool>();
    const held_ptr held = pool->take();
    EXPECT_FALSE(held->lost_source());
    EXPECT_TRUE(held->lose(lost_reason::deleted));
    EXPECT_TRUE(held->lost_signal().stop_requested());
}

TEST(a_held_lease, signals_to_all_who_asked_before_the_loss) {
    const auto pool = std::make_shared<lease_pool>();
    const held_ptr held = pool->take();
    const std::stop_token one = held->lost_signal();
    const std::stop_token other = held->lost_signal();
    EXPECT_TRUE(held->lose(lost_reason::deleted));
    EXPECT_FALSE(one.stop_requested()) << "that is up to the engine";
    held->lost_source()->request_stop();
    EXPECT_TRUE(one.stop_requested() && other.stop_requested());
}

}  // namespace
}  // namespace holdfast::test
