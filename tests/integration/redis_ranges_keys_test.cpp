// SPDX-License-Identifier: BSL-1.0
//
// What of holds stands on a Redis server, for how long, and what becomes of them when the server
// forgets something, has no room, or has its clock changed.
#include "integration/redis_ranges.hpp"

#include <algorithm>
#include <functional>

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class redis_ranges_keys : public redis_ranges {
protected:
    /// @return How long each of the keys of "room" lives, in ms; -1: for ever; -2: there is none.
    [[nodiscard]] std::vector<std::int64_t> lives() const {
        std::vector<std::int64_t> all;
        for (const char* const end : {":s", ":x", ":h", ":m"})
            all.push_back(ask({"PTTL", key_ + end}).integer);
        return all;
    }
    [[nodiscard]] bool live_within(std::chrono::milliseconds from,
                                   std::chrono::milliseconds to) const {
        const auto all = lives();
        return std::all_of(all.begin(), all.end(), [&](std::int64_t left) {
            return left >= from.count() && left <= to.count();
        });
    }
    /// Sets the time that the key has seen, which stands in its last token.
    void see_time(std::uint64_t micros) { ask({"HSET", key_ + ":m", "f", std::to_string(micros)}); }
    /// So many holds of one tick each, from 0 on, that have run out and were not put away.
    void leave_expired(int count) {
        for (int i = 0; i < count; i += 64) {
            std::vector<range_claim> some;
            for (int n = i; n < std::min(count, i + 64); ++n)
                some.push_back(claim_of("id" + std::to_string(n), {n, n + 1}));
            ASSERT_TRUE(hold_all(some));
        }
        run_out(count);
    }
    /// As if the time of so many of them had come.
    void run_out(int count) const {
        std::vector<std::string> words{"ZADD", key_ + ":x", "XX"};
        for (int n = 0; n < count; ++n) {
            words.emplace_back("1");
            words.push_back("tid" + std::to_string(n));
        }
        ask(words);
        ask({"HSET", key_ + ":m", "n", "0"});
    }
};

TEST_F(redis_ranges_keys, end_a_hold_with_its_ttl_and_no_earlier) {
    for (const milliseconds ttl : {10ms, 60ms, 200ms}) {
        const time_point before = time_.now();
        ASSERT_TRUE(hold("a", {0, 10}, ttl));
        milliseconds last = ttl;
        for (;;) {
            const auto told = get("a").value();
            if (!told) break;
            EXPECT_GE(told->remaining, 1ms);
            EXPECT_LE(told->remaining, last);
            last = told->remaining;
            ASSERT_LT(time_.now() - before, ttl + promptly);
        }
        EXPECT_GE(time_.now() - before, ttl - 1ms);
        EXPECT_FALSE(release("a")) << "it has run out";
        EXPECT_THAT(list().value().holds, IsEmpty());
        ASSERT_TRUE(hold("b", {9, 11}, 10s)) << "at once, swept or not";
        ASSERT_TRUE(release("b"));
    }
}

TEST_F(redis_ranges_keys, make_nothing_of_a_hold_that_has_run_out) {
    const auto token = hold("a", {0, 10}, 20ms);
    ASSERT_TRUE(hold("b", {10, 20}));
    ASSERT_TRUE(comes([&] { return !get("a").value(); }));
    EXPECT_EQ(renew("a", 10s).error().reason, lost_reason::deleted);
    ASSERT_TRUE(hold("c", {50, 60}, 20ms));
    ASSERT_TRUE(comes([&] { return !get("c").value(); }));
    EXPECT_EQ(confirm("c").error().reason, lost_reason::deleted);
    ASSERT_TRUE(hold("c", {50, 60}, 20ms));
    ASSERT_TRUE(comes([&] { return !get("c").value(); }));
    EXPECT_EQ(move("c", {60, 70}).error().reason, lost_reason::deleted);
    const auto again = hold("a", {5, 8});
    ASSERT_TRUE(again) << "the id is free, too: " << again.error().message();
    EXPECT_GT(*again, *token);
    EXPECT_THAT(ids(), ElementsAre("a", "b"));
}

TEST_F(redis_ranges_keys, are_gone_when_all_has_run_out) {
    ASSERT_TRUE(hold("a", {0, 10}, 30ms));
    ASSERT_TRUE(hold("b", {10, 20}, 50ms));
    EXPECT_EQ(keys(), 4);
    EXPECT_TRUE(comes([&] { return keys() == 0; }));
}

