// SPDX-License-Identifier: BSL-1.0
//
// Many at once. The one bug that the store exists to prevent is two holds where there is room for
// one.
#include "integration/mysql_ranges.hpp"

#include <barrier>
#include <thread>

namespace holdfast::test {
namespace {

class range_races : public mysql_ranges, public testing::WithParamInterface<rights> {
protected:
    range_races() : mysql_ranges(GetParam()) {}
    /// Runs `work(user, number)` on threads of their own.
    template <class Work>
    void at_once(int users, Work work) {
        std::vector<std::thread> threads;
        for (int i = 0; i < users; ++i)
            threads.emplace_back([&, i] {
                range_user mine(url());
                work(mine, i);
            });
        for (std::thread& each : threads) each.join();
    }
    [[nodiscard]] std::string deadlocks() {
        return sql_->value(
            "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
            "WHERE VARIABLE_NAME = 'Innodb_deadlocks'");
    }
};

TEST_P(range_races, sixteen_clients_book_each_slot_once_and_meet_no_error) {
    constexpr int slots = 120;
    const std::string before = deadlocks();
    std::atomic<int> held{0};
    std::atomic<int> odd{0};
    at_once(16, [&](range_user& mine, int number) {
        for (int i = 0; i < slots; ++i) {
            const int slot = (i + number * 7) % slots;
            const auto how = mine.hold("room", slot * 10, slot * 10 + 10);
            if (how) {
                ++held;
            } else if (how.error().code != errc::contended || how.error().blockers.empty()) {
                ADD_FAILURE() << how.error().message();
                ++odd;
            }
        }
    });
    EXPECT_EQ(held, slots);
    EXPECT_EQ(odd, 0);
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(row_count(), std::to_string(slots));
    EXPECT_EQ(deadlocks(), before);
}

// Why: a list that took several looks missed a hold that moved in between. How: one moves all the
// time, and always covers the window; once of class 0, and once of others.
TEST_P(range_races, a_list_tells_of_one_instant) {
    for (const std::uint32_t room : {1U, 2U}) {
        const std::string key = "room " + std::to_string(room);
        ASSERT_TRUE(ok(ours_->set_capacity(key, room)));
        const range_claim one{.key = key, .id = "a", .start = 0, .end = 100, .ttl = 5min};
        ASSERT_TRUE(ok(ours_->hold(one)));
        std::atomic<bool> done{false};
        std::thread mover([&] {
            range_user mine(url());
            while (!done) {
                EXPECT_TRUE(ok(mine.move(key, "a", {50, 150})));
                EXPECT_TRUE(ok(mine.move(key, "a", {0, 200})));
            }
        });
        int odd = 0;
        for (int i = 0; i < 400; ++i) {
            const auto seen = theirs_->list(key, {60, 100});
            if (!seen || seen->holds.size() != 1) ++odd;
        }
        done = true;
        mover.join();
        EXPECT_EQ(odd, 0) << key;
    }
}

// How: all wait for each other, and then want ranges that overlap, on keys that are new as well.
TEST_P(range_races, of_sixteen_who_want_it_at_the_same_time_exactly_one_gets_it) {
    constexpr int rounds = 60;
    constexpr int racers = 16;
    std::barrier start(racers);
    std::vector<std::atomic<int>> winners(rounds);
    const std::string before = deadlocks();
    at_once(racers, [&](range_user& mine, int number) {
        static_cast<void>(mine.hold("warm", number, number + 1));
        for (int round = 0; round < rounds; ++round) {
            start.arrive_and_wait();
            const std::string key = round % 3 == 0 ? "new" + std::to_string(round) : "room";
            const std::int64_t from = round * 1000 + number;
            const auto how = mine.hold(key, from, from + 500);
            if (how)
                ++winners[static_cast<std::size_t>(round)];
            else
                EXPECT_TRUE(fails_with(how, errc::contended));
        }
    });
    for (int round = 0; round < rounds; ++round)
        EXPECT_EQ(winners[static_cast<std::size_t>(round)], 1) << "in round " << round;
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(deadlocks(), before);
}

// Why: holds that come, run out, are renewed, moved and released all the time, at the same places.
TEST_P(range_races, holds_that_come_and_go_never_overlap) {
    std::atomic<int> wrong{0};
    at_once(8, [&](range_user& mine, int number) {
        for (int i = 0; i < 60; ++i) {
            const std::int64_t from = (i * 13 + number * 5) % 60;
            const range_claim wanted{.key = "room",
                                     .id = mine.fresh_id(),
                                     .start = from,
                                     .end = from + 1 + i % 20,
                                     .ttl = std::chrono::milliseconds(10 + i % 30)};
            const auto held = mine.hold(wanted);
            if (!held) {
                wrong += held.error().code == errc::contended ? 0 : 1;
                continue;
            }
            result<void> then;
            if (i % 4 == 0) then = mine.release("room", wanted.id);
            if (i % 4 == 1) then = mine.renew("room", wanted.id, 20ms);
            if (i % 4 == 2) {
                const auto moved = mine.move("room", wanted.id, {from + 5, from + 9});
                if (!moved) then = moved.error();
            }
            if (!then && then.error().code != errc::lost && then.error().code != errc::contended)
                ++wrong;
        }
    });
    EXPECT_EQ(wrong, 0);
    // What is left may have run out, and never overlaps, as it was all granted to one at a time.
    EXPECT_EQ(overlaps(), "0");
}

TEST_P(range_races, several_keys_in_any_order_stand_in_nobodys_way) {
    const std::string before = deadlocks();
    std::atomic<int> held{0};
    at_once(8, [&](range_user& mine, int number) {
        for (int i = 0; i < 25; ++i) {
            std::vector<range_claim> wanted;
            for (int k = 0; k < 3; ++k)
                wanted.push_back({.key = "key" + std::to_string((number + i + k * (i % 3 + 1)) % 7),
                                  .id = mine.fresh_id(),
                                  .start = i,
                                  .end = i + 1,
                                  .ttl = 30s});
            const auto how = mine.hold_all(wanted);
            if (how) ++held;
            if (!how) {
                EXPECT_TRUE(fails_with(how, errc::contended));
            }
        }
    });
    EXPECT_GT(held, 0);
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(row_count(), std::to_string(held * 3));
    EXPECT_EQ(deadlocks(), before);
}

TEST_P(range_races, never_more_than_the_capacity) {
    constexpr int users = 8;
    ASSERT_TRUE(ok(ours_->set_capacity("room", 3)));
    std::atomic<int> held{0};
    at_once(users, [&](range_user& mine, int number) {
        for (int i = 0; i < 20; ++i)
            if (mine.hold("room", i * 10 + number, i * 10 + number + 5)) ++held;
    });
    EXPECT_GT(held, 0);
    sql_session& sql = *sql_;
    EXPECT_LE(std::stoi(sql.value(
                  "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM holdfast_range_hold a "
                  "JOIN holdfast_range_hold b ON b.starts <= a.starts AND a.starts < b.ends "
                  "GROUP BY a.id) AS counted")),
              3);
}

TEST_P(range_races, a_waiter_is_told_when_what_it_wants_is_free) {
    range_claim wanted{.key = "room", .id = "mine", .start = 10, .end = 20, .ttl = 30s};
    ASSERT_TRUE(ok(theirs_->hold("room", 15, 25)));
    const range_claim theirs{.key = "room", .id = "b", .start = 5, .end = 12, .ttl = 30s};
    ASSERT_TRUE(ok(theirs_->hold(theirs)));
    const auto wait = start(ours_->context, with_value(ours_->store->await_change(
                                                wanted, range_change::freed, range_user::in(20s))));
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return wait->ended(); }, 300ms));
    ASSERT_TRUE(ok(theirs_->hold("room", 100, 110))) << "it is elsewhere";
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return wait->ended(); }, 300ms));
    ASSERT_TRUE(ok(theirs_->release("room", "b")));
    EXPECT_TRUE(drive_until(
        ours_->context, [&] { return wait->ended(); }, 5s));
}

