// SPDX-License-Identifier: BSL-1.0
//
// Why: a database cannot tell of a release; who gives it a Redis server to do so wants to wait no
// longer than there, to ask the database less, and to be no worse off when that server is gone.
// How: a MariaDB and a Redis server of the test's own; what is told is compared with what is looked
// for, in the same run.
#include <holdfast/locker.hpp>
#include <holdfast/mysql.hpp>
#include <holdfast/range_locker.hpp>
#include <holdfast/redis.hpp>

#include "support/mariadb_server.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// Who is told of changes looks so often, should nobody tell (store_access.cpp).
constexpr auto look_again_after = 1600ms;

class a_database_with_notices : public testing::Test {
protected:
    [[nodiscard]] std::string url() const {
        return server().url() + (server().url().find('?') == std::string::npos ? "?" : "&") +
               "notify=" + redis_.url();
    }
    static mariadb_server& server() {
        static mariadb_server one;
        return one;
    }
    /// @return How many statements clients have sent.
    [[nodiscard]] static long statements() {
        sql_session root(server());
        const auto rows = root.ask("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'");
        return std::stol(rows.at(0).at(1));
    }
    /// @return Whether somebody hears what is told of that name or key.
    [[nodiscard]] static bool heard(const redis_server& redis, const std::string& name) {
        const std::string all = redis.command({"PUBSUB", "CHANNELS", "hf:mysql:*:" + name});
        return all.starts_with("*1");
    }
    [[nodiscard]] bool heard(const std::string& name) const { return heard(redis_, name); }
    redis_server redis_;
};

TEST_F(a_database_with_notices, hands_locks_on_without_being_looked_at_all_the_time) {
    locker one(url());
    locker other(url());
    constexpr int rounds = 8;
    boot_clock::duration waited{0};
    for (int round = 0; round < rounds; ++round) {
        const std::string name = "job " + std::to_string(round);  // Channels outlive a wait.
        auto held = one.acquire(name, {.ttl = 60s});
        ASSERT_TRUE(held) << held.error().message();
        result<guard> next = errc::misuse;
        std::jthread waiter([&] { next = other.acquire(name, {.ttl = 60s, .wait = 30s}); });
        ASSERT_TRUE(poll_until([&] { return heard(name); }));
        const time_point before = boot_clock::now();
        ASSERT_TRUE(held->release());
        waiter.join();
        waited += boot_clock::now() - before;
        ASSERT_TRUE(next) << next.error().message();
        EXPECT_TRUE(next->release());
    }
    // Half of the pause between two looks would be the mean without notices.
    EXPECT_LT(waited, rounds * look_again_after / 4);
}

TEST_F(a_database_with_notices, is_asked_less_by_those_who_wait) {
    const auto asked_with = [&](const std::string& where) {
        locker one(server().url());
        locker other(where);
        auto held = one.acquire("busy", {.ttl = 60s});
        EXPECT_TRUE(held);
        auto warm = other.acquire("warm");
        EXPECT_TRUE(warm && warm->release());
        const long before = statements();
        EXPECT_EQ(other.acquire("busy", {.ttl = 60s, .wait = 6s}).error().code, errc::timed_out);
        return statements() - before;
    };
    const long looked = asked_with(server().url());
    const long told = asked_with(url());
    EXPECT_LT(2 * told, looked) << told << " instead of " << looked;
}

TEST_F(a_database_with_notices, tells_of_holds_of_ranges_that_go_and_that_come) {
    range_locker one(url());
    range_locker other(url());
    constexpr int rounds = 6;
    boot_clock::duration waited{0};
    for (int round = 0; round < rounds; ++round) {
        const std::string room = "room " + std::to_string(round);
        auto held = one.hold(room, 10, 11, {.ttl = 60s});
        ASSERT_TRUE(held) << held.error().message();
        result<range_guard> next = errc::misuse;
        std::jthread waiter([&] { next = other.hold(room, 10, 12, {.ttl = 60s, .wait = 30s}); });
        ASSERT_TRUE(poll_until([&] { return heard(room); }));
        const time_point before = boot_clock::now();
        ASSERT_TRUE(held->release());
        waiter.join();
        waited += boot_clock::now() - before;
        ASSERT_TRUE(next) << next.error().message();
        EXPECT_TRUE(next->release());
    }
    EXPECT_LT(waited, rounds * look_again_after / 4);
}

