// SPDX-License-Identifier: BSL-1.0
//
// Why: a token that does not rise lets a holder write that has long lost the lock. How: as
// quorum_test.cpp; counters are set ahead of the clock, so that nothing but the write-back makes
// them rise.
#include "fault/quorum_bench.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace holdfast::fault {
namespace {

struct tokens_world {
    quorum_bench b{3};

    static acquire_options fenced(std::chrono::milliseconds ttl = 10s) {
        acquire_options options;
        options.ttl = ttl;
        return options;
    }
    /// Sets a counter to so much more than any clock of the test will ever show.
    void set_ahead(std::size_t server, std::uint64_t by) {
        const auto clock = std::chrono::duration_cast<std::chrono::microseconds>(
            (b.time->now() + 24h).time_since_epoch());
        ASSERT_TRUE(b.tables[server]->raise_token(
            "job", {}, static_cast<std::uint64_t>(clock.count()) + by, b.time->now()));
    }
    std::uint64_t take(lock::engine& engine) {
        const auto held = b.run(engine.acquire("job", fenced()));
        EXPECT_TRUE(held) << held.error().message();
        if (!held) return 0;
        const std::uint64_t token = (*held)->fencing_token;
        EXPECT_TRUE(b.run(engine.release(*held)));
        b.pass(2ms);
        return token;
    }
    std::size_t raises() const {
        std::size_t sum = 0;
        for (const auto& client : b.clients)
            for (const auto& way : client.ways) sum += way->raises;
        return sum;
    }
};

struct quorum_tokens : testing::Test, tokens_world {};

TEST_F(quorum_tokens, cost_nothing_while_the_counters_keep_step) {
    for (std::size_t i = 0; i < 3; ++i) set_ahead(i, 0);
    lock::engine& engine = b.add_client();
    std::uint64_t last = take(engine);
    for (int i = 0; i < 10; ++i) {
        const std::uint64_t token = take(engine);
        EXPECT_EQ(token, last + 1);
        last = token;
    }
    EXPECT_EQ(raises(), 0U);
}

TEST_F(quorum_tokens, are_the_highest_of_the_majority_and_written_back_to_it) {
    set_ahead(0, 1000);
    lock::engine& engine = b.add_client();
    const std::uint64_t first = take(engine);
    EXPECT_EQ(raises(), 2U);
    b.state[0] = trouble::unreachable;
    EXPECT_EQ(take(engine), first + 1);
    EXPECT_EQ(raises(), 2U) << "one round trip, once";
}

TEST_F(quorum_tokens, are_shown_by_inspect) {
    set_ahead(0, 1000);
    lock::engine& engine = b.add_client();
    const auto held = b.run(engine.acquire("job", fenced()));
    ASSERT_TRUE(held);
    const auto shown = b.run(engine.inspect("job")).value();
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->fencing_token, (*held)->fencing_token);
}

// Why: what must never happen. How: of each world a minority is dead, wiped or cut off at random,
// between any two grants; each client has other nodes in its majority.
TEST_F(quorum_tokens, rise_whatever_a_minority_does) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937_64 dice(seed);
        const std::size_t servers = seed % 2 == 0 ? 3 : 5;
        tokens_world world;
        quorum_bench& w = world.b;
        while (w.tables.size() < servers) {
            w.tables.push_back(std::make_shared<memory::lock_table>());
            w.state.push_back(alive);
        }
        for (std::size_t i = 0; i < servers; ++i) world.set_ahead(i, dice() % 1000);
        for (int i = 0; i < 3; ++i) w.add_client();
        std::vector<std::size_t> order(servers);
        for (std::size_t i = 0; i < servers; ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), dice);
        order.resize((servers - 1) / 2);  // Only these ever go wrong.
        std::uint64_t last = 0;
        for (int round = 0; round < 40; ++round) {
            for (const std::size_t bad : order) {
                constexpr std::array some{alive, trouble::unreachable, trouble::frozen,
                                          trouble::lost_reply, trouble::slow};
                w.state[bad] = some[dice() % some.size()];
                if (dice() % 4 == 0) w.wipe(bad);
            }
            const std::uint64_t token = world.take(*w.clients[dice() % 3].engine);
            ASSERT_GT(token, last) << "round " << round;
            last = token;
            w.pass(std::chrono::milliseconds(dice() % 100));
        }
    }
}

