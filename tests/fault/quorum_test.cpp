// SPDX-License-Identifier: BSL-1.0
//
// Why: a quorum must be right while any of its nodes is dead, frozen, late or split, and must leave
// nothing behind. How: the real engine over the real quorum store, whose nodes are reference stores
// that go wrong by plan, or at random by a printed seed; time passes only when the test says so.
#include <holdfast/quorum.hpp>

#include "fault/quorum_bench.hpp"

#include <array>
#include <random>

namespace holdfast::fault {
namespace {

TEST(quorum, is_held_by_a_majority_and_released_everywhere) {
    for (std::size_t servers = 1; servers <= 5; ++servers) {
        quorum_bench b(servers);
        lock::engine& engine = b.add_client();
        const auto held = b.run(engine.acquire("job", unfenced()));
        ASSERT_TRUE(held) << servers;
        b.pass(10ms);
        EXPECT_EQ(b.taken(), servers);
        const auto refused = b.run(b.add_client().acquire("job", unfenced()));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::contended);
        EXPECT_EQ(b.taken(), servers);
        EXPECT_TRUE(b.run(engine.release(*held)));
        b.pass(10ms);
        EXPECT_EQ(b.taken(), 0U);
    }
}

// Why: a dead or frozen node is a vote that is missing, not a reason to wait or to fail.
TEST(quorum, does_not_wait_for_a_minority_that_is_dead_or_frozen) {
    for (const trouble bad :
         {trouble::unreachable, trouble::frozen, trouble::late_request, trouble::lost_request,
          trouble::lost_reply, trouble::late_reply, trouble::denied, trouble::garbage}) {
        SCOPED_TRACE(static_cast<int>(bad));
        quorum_bench b(3);
        b.state[1] = bad;
        lock::engine& engine = b.add_client();
        const time_point before = b.time->now();
        const auto held = b.run(engine.acquire("job", unfenced(0ms, 10s)));
        ASSERT_TRUE(held);
        EXPECT_TRUE(b.run(engine.renew(*held, 10s)));
        EXPECT_TRUE(b.run(engine.release(*held)));
        EXPECT_LT(b.time->now() - before, 100ms) << "waited for the node that is out of order";
        EXPECT_FALSE(b.tables[0]->inspect("job", b.time->now()));
        EXPECT_FALSE(b.tables[2]->inspect("job", b.time->now()));
    }
}

TEST(quorum, has_none_without_a_majority_and_names_each_node) {
    for (const trouble bad : {trouble::unreachable, trouble::frozen, trouble::lost_reply}) {
        quorum_bench b(3);
        b.state[0] = b.state[2] = bad;
        const auto held = b.run(b.add_client().acquire("job", unfenced()));
        ASSERT_FALSE(held);
        EXPECT_EQ(held.error().code, errc::no_quorum);
        ASSERT_EQ(held.error().nodes.size(), 2U);
        EXPECT_EQ(held.error().nodes[0].node, 0U);
        EXPECT_EQ(held.error().nodes[1].node, 2U);
        EXPECT_FALSE(b.tables[1]->inspect("job", b.time->now())) << "a grant was left behind";
    }
}

// Why: the original never answers when the votes of an even number are split.
TEST(quorum, of_an_even_number_ends_when_the_votes_are_split) {
    for (const std::size_t servers : {2U, 4U, 6U}) {
        quorum_bench b(servers);
        for (std::size_t i = 0; i < servers / 2; ++i) b.occupy(i);
        const auto refused = b.run(b.add_client().acquire("job", unfenced()));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::contended);
        EXPECT_EQ(b.taken(), servers / 2) << "a grant was left behind";
    }
}

// Why: a node that granted but whose answer was lost must not block our own next attempt there.
TEST(quorum, is_not_blocked_by_what_an_earlier_attempt_left_on_a_node) {
    quorum_bench b(3);
    b.occupy(0, 300ms);
    std::size_t lost = 0;
    lock::engine& engine = b.add_client([&](std::size_t server, std::size_t) {
        // The first grant of server 1 is not heard of, nor is its first release heard there.
        if (server == 2) return trouble::unreachable;
        if (server != 1 || lost >= 2) return trouble::none;
        return lost++ == 0 ? trouble::lost_reply : trouble::lost_request;
    });
    const auto held = b.run(engine.acquire("job", unfenced(20s, 60s)));
    ASSERT_TRUE(held);
    EXPECT_EQ((*held)->held(), true);
    EXPECT_EQ(lost, 2U);
    EXPECT_LT((*held)->waited, 10s) << "waited until its own lease ran out";
}

