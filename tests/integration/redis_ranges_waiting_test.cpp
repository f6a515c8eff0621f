// SPDX-License-Identifier: BSL-1.0
//
// What wakes those who wait for a range, what does not, and what becomes of a wait when connections
// and servers end.
#include "integration/redis_ranges.hpp"

namespace holdfast::test {
namespace {

class redis_ranges_waiting : public redis_ranges {
protected:
    explicit redis_ranges_waiting(redis_options options = {}) : redis_ranges(std::move(options)) {}

    using wait = std::shared_ptr<started<ended_flag>>;

    /// A wait of `where`, which has looked by now, and hears everything.
    [[nodiscard]] wait await_change(range_store& where, const range_claim& wanted,
                                    range_change which = range_change::freed) {
        const std::int64_t before = scripts_called();
        wait one = begin(where, wanted, which);
        EXPECT_TRUE(comes([&] { return scripts_called() > before; }));
        // Behind the answer, and behind another one if the server did not know the script.
        for (int i = 0; i < 2; ++i)
            static_cast<void>(run(where.get("some other room", "id", soon())));
        EXPECT_FALSE(one->ended());
        return one;
    }
    [[nodiscard]] std::int64_t scripts_called() const {
        const std::string told = ask({"INFO", "commandstats"}).text;
        std::int64_t calls = 0;
        for (const std::string name : {"cmdstat_eval:calls=", "cmdstat_evalsha:calls="})
            if (const auto at = told.find(name); at != std::string::npos)
                calls += std::stoll(told.substr(at + name.size()));
        return calls;
    }
    [[nodiscard]] wait await_change(range extent, range_change which = range_change::freed) {
        return await_change(*other_, claim_of("waiter", extent), which);
    }
    [[nodiscard]] wait begin(range_store& where, const range_claim& wanted,
                             range_change which = range_change::freed) {
        return start(context_, wait_for(where, wanted, which, time_.now() + 10min));
    }
    static asio::awaitable<ended_flag> wait_for(range_store& where, range_claim wanted,
                                                range_change which, time_point until) {
        co_await where.await_change(wanted, which, until);
        co_return ended_flag{};
    }
    /// Sooner than anybody looks by himself.
    [[nodiscard]] bool ends_soon(const wait& one) {
        return comes([&] { return one->ended(); }, 600ms);
    }
    /// Longer than it takes to look by oneself.
    [[nodiscard]] bool goes_on(const wait& one) {
        return !comes([&] { return one->ended(); }, 2s);
    }
    [[nodiscard]] std::int64_t followed() const {
        const auto told = ask({"PUBSUB", "CHANNELS", "{hr:*"});
        return static_cast<std::int64_t>(told.items.size());
    }