// Why: counters that were raised count only where the lock was ours at that time.
TEST_F(quorum_tokens, do_not_count_where_somebody_else_has_the_lock) {
    lock::engine& engine = b.add_client([](std::size_t server, std::size_t step) {
        if (server == 2) return trouble::unreachable;
        return server == 1 && step == 1 ? trouble::lost_lock : trouble::none;
    });
    set_ahead(0, 1000);
    const auto refused = b.run(engine.acquire("job", fenced()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::no_quorum);
    EXPECT_NE(refused.error().text.find("1 of 3 nodes confirmed the fencing token"),
              std::string::npos);
    ASSERT_EQ(refused.error().nodes.size(), 2U);
    EXPECT_EQ(refused.error().nodes[0].code, errc::lost);
    EXPECT_EQ(refused.error().nodes[1].code, errc::unreachable);
    EXPECT_EQ(b.taken(), 0U) << "a grant was left behind";
}

// Why: the node that dies between the two round trips is not needed if another one votes.
TEST_F(quorum_tokens, count_on_a_node_that_votes_late) {
    lock::engine& engine = b.add_client([](std::size_t server, std::size_t step) {
        if (server == 2 && step == 0) return trouble::slow;
        return server == 1 && step == 1 ? trouble::unreachable : trouble::none;
    });
    set_ahead(0, 1000);
    EXPECT_TRUE(b.run(engine.acquire("job", fenced())));
    EXPECT_EQ(b.clients[0].ways[2]->raises, 1U);
}

// Why: the second round trip takes time, too, and the lease has begun before the first.
TEST_F(quorum_tokens, that_come_too_late_are_no_grant) {
    for (const trouble how : {trouble::late_reply, trouble::frozen}) {
        tokens_world world;
        lock::engine& engine = world.b.add_client([how](std::size_t server, std::size_t step) {
            return server != 0 && step == 1 ? how : trouble::none;
        });
        world.set_ahead(0, 1000);
        const auto late = world.b.run(engine.acquire("job", fenced(500ms)));
        ASSERT_FALSE(late);
        world.b.pass(2s);
        EXPECT_EQ(world.b.taken(), 0U);
    }
}

TEST_F(quorum_tokens, go_with_the_lock_to_nodes_that_take_it_late) {
    lock::engine& engine = b.add_client();
    set_ahead(0, 1000);
    const auto held = b.run(engine.acquire("job", fenced(500ms)));
    ASSERT_TRUE(held);
    for (std::size_t i = 0; i < 3; ++i) {
        b.wipe(i);
        b.pass(600ms);
    }
    ASSERT_TRUE((*held)->held());
    EXPECT_EQ(b.taken(), 3U);
    EXPECT_TRUE(b.run(engine.release(*held)));
    EXPECT_GT(take(engine), (*held)->fencing_token);
}

// Why: who renews by an id does not tell the token.
TEST_F(quorum_tokens, go_with_a_lock_that_is_renewed_by_its_id_too) {
    lock::engine& engine = b.add_client();
    set_ahead(0, 1000);
    const auto held = b.run(engine.acquire("job", fenced(60s)));
    ASSERT_TRUE(held);
    auto known = engine.hand_over(*held);
    ASSERT_TRUE(known);
    known->fencing_token = 0;
    for (const std::size_t i : {1, 2}) {
        b.wipe(i);
        ASSERT_TRUE(b.run(engine.renew_known(*known)));
        b.pass(10ms);
    }
    EXPECT_EQ(b.taken(), 3U);
    EXPECT_TRUE(b.run(engine.release_known(*known)));
    b.wipe(0);
    EXPECT_GT(take(engine), (*held)->fencing_token);
}

}  // namespace
}  // namespace holdfast::fault