TEST(quorum, gives_back_what_a_slow_node_grants_after_the_vote_was_lost) {
    quorum_bench b(3);
    b.occupy(0);
    b.occupy(1);
    b.state[2] = trouble::late_reply;
    const auto refused = b.run(b.add_client().acquire("job", unfenced(0ms, 60s)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    b.state[2] = alive;
    b.pass(3s);
    EXPECT_FALSE(b.tables[2]->inspect("job", b.time->now()));
}

// Why: a refusal may come before a slow node has answered; what that one then grants must not stand
// in the way of our own next attempt. Found on real servers by the tests beside Node.
TEST(quorum, is_not_refused_by_what_a_slow_node_granted_to_an_earlier_attempt) {
    bool slow = true;  // The clients of the bench ask until their end.
    quorum_bench b(3);
    b.occupy(0, 200ms);
    b.occupy(2);
    lock::engine& engine = b.add_client([&](std::size_t server, std::size_t) {
        return server == 1 && std::exchange(slow, slow && server != 1) ? trouble::late_reply
                                                                       : trouble::none;
    });
    EXPECT_EQ(b.run(engine.acquire("job", unfenced(0ms, 60s))).error().code, errc::contended);
    EXPECT_TRUE(b.tables[1]->inspect("job", b.time->now())) << "nothing to stand in the way";
    b.pass(250ms);
    EXPECT_TRUE(b.run(engine.acquire("job", unfenced(0ms, 60s))));
}

// Why: what a frozen node was sent takes effect when it goes on, and would stand in everybody's way
// for the ttl, although nobody has it and nobody who knows of it asks again.
TEST(quorum, has_what_frozen_nodes_grant_when_they_go_on_given_back) {
    quorum_bench b(3);
    bool frozen = true;
    lock::engine& engine = b.add_client([&](std::size_t server, std::size_t step) {
        if (server == 0 || !frozen) return trouble::none;
        return step == 0 ? trouble::late_request : trouble::frozen;
    });
    EXPECT_EQ(b.run(engine.acquire("job", unfenced(0ms, 60s))).error().code, errc::no_quorum);
    b.pass(10s);
    for (const std::size_t server : {1U, 2U}) b.clients[0].ways[server]->arrive();
    EXPECT_EQ(b.taken(), 2U);
    frozen = false;
    b.pass(core::breaker::pause_max + 2s);
    EXPECT_EQ(b.taken(), 0U);
}

// Why: what a node will not release for one name must not keep it from releasing others.
TEST(quorum, has_other_names_given_back_beside_one_that_a_node_refuses_to_release) {
    for (const trouble refusal : {trouble::none, trouble::denied}) {
        quorum_bench b(3);
        bool frozen = false;
        std::size_t frozen_steps = 0;
        lock::engine& engine = b.add_client([&](std::size_t server, std::size_t) {
            if (server != 1 || !frozen) return trouble::none;
            return frozen_steps++ == 0 ? trouble::late_request : trouble::frozen;
        });
        const auto first = b.run(engine.acquire("a", unfenced(0ms, 60s)));
        ASSERT_TRUE(first);
        faulty_store& node = *b.clients[0].ways[1];
        node.foreign = "a";
        node.foreign_how = refusal;
        EXPECT_TRUE(b.run(engine.release(*first)));
        frozen = true;
        const auto second = b.run(engine.acquire("job", unfenced(0ms, 60s)));
        ASSERT_TRUE(second);
        EXPECT_TRUE(b.run(engine.release(*second)));
        b.pass(5s);
        ASSERT_TRUE(node.arrive());
        EXPECT_EQ(b.taken(), 1U);
        frozen = false;
        b.pass(core::breaker::pause_max + 4s);
        EXPECT_EQ(b.taken(), 0U);
    }
}

// Why: whoever renews a lock after its release has failed has it, and is not to lose it to that.
TEST(quorum, does_not_release_in_the_background_what_was_renewed_since) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    const auto held = b.run(engine.acquire("job", unfenced(0ms, 60s)));
    ASSERT_TRUE(held);
    const lease known{.name = "job", .id = (*held)->id, .ttl = 60s};
    b.state.assign(3, trouble::unreachable);
    EXPECT_EQ(b.run(engine.release(*held)).error().code, errc::no_quorum);
    b.state.assign(3, alive);
    ASSERT_TRUE(b.run(engine.renew_known(known)));
    b.pass(10s);
    EXPECT_EQ(b.taken(), 3U);
    EXPECT_TRUE(b.run(engine.release_known(known)));
    b.pass(10ms);
    EXPECT_EQ(b.taken(), 0U);
}

// Why: a program that takes or releases a lock and ends must not leave a slow node behind.
TEST(quorum, ends_what_slow_nodes_have_under_way_before_it_winds_down) {
    for (const bool release : {false, true}) {
        quorum_bench b(3);
        lock::engine& engine = b.add_client();
        b.state[2] = trouble::slow;
        const auto held = b.run(engine.acquire("job", unfenced(0ms, 60s)));
        ASSERT_TRUE(held);
        if (release) {
            EXPECT_TRUE(b.run(engine.release(*held)));
        }
        EXPECT_EQ(b.taken(), release ? 0U : 2U);
        asio::co_spawn(
            b.context, [e = b.clients[0].engine] { return e->wind_down(); }, asio::detached);
        b.pass(200ms);
        EXPECT_EQ(b.taken(), release ? 0U : 3U);
    }
}

// Why: what a dead node owes must not grow with its time of death, nor delay it when it is back.
TEST(quorum, a_node_that_comes_back_has_little_to_make_up_for) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    b.state[2] = trouble::unreachable;
    for (int i = 0; i < 100; ++i) {
        const auto held = b.run(engine.acquire("job", unfenced()));
        ASSERT_TRUE(held);
        EXPECT_TRUE(b.run(engine.release(*held)));
    }
    b.state[2] = alive;
    b.pass(core::breaker::pause_max);
    const std::size_t before = b.clients[0].ways[2]->steps();
    const auto held = b.run(engine.acquire("job", unfenced()));
    ASSERT_TRUE(held);
    b.pass(10ms);
    EXPECT_TRUE(b.tables[2]->inspect("job", b.time->now()));
    EXPECT_LE(b.clients[0].ways[2]->steps() - before, 9U);
}

