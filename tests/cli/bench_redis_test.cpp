// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast bench` on a Redis server: what it leaves there, and what it does when the
// server goes away.
#include "cli_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class bench_on_redis : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    }

    /// Waits until it measures: the clients have their fence counters then.
    void expect_started() const {
        ASSERT_TRUE(poll_until([&] { return server.command({"DBSIZE"}) != ":0\r\n"; }));
    }

    const redis_server server;
    const cli_store store{server.url()};
};

// Why: tokens must go on rising, so the counters stay; but not for ever.
TEST_F(bench_on_redis, leaves_nothing_but_counters_that_expire) {
    const auto result = store.run({"bench", "--seconds", "0.2", "--clients", "3"});
    EXPECT_EQ(result.code, 0) << result.err;
    const std::string all =
        "local odd = 0 for _, key in ipairs(redis.call('KEYS', '*')) do "
        "if not key:match('^{hf:holdfast%-bench%%3A.*}:f$') or redis.call('TTL', key) <= 0 then "
        "odd = odd + 1 end end return {odd, #redis.call('KEYS', '*')}";
    EXPECT_EQ(server.command({"EVAL", all, "0"}), "*2\r\n:0\r\n:3\r\n");
}

TEST_F(bench_on_redis, ends_with_69_when_the_server_dies) {
    cli_process bench{store.options({"--timeout", "300ms", "bench", "--seconds", "600"})};
    expect_started();
    ::kill(server.pid(), SIGKILL);
    const auto result = bench.wait();
    EXPECT_EQ(result.code, 69);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("holdfast: bench: "));
}

// Why: whoever presses Ctrl-C does not want to wait for a server that says nothing.
TEST_F(bench_on_redis, a_signal_ends_it_although_the_server_is_frozen) {
    cli_process bench{store.options({"--timeout", "5s", "bench", "--seconds", "600"})};
    expect_started();
    server.signal(SIGSTOP);
    bench.signal(SIGTERM);
    const auto result = bench.wait(20s);
    server.signal(SIGCONT);
    EXPECT_NE(result.code, -1) << "it did not end";
    EXPECT_LT(result.took, 18s);
}

}  // namespace
}  // namespace holdfast::test
