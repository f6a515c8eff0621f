// SPDX-License-Identifier: BSL-1.0
#include "redis/client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using redis::read_server_run;
using testing::EndsWith;

const std::string run_id = "0123456789abcdef0123456789abcdef01234567";
const std::string history = "fedcba9876543210fedcba9876543210fedcba98";

std::string info(const std::string& role, const std::string& offset, const std::string& up) {
    return "\n# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id +
           "\r\nuptime_in_seconds:" + up + "\r\n\r\n# Replication\r\nrole:" + role +
           "\r\nmaster_replid:" + history + "\r\nsecond_repl_offset:" + offset + "\r\n";
}

TEST(a_server_run, is_read_from_what_the_server_tells) {
    const auto run = read_server_run(info("master", "-1", "42"));
    ASSERT_TRUE(run) << run.error().message();
    EXPECT_EQ(run->id, run_id + history);
    // Two times, each cut down to a second, lie up to a second closer together than these say.
    EXPECT_EQ(run->life.up, 41s);
    EXPECT_EQ(read_server_run(info("master", "-1", "0"))->life.up, 0s);
    EXPECT_FALSE(run->life.promoted);
    EXPECT_TRUE(read_server_run(info("master", "1789", "42"))->life.promoted);
}

TEST(a_server_run, of_a_replica_is_refused) {
    EXPECT_EQ(read_server_run(info("slave", "-1", "42")).error().code, errc::denied);
}

// Why: who knows less must not take it for good news.
TEST(a_server_run, that_is_not_told_is_no_server) {
    EXPECT_EQ(read_server_run("").error().code, errc::protocol);
    const auto missing = [](const std::string& told) {
        const auto run = read_server_run(told);
        EXPECT_EQ(run.error().code, errc::protocol);
        return run.error().text;
    };
    EXPECT_THAT(missing(info("master", "-1", "")), EndsWith("tells no uptime_in_seconds"));
    std::string short_id = info("master", "-1", "42");
    short_id.erase(short_id.find("0123"), 1);
    EXPECT_THAT(missing(short_id), EndsWith("tells no run_id"));
    std::string other = info("master", "-1", "42");
    other.erase(other.find("master_replid"), 1);
    EXPECT_THAT(missing(other), EndsWith("tells no master_replid"));
    // Without that line it may have been promoted.
    std::string older = info("master", "-1", "42");
    older.erase(older.find("second_repl"));
    EXPECT_TRUE(read_server_run(older)->life.promoted);
}

}  // namespace
}  // namespace holdfast::test
