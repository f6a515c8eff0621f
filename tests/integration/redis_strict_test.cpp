// SPDX-License-Identifier: BSL-1.0
//
// Why: a server that comes back may have forgotten a lock that is held. How: private servers
// without persistence, which are killed, restarted and promoted; blocking lockers.
#include <holdfast/locker.hpp>
#include <holdfast/quorum.hpp>
#include <holdfast/redis.hpp>

#include "integration/redis_stores.hpp"
#include "lock/session.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto longest_ttl = 3s;
const std::string guarded = "?durability=strict&longest_ttl_ms=3000";

locker open(const std::string& url) {
    return locker(lock::factory_for(url).value(), {.timeout = 2s});
}

class five_servers : public testing::Test {
protected:
    [[nodiscard]] locker quorum(const std::string& options) const { return over(options, 0); }
    /// One for whom the first two servers are down.
    [[nodiscard]] locker quorum_of_three(const std::string& options) const {
        return over(options, 2);
    }
    /// Takes a lock on three of the servers, one of which then restarts empty.
    void take_and_forget(locker& first, std::optional<guard>& into) {
        auto held = first.acquire("job", {.ttl = longest_ttl, .auto_renew = false});
        servers_[2].kill();
        servers_[2].restart();
        ASSERT_TRUE(held) << held.error().message();
        into = std::move(*held);
    }
    std::array<redis_server, 5> servers_;

private:
    [[nodiscard]] locker over(const std::string& options, std::size_t dead) const {
        std::vector<store_factory> nodes;
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            std::string url = servers_.at(i).url();
            if (i < dead) url += "-is-down";
            nodes.push_back(lock::factory_for(url + options).value());
        }
        return locker(quorum_of(std::move(nodes)), {.timeout = 1s});
    }
};

// Why: the same without the guard has two holders; else this would show nothing.
TEST_F(five_servers, of_which_one_forgot_give_a_lock_twice) {
    locker first = quorum_of_three("");
    locker second = quorum("");
    std::optional<guard> held;
    take_and_forget(first, held);
    ASSERT_TRUE(held);
    const auto other = second.acquire("job", {.ttl = longest_ttl, .wait = 1s});
    EXPECT_TRUE(other) << other.error().message();
    EXPECT_GT(held->remaining(), 0ms);
}

TEST_F(five_servers, of_which_one_forgot_give_a_lock_once_with_the_guard) {
    locker first = quorum_of_three(guarded);
    locker second = quorum(guarded);
    // They have just been started, so they rest first: the first one needs all of the others.
    for (locker* const one : {&first, &second}) {
        auto before = one->acquire("before", {.ttl = longest_ttl, .wait = 20s});
        ASSERT_TRUE(before) << before.error().message();
        ASSERT_TRUE(before->release());
    }
    std::optional<guard> held;
    take_and_forget(first, held);
    ASSERT_TRUE(held);
    const auto once = second.acquire("job", {.ttl = longest_ttl});
    ASSERT_FALSE(once);
    bool told = false;
    for (const node_error& said : once.error().nodes)
        told = told || (said.code == errc::quarantined && said.node == 2);
    EXPECT_TRUE(told) << once.error().message();
    EXPECT_THAT(once.error().text, HasSubstr(", 0 did not answer to it, "));
    EXPECT_GT(held->remaining(), 0ms);
    auto later = second.acquire("job", {.ttl = longest_ttl, .wait = 20s});
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_LE(held->remaining(), 0ms);
    EXPECT_GT(later->fencing_token(), held->fencing_token());
}

TEST(one_server, that_was_started_rests_and_says_for_how_long) {
    redis_server server;
    locker locks = open(server.url() + guarded);
    const auto early = locks.acquire("job", {.ttl = 1s});
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, errc::quarantined);
    EXPECT_THAT(early.error().text, HasSubstr("quarantine, "));
    EXPECT_THAT(early.error().text, HasSubstr(" ms left"));
    auto late = locks.acquire("job", {.ttl = 1s, .wait = 20s});
    ASSERT_TRUE(late) << late.error().message();
    EXPECT_TRUE(late->release());
    // Another client meets the same run.
    locker others = open(server.url() + guarded);
    auto again = others.acquire("job", {.ttl = 1s});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->renew(longest_ttl));
    EXPECT_EQ(again->renew(longest_ttl + 1ms).error().code, errc::misuse);
    // What was refused changes nothing: it is renewed as before, in the background, too.
    const time_point past = boot_clock::now() + longest_ttl + 500ms;
    ASSERT_TRUE(poll_until([&] { return boot_clock::now() > past || !again->held(); }));
    EXPECT_TRUE(again->release());
}

