// SPDX-License-Identifier: BSL-1.0
//
// What wakes those who wait: strangers, ends of leases, and what becomes of a wait when connections
// and servers end. Faults: docs/internals/waiting.md.
#include "integration/redis_stores.hpp"

#include <csignal>

namespace holdfast::test {
namespace {

class redis_waiting : public redis_stores {
protected:
    explicit redis_waiting(redis_options options = {}) : redis_stores(std::move(options)) {}

    /// One in line behind `held`, who waits; its wait ends at once when something happened.
    struct waiter {
        std::unique_ptr<seat> place;
        std::string value;
        turn next{};
    };
    [[nodiscard]] waiter stand(store& where) {
        waiter one{where.take_seat("job"), value()};
        EXPECT_FALSE(ask(*one.place, one.value));
        one.next = await_turn(*one.place);
        settle(30ms);  // It watches the key by then.
        EXPECT_FALSE(one.next->ended());
        return one;
    }
    /// Asks as often as it is told to.
    [[nodiscard]] bool gets_it(waiter& one, std::chrono::nanoseconds limit = promptly) {
        if (!comes([&] { return one.next->ended(); }, limit)) return false;
        return one.next->answer->has_value() || get(*one.place, one.value, {}, limit).has_value();
    }
    [[nodiscard]] bool got_notice(const waiter& one) {
        return comes([&] { return one.next->ended(); }) && one.next->answer->has_value();
    }
    using change = std::shared_ptr<started<ended_flag>>;
    [[nodiscard]] change await_change(store& where) {
        return start(context_, with_value(where.await_change("job", time_.now() + 10min)));
    }

    std::shared_ptr<store> first_ = open();
    std::shared_ptr<store> second_ = open();
};

TEST_F(redis_waiting, ends_when_a_stranger_deletes_the_key) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    for (const char* const verb : {"DEL", "UNLINK"}) {
        waiter one = stand(*second_);
        command({verb, key_});
        EXPECT_TRUE(gets_it(one)) << verb;
        ASSERT_TRUE(release(*second_, one.value));
        ASSERT_TRUE(acquire(*first_, held));
    }
    waiter one = stand(*second_);
    command({"FLUSHALL"});
    EXPECT_TRUE(gets_it(one));
}

// Why: another program may hold the key by a plain SET NX PX, and lets it run out or deletes it.
TEST_F(redis_waiting, ends_when_the_lease_of_a_stranger_ends) {
    command({"SET", key_, "theirs", "NX", "PX", "400"});
    waiter one = stand(*second_);
    const time_point before = time_.now();
    EXPECT_TRUE(gets_it(one));
    EXPECT_LT(time_.now() - before, 400ms + promptly);
    ASSERT_TRUE(release(*second_, one.value));
    // One that is renewed, and then deleted.
    command({"SET", key_, "theirs", "PX", "300"});
    waiter again = stand(*second_);
    command({"PEXPIRE", key_, "600000"});
    settle(400ms);
    EXPECT_FALSE(again.next->ended() && ask(*again.place, again.value));
    command({"DEL", key_});
    EXPECT_TRUE(gets_it(again));
}

// Why: a server removes keys whose time has come when it gets round to it, and tells only then.
TEST_F(redis_waiting, ends_with_a_lease_among_many_that_end) {
    redis_link link(server_.socket_path());
    constexpr int others = 200'000;
    constexpr int part = 1'000;
    for (int i = 0; i < others; i += part) {
        std::string bytes;
        for (int n = i; n < i + part; ++n)
            redis::resp::append_command(bytes, "SET", "other:" + std::to_string(n), "x", "PX",
                                        n % 2 == 0 ? 600'000 : 1'500);
        link.send_bytes(bytes);
        for (int n = 0; n < part; ++n) link.receive();
    }
    const milliseconds ttl = 1500ms;
    ASSERT_TRUE(acquire(*first_, value(), {.ttl = ttl}));
    const change changed = await_change(*first_);
    waiter one = stand(*second_);
    const time_point before = time_.now();
    EXPECT_TRUE(gets_it(one));
    EXPECT_LT(time_.now() - before, ttl + 500ms);
    EXPECT_TRUE(comes([&] { return changed->ended(); }));
}

// Why: what was published while a connection was down is lost.
TEST_F(redis_waiting, survives_connections_that_are_killed) {
    for (const char* const type : {"pubsub", "normal"}) {
        for (int round = 0; round < 5; ++round) {
            const std::string held = value();
            ASSERT_TRUE(acquire(*first_, held));
            waiter one = stand(*second_);
            command({"CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"});
            // With "normal" the command or its reply may be lost.
            result<void> released = release(*first_, held);
            while (!released && released.error().code != errc::lost) {
                EXPECT_EQ(released.error().code, errc::in_doubt);
                released = release(*first_, held);
            }
            ASSERT_TRUE(gets_it(one)) << type;
            EXPECT_EQ(inspect(*first_).value, one.value);
            ASSERT_TRUE(release(*second_, one.value));
        }
    }
    // It listens again: nobody has to ask.
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    ASSERT_TRUE(comes([&] { return connections("P") == 1; }));
    waiter one = stand(*second_);
    ASSERT_TRUE(release(*first_, held));
    EXPECT_TRUE(got_notice(one));
}

TEST_F(redis_waiting, survives_a_restart_of_the_server) {
    ASSERT_TRUE(acquire(*first_, value()));
    waiter one = stand(*second_);
    server_.restart();
    EXPECT_TRUE(gets_it(one, 20s)) << "the server has forgotten who held it";
    const std::string held = one.value;
    waiter next = stand(*first_);
    ASSERT_TRUE(release(*second_, held));
    EXPECT_TRUE(got_notice(next));
}

TEST_F(redis_waiting, ends_in_time_at_a_server_that_is_frozen) {
    ASSERT_TRUE(acquire(*first_, value()));
    const auto place = second_->take_seat("job");
    const std::string mine = value();
    server_.signal(SIGSTOP);
    const claim wanted = claim_of(mine);
    const line_terms terms{.lease = long_ttl};
    const time_point before = time_.now();
    const auto refused = run(place->ask(wanted, terms, before + 1s));
    server_.signal(SIGCONT);
    EXPECT_LT(time_.now() - before, 1s + promptly);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().code == errc::unreachable ||
                refused.error().code == errc::in_doubt);
}