TEST(quorum, renews_while_a_majority_agrees_and_loses_the_lock_with_it) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    const auto held = b.run(engine.acquire("job", unfenced()));
    ASSERT_TRUE(held);
    static_cast<void>(b.tables[0]->take_away("job", b.time->now()));
    b.pass(2s);
    EXPECT_TRUE((*held)->held()) << "one node that forgot is no loss";
    static_cast<void>(b.tables[0]->take_away("job", b.time->now()));
    static_cast<void>(b.tables[1]->take_away("job", b.time->now()));
    b.pass(500ms);
    EXPECT_FALSE((*held)->held());
    EXPECT_EQ((*held)->why_lost(), lost_reason::deleted);
    EXPECT_TRUE((*held)->lost_signal().stop_requested());
}

TEST(quorum, signals_the_loss_in_time_when_the_majority_freezes) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    const auto held = b.run(engine.acquire("job", unfenced()));
    ASSERT_TRUE(held);
    b.state[0] = b.state[1] = trouble::frozen;
    for (int i = 0; i < 1000 && (*held)->held(); ++i) {
        b.poll();
        EXPECT_TRUE(!(*held)->held() || b.time->now() < (*held)->valid_until.load());
        b.time->advance(1ms);
    }
    EXPECT_FALSE((*held)->held());
    EXPECT_EQ((*held)->why_lost(), lost_reason::unreachable);
}

TEST(quorum, tells_who_holds_it_by_the_word_of_a_majority) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    b.occupy(0);
    EXPECT_FALSE(b.run(engine.inspect("job")).value()) << "one of three is nobody";
    b.occupy(1);
    b.state[2] = trouble::unreachable;
    const auto found = b.run(engine.inspect("job")).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, "other");
    EXPECT_EQ(b.run(engine.list("")).value().size(), 1U);
    b.state[1] = trouble::unreachable;
    EXPECT_EQ(b.run(engine.inspect("job")).error().code, errc::unreachable);
    b.state[1] = b.state[2] = alive;
    EXPECT_EQ(b.run(engine.break_lock("job")).value()->id, "other");
    EXPECT_EQ(b.taken(), 0U);
}