    std::shared_ptr<range_store> other_ = open();
};

TEST_F(redis_ranges_waiting, ends_at_once_when_the_range_can_be_had) {
    ASSERT_TRUE(hold("a", {0, 10}));
    EXPECT_TRUE(ends_soon(begin(*other_, claim_of("waiter", {10, 20}))));
    EXPECT_TRUE(ends_soon(begin(*other_, claim_of("waiter", {0, 1}))) == false);
    EXPECT_TRUE(ends_soon(begin(*other_, claim_of("a", {0, 10})))) << "it is its own";
    range_claim shared = claim_of("waiter", {0, 1});
    shared.capacity = 2;
    EXPECT_TRUE(ends_soon(begin(*other_, shared)));
    shared.key = "empty";
    EXPECT_TRUE(ends_soon(begin(*other_, shared)));
}

TEST_F(redis_ranges_waiting, ends_with_what_overlaps_and_not_with_what_does_not) {
    ASSERT_TRUE(hold("a", {0, 10}));
    ASSERT_TRUE(hold("b", {10, 20}));
    ASSERT_TRUE(hold("c", {20, 30}));
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait one = await_change({10, 20});
    const wait at_the_end = await_change({29, 40});
    const wait elsewhere = await_change({5, 6});
    ASSERT_TRUE(hold("d", {30, 31}));
    ASSERT_TRUE(release("d"));
    ASSERT_TRUE(release("c"));
    EXPECT_TRUE(ends_soon(at_the_end));
    EXPECT_TRUE(goes_on(one));
    ASSERT_TRUE(release("b"));
    EXPECT_TRUE(ends_soon(one));
    EXPECT_FALSE(elsewhere->ended());
}

TEST_F(redis_ranges_waiting, ends_with_each_way_to_free) {
    ASSERT_TRUE(hold("a", {0, 10}));
    wait one = await_change({5, 6});
    ASSERT_TRUE(move("a", {6, 10}));
    EXPECT_TRUE(ends_soon(one));
    ASSERT_TRUE(move("a", {0, 10}));
    one = await_change({5, 6});
    ASSERT_TRUE(renew("a", 9min));
    EXPECT_TRUE(ends_soon(one)) << "it ends earlier than before";
    one = await_change({5, 6});
    ASSERT_TRUE(renew("a", 12min));
    EXPECT_TRUE(goes_on(one));
    ASSERT_TRUE(set_capacity(2));
    EXPECT_TRUE(ends_soon(one));
    ASSERT_TRUE(set_capacity(1));
    ASSERT_TRUE(confirm("a"));
    one = await_change({5, 6});
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(ends_soon(one));
}

TEST_F(redis_ranges_waiting, ends_when_the_first_in_the_way_runs_out) {
    constexpr milliseconds ttl = 1200ms;
    const time_point before = time_.now();
    ASSERT_TRUE(hold("a", {0, 10}, ttl));
    ASSERT_TRUE(hold("b", {10, 20}));
    range_claim shared = claim_of("c", {100, 110}, ttl);
    shared.capacity = 3;
    ASSERT_TRUE(hold(shared));
    shared.id = "d";
    shared.ttl = long_ttl;
    ASSERT_TRUE(hold(shared));
    shared.id = "waiter";
    shared.units = 2;
    const wait one = await_change({5, 15});
    const wait other = await_change(*other_, shared);
    ASSERT_TRUE(comes([&] { return one->ended() && other->ended(); }));
    EXPECT_GE(time_.now() - before, ttl - 1ms);
    EXPECT_FALSE(get("a").value()) << "not before it has";
    EXPECT_FALSE(get("c").value());
    EXPECT_TRUE(hold(shared));
}

TEST_F(redis_ranges_waiting, for_any_change_ends_with_what_is_taken_too) {
    wait one = await_change({0, 100}, range_change::any);
    const wait freed = begin(*other_, claim_of("waiter", {0, 100}));
    EXPECT_TRUE(ends_soon(freed)) << "it can be had";
    ASSERT_TRUE(hold("a", {100, 110}));
    EXPECT_TRUE(goes_on(one));
    ASSERT_TRUE(hold("b", {99, 100}));
    EXPECT_TRUE(ends_soon(one));
    one = await_change({0, 100}, range_change::any);
    ASSERT_TRUE(release("b"));
    EXPECT_TRUE(ends_soon(one));
    one = await_change({0, 100}, range_change::any);
    ASSERT_TRUE(move("a", {50, 60}));
    EXPECT_TRUE(ends_soon(one));
    one = await_change({0, 100}, range_change::any);
    ASSERT_TRUE(move("a", {200, 210}));
    EXPECT_TRUE(ends_soon(one));
    ASSERT_TRUE(hold("c", {0, 1}, 2s));
    one = begin(*other_, claim_of("waiter", {0, 100}), range_change::any);
    EXPECT_TRUE(comes([&] { return one->ended(); })) << "it has run out";
}

// Why: what is freed between the look and the listening would be told to nobody. How: free it at
// any moment of the beginning of a wait.
TEST_F(redis_ranges_waiting, misses_nothing_however_it_begins) {
    for (int round = 0; round < 150; ++round) {
        const std::string key = "room" + std::to_string(round % 3);
        range_claim held = claim_of("a", {0, 10});
        held.key = key;
        ASSERT_TRUE(run(store_->hold_all(std::span(&held, 1), soon())));
        held.id = "waiter";
        const wait one = begin(*other_, held);
        settle(std::chrono::microseconds(round * 20));
        ASSERT_TRUE(release("a", key));
        ASSERT_TRUE(ends_soon(one)) << round;
    }
}

TEST_F(redis_ranges_waiting, survives_connections_that_are_killed) {
    for (const char* const type : {"pubsub", "normal"}) {
        for (int round = 0; round < 5; ++round) {
            ASSERT_TRUE(hold("a", {0, 10}));
            const wait one = await_change({5, 6});
            ask({"CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"});
            result<void> released = release("a");
            while (!released && released.error().code == errc::in_doubt) released = release("a");
            ASSERT_TRUE(comes([&] { return one->ended(); })) << type;
            EXPECT_TRUE(hold("b", {5, 6}));
            ASSERT_TRUE(release("b"));
        }
    }
    // It listens again: nobody has to look.
    ASSERT_TRUE(hold("a", {0, 10}));
    ask({"CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"});
    const wait one = await_change({5, 6});
    ASSERT_TRUE(comes([&] { return followed() == 1; }));
    settle(50ms);
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(ends_soon(one));
}

// Why: who waits for any change must not miss one that happened while nobody could tell it.
TEST_F(redis_ranges_waiting, for_any_change_survives_connections_that_are_killed) {
    for (int round = 0; round < 5; ++round) {
        const wait one = await_change({0, 10}, range_change::any);
        ask({"CLIENT", "KILL", "TYPE", "pubsub"});
        ASSERT_TRUE(hold("a", {5, 6}));
        EXPECT_TRUE(comes([&] { return one->ended(); }));
        const wait two = await_change({0, 10}, range_change::any);
        ask({"CLIENT", "KILL", "TYPE", "pubsub"});
        ASSERT_TRUE(release("a"));
        EXPECT_TRUE(comes([&] { return two->ended(); }));
    }
}

TEST_F(redis_ranges_waiting, survives_a_restart_of_the_server) {
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait one = await_change({5, 6});
    server_.restart();
    EXPECT_TRUE(comes([&] { return one->ended(); }, 20s));
    ASSERT_TRUE(comes([&] { return hold("a", {0, 10}).has_value(); }));
    const wait two = await_change({5, 6});
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(ends_soon(two));
}

TEST_F(redis_ranges_waiting, ends_when_somebody_deletes_the_keys) {
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait one = await_change({5, 6});
    ask({"FLUSHALL"});
    EXPECT_TRUE(comes([&] { return one->ended(); }));
}

TEST_F(redis_ranges_waiting, ends_at_its_time_by_cancellation_and_when_the_store_stops) {
    ASSERT_TRUE(hold("a", {0, 10}));
    const range_claim wanted = claim_of("waiter", {5, 6});
    const time_point before = time_.now();
    run(other_->await_change(wanted, range_change::freed, before + 200ms));
    EXPECT_GE(time_.now() - before, 200ms);
    EXPECT_LT(time_.now() - before, 200ms + promptly);
    asio::cancellation_signal signal;
    const auto cancelled =
        start(context_,
              with_value(other_->await_change(wanted, range_change::freed, time_.now() + 10min)),
              [&](auto handler) { return asio::bind_cancellation_slot(signal.slot(), handler); });
    settle(30ms);
    cancel(context_, signal);
    EXPECT_TRUE(ends_soon(cancelled));
    const wait stopped = await_change({5, 6});
    other_->stop();
    EXPECT_TRUE(ends_soon(stopped));
}

TEST_F(redis_ranges_waiting, follows_no_more_channels_than_are_waited_on) {
    std::vector<wait> all;
    std::vector<range_claim> held;
    for (int i = 0; i < 40; ++i) {
        held.push_back(claim_of("a", {0, 10}));
        held.back().key = "room" + std::to_string(i);
    }
    ASSERT_TRUE(hold_all(held));
    for (range_claim one : held) {
        one.id = "waiter";
        all.push_back(begin(*other_, one));
    }
    ASSERT_TRUE(comes([&] { return followed() == 40; }));
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait last = await_change({5, 6});
    for (const range_claim& one : held) ASSERT_TRUE(release("a", one.key));
    for (const wait& one : all) EXPECT_TRUE(ends_soon(one));
    EXPECT_TRUE(comes([&] { return followed() == 1; }, 20s));
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(ends_soon(last));
    EXPECT_TRUE(comes([&] { return followed() == 0; }, 20s)) << "with the connection";
}

// Why: rights to be told may be missing, or the server too old; a wait must still end.
class redis_that_tells_of_no_ranges : public redis_ranges_waiting {
protected:
    explicit redis_that_tells_of_no_ranges(std::vector<std::string> arguments = {})
        : redis_ranges_waiting({.tcp = true, .arguments = std::move(arguments)}) {}