// Why: a wait costs a connection; it must not stay when nobody waits any more.
TEST_F(redis_waiting, closes_its_connection_when_nobody_has_waited_for_a_while) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    EXPECT_EQ(connections("P"), 0);
    {
        waiter one = stand(*second_);
        EXPECT_EQ(connections("P"), 1);
        ASSERT_TRUE(release(*first_, held));
        ASSERT_TRUE(got_notice(one));
    }
    EXPECT_TRUE(comes([&] { return connections("P") == 0; }, 20s));
    waiter again = stand(*first_);
    EXPECT_EQ(connections("P"), 1) << "and opens another when somebody does";
    first_->stop();
    EXPECT_TRUE(comes([&] { return again.next->ended(); }));
    EXPECT_TRUE(comes([&] { return connections("P") == 0; }));
}

TEST_F(redis_waiting, ends_when_the_store_stops) {
    ASSERT_TRUE(acquire(*first_, value()));
    waiter in_line = stand(*second_);
    const change changed = await_change(*second_);
    settle();
    second_->stop();
    EXPECT_TRUE(comes([&] { return in_line.next->ended(); }));
    EXPECT_TRUE(comes([&] { return changed->ended(); }));
    EXPECT_EQ(ask(*in_line.place, in_line.value).error().code, errc::cancelled);
    EXPECT_EQ(leave(*in_line.place, in_line.value).error().code, errc::cancelled);
    const auto late = second_->take_seat("job");
    EXPECT_EQ(ask(*late, value()).error().code, errc::cancelled);
}

TEST_F(redis_waiting, for_a_change_ends_at_a_deletion_and_at_the_end_of_a_lease) {
    ASSERT_TRUE(acquire(*first_, value()));
    change one = await_change(*second_);
    change other = await_change(*first_);
    settle(30ms);
    command({"DEL", key_});
    const time_point before = time_.now();
    EXPECT_TRUE(comes([&] { return one->ended() && other->ended(); }));
    EXPECT_LT(time_.now() - before, 500ms) << "sooner than anybody would look";
    ASSERT_TRUE(acquire(*first_, value(), {.ttl = 200ms}));
    one = await_change(*second_);
    EXPECT_TRUE(comes([&] { return one->ended(); }));
    EXPECT_FALSE(exists(key_));
}

// Why: rights to be told may be missing, or the server too old; a wait must still end.
class redis_that_tells_nothing : public redis_waiting {
protected:
    explicit redis_that_tells_nothing(std::vector<std::string> arguments = {})
        : redis_waiting({.tcp = true, .arguments = std::move(arguments)}) {}

    // A user with all rights but for this one.
    void still_waits(const std::string& rules) {
        command({"ACL", "SETUSER", "worker", "reset", "on", ">word", "~*", "&*", "+@all", rules});
        const auto far = open("redis://worker:word@127.0.0.1:" + std::to_string(server_.port()));
        const std::string held = value();
        ASSERT_TRUE(acquire(*first_, held));
        const auto place = far->take_seat("job");
        const std::string mine = value();
        ASSERT_EQ(ask(*place, mine).error().code, errc::contended) << rules;
        EXPECT_EQ(connections("P"), 0) << rules;
        ASSERT_TRUE(release(*first_, held));
        EXPECT_TRUE(get(*place, mine)) << rules;
        const change changed = await_change(*far);
        settle();
        EXPECT_FALSE(changed->ended());
        ASSERT_TRUE(release(*far, mine)) << rules;
        EXPECT_TRUE(comes([&] { return changed->ended(); })) << rules;
    }
};

TEST_F(redis_that_tells_nothing, is_asked_again_and_again) {
    for (const char* const rules : {"-client|tracking", "-subscribe", "resetchannels"})
        still_waits(rules);
}

class redis_of_an_older_protocol : public redis_that_tells_nothing {
protected:
    redis_of_an_older_protocol() : redis_that_tells_nothing({"--rename-command", "HELLO", ""}) {}
};

TEST_F(redis_of_an_older_protocol, is_asked_again_and_again) { still_waits("+@all"); }

TEST_F(redis_that_tells_nothing, may_also_refuse_to_publish) {
    command({"ACL", "SETUSER", "default", "-publish"});
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const auto place = second_->take_seat("job");
    const std::string mine = value();
    ASSERT_FALSE(ask(*place, mine));
    EXPECT_TRUE(release(*first_, held));
    EXPECT_EQ(inspect(*first_).value, mine) << "handed over, although nobody could be told";
    EXPECT_TRUE(ask(*place, mine));
}

}  // namespace
}  // namespace holdfast::test
