// SPDX-License-Identifier: BSL-1.0
#include "sim/world.hpp"

#include <gtest/gtest.h>

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;

struct one_server : testing::Test {
    world w{1, 2, {}};
    client& holder = *w.clients[0];
    client& rival = *w.clients[1];
    lock::held_ptr held;
    lock::held_ptr taken;

    void acquire(client& who, lock::held_ptr& into, acquire_options options) {
        auto work = [](client& me, lock::held_ptr& target,
                       acquire_options how) -> asio::awaitable<void> {
            auto got = co_await me.engine->acquire("job", std::move(how));
            if (got) target = *got;
        };
        w.spawn(work(who, into, std::move(options)));
    }
};

// Why: two holders at once is the one bug that the library exists to prevent.
// How: cut the holder off, let time pass, let a rival in; compare the instants.
TEST_F(one_server, tells_a_holder_that_is_cut_off_before_a_rival_can_acquire) {
    acquire(holder, held, {.ttl = 10s});
    w.run_for(1s);
    ASSERT_TRUE(held);
    holder.cut_to_server = true;
    acquire(rival, taken, {.ttl = 10s, .wait = 60s});
    time_point told{};
    time_point got{};
    w.run_for(60s, [&] {
        if (told == time_point{} && held->lost_signal().stop_requested()) told = w.now();
        if (got == time_point{} && taken) got = w.now();
    });
    ASSERT_NE(told, time_point{});
    ASSERT_NE(got, time_point{});
    EXPECT_LT(told, held->valid_until.load());
    EXPECT_LT(held->valid_until.load(), got);
    EXPECT_EQ(held->why_lost(), lost_reason::unreachable);
}

// Why: a renewal that stops while its holder lives is the commonest bug of such libraries.
// How: a lease of two seconds, held for ten minutes.
TEST_F(one_server, keeps_a_lock_for_as_long_as_it_is_wanted) {
    acquire(holder, held, {.ttl = 2s});
    w.run_for(100ms);
    acquire(rival, taken, {.ttl = 2s, .wait = forever});
    w.run_for(10min);
    ASSERT_TRUE(held);
    EXPECT_TRUE(held->held());
    EXPECT_FALSE(taken);
    const auto renewals = holder.engine->statistics().renewals;
    EXPECT_GE(renewals, 600U / 2);  // At least one a ttl ...
    EXPECT_LE(renewals, 600U * 2);  // ... and about three.
}

// Why: a paused process cannot know that its lease has ended, until it runs again.
// How: pause the holder past its ttl; a rival takes over; the holder must wake up as the loser.
TEST_F(one_server, a_holder_that_was_paused_past_its_ttl_wakes_up_without_the_lock) {
    acquire(holder, held, {.ttl = 1s});
    w.run_for(100ms);
    acquire(rival, taken, {.ttl = 1s, .wait = forever});
    w.run_for(500ms);
    w.pause(holder, 5s);
    w.run_for(4s);
    ASSERT_TRUE(taken);
    w.run_for(2s);
    EXPECT_FALSE(held->held());
    EXPECT_TRUE(held->lost_signal().stop_requested());
    EXPECT_TRUE(taken->held());
    EXPECT_GT(taken->fencing_token, held->fencing_token);
}

// Why: an operator breaks a lock; its holder must not go on.
TEST_F(one_server, a_deleted_lock_is_signalled_within_a_third_of_the_ttl) {
    acquire(holder, held, {.ttl = 3s});
    w.run_for(2s);
    ASSERT_TRUE(w.srv.table.take_away("job", w.server_now()));
    w.run_for(1s + 10ms);
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
}

TEST_F(one_server, max_hold_ends_a_lock_that_is_still_renewed) {
    acquire(holder, held, {.ttl = 3s, .max_hold = 10s});
    w.run_for(9s);
    ASSERT_TRUE(held);
    EXPECT_TRUE(held->held());
    w.run_for(2s);
    EXPECT_EQ(held->why_lost(), lost_reason::max_hold);
    EXPECT_TRUE(held->lost_signal().stop_requested());
}

// Why: a short stall must not cost a lock whose lease has time left.
// How: cut the line for less than the ttl less the margin, again and again.
TEST_F(one_server, survives_stalls_that_are_shorter_than_the_lease) {
    acquire(holder, held, {.ttl = 3s});
    w.run_for(100ms);
    for (int i = 0; i < 50; ++i) {
        holder.cut_to_server = true;
        w.run_for(1s);
        holder.cut_to_server = false;
        w.run_for(1s);
    }
    EXPECT_TRUE(held->held());
    EXPECT_GT(holder.engine->statistics().renewal_failures, 10U);
}

// Why: a thousand locks must not wait for each other's renewals.
TEST_F(one_server, renews_many_locks_together) {
    std::vector<lock::held_ptr> all;
    auto work = [&](client& me) -> asio::awaitable<void> {
        for (int i = 0; i < 1000; ++i) {
            acquire_options options;
            options.ttl = 3s;
            auto got = co_await me.engine->acquire("n" + std::to_string(i), options);
            if (got) all.push_back(*got);
        }
    };
    w.spawn(work(holder));
    w.run_for(60s);
    ASSERT_EQ(all.size(), 1000U);
    for (const auto& one : all) EXPECT_TRUE(one->held());
}

}  // namespace
}  // namespace holdfast::sim
