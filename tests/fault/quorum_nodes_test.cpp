// SPDX-License-Identifier: BSL-1.0
//
// Why: a node that is out of order must cost nothing, must not be forgotten when it is back, and
// must get what it has missed while a lock is held. How: as quorum_test.cpp.
#include "fault/quorum_bench.hpp"

namespace holdfast::fault {
namespace {

constexpr auto long_ttl = 60s;

struct quorum_nodes : testing::Test {
    quorum_bench b{3};
    lock::engine& engine = b.add_client();

    result<lock::held_ptr> acquire(const std::string& name = "job",
                                   std::chrono::milliseconds ttl = long_ttl) {
        return b.run(engine.acquire(name, unfenced(0ms, ttl)));
    }
    void take_and_release() {
        const auto held = acquire("other");
        ASSERT_TRUE(held);
        EXPECT_TRUE(b.run(engine.release(*held)));
        b.pass(0ms);
    }
    /// Lets `server` be silent until it is skipped.
    void open_breaker(std::size_t server) {
        b.state[server] = trouble::unreachable;
        for (int i = 0; i < 2; ++i) take_and_release();
    }
};

TEST_F(quorum_nodes, skips_one_that_did_not_answer_three_times_in_a_row_and_says_so) {
    b.state[2] = trouble::unreachable;
    take_and_release();
    EXPECT_EQ(b.sent(2), 2U);
    take_and_release();
    take_and_release();
    EXPECT_EQ(b.sent(2), 3U) << "it was asked again";
    b.occupy(0);
    b.occupy(1);
    const auto refused = acquire();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    ASSERT_EQ(refused.error().nodes.size(), 3U);
    EXPECT_EQ(refused.error().nodes[2].text, "skipped: faulty:2 has not answered 3 times in a row");
    EXPECT_EQ(b.sent(2), 3U);
}

TEST_F(quorum_nodes, uses_one_at_once_that_answers_again) {
    open_breaker(2);
    b.state[2] = alive;
    b.pass(core::breaker::pause_least);
    const std::size_t before = b.sent(2);
    const auto held = acquire();
    ASSERT_TRUE(held);
    b.pass(2ms);
    EXPECT_EQ(b.taken(), 3U);
    take_and_release();
    EXPECT_GE(b.sent(2) - before, 3U);
}

// Why: many callers must not all wait for a node that is most likely still dead.
TEST_F(quorum_nodes, lets_one_probe_at_a_time_through_to_one_that_is_skipped) {
    open_breaker(2);
    b.pass(core::breaker::pause_least);
    b.state[2] = trouble::frozen;
    const std::size_t before = b.sent(2);
    std::vector<lock::held_ptr> all;
    for (int i = 0; i < 5; ++i) {
        const auto held = acquire("n" + std::to_string(i));
        ASSERT_TRUE(held);
        all.push_back(*held);
    }
    EXPECT_EQ(b.sent(2) - before, 1U);
}

TEST_F(quorum_nodes, asks_one_that_stays_dead_ever_more_rarely_but_within_five_seconds) {
    open_breaker(2);
    std::size_t before = b.sent(2);
    time_point last = b.time->now();
    int probes = 0;
    for (int i = 0; i < 600; ++i) {
        take_and_release();
        b.pass(100ms);
        if (b.sent(2) == before) continue;
        before = b.sent(2);
        EXPECT_LE(b.time->now() - last, core::breaker::pause_max + 200ms);
        last = b.time->now();
        ++probes;
    }
    EXPECT_GE(probes, 12);
    EXPECT_LE(probes, 35);
}

// Why: what saves time must never cost the lock.
TEST_F(quorum_nodes, asks_all_when_too_few_are_left) {
    open_breaker(2);
    b.state[1] = trouble::unreachable;
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(acquire());
    b.state[1] = b.state[2] = alive;
    EXPECT_TRUE(acquire()) << "both are skipped, and would answer";
}

TEST_F(quorum_nodes, asks_one_that_is_skipped_once_another_does_not_answer) {
    open_breaker(2);
    b.state[2] = alive;
    b.state[1] = trouble::unreachable;
    EXPECT_TRUE(acquire());
    b.pass(2ms);
    EXPECT_EQ(b.holder_on(2).size(), 32U);
}

TEST_F(quorum_nodes, asks_one_that_is_skipped_before_another_has_timed_out) {
    open_breaker(2);
    b.state[2] = alive;
    b.state[1] = trouble::frozen;
    const time_point before = b.time->now();
    EXPECT_TRUE(acquire());
    EXPECT_LE(b.time->now() - before, 260ms);
}

// Why: the answer that decides is there; waiting for a dead node would be for nothing.
TEST_F(quorum_nodes, does_not_ask_one_that_is_skipped_when_the_votes_are_split) {
    open_breaker(2);
    b.state[2] = trouble::frozen;
    b.occupy(1);
    const time_point before = b.time->now();
    const auto refused = acquire();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    EXPECT_LE(b.time->now() - before, 5ms);
    EXPECT_EQ(b.taken(), 1U);
}

// Why: a lock that is held for weeks outlives its servers, if it may move.
TEST_F(quorum_nodes, fill_in_what_they_missed_so_that_a_lock_survives_them_one_after_the_other) {
    const auto held = acquire("job", 500ms);
    ASSERT_TRUE(held);
    for (std::size_t i = 0; i < 9; ++i) {
        const std::size_t victim = i % 3;
        b.state[victim] = trouble::unreachable;
        b.wipe(victim);
        b.pass(600ms);
        b.state[victim] = alive;
        b.pass(core::breaker::pause_max + 400ms);
        ASSERT_TRUE((*held)->held()) << i;
        EXPECT_EQ(b.taken(), 3U) << i;
    }
    EXPECT_TRUE(b.run(engine.release(*held)));
    b.pass(2ms);
    EXPECT_EQ(b.taken(), 0U);
}

TEST_F(quorum_nodes, are_skipped_by_renewals_and_releases_too) {
    const auto held = acquire("job", 500ms);
    ASSERT_TRUE(held);
    b.state[0] = trouble::frozen;
    b.pass(2s);
    const std::size_t before = b.sent(0);
    b.pass(20s);
    EXPECT_TRUE((*held)->held());
    EXPECT_LE(b.sent(0) - before, 12U) << "it was asked at every renewal";
    EXPECT_TRUE(b.run(engine.release(*held)));
    EXPECT_TRUE(b.holder_on(1).empty());
    EXPECT_TRUE(b.holder_on(2).empty());
}

TEST_F(quorum_nodes, leave_what_somebody_else_holds_on_one) {
    b.occupy(2);
    const auto held = acquire("job", 500ms);
    ASSERT_TRUE(held);
    b.pass(3s);
    EXPECT_TRUE((*held)->held());
    EXPECT_EQ(b.holder_on(2), "other");
}

// Why: a lock that is lost on a majority is lost; one node that still has it must not spread it.
TEST_F(quorum_nodes, are_not_filled_in_when_the_majority_has_forgotten_the_lock) {
    const auto held = acquire("job", 500ms);
    ASSERT_TRUE(held);
    b.wipe(0);
    b.wipe(1);
    b.pass(3s);
    EXPECT_FALSE((*held)->held());
    EXPECT_EQ((*held)->why_lost(), lost_reason::deleted);
    EXPECT_EQ(b.taken(), 0U);
}

TEST_F(quorum_nodes, of_another_package_are_not_filled_in) {
    quorum_bench other(3);
    other.able = {};
    lock::engine& foreign = other.add_client();
    const auto held = other.run(foreign.acquire("job", unfenced(0ms, 500ms)));
    ASSERT_TRUE(held);
    static_cast<void>(other.tables[0]->take_away("job", other.time->now()));
    other.pass(3s);
    EXPECT_TRUE((*held)->held());
    EXPECT_EQ(other.taken(), 2U);
    EXPECT_EQ(other.run(foreign.acquire("fenced", acquire_options{})).error().code, errc::misuse);
}

/// What happens to the step of server 2 that fills it in; all others go well.
struct late_filling : testing::Test {
    quorum_bench b{3};
    trouble how{alive};
    lock::engine& engine = b.add_client([this](std::size_t server, std::size_t step) {
        // 0: the acquisition; 1: the renewal that finds it missing; 2: the look for a token; 3: the
        // filling in.
        return server == 2 && step == 3 ? how : trouble::none;
    });