TEST_P(range_races, a_waiter_is_told_when_what_is_in_the_way_runs_out) {
    const range_claim brief{.key = "room", .id = "b", .start = 5, .end = 12, .ttl = 400ms};
    ASSERT_TRUE(ok(theirs_->hold(brief)));
    const range_claim wanted{.key = "room", .id = "mine", .start = 10, .end = 20, .ttl = 30s};
    run(ours_->context,
        ours_->store->await_change(wanted, range_change::freed, range_user::in(20s)));
    EXPECT_TRUE(ok(ours_->hold(wanted)));
    // What can be had is told at once, and a change of any kind is told as well.
    run(ours_->context,
        ours_->store->await_change(wanted, range_change::freed, range_user::in(20s)));
    const auto any = start(ours_->context, with_value(ours_->store->await_change(
                                               wanted, range_change::any, range_user::in(20s))));
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return any->ended(); }, 300ms));
    ASSERT_TRUE(ok(theirs_->move("room", "mine", {11, 20})));
    EXPECT_TRUE(drive_until(
        ours_->context, [&] { return any->ended(); }, 5s));
}

INSTANTIATE_TEST_SUITE_P(mysql, range_races, testing::Values(rights::all, rights::no_routines),
                         [](const auto& of) {
                             return of.param == rights::all ? "procedure" : "steps";
                         });

}  // namespace
}  // namespace holdfast::test