// Why: what is frozen is not waited for where the others know all names by a majority.
TEST(quorum, lists_without_a_node_that_is_frozen_and_with_one_that_makes_a_difference) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    b.occupy(0);
    b.occupy(1);
    b.state[2] = trouble::frozen;
    time_point began = b.time->now();
    EXPECT_EQ(b.run(engine.list("")).value().size(), 1U);
    EXPECT_LT(b.time->now() - began, 10ms);
    static_cast<void>(b.tables[1]->take_away("job", b.time->now()));
    b.occupy(2);
    b.state[2] = trouble::slow;
    EXPECT_EQ(b.run(engine.list("")).value().size(), 1U) << "the slow one has it, too";
}

/// A lock of a majority that all the nodes of a bench that are well have heard of.
struct held_by_all {
    explicit held_by_all(quorum_bench& b, std::chrono::milliseconds ttl = 500ms)
        : engine(b.add_client()), held(b.run(engine.acquire("job", unfenced(0ms, ttl))).value()) {
        b.pass(2ms);
    }
    lock::engine& engine;
    lock::held_ptr held;
};

// Why: the lock is had by others while it is released, so who releases it need not wait.
TEST(quorum, is_released_at_once_though_one_node_forgot_it_and_another_is_frozen) {
    quorum_bench b(3);
    const held_by_all by(b);
    static_cast<void>(b.tables[2]->take_away("job", b.time->now()));
    b.state[0] = trouble::frozen;
    const time_point began = b.time->now();
    EXPECT_TRUE(b.run(by.engine.release(by.held)));
    EXPECT_LT(b.time->now() - began, 100ms);
}

TEST(quorum, is_lost_and_not_released_where_a_majority_forgot_it) {
    quorum_bench b(3);
    const held_by_all by(b);
    static_cast<void>(b.tables[1]->take_away("job", b.time->now()));
    static_cast<void>(b.tables[2]->take_away("job", b.time->now()));
    const auto gone = b.run(by.engine.release(by.held));
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, errc::lost) << gone.error().message();
    EXPECT_EQ(gone.error().reason, lost_reason::deleted);
}

// Why: with two nodes no majority had it any more, so somebody else might have been its holder.
TEST(quorum, of_two_is_lost_and_not_released_where_one_forgot_it) {
    quorum_bench b(2);
    const held_by_all by(b);
    static_cast<void>(b.tables[1]->take_away("job", b.time->now()));
    const auto gone = b.run(by.engine.release(by.held));
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, errc::lost) << gone.error().message();
    EXPECT_EQ(gone.error().reason, lost_reason::deleted);
}

// Why: what is refused for good is not asked for again until the time-out, nor in doubt.
TEST(quorum, says_denied_to_a_renewal_and_a_release_that_a_majority_denies) {
    quorum_bench b(3);
    const held_by_all by(b);
    b.state[0] = b.state[1] = trouble::denied;
    const auto renewed = b.run(by.engine.renew(by.held, 20s));
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::denied) << renewed.error().message();
    EXPECT_EQ(by.held->ttl.load(), unfenced().ttl) << "it goes on as before";
    const time_point began = b.time->now();
    const auto gone = b.run(by.engine.release(by.held));
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, errc::denied) << gone.error().message();
    EXPECT_EQ(gone.error().nodes.size(), 2U);
    EXPECT_LT(b.time->now() - began, 100ms);
}

// Why: the node that was slow has the lock for the shorter time again as soon as what it was asked
// for first arrives, and the majority that confirmed the longer one is none any more.
TEST(quorum, counts_a_longer_renewal_for_no_more_than_a_shorter_one_that_may_yet_arrive) {
    quorum_bench b(3);
    const held_by_all by(b, 10s);
    b.state[0] = trouble::late_request;
    ASSERT_TRUE(b.run(by.engine.renew(by.held, 2s)));
    b.pass(1100ms);  // It has not answered in time.
    b.state[0] = alive;
    b.state[2] = trouble::unreachable;
    const auto longer = b.run(by.engine.renew(by.held, 20s));
    ASSERT_TRUE(longer) << longer.error().message();
    ASSERT_TRUE(b.clients[0].ways[0]->arrive());
    const auto on_it = b.tables[0]->inspect("job", b.time->now());
    ASSERT_TRUE(on_it);
    EXPECT_LE(by.held->valid_until.load(), b.time->now() + on_it->holder.remaining);
    b.state[2] = alive;
    EXPECT_TRUE(b.run(by.engine.release(by.held)));
}

