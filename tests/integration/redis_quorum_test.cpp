// SPDX-License-Identifier: BSL-1.0
//
// Why: the quorum is shown right over reference stores; here it meets real servers, which are
// killed, frozen, and come back empty. How: three servers without persistence, a blocking locker.
#include <holdfast/locker.hpp>
#include <holdfast/quorum.hpp>
#include <holdfast/redis.hpp>
#include <holdfast/statistics.hpp>

#include "lock/session.hpp"
#include "redis/keys.hpp"
#include "redis/script_call.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class redis_quorum : public testing::Test {
protected:
    [[nodiscard]] locker open() const {
        std::vector<store_factory> nodes;
        for (const redis_server& one : servers_)
            nodes.push_back(lock::factory_for(one.url()).value());
        return locker(quorum_of(std::move(nodes)), {.timeout = 1s});
    }
    [[nodiscard]] bool everywhere(const std::string& key) const {
        for (const redis_server& one : servers_)
            if (one.command({"EXISTS", key}) != ":1\r\n") return false;
        return true;
    }
    void set_counter(std::size_t server, const char* token) const {
        EXPECT_EQ(servers_[server].command({"SET", fence_, token, "EX", "100"}), "+OK\r\n");
    }
    std::array<redis_server, 3> servers_;
    const std::string fence_ = redis::fence_key("job");
};

TEST_F(redis_quorum, gives_tokens_that_rise_while_servers_die_and_come_back_empty) {
    locker one = open();
    locker other = open();
    // Far ahead of the others, as a server is whose clock is.
    set_counter(0, "2900000000000000");
    std::uint64_t last = 0;
    for (int round = 0; round < 12; ++round) {
        redis_server& victim = servers_[static_cast<std::size_t>(round + 1) % 3];
        if (round % 2 == 0) victim.kill();
        auto held = (round % 4 < 2 ? one : other).acquire("job", {.ttl = 10s, .wait = 20s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_GT(held->fencing_token(), last);
        last = held->fencing_token();
        EXPECT_TRUE(held->release());
        if (round % 2 == 0) victim.restart();
    }
    EXPECT_GT(last, 2'900'000'000'000'000U);
}

// Why: the token that was written back may come from a clock that is ahead.
TEST_F(redis_quorum, writes_a_token_back_for_a_day) {
    set_counter(0, "2900000000000000");
    set_counter(1, "2800000000000000");
    locker locks = open();
    // The third must not make the majority without the first.
    servers_[2].kill();
    const auto held = locks.acquire("job", {.ttl = 10s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_EQ(held->fencing_token(), 2'900'000'000'000'001U);
    EXPECT_EQ(servers_[1].command({"GET", fence_}), "$16\r\n2900000000000001\r\n");
    const std::string left = servers_[1].command({"TTL", fence_});
    EXPECT_GT(std::stol(left.substr(1)), redis::fence_seconds - 60);
    EXPECT_LE(std::stol(servers_[0].command({"TTL", fence_}).substr(1)), 100);
}

TEST_F(redis_quorum, moves_a_lock_to_servers_that_came_back_empty) {
    locker locks = open();
    const auto held = locks.acquire("job", {.ttl = 1500ms});
    ASSERT_TRUE(held) << held.error().message();
    const std::string key = redis::lock_key("job");
    for (redis_server& victim : servers_) {
        ASSERT_TRUE(poll_until([&] { return everywhere(key); }));
        victim.kill();
        victim.restart();
        EXPECT_TRUE(poll_until([&] { return everywhere(key); })) << "it was not filled in";
        EXPECT_EQ(held->why_lost(), lost_reason::none);
    }
    EXPECT_EQ(locks.inspect("job").value()->fencing_token, held->fencing_token());
    EXPECT_EQ(locks.acquire("job").error().code, errc::contended);
}

TEST_F(redis_quorum, does_not_wait_for_a_server_that_is_frozen) {
    locker locks = open();
    servers_[1].signal(SIGSTOP);
    for (int i = 0; i < 20; ++i) {
        const auto before = boot_clock::now();
        auto held = locks.acquire("job", {.ttl = 10s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_TRUE(held->release());
        EXPECT_LT(boot_clock::now() - before, 900ms);
    }
    servers_[1].signal(SIGCONT);
}

// Why: two of three would refuse everybody for the ttl.
TEST_F(redis_quorum, leaves_nothing_on_servers_that_were_frozen_for_long_once_they_go_on) {
    locker locks = open();
    ASSERT_TRUE(locks.acquire("job", {.ttl = 10min})->release());
    for (const std::size_t victim : {1U, 2U}) servers_[victim].signal(SIGSTOP);
    EXPECT_EQ(locks.acquire("job", {.ttl = 10min}).error().code, errc::no_quorum);
    // Until its releases have been in vain, too.
    const auto unanswered = [&] {
        std::uint64_t sum = 0;
        for (const node_statistics& node : locks.statistics().nodes)
            sum += count_of(node.errors, errc::unreachable);
        return sum;
    };
    EXPECT_TRUE(poll_until([&] { return unanswered() >= 2; }));
    for (const std::size_t victim : {1U, 2U}) servers_[victim].signal(SIGCONT);
    const std::string key = redis::lock_key("job");
    for (const redis_server& one : servers_)
        EXPECT_TRUE(poll_until([&] { return one.command({"EXISTS", key}) == ":0\r\n"; }));
}

}  // namespace
}  // namespace holdfast::test