// How: with the rights that docs/stores/mysql.md gives, and no others.
TEST_F(a_database_with_notices, needs_few_rights_for_them) {
    const redis_server redis({.tcp = true});
    ASSERT_EQ(redis.command({"ACL", "SETUSER", "told", "on", ">pw", "resetchannels", "&hf:*",
                             "-@all", "+hello", "+ping", "+client|tracking", "+subscribe",
                             "+unsubscribe", "+publish"}),
              "+OK\r\n");
    const std::string where =
        server().url() + "&notify=redis://told:pw@127.0.0.1:" + std::to_string(redis.port());
    locker one(where);
    locker other(where);
    auto held = one.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    result<guard> next = errc::misuse;
    std::jthread waiter([&] { next = other.acquire("job", {.ttl = 60s, .wait = 30s}); });
    ASSERT_TRUE(poll_until([&] { return heard(redis, "job"); }));
    ASSERT_TRUE(held->release());
    waiter.join();
    EXPECT_TRUE(next) << next.error().message();
    EXPECT_TRUE(poll_until([&] {  // Who looked just then may have it before it was told.
        const std::string calls = redis.command({"INFO", "commandstats"});
        return calls.find("cmdstat_publish:calls=") != std::string::npos;
    }));
    EXPECT_THAT(redis.command({"ACL", "LOG"}), "*0\r\n");
}

// Why: a program that does one thing and ends is as good a holder as any.
TEST_F(a_database_with_notices, tells_of_the_release_of_who_ends_right_behind_it) {
    locker other(url());
    constexpr int rounds = 4;
    boot_clock::duration waited{0};
    for (int round = 0; round < rounds; ++round) {
        const std::string name = "single " + std::to_string(round);
        std::optional<locker> one(url());
        auto held = one->acquire(name, {.ttl = 60s});
        ASSERT_TRUE(held) << held.error().message();
        result<guard> next = errc::misuse;
        std::jthread waiter([&] { next = other.acquire(name, {.ttl = 60s, .wait = 30s}); });
        ASSERT_TRUE(poll_until([&] { return heard(name); }));
        ASSERT_TRUE(poll_until([&] { return other.statistics().refusals > 0; }));
        const time_point before = boot_clock::now();
        *held = guard();
        one.reset();
        waiter.join();
        waited += boot_clock::now() - before;
        ASSERT_TRUE(next) << next.error().message();
        EXPECT_TRUE(next->release());
    }
    EXPECT_LT(waited, rounds * look_again_after / 4);
}

// Why: what carries notices is for speed alone.
TEST_F(a_database_with_notices, goes_on_without_them_when_their_server_is_gone) {
    locker one(url());
    locker other(url());
    auto held = one.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    result<guard> next = errc::misuse;
    std::jthread waiter([&] { next = other.acquire("job", {.ttl = 60s, .wait = 30s}); });
    ASSERT_TRUE(poll_until([&] { return heard("job"); }));
    redis_.kill();
    ASSERT_TRUE(held->release());
    waiter.join();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_TRUE(next->release());
    locker late(url());
    EXPECT_TRUE(late.acquire("job", {.ttl = 60s}));
}

TEST_F(a_database_with_notices, goes_on_without_them_when_their_server_stands_still) {
    locker one(url());
    locker other(url());
    auto held = one.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    redis_.signal(SIGSTOP);
    result<guard> next = errc::misuse;
    std::jthread waiter([&] { next = other.acquire("job", {.ttl = 60s, .wait = 30s}); });
    ASSERT_TRUE(poll_until([&] { return other.statistics().refusals > 0; }));
    ASSERT_TRUE(held->release());
    waiter.join();
    EXPECT_TRUE(next) << next.error().message();
    auto busy = one.acquire("busy", {.ttl = 60s});
    ASSERT_TRUE(busy) << busy.error().message();
    const time_point asked = boot_clock::now();
    EXPECT_EQ(other.acquire("busy", {.ttl = 60s, .wait = 50ms}).error().code, errc::timed_out);
    EXPECT_LT(boot_clock::now() - asked, 4s) << "it waited for the one that stands still";
    redis_.signal(SIGCONT);
}

TEST(a_url_with_notices, is_refused_by_name_where_it_cannot_be_meant) {
    const std::string base = "mysql://app:pw@127.0.0.1/locks?notify=";
    for (const char* const bad : {"", "ftp://host", "redis://", "redis://:hidden@host:notaport"}) {
        try {
            locker where(base + bad);
            ADD_FAILURE() << "'" << bad << "' was taken";
        } catch (const lock_error& error) {
            EXPECT_EQ(error.why().code, errc::misuse);
            EXPECT_THAT(error.what(), HasSubstr("notify"));
            EXPECT_THAT(error.what(), Not(HasSubstr("hidden")));
        }
        EXPECT_THROW(range_locker(base + bad), lock_error);
    }
    const locker fine("mysql://app:pw@127.0.0.1/locks?notify=redis://:hidden@host");
    EXPECT_THAT(fine.address(), Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace holdfast::test