// Why: a renewal that nobody carried out leaves the lease as it was.
TEST(quorum, keeps_its_ttl_when_no_node_can_be_reached_to_change_it) {
    quorum_bench b(3);
    const held_by_all by(b);
    b.state[0] = b.state[1] = b.state[2] = trouble::unreachable;
    const auto renewed = b.run(by.engine.renew(by.held, 20s));
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::no_quorum) << renewed.error().message();
    EXPECT_EQ(by.held->ttl.load(), unfenced().ttl);
}

// Why: an attempt that has no time left would say just that, and hide why those before it failed.
TEST(quorum, says_what_was_in_the_way_of_a_release_when_its_time_is_over) {
    quorum_bench b(3);
    const held_by_all by(b);
    b.state[0] = b.state[1] = trouble::unreachable;
    const std::size_t before = b.clients[0].ways[0]->steps();
    const auto gone = b.run(by.engine.release(by.held));
    ASSERT_FALSE(gone);
    EXPECT_GT(b.clients[0].ways[0]->steps(), before + 2) << "it was tried again";
    EXPECT_EQ(b.clients[0].ways[0]->steps_without_time(), 0U);
}

TEST(quorum, names_the_node_whose_url_is_wrong_and_not_its_password) {
    const auto refused = open_quorum({"memory:", "nothing://user:secret@host"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::misuse);
    EXPECT_NE(refused.error().text.find("node 2 of 2: "), std::string::npos)
        << refused.error().text;
    EXPECT_EQ(refused.error().text.find("secret"), std::string::npos) << refused.error().text;
}

TEST(quorum, refuses_an_empty_list_of_nodes_and_an_empty_node) {
    quorum_bench b(1);
    test::seeded_entropy random(1);
    const store_environment environment{b.context.get_executor(), *b.time, random, {}};
    EXPECT_EQ(quorum_of({})(environment).error().code, errc::misuse);
    EXPECT_EQ(quorum_of({store_factory()})(environment).error().code, errc::misuse);
}

// Why: what cannot be right over several servers must not look as if it were; and whoever is
// refused wants to know why.
TEST(quorum, refuses_modes_that_several_servers_cannot_keep_and_says_why) {
    quorum_bench b(3);
    lock::engine& engine = b.add_client();
    const auto refusal = [&](acquire_options how) {
        const auto refused = b.run(engine.acquire("job", std::move(how)));
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::misuse);
        return refused.error().text;
    };
    EXPECT_NE(refusal({.mode = lock_mode::shared}).find("writers would wait"), std::string::npos);
    EXPECT_NE(refusal({.permits = 2}).find("three holders"), std::string::npos);
    EXPECT_NE(refusal({.wait = 1s, .fair = true}).find("a line of its own"), std::string::npos);
    const auto several = b.run(engine.acquire_all({"a", "b"}, unfenced()));
    EXPECT_EQ(several.error().code, errc::misuse);
    EXPECT_NE(several.error().text.find("block each other"), std::string::npos);
    EXPECT_EQ(b.sent(0), 0U);
}

// @return Why there is no quorum of those nodes.
failure refusal_of(quorum_bench& b, const std::vector<std::shared_ptr<store>>& nodes) {
    std::vector<store_factory> makers;
    for (const auto& node : nodes)
        makers.emplace_back(
            [node](const store_environment&) { return result<std::shared_ptr<store>>(node); });
    test::seeded_entropy random(1);
    const auto made = quorum_of(makers)({b.context.get_executor(), *b.time, random, {}});
    return made ? failure{} : made.error();
}

// Why: one server with two votes refuses its own lock, and is no quorum.
TEST(quorum, refuses_a_server_that_is_given_twice) {
    quorum_bench b(1);
    const auto node = std::make_shared<faulty_store>(*b.time, 0, trouble::none);
    const failure refused = refusal_of(b, {node, node});
    EXPECT_EQ(refused.code, errc::misuse);
    EXPECT_NE(refused.text.find("faulty: is given twice"), std::string::npos);
}