// Why: each way to take a lock has to be guarded, and what is held must not be lost by it.
TEST(one_server, that_was_restarted_with_its_data_renews_and_releases_but_grants_nothing) {
    redis_server server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    locker locks = open(server.url() + guarded);
    auto held = locks.acquire("job", {.ttl = longest_ttl, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    server.kill();
    server.restart();
    locker others = open(server.url() + guarded);
    acquire_options how{.ttl = 1s};
    EXPECT_EQ(others.acquire("a", how).error().code, errc::quarantined);
    how.fence = false;
    EXPECT_EQ(others.acquire("a", how).error().code, errc::quarantined);
    how.mode = lock_mode::shared;
    EXPECT_EQ(others.acquire("a", how).error().code, errc::quarantined);
    const std::vector<std::string> names{"a", "b"};
    EXPECT_EQ(others.acquire_all(names, {.ttl = 1s}).error().code, errc::quarantined);
    EXPECT_TRUE(held->renew(longest_ttl));
    EXPECT_TRUE(others.inspect("job").value());
    EXPECT_TRUE(held->release());
    auto late = others.acquire("job", {.ttl = 1s, .wait = 20s});
    EXPECT_TRUE(late) << late.error().message();
}

// Why: a replica may have missed what the master granted a moment ago, and it has been up for long.
TEST(a_replica, is_refused_and_rests_once_it_is_promoted) {
    redis_server master({.tcp = true});
    redis_server replica({.tcp = true});
    locker locks = open(master.url() + guarded);
    locker others = open(replica.url() + guarded);
    auto held = locks.acquire("job", {.ttl = 1s, .wait = 20s});  // Both have rested by then.
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(held->release());
    ASSERT_EQ(replica.command({"REPLICAOF", "127.0.0.1", std::to_string(master.port())}),
              "+OK\r\n");
    const auto has_the_run = [&] {
        return replica.command({"GET", "{hf:}guard"}) == master.command({"GET", "{hf:}guard"});
    };
    ASSERT_TRUE(poll_until(has_the_run));
    EXPECT_EQ(others.acquire("job", {.ttl = 1s}).error().code, errc::denied);
    master.kill();
    ASSERT_EQ(replica.command({"REPLICAOF", "NO", "ONE"}), "+OK\r\n");
    locker fresh = open(replica.url() + guarded);
    const auto early = fresh.acquire("job", {.ttl = 1s});
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, errc::quarantined) << early.error().message();
    auto late = fresh.acquire("job", {.ttl = 1s, .wait = 20s});
    EXPECT_TRUE(late) << late.error().message();
}

// Why: Redis keeps its run's id, and connections, when a master becomes a replica and a master
// again, and it has lost by then what the other one did not know.
TEST(a_master, that_was_a_replica_for_a_while_rests_for_old_and_new_clients) {
    redis_server one({.tcp = true});
    redis_server other({.tcp = true});
    locker locks = open(one.url() + guarded);
    auto held = locks.acquire("job", {.ttl = 1s, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(held->release());
    ASSERT_EQ(one.command({"REPLICAOF", "127.0.0.1", std::to_string(other.port())}), "+OK\r\n");
    EXPECT_EQ(locks.acquire("job", {.ttl = 1s}).error().code, errc::denied);
    ASSERT_EQ(one.command({"REPLICAOF", "NO", "ONE"}), "+OK\r\n");
    EXPECT_EQ(locks.acquire("job", {.ttl = 1s}).error().code, errc::quarantined);
    locker fresh = open(one.url() + guarded);
    EXPECT_EQ(fresh.acquire("job", {.ttl = 1s}).error().code, errc::quarantined);
    auto late = fresh.acquire("job", {.ttl = 1s, .wait = 20s});
    EXPECT_TRUE(late) << late.error().message();
}

TEST(a_guarded_store, says_what_it_does_not_do) {
    redis_server server;
    locker locks = open(server.url() + guarded);
    const auto longer = locks.acquire("job", {.ttl = longest_ttl + 1ms});
    EXPECT_EQ(longer.error().code, errc::misuse);
    EXPECT_THAT(longer.error().text, HasSubstr("longest_ttl_ms=3000"));
    acquire_options in_turn{.ttl = 1s};
    in_turn.fair = true;
    const auto fair = locks.acquire("job", in_turn);
    EXPECT_EQ(fair.error().code, errc::misuse);
    EXPECT_THAT(fair.error().text, HasSubstr("durability=strict"));
}

class guarded_stores : public redis_stores {};

// Why: locks are renewed together, and one that may not be must not end the others.
TEST_F(guarded_stores, refuse_a_renewal_for_too_long_alone) {
    const auto plain = open();
    const std::string mine = value();
    ASSERT_TRUE(acquire(*plain, mine));
    const auto strict = open(server_.url() + guarded);
    std::array<renewal, 3> asks{renewal{.name = "other", .value = mine, .ttl = longest_ttl + 1ms},
                                renewal{.name = "job", .value = mine, .ttl = longest_ttl},
                                renewal{.name = "gone", .value = mine, .ttl = longest_ttl}};
    run(strict->renew(asks, soon()));
    EXPECT_EQ(asks[0].outcome.error().code, errc::misuse);
    EXPECT_TRUE(asks[1].outcome);
    EXPECT_EQ(asks[2].outcome.error().code, errc::lost);
}

}  // namespace
}  // namespace holdfast::test