TEST_F(redis_ranges_keys, live_as_long_as_the_longest_hold) {
    ASSERT_TRUE(hold("a", {0, 10}, 20s));
    EXPECT_TRUE(live_within(19s, 40s));
    ASSERT_TRUE(renew("a", 30min));
    EXPECT_TRUE(live_within(29min, 31min));
    ASSERT_TRUE(hold("b", {10, 20}, 20s));
    EXPECT_TRUE(live_within(29min, 31min));
    ASSERT_TRUE(hold("c", {20, 30}, 2h));
    EXPECT_TRUE(live_within(119min, 121min));
    for (const char* const id : {"a", "b", "c"}) ASSERT_TRUE(release(id));
    EXPECT_TRUE(live_within(1ms, 121min)) << "what is left ends by itself";
    ASSERT_TRUE(hold("d", {0, 10}, 24h));
    EXPECT_TRUE(live_within(23h, 25h));
}

TEST_F(redis_ranges_keys, stay_for_permanent_holds_and_no_longer) {
    ASSERT_TRUE(hold("a", {0, 10}, 20s));
    ASSERT_TRUE(hold("b", {10, 20}, 40s));
    ASSERT_TRUE(hold("c", {20, 30}, 20s));
    ASSERT_TRUE(confirm("a"));
    ASSERT_TRUE(confirm("c"));
    EXPECT_THAT(lives(), ElementsAre(-1, -1, -1, -1));
    ASSERT_TRUE(hold("d", {30, 40}, 20s));
    EXPECT_THAT(lives(), ElementsAre(-1, -1, -1, -1));
    ASSERT_TRUE(release("a"));
    ASSERT_TRUE(release("d"));
    EXPECT_THAT(lives(), ElementsAre(-1, -1, -1, -1));
    ASSERT_TRUE(release("c"));
    EXPECT_TRUE(live_within(39s, 41s)) << "b is left";
    ASSERT_TRUE(confirm("b"));
    EXPECT_THAT(lives(), ElementsAre(-1, -1, -1, -1));
    ASSERT_TRUE(release("b"));
    EXPECT_TRUE(comes([&] { return keys() == 0; }));
}

