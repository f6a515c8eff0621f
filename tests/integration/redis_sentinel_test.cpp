// SPDX-License-Identifier: BSL-1.0
//
// Why: where sentinels watch a master, another server is the master after a failover; callers are
// to notice as little of it as can be, and holders whatever they have to know. How: private servers
// and sentinels; masters are killed, frozen and demoted. F4, F15.
#include <holdfast/holdfast.hpp>
#include <holdfast/redis.hpp>

#include "lock/session.hpp"
#include "redis/keys.hpp"
#include "support/loss_watch.hpp"
#include "support/poll.hpp"
#include "support/sentinel_set.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto timeout = 1s;

locker open(const std::string& url) {
    return locker(lock::factory_for(url).value(), {.timeout = timeout});
}

class behind_sentinels : public testing::Test {
protected:
    [[nodiscard]] bool taken(std::size_t where, const std::string& name) {
        return all_.server(where).command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }
    /// @return Whether every server has it.
    [[nodiscard]] bool replicated(const std::string& name) {
        return taken(0, name) && taken(1, name) && taken(2, name);
    }

    sentinel_set all_;
};

TEST_F(behind_sentinels, a_lock_is_taken_at_the_master_and_followed_to_the_next_one) {
    locker locks = open(all_.url());
    auto held = locks.acquire("kept", {.ttl = 20s});
    ASSERT_TRUE(held) << held.error().message();
    const std::size_t first = all_.master();
    EXPECT_TRUE(taken(first, "kept"));
    ASSERT_TRUE(poll_until([&] { return replicated("kept"); }));
    all_.kill_master();
    // Whoever asks meanwhile waits through it.
    auto other = locks.acquire("other", {.ttl = 20s, .wait = 30s});
    ASSERT_TRUE(other) << other.error().message();
    const std::size_t next = all_.await_master_after(first);
    EXPECT_TRUE(taken(next, "other"));
    EXPECT_TRUE(held->renew(20s));
    EXPECT_TRUE(held->release());
    EXPECT_FALSE(taken(next, "kept"));
    EXPECT_TRUE(other->release());
}

// Why: a waiter stands in the line of a server that dies; the next master knows the holder, or not.
TEST_F(behind_sentinels, who_waits_gets_the_lock_after_a_failover) {
    locker locks = open(all_.url());
    locker others = open(all_.url());
    auto held = locks.acquire("job", {.ttl = 30s});
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(poll_until([&] { return replicated("job"); }));
    auto waits = std::async(std::launch::async,
                            [&] { return others.acquire("job", {.ttl = 30s, .wait = 60s}); });
    ASSERT_TRUE(poll_until([&] {
        const auto info = locks.inspect("job");
        return info && *info && (*info)->waiters > 0;
    }));
    static_cast<void>(all_.await_master_after(all_.kill_master()));
    ASSERT_TRUE(poll_until([&] { return held->renew(30s).has_value(); }));
    ASSERT_TRUE(held->release());
    auto next = waits.get();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_TRUE(next->release());
}

// F4. Why: what the master has not told its replicas is gone with it.
TEST_F(behind_sentinels, a_lock_that_no_replica_has_is_lost_and_its_holder_is_told) {
    constexpr auto ttl = 12s;
    locker locks = open(all_.url());
    ASSERT_TRUE(locks.acquire("warm", {.ttl = ttl}));
    all_.cut_off_replicas();
    auto held = locks.acquire("job", {.ttl = ttl});
    ASSERT_TRUE(held) << held.error().message();
    const loss_watch watch(*held);
    const std::size_t first = all_.kill_master();
    const std::size_t next = all_.await_master_after(first);
    const time_point promoted = boot_clock::now();
    EXPECT_FALSE(taken(next, "job"));
    ASSERT_TRUE(watch.told_within(ttl));
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    EXPECT_LE(watch.told_at() - promoted, ttl / 3 + timeout);
    EXPECT_FALSE(held->held());
}

// F15. Why: a failover that an operator asks for leaves the old master alive, as a replica.
TEST_F(behind_sentinels, a_demoted_master_is_left_without_an_error) {
    // Redis answers before it replicates: a release may be forgotten, and the ttl bounds it then.
    locker locks = open(all_.url());
    const std::size_t first = all_.master();
    std::atomic<bool> done{false};
    std::atomic<int> cycles{0};
    std::string wrong;
    std::thread caller([&] {
        while (!done) {
            auto held = locks.acquire("job", {.ttl = 4s, .wait = 30s});
            if (!held && wrong.empty()) wrong = "acquire: " + held.error().message();
            if (!held) continue;
            if (const auto gone = held->release(); !gone && gone.error().code != errc::lost)
                wrong = "release: " + gone.error().message();
            ++cycles;
        }
    });
    EXPECT_TRUE(poll_until([&] { return cycles > 100; }));
    EXPECT_EQ(all_.ask_sentinel(0, {"SENTINEL", "FAILOVER", sentinel_set::name}), "+OK\r\n");
    const std::size_t next = all_.await_master_after(first);
    const int before = cycles;
    EXPECT_TRUE(poll_until([&] { return cycles > before + 100; }));
    done = true;
    caller.join();
    EXPECT_EQ(wrong, "");
    EXPECT_NE(next, first);
}