// Why: they share one value for each lock, which each kind of store reads in its own way.
TEST(quorum, refuses_nodes_of_two_kinds) {
    class other_store final : public faulty_store {
        using faulty_store::faulty_store;
    };
    quorum_bench b(1);
    const failure refused =
        refusal_of(b, {std::make_shared<faulty_store>(*b.time, 0, trouble::none),
                       std::make_shared<other_store>(*b.time, 1, trouble::none)});
    EXPECT_EQ(refused.code, errc::misuse);
    EXPECT_NE(refused.text.find("of two kinds"), std::string::npos);
}

// Why: whatever goes wrong at any step of any node, what is reported is true, and nothing stays.
TEST(quorum, reports_what_is_true_whatever_goes_wrong_at_one_node) {
    for (const trouble how : {trouble::unreachable, trouble::lost_request, trouble::lost_reply,
                              trouble::late_reply, trouble::frozen, trouble::lost_lock}) {
        for (std::size_t bad = 0; bad < 6; ++bad) {
            SCOPED_TRACE(testing::Message()
                         << "trouble " << static_cast<int>(how) << " at step " << bad);
            quorum_bench b(3);
            lock::engine& engine = b.add_client([=](std::size_t server, std::size_t step) {
                return server == 1 && step == bad ? how : trouble::none;
            });
            const auto held = b.run(engine.acquire("job", unfenced(800ms)));
            ASSERT_TRUE(held);
            b.pass(700ms);
            EXPECT_TRUE((*held)->held());
            EXPECT_GE(b.taken(), 2U);
            EXPECT_TRUE(b.run(engine.release(*held)));
            b.pass(2500ms);
            EXPECT_EQ(b.taken(), 0U);
        }
    }
}

/// One run of clients that take and release one lock while servers misbehave at random.
struct random_run {
    explicit random_run(std::uint64_t seed) : dice(seed), bench(2 + seed % 4) {
        for (int i = 0; i < 3; ++i) {
            bench.add_client([this](std::size_t, std::size_t) { return draw(); }, seed * 10);
            asio::co_spawn(bench.context, work(bench.clients.size() - 1), asio::detached);
        }
    }
    trouble draw() {
        if (dice() % 100 >= 15) return trouble::none;
        constexpr std::array some{trouble::unreachable, trouble::lost_request,
                                  trouble::lost_reply,  trouble::late_reply,
                                  trouble::frozen,      trouble::late_request};
        return some[dice() % some.size()];
    }
    asio::awaitable<void> work(std::size_t me) {
        while (!over) {
            const acquire_options options =
                unfenced(2s, std::chrono::milliseconds(100 + dice() % 900));
            auto held = co_await bench.clients[me].engine->acquire("job", options);
            if (!held) continue;
            ++grants;
            holding[me] = *held;
            co_await sleep_until(*bench.time,
                                 bench.time->now() + std::chrono::milliseconds(dice() % 600));
            holding[me].reset();
            static_cast<void>(co_await bench.clients[me].engine->release(*held));
        }
    }
    /// @return Whether at most one client had it at any time.
    bool pass(std::chrono::milliseconds length) {
        for (auto passed = 0ms; passed < length; passed += 1ms) {
            bench.poll();
            int holders = 0;
            for (const auto& held : holding)
                if (held && held->held() && bench.time->now() < held->valid_until.load()) ++holders;
            if (holders > 1) return false;
            for (auto& client : bench.clients)
                for (auto& way : client.ways)
                    if (dice() % 50 == 0) way->arrive();
            bench.time->advance(1ms);
        }
        return true;
    }

    std::mt19937_64 dice;
    quorum_bench bench;
    std::array<lock::held_ptr, 3> holding{};
    int grants{0};
    bool over{false};
};

TEST(quorum, is_never_held_twice_whatever_the_nodes_do) {
    int grants = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        random_run run(seed);
        EXPECT_TRUE(run.pass(10s)) << "two holders at once, seed " << seed;
        run.over = true;
        EXPECT_TRUE(run.pass(10s)) << "two holders at once, seed " << seed;
        grants += run.grants;
    }
    EXPECT_GT(grants, 30) << "the faults leave nothing to check";
}

}  // namespace
}  // namespace holdfast::fault