TEST_F(redis_ranges_keys, keep_a_capacity_until_it_is_one) {
    ASSERT_TRUE(set_capacity(3));
    EXPECT_EQ(ask({"PTTL", key_ + ":m"}).integer, -1);
    ASSERT_TRUE(hold("a", {0, 10}, 30ms));
    EXPECT_TRUE(comes([&] { return keys() == 1; }));
    EXPECT_EQ(ask({"PTTL", key_ + ":m"}).integer, -1);
    EXPECT_EQ(list().value().capacity, 3U);
    ASSERT_TRUE(hold("a", {0, 10}, 20s));
    ASSERT_TRUE(hold("b", {0, 10}, 20s)) << "it counts again";
    EXPECT_GT(ask({"PTTL", key_ + ":s"}).integer, 19'000);
    ASSERT_TRUE(set_capacity(1));
    EXPECT_GT(ask({"PTTL", key_ + ":m"}).integer, 19'000);
    EXPECT_EQ(list().value().capacity, 1U);
    ASSERT_TRUE(set_capacity(9, "unused"));
    ASSERT_TRUE(set_capacity(1, "unused"));
    EXPECT_EQ(ask({"EXISTS", redis::range_key("unused") + ":m"}).integer, 0);
    ASSERT_TRUE(set_capacity(1, "unused"));
    EXPECT_EQ(ask({"EXISTS", redis::range_key("unused") + ":m"}).integer, 0);
}

// Why: what has run out must not pile up where something else keeps the keys.
TEST_F(redis_ranges_keys, lose_what_has_run_out_bit_by_bit) {
    ASSERT_TRUE(hold("keeper", {most - 1, most}));
    ASSERT_TRUE(confirm("keeper"));
    for (int i = 0; i < 50; ++i) {
        range_claim brief = claim_of("id" + std::to_string(i), {i, i + 1 + i % 4});
        brief.capacity = 5 + static_cast<std::uint32_t>(i % 5);
        ASSERT_TRUE(hold(brief));
    }
    run_out(50);
    EXPECT_EQ(ask({"ZCARD", key_ + ":s"}).integer, 52);
    for (int i = 0; i < 30; ++i) {
        ASSERT_TRUE(hold("next", {-5, -4}));
        ASSERT_TRUE(release("next"));
    }
    for (const char* const end : {":s", ":x"})
        EXPECT_EQ(ask({"ZCARD", key_ + end}).integer, 2) << "the keeper, and a mark";
    EXPECT_EQ(ask({"HLEN", key_ + ":h"}).integer, 2);
    EXPECT_EQ(ask({"HGET", key_ + ":m", "k"}).text, "") << "no class is in use any more";
}

// Why: to put away all that has run out in one script would block the server.
TEST_F(redis_ranges_keys, may_have_much_that_has_run_out) {
    leave_expired(3'500);
    const auto all = list();
    ASSERT_TRUE(all) << all.error().message();
    EXPECT_THAT(all->holds, IsEmpty());
    EXPECT_LT(ask({"ZCARD", key_ + ":s"}).integer, 2'500);
    leave_expired(2'500);
    ASSERT_TRUE(hold("a", {-10, -5}));
    ASSERT_TRUE(move("a", {0, 2'000}));
    ASSERT_TRUE(hold("b", {2'000, most}));
    EXPECT_THAT(ids(), ElementsAre("a", "b"));
    const range_claim wanted = claim_of("c", {least, 0});
    run(store_->await_change(wanted, range_change::freed, time_.now() + 10min));
}

TEST_F(redis_ranges_keys, never_see_time_go_back) {
    const auto first = hold("a", {0, 10}, 60s);
    ASSERT_TRUE(first);
    const std::uint64_t hour = 3'600'000'000;
    see_time(*first + hour);
    EXPECT_FALSE(get("a").value()) << "an hour ago it ran out";
    EXPECT_FALSE(renew("a", 10s));
    EXPECT_THAT(list().value().holds, IsEmpty());
    const auto second = hold("b", {5, 15}, 60s);
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_GT(*second, *first + hour);
    const auto third = hold("c", {15, 20}, 60s);
    EXPECT_GT(*third, *second);
    EXPECT_GT(get("b").value()->remaining, 59s);
    EXPECT_LE(get("b").value()->remaining, 60s);
    EXPECT_EQ(hold("d", {5, 6}).error().code, errc::contended);
    ASSERT_TRUE(move("b", {20, 30}));
    EXPECT_GT(get("b").value()->fencing_token, *third);
}

TEST_F(redis_ranges_keys, have_rising_tokens_although_the_server_forgot_everything) {
    std::uint64_t last = 0;
    for (int i = 0; i < 4; ++i) {
        for (int n = 0; n < 10; ++n) {
            const auto token = hold("id" + std::to_string(n), {n, n + 1});
            ASSERT_TRUE(token) << token.error().message();
            EXPECT_GT(*token, last);
            last = *token;
        }
        if (i % 2 == 0) {
            ask({"FLUSHALL"});
        } else {
            server_.restart();
            static_cast<void>(get("id0"));  // It notices that the connection has ended.
        }
    }
}

// Why: each key may be deleted by hand, or evicted, without the others.
TEST_F(redis_ranges_keys, are_made_anew_from_each_other) {
    range_claim shared = claim_of("a", {0, 100});
    shared.capacity = 2;
    ASSERT_TRUE(hold(shared));
    ASSERT_TRUE(hold("b", {200, 300}));
    ASSERT_TRUE(confirm("a"));
    ask({"DEL", key_ + ":m"});
    EXPECT_EQ(hold("c", {50, 60}).error().code, errc::contended) << "its class was forgotten";
    EXPECT_EQ(hold("c", {250, 260}).error().code, errc::contended);
    ASSERT_TRUE(hold("c", {100, 110}));
    EXPECT_THAT(lives(), ElementsAre(-1, -1, -1, -1)) << "a is permanent";
    EXPECT_THAT(ids(), ElementsAre("a", "c", "b"));
    ask({"DEL", key_ + ":x"});
    EXPECT_THAT(ids(), IsEmpty()) << "nobody knows any more how long they last";
    ASSERT_TRUE(hold("d", {0, 1000}));
    EXPECT_THAT(ids(), ElementsAre("d"));
    ask({"DEL", key_ + ":h"});
    EXPECT_FALSE(get("d").value());
    EXPECT_FALSE(release("d"));
    ask({"DEL", key_ + ":s"});
    ASSERT_TRUE(hold("e", {0, 1000}));
    EXPECT_THAT(ids(), ElementsAre("e"));
}

// Why: where others look for what is in their way, the hold is no more, and somebody else has its
// range. How: what would keep it, or book it, is asked of it afterwards, and must not.
TEST_F(redis_ranges_keys, hold_nothing_that_others_cannot_see) {
    const auto lost = [](const auto& said) { return !said && said.error().code == errc::lost; };
    std::vector<std::function<bool()>> each{
        [&] { return lost(renew("a", long_ttl)) && lost(renew("a", long_ttl)); },
        [&] { return lost(renew("a", 1s)); },  // Shorter than before, which goes another way.
        [&] { return lost(confirm("a")); },
        [&] {
            return lost(move("a", {0, 10})) && lost(move("a", {50, 60}));
        },
        [&] {
            return hold("a", {0, 10}).error().code == errc::contended;
        }};
    for (const auto& refused : each)
        for (const std::uint32_t room : {1U, 2U}) {
            range_claim first = claim_of("a", {0, 10});
            first.units = first.capacity = room;
            ASSERT_TRUE(hold(first));
            ask({"DEL", key_ + ":s"});
            ASSERT_TRUE(hold("b", {5, 15}));
            EXPECT_TRUE(refused()) << room;
            EXPECT_THAT(ids(), ElementsAre("b"));
            ask({"FLUSHALL"});
        }
}

TEST_F(redis_ranges_keys, need_no_script_that_the_server_still_knows) {
    const auto flush = [&] { ask({"SCRIPT", "FLUSH"}); };
    flush();
    ASSERT_TRUE(hold("a", {0, 10}));
    flush();
    ASSERT_TRUE(renew("a", 20s));
    flush();
    ASSERT_TRUE(get("a").value());
    flush();
    ASSERT_TRUE(move("a", {5, 15}));
    flush();
    ASSERT_TRUE(confirm("a"));
    flush();
    EXPECT_THAT(ids(), ElementsAre("a"));
    flush();
    ASSERT_TRUE(set_capacity(2));
    flush();
    const range_claim wanted = claim_of("b", {5, 15});
    run(store_->await_change(wanted, range_change::freed, time_.now() + 10min));
    flush();
    ASSERT_TRUE(release("a"));
}

TEST_F(redis_ranges_keys, of_another_type_are_named_and_left_alone) {
    for (const std::string end : {":s", ":x", ":h", ":m"}) {
        ask({"FLUSHALL"});
        ask({"SET", key_ + end, "theirs"});
        if (end != ":h") ask({"HSET", key_ + ":h", "ta", std::string(40, '\0')});
        const auto expect_named = [&](const auto& outcome) {
            ASSERT_FALSE(outcome) << end;
            EXPECT_EQ(outcome.error().code, errc::wrong_type) << outcome.error().message();
            EXPECT_THAT(outcome.error().text, HasSubstr(key_ + end + " is a string"));
        };
        expect_named(hold("b", {0, 10}));
        if (end != ":h") expect_named(list());
        if (end != ":s") expect_named(confirm("a"));
        if (end != ":s") expect_named(release("a"));
        EXPECT_EQ(ask({"GET", key_ + end}).text, "theirs");
    }
}

TEST_F(redis_ranges_keys, can_be_renewed_and_released_when_memory_is_full) {
    ASSERT_TRUE(hold("a", {0, 10}));
    ASSERT_TRUE(hold("b", {10, 20}));
    ask({"CONFIG", "SET", "maxmemory", "1"});
    const auto refused = hold("c", {20, 30});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
    EXPECT_TRUE(get("a").value());
    EXPECT_THAT(list().value().holds, SizeIs(2));
    EXPECT_TRUE(renew("a", 20min));
    EXPECT_TRUE(confirm("a"));
    EXPECT_TRUE(release("b"));
    EXPECT_TRUE(release("a"));
}

TEST_F(redis_ranges_keys, are_not_lost_with_a_connection) {
    for (int i = 0; i < 5; ++i) {
        ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        const range_claim wanted = claim_of("a", {0, 10});
        auto held = hold(wanted);
        for (int tries = 0; !held && tries < 10; ++tries) {
            EXPECT_EQ(held.error().code, errc::in_doubt) << held.error().message();
            held = hold(wanted);
        }
        ASSERT_TRUE(held);
        EXPECT_EQ(hold(wanted).value(), *held);
    }
}

}  // namespace
}  // namespace holdfast::test