// Why: a frozen master neither answers nor hangs up; sentinels are the ones who tell.
TEST_F(behind_sentinels, a_frozen_master_is_left) {
    locker locks = open(all_.url());
    auto held = locks.acquire("before", {.ttl = 30s});
    ASSERT_TRUE(held) << held.error().message();
    const std::size_t first = all_.master();
    ASSERT_TRUE(poll_until([&] { return replicated("before"); }));
    all_.server(first).signal(SIGSTOP);
    auto other = locks.acquire("job", {.ttl = 30s, .wait = 30s});
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_NE(all_.master(), first);
    EXPECT_TRUE(held->held());
    EXPECT_TRUE(held->release());
    EXPECT_TRUE(other->release());
    all_.server(first).signal(SIGCONT);
}

TEST_F(behind_sentinels, sentinels_that_are_dead_or_frozen_are_done_without) {
    all_.sentinel(0).signal(SIGSTOP);
    for (int i = 0; i < 3; ++i) {
        locker locks = open(all_.url());
        auto held = locks.acquire("job", {.ttl = 20s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_TRUE(held->release());
    }
    all_.sentinel(1).signal(SIGSTOP);
    locker locks = open(all_.url());
    auto held = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->release());
    all_.sentinel(2).signal(SIGSTOP);
    locker lost = open(all_.url());
    const auto refused = lost.acquire("job", {.ttl = 20s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    EXPECT_THAT(refused.error().text, HasSubstr("no sentinel tells where"));
    // Who knows the master already needs no sentinel.
    auto again = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->release());
}

TEST_F(behind_sentinels, a_master_that_they_do_not_watch_is_a_mistake) {
    std::string url = all_.url();
    url.replace(url.rfind('/'), std::string::npos, "/othermaster");
    const auto refused = open(url).acquire("job", {.ttl = 20s, .wait = 20s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_THAT(refused.error().text, HasSubstr("'othermaster'"));
    EXPECT_THAT(refused.error().text, HasSubstr("it watches no such master"));
}

// Why: sentinels have users of their own. The rights are those that docs/stores/sentinel.md names.
TEST(sentinels, are_asked_by_a_user_with_few_rights) {
    const sentinel_set all(500ms, {},
                           "user watcher on >canary resetchannels &+switch-master -@all +hello "
                           "+ping +subscribe +sentinel|get-master-addr-by-name\n");
    const temp_dir place;
    const auto url = [&](const std::string& password) {
        std::ofstream(place / password) << password << '\n';
        return all.url() + "?sentinel_user=watcher&sentinel_password_file=" + place / password;
    };
    locker locks = open(url("canary"));
    auto held = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(held) << held.error().message();
    for (std::size_t i = 0; i < sentinel_set::size; ++i)
        EXPECT_TRUE(poll_until([&] {
            const std::string clients = all.ask_sentinel(i, {"CLIENT", "LIST"});
            const auto mine = clients.find("name=holdfast");
            const std::string line = mine == clients.npos ? "" : clients.substr(mine);
            return line.find(" sub=1 ") < line.find('\n') &&
                   line.find(" user=watcher ") < line.find('\n');
        })) << "it listens to sentinel "
            << i;
    const auto refused = open(url("wrong")).acquire("job", {.ttl = 20s, .wait = 20s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_THAT(refused.error().text, HasSubstr("WRONGPASS"));
    EXPECT_THAT(refused.error().message(), testing::Not(HasSubstr("canary")));
    EXPECT_TRUE(held->release());
}

// Why: connecting is dear for both, and a sentinel that hangs up at once may do so for long.
TEST_F(behind_sentinels, one_that_hangs_up_again_and_again_is_asked_ever_less_often) {
    locker locks = open(all_.url());
    auto held = locks.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    const auto began = std::chrono::steady_clock::now();
    const auto passed = [&] { return std::chrono::steady_clock::now() - began; };
    int kills = 0;
    while (passed() < 2s)
        if (all_.ask_sentinel(0, {"CLIENT", "KILL", "TYPE", "pubsub"}) == ":1\r\n") ++kills;
    int possible = 1;  // The first, and one behind each pause: 25 ms at least, then twice as long.
    for (auto pauses = 25ms, next = 50ms; pauses <= passed(); pauses += next, next *= 2) ++possible;
    EXPECT_GE(kills, 2);
    EXPECT_LE(kills, possible);
    EXPECT_TRUE(held->release());
}

// Why: with `durability=replicated` a grant that the next master may not know does not count.
TEST_F(behind_sentinels, a_grant_that_no_replica_has_does_not_count) {
    const std::string strict = "?durability=replicated&longest_ttl_ms=3000";
    locker locks = open(all_.url() + strict);
    auto first = locks.acquire("job", {.ttl = 3s, .wait = 20s});
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_TRUE(first->renew(3s));
    EXPECT_TRUE(first->release());
    all_.cut_off_replicas();
    const auto refused = locks.acquire("job", {.ttl = 3s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::in_doubt);
    EXPECT_THAT(refused.error().text, HasSubstr("0 of 1 replicas have acknowledged it"));
    const std::size_t master = all_.master();
    EXPECT_TRUE(poll_until([&] { return !taken(master, "job"); }, 2s)) << "it is given back";
    static_cast<void>(all_.await_master_after(all_.kill_master()));
    auto later = locks.acquire("job", {.ttl = 3s, .wait = 30s});
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->release());
}

// Why: sentinels are late, and the old master, a replica by now, is refused as one; that passes.
TEST_F(behind_sentinels, a_guarded_master_that_was_demoted_is_left) {
    locker locks = open(all_.url() + "?durability=strict&longest_ttl_ms=1000");
    ASSERT_TRUE(locks.acquire("job", {.ttl = 1s, .wait = 30s}));
    const std::size_t old = all_.master();
    const std::size_t next = (old + 1) % sentinel_set::size;
    static_cast<void>(all_.server(next).command({"REPLICAOF", "NO", "ONE"}));
    static_cast<void>(all_.server(old).command(
        {"REPLICAOF", "127.0.0.1", std::to_string(all_.server(next).port())}));
    static_cast<void>(all_.server(old).command({"CLIENT", "KILL", "TYPE", "normal"}));
    const auto refused = locks.acquire("job", {.ttl = 1s, .wait = 500ms});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().code, errc::denied) << refused.error().message();
    // It takes them some seconds to make it the master again, or to notice the other one.
    auto later = locks.acquire("job", {.ttl = 1s, .wait = 60s});
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->release());
}

// Why: a renewal that no replica has ends with the master, and the promise with it.
TEST_F(behind_sentinels, a_renewal_that_no_replica_has_does_not_count) {
    const std::string strict = "?durability=replicated&longest_ttl_ms=2000";
    locker locks = open(all_.url() + strict);
    auto held = locks.acquire("job", {.ttl = 2s, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    all_.cut_off_replicas();
    const time_point cut = boot_clock::now();
    const loss_watch watch(*held);
    ASSERT_TRUE(watch.told_within(4s));
    EXPECT_LE(watch.told_at() - cut, 2s + timeout);
    EXPECT_EQ(held->why_lost(), lost_reason::unreachable);
    static_cast<void>(all_.await_master_after(all_.kill_master()));
}

// Why: what replicas say has no bearing on a refusal; and each question to them may take a while.
TEST(replicated, tells_a_refusal_as_it_is_and_asks_replicas_for_all_at_once) {
    const redis_server alone;
    const std::string url = alone.url() + "?durability=replicated&longest_ttl_ms=100";
    locker plain = open(alone.url());
    auto held = plain.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held);
    locker locks = open(url);
    EXPECT_TRUE(poll_until([&] {
        const auto refused = locks.acquire("job", {.ttl = 100ms});
        return !refused && refused.error().code == errc::contended;
    })) << "once it has rested";
    const time_point begin = boot_clock::now();
    {
        std::vector<std::jthread> callers;
        for (int i = 0; i < 20; ++i)
            callers.emplace_back([&locks, i] {
                const auto in_doubt =
                    locks.acquire("job " + std::to_string(i), {.ttl = 100ms, .wait = 100ms});
                EXPECT_FALSE(in_doubt);
                if (!in_doubt) EXPECT_THAT(in_doubt.error().text, HasSubstr("0 of 1 replicas"));
            });
    }
    EXPECT_LE(boot_clock::now() - begin, 5 * timeout);
}

TEST(replicated, needs_the_right_to_ask_for_replicas) {
    const redis_server alone;
    ASSERT_EQ(
        alone.command({"ACL", "SETUSER", "few", "on", ">canary", "~*", "&*", "+@all", "-wait"}),
        "+OK\r\n");
    std::string url = alone.admin_url() + "?durability=replicated&longest_ttl_ms=100";
    url.replace(0, url.find("//") + 2, "redis+unix://few:canary@");
    const auto refused = open(url).acquire("job", {.ttl = 100ms, .wait = 20s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
    EXPECT_THAT(refused.error().text, HasSubstr("durability=replicated"));
}

// Why: two replicas that are asked for are two, and a plain server has none.
TEST(replicated, needs_as_many_replicas_as_it_says) {
    const redis_server alone;
    locker locks = open(alone.url() + "?durability=replicated&longest_ttl_ms=100");
    const auto refused = locks.acquire("job", {.ttl = 100ms, .wait = 3s});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("0 of 1 replicas")) << refused.error().message();
}

}  // namespace
}  // namespace holdfast::test
