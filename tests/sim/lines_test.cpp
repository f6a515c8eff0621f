// SPDX-License-Identifier: BSL-1.0
//
// How waiters are served, where nothing goes wrong but what the test says.
#include "sim/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct lines : testing::Test {
    std::vector<std::string> order;     ///< Who got the lock, one after the other.
    std::vector<std::uint64_t> tokens;  ///< Theirs.
    world w{1, 4, {}};                  // Ends before what its coroutines write to.

    /// Holds "job" for `hold` once it gets it.
    void want(std::size_t who, const std::string& name, acquire_options how,
              nanoseconds hold = 10ms) {
        want_at_once(who, name, std::move(how), hold);
        w.run_for(20ms);
    }
    void want_at_once(std::size_t who, const std::string& name, acquire_options how,
                      nanoseconds hold) {
        auto work = [](lines& all, client& me, std::string self, acquire_options options,
                       nanoseconds length) -> asio::awaitable<void> {
            auto held = co_await me.engine->acquire("job", std::move(options));
            if (!held) co_return all.order.push_back(self + " not");
            all.order.push_back(self);
            all.tokens.push_back((*held)->fencing_token);
            static_cast<void>(co_await sleep_until(*me.time, me.time->now() + length));
            if (auto gone = co_await me.engine->release(*held); !gone)
                all.order.push_back(self + " lost it");
        };
        w.spawn(work(*this, *w.clients[who], name, std::move(how), hold));
    }

    [[nodiscard]] std::size_t waiting() const { return w.srv.table.waiting(w.server_now()); }
    [[nodiscard]] bool free() const { return !w.srv.table.inspect("job", w.server_now()); }
};

const acquire_options patient{.ttl = 10s, .wait = 60s};

acquire_options in_turn() {
    acquire_options how = patient;
    how.fair = true;
    return how;
}

TEST_F(lines, fair_ones_are_served_in_the_order_of_arrival_across_processes_and_within) {
    want(0, "holder", in_turn(), 1s);
    for (const auto& [who, name] : std::vector<std::pair<std::size_t, std::string>>{
             {1, "a"}, {1, "b"}, {2, "c"}, {1, "d"}, {0, "e"}, {3, "f"}, {2, "g"}})
        want(who, name, in_turn());
    w.run_for(5s);
    EXPECT_THAT(order, ElementsAre("holder", "a", "b", "c", "d", "e", "f", "g"));
    EXPECT_THAT(tokens, testing::WhenSorted(testing::ContainerEq(tokens)));
    EXPECT_EQ(std::set(tokens.begin(), tokens.end()).size(), tokens.size());
    EXPECT_EQ(waiting(), 0U);
    EXPECT_TRUE(free());
}

// Why: were both in the store's line, one of them would not hear that it was handed the lock.
TEST_F(lines, those_of_a_process_that_come_at_the_same_time_have_one_place_at_the_store) {
    for (const bool fair : {false, true}) {
        order.clear();
        for (std::size_t who = 0; who < 4; ++who)
            for (const char* const name : {"x", "y", "z"})
                want_at_once(who, name, fair ? in_turn() : patient, 100ms);
        w.run_for(50ms);
        EXPECT_LE(waiting(), 4U);
        w.run_for(2s);
        EXPECT_EQ(order.size(), 12U) << "somebody was left waiting";
        EXPECT_TRUE(free());
    }
}

// Why: a lease that stays in the process saves most of the conversations; but not for ever.
TEST_F(lines, others_have_their_turn_after_eight_hand_overs_within_a_process) {
    want(0, "holder", patient, 1s);
    for (int i = 0; i < 20; ++i) want(0, "a", patient, 1ms);
    want(1, "b", patient, 1ms);
    w.run_for(5s);
    ASSERT_EQ(order.size(), 22U);
    const auto b = std::find(order.begin(), order.end(), "b") - order.begin();
    // One is served by what the holder left, and eight more by that lease.
    EXPECT_LE(b, 1 + 9 + 9);
    for (std::size_t i = 1; i < tokens.size(); ++i) EXPECT_LT(tokens[i - 1], tokens[i]);
    EXPECT_TRUE(free());
}

TEST_F(lines, a_waiter_that_dies_is_passed_over_within_its_lease) {
    want(0, "holder", in_turn(), 1s);
    want(1, "dead", in_turn());
    want(2, "next", in_turn());
    w.pause(*w.clients[1], 1000s);
    const time_point before = w.now();
    time_point got{};
    w.run_for(30s, [&] {
        if (got == time_point{} && order.size() > 1) got = w.now();
    });
    ASSERT_THAT(order, ElementsAre("holder", "next"));
    EXPECT_LE(got - before, 1s + 6500ms) << "its place lasts 5 s and half again its stop margin";
    EXPECT_EQ(waiting(), 0U);
}

TEST_F(lines, a_wait_that_ends_leaves_at_once) {
    std::stop_source stop;
    want(0, "holder", in_turn(), 10s);
    acquire_options stopped = in_turn();
    stopped.stop = stop.get_token();
    want(1, "a", stopped);
    acquire_options brief = in_turn();
    brief.wait = 100ms;
    want(2, "b", brief);
    want(3, "c", in_turn());
    EXPECT_EQ(waiting(), 3U);
    stop.request_stop();
    w.run_for(200ms);
    EXPECT_THAT(order, ElementsAre("holder", "a not", "b not"));
    EXPECT_EQ(waiting(), 1U);
    w.run_for(12s);
    EXPECT_EQ(order.back(), "c");
    EXPECT_EQ(waiting(), 0U);
}