    // A user with all rights but for this one.
    void still_waits(const std::string& rules) {
        ask({"ACL", "SETUSER", "worker", "reset", "on", ">word", "~*", "&*", "+@all", rules});
        const auto far = open("redis://worker:word@127.0.0.1:" + std::to_string(server_.port()));
        ASSERT_TRUE(hold("a", {0, 10}));
        ASSERT_TRUE(hold("b", {10, 20}));
        const range_claim wanted = claim_of("waiter", {5, 6});
        const wait one = await_change(*far, wanted);
        const wait any = await_change(*far, wanted, range_change::any);
        EXPECT_EQ(followed(), 0) << rules;
        ASSERT_TRUE(release("b"));
        EXPECT_TRUE(goes_on(one)) << rules;
        EXPECT_FALSE(any->ended());
        ASSERT_TRUE(release("a"));
        EXPECT_TRUE(ends_soon(one)) << rules;
        EXPECT_TRUE(ends_soon(any)) << rules;
    }
};

TEST_F(redis_that_tells_of_no_ranges, is_asked_again_and_again) {
    for (const char* const rules : {"-client|tracking", "-subscribe", "resetchannels"})
        still_waits(rules);
}

TEST_F(redis_that_tells_of_no_ranges, may_also_refuse_to_publish) {
    ask({"ACL", "SETUSER", "worker", "reset", "on", ">word", "~*", "+@all", "-publish"});
    store_ = open("redis://worker:word@127.0.0.1:" + std::to_string(server_.port()));
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait one = await_change({5, 6});
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(comes([&] { return one->ended(); }));
}

class redis_of_an_older_protocol_with_ranges : public redis_that_tells_of_no_ranges {
protected:
    redis_of_an_older_protocol_with_ranges()
        : redis_that_tells_of_no_ranges({"--rename-command", "HELLO", ""}) {}
};

TEST_F(redis_of_an_older_protocol_with_ranges, is_asked_again_and_again) {
    ASSERT_TRUE(hold("a", {0, 10}));
    const wait one = await_change({5, 6});
    ASSERT_TRUE(release("a"));
    EXPECT_TRUE(ends_soon(one));
}

}  // namespace
}  // namespace holdfast::test