    lock::held_ptr hold_and_forget() {
        const auto held = b.run(engine.acquire("job", unfenced(0ms, 900ms)));
        EXPECT_TRUE(held);
        b.pass(2ms);
        b.wipe(2);
        b.pass(310ms);
        EXPECT_EQ(b.sent(2), 4U);
        return held ? *held : nullptr;
    }
};

TEST_F(late_filling, is_undone_if_the_lock_is_released_meanwhile) {
    how = trouble::slow;
    const auto held = hold_and_forget();
    EXPECT_TRUE(b.run(engine.release(held)));
    b.pass(50ms);
    EXPECT_EQ(b.taken(), 0U);
}

// Why: it arrives after the release, on a connection that was given up. Nobody renews it; but our
// own next attempt is not to wait for its end.
TEST_F(late_filling, that_arrives_after_the_release_is_released_before_the_next_attempt) {
    how = trouble::late_request;
    const auto held = hold_and_forget();
    b.pass(240ms);  // It has timed out.
    EXPECT_TRUE(b.run(engine.release(held)));
    b.pass(2ms);
    EXPECT_EQ(b.taken(), 0U);
    EXPECT_TRUE(b.clients[0].ways[2]->arrive());
    EXPECT_EQ(b.taken(), 1U);
    EXPECT_TRUE(b.run(engine.acquire("job", unfenced(0ms, 60s))));
    b.pass(2ms);
    EXPECT_EQ(b.taken(), 3U);
}

TEST_F(late_filling, is_not_begun_any_more_once_the_lock_was_released) {
    quorum_bench other(3);
    lock::engine& one = other.add_client([](std::size_t server, std::size_t step) {
        return server == 2 && step == 1 ? trouble::slow : trouble::none;
    });
    const auto held = other.run(one.acquire("job", unfenced(0ms, 900ms)));
    ASSERT_TRUE(held);
    other.pass(2ms);
    other.wipe(2);
    other.pass(304ms);
    EXPECT_TRUE(other.run(one.release(*held)));
    other.pass(60ms);
    EXPECT_EQ(other.taken(), 0U);
    EXPECT_EQ(other.sent(2), 3U) << "the acquisition, the renewal and the release";
}

TEST_F(late_filling, is_not_begun_any_more_if_the_others_confirm_after_the_release) {
    quorum_bench other(3);
    lock::engine& one = other.add_client([](std::size_t server, std::size_t step) {
        return server != 2 && step == 1 ? trouble::slow : trouble::none;
    });
    const auto held = other.run(one.acquire("job", unfenced(0ms, 900ms)));
    ASSERT_TRUE(held);
    other.pass(2ms);
    other.wipe(2);
    other.pass(304ms);
    EXPECT_TRUE(other.run(one.release(*held)));
    other.pass(60ms);
    EXPECT_EQ(other.taken(), 0U);
    EXPECT_EQ(other.sent(2), 3U) << "the acquisition, the renewal and the release";
}

}  // namespace
}  // namespace holdfast::fault