// Why: were it handed to the one who leaves, it would be renewed for ever, and held by nobody.
TEST_F(lines, a_lock_is_not_handed_to_one_who_stops_waiting_in_the_same_moment) {
    std::stop_source stop;
    client& me = *w.clients[0];
    want(0, "holder", patient, 100ms);
    auto work = [](client& who, std::stop_source& other) -> asio::awaitable<void> {
        auto held = co_await who.engine->acquire("job", patient);
        if (!held) co_return;
        static_cast<void>(co_await sleep_until(*who.time, who.time->now() + 500ms));
        other.request_stop();
        static_cast<void>(co_await who.engine->release(*held));
    };
    w.spawn(work(me, stop));
    w.run_for(200ms);
    acquire_options stopped = patient;
    stopped.stop = stop.get_token();
    want(0, "stopped", stopped);
    want(0, "next", patient);
    want(1, "other", patient);
    w.run_for(3s);
    EXPECT_THAT(order, testing::UnorderedElementsAre("holder", "stopped not", "next", "other"));
    EXPECT_TRUE(free());
}

TEST_F(lines, those_of_a_process_ask_the_store_once_one_has_handed_its_lease_over) {
    client& me = *w.clients[0];
    want(0, "holder", patient, 100ms);
    auto work = [](client& who, client& other) -> asio::awaitable<void> {
        auto held = co_await who.engine->acquire("job", patient);
        if (!held) co_return;
        static_cast<void>(co_await sleep_until(*who.time, who.time->now() + 500ms));
        const auto handed = lock::engine::hand_over(*held);
        who.engine->let_go(*held);
        if (!handed) co_return;
        acquire_options how;
        auto adopted = co_await other.engine->adopt(*handed, how);
        if (adopted) other.engine->drop(*adopted);
    };
    w.spawn(work(me, *w.clients[1]));
    w.run_for(200ms);
    want(0, "next", patient);
    w.run_for(2s);
    EXPECT_THAT(order, ElementsAre("holder", "next"));
}

TEST_F(lines, who_renews_nothing_gets_all_of_the_ttl) {
    acquire_options unrenewed = patient;
    unrenewed.auto_renew = false;
    want(0, "holder", patient, 100ms);
    want(0, "before", patient, 100ms);
    want(0, "a", unrenewed, 8s);
    want(1, "b", unrenewed, 8s);
    w.run_for(20s);
    EXPECT_THAT(order, testing::UnorderedElementsAre("holder", "before", "a", "b"));
}

// Why: an id is a capability; it must not let anybody release the next one's lock.
TEST_F(lines, who_was_told_the_id_does_not_leave_it_to_the_next) {
    client& me = *w.clients[0];
    want(0, "holder", patient, 100ms);
    std::string id;
    auto work = [](client& who, std::string& told) -> asio::awaitable<void> {
        auto held = co_await who.engine->acquire("job", patient);
        if (!held) co_return;
        (*held)->id_was_told = true;
        told = (*held)->id;
        static_cast<void>(co_await sleep_until(*who.time, who.time->now() + 500ms));
        static_cast<void>(co_await who.engine->release(*held));
    };
    w.spawn(work(me, id));
    w.run_for(200ms);
    want(0, "next", patient, 5s);
    w.run_for(1s);
    ASSERT_THAT(order, ElementsAre("holder", "next"));
    const auto held = w.srv.table.inspect("job", w.server_now());
    ASSERT_TRUE(held);
    EXPECT_NE(held->id, id);
}

TEST_F(lines, a_hand_over_that_nobody_is_told_of_is_found_with_the_next_question) {
    want(0, "holder", patient, 1s);
    want(1, "a", patient, 1s);
    w.run_for(900ms);
    w.clients[1]->cut_from_server = true;
    w.run_for(200ms);  // The holder has released it by now.
    w.clients[1]->cut_from_server = false;
    w.run_for(3s);
    EXPECT_THAT(order, ElementsAre("holder", "a"));
}

TEST_F(lines, writers_get_their_turn_among_readers_that_come_and_go) {
    acquire_options reader = patient;
    reader.mode = lock_mode::shared;
    for (int i = 0; i < 5; ++i) want(0, "r", reader, 100ms);
    want(1, "writer", patient, 10ms);
    for (int i = 0; i < 20; ++i) want(2, "r", reader, 100ms);
    w.run_for(10s);
    const auto writer = std::find(order.begin(), order.end(), "writer") - order.begin();
    EXPECT_LE(writer, 6);
    EXPECT_EQ(order.size(), 26U);
    EXPECT_TRUE(free());
}

TEST_F(lines, permits_bound_how_many_hold_it_at_once_and_all_are_served) {
    acquire_options one_of_three = patient;
    one_of_three.permits = 3;
    for (std::size_t i = 0; i < 12; ++i) want(i % 4, "x", one_of_three, 1s);
    EXPECT_EQ(order.size(), 3U);
    w.run_for(20s);
    EXPECT_EQ(order.size(), 12U);
    EXPECT_TRUE(free());
}

TEST_F(lines, who_wants_what_a_process_holds_asks_the_store_nothing_meanwhile) {
    want(0, "holder", patient, 1s);
    want(0, "a", patient, 5s);
    w.run_for(2s);  // Now "a" has it, through the line.
    want(0, "b", patient);
    const auto refused = w.clients[0]->engine->statistics().refusals;
    w.run_for(2s);
    EXPECT_EQ(w.clients[0]->engine->statistics().refusals, refused);
    w.run_for(10s);
    EXPECT_THAT(order, ElementsAre("holder", "a", "b"));
}

}  // namespace
}  // namespace holdfast::sim
