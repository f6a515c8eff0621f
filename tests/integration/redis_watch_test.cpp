// SPDX-License-Identifier: BSL-1.0
//
// A watch over a Redis server: what it costs there, and what it tells when the server goes away.
#include <holdfast/async_locker.hpp>
#include <holdfast/dialect.hpp>
#include <holdfast/holdfast.hpp>

#include "integration/redis_link.hpp"
#include "support/lock_watcher.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class redis_watch : public testing::Test {
protected:
    /// @return How often `command` was called since the statistics were reset.
    std::int64_t calls(const std::string& command) {
        const std::string all = link_.ask({"INFO", "commandstats"}).text;
        const std::string begin = "cmdstat_" + command + ":calls=";
        const auto at = all.find(begin);
        return at == std::string::npos ? 0 : std::stoll(all.substr(at + begin.size()));
    }
    /// Waits until a watch hears of changes.
    [[nodiscard]] bool heard() {
        return poll_until([&] {
            return link_.ask({"PUBSUB", "NUMSUB", "hf:broken"}).items.at(1).integer > 0;
        });
    }

    redis_server server_;
    redis_link link_{server_.socket_path()};
    locker locks_{server_.url()};
};

// Why: a watch that asks over and over would load the server of those whom it watches. How: count
// what the server was asked while a lock was taken and released twenty times.
TEST_F(redis_watch, is_told_and_does_not_ask_over_and_over) {
    auto kept = locks_.acquire("kept", {.ttl = 60s});
    ASSERT_TRUE(kept);
    lock_watcher watch(server_.url());
    ASSERT_TRUE(watch.tells({"held kept"}) && heard());
    auto first = locks_.acquire("first");
    ASSERT_TRUE(first && watch.tells_once("taken first"));
    link_.ask({"CONFIG", "RESETSTAT"});
    for (int i = 0; i < 20; ++i) {
        auto held = locks_.acquire("job" + std::to_string(i));
        ASSERT_TRUE(held && watch.tells_once("taken job" + std::to_string(i)));
        ASSERT_TRUE(held->release());
        ASSERT_TRUE(watch.tells_once("released job" + std::to_string(i)));
    }
    EXPECT_EQ(calls("scan"), 0);
    EXPECT_LE(calls("zcard"), 60) << "about one look for each change: it is part of a look";
    EXPECT_GE(calls("zcard"), 40);
}

TEST_F(redis_watch, goes_on_behind_a_restart_and_tells_what_is_different) {
    auto held = locks_.acquire("job", {.ttl = 60s, .auto_renew = false});
    ASSERT_TRUE(held);
    lock_watcher watch(server_.url());
    ASSERT_TRUE(watch.tells({"held job"}) && heard());
    server_.kill();
    ASSERT_TRUE(watch.tells_once("interrupted"));
    server_.restart();
    EXPECT_TRUE(watch.tells({"held job", "interrupted", "released job", "resumed"}))
        << testing::PrintToString(watch.told());
    auto again = locks_.acquire("job", {.wait = 10s});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(watch.tells_once("taken job"));
    EXPECT_TRUE(watch.end());
}

TEST_F(redis_watch, goes_on_when_its_connections_are_killed) {
    lock_watcher watch(server_.url());
    ASSERT_TRUE(heard());
    link_.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    ASSERT_TRUE(heard());
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held && watch.tells_once("taken job"));
    link_.ask({"FLUSHALL"});
    EXPECT_TRUE(watch.tells_once("released job")) << testing::PrintToString(watch.told());
}

// It looks now and then where it may not be told.
TEST_F(redis_watch, works_for_a_user_who_may_not_be_told) {
    link_.ask(
        {"ACL", "SETUSER", "plain", "reset", "on", ">word", "~*", "+@all", "-client|tracking"});
    lock_watcher watch("redis+unix://plain:word@" + server_.socket_path());
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held && watch.tells_once("taken job"));
    ASSERT_TRUE(held->release());
    EXPECT_TRUE(watch.tells_once("released job"));
}

TEST_F(redis_watch, says_at_once_what_it_cannot_do) {
    const auto tell = [](const lock_change&) {};
    locker nowhere("redis://127.0.0.1:1");
    EXPECT_EQ(nowhere.watch("", tell, {}).error().code, errc::unreachable);
    locker foreign(open_dialect(dialect::warlock, server_.url()).value());
    EXPECT_EQ(foreign.watch("", tell, {}).error().code, errc::misuse);
}

TEST_F(redis_watch, leaves_no_connection_behind) {
    lock_watcher watch(server_.url());
    ASSERT_TRUE(heard());
    EXPECT_TRUE(watch.end());
    EXPECT_TRUE(poll_until([&] {
        return link_.ask({"PUBSUB", "NUMSUB", "hf:broken"}).items.at(1).integer == 0;
    }));
}

TEST_F(redis_watch, tells_coroutines_until_they_are_cancelled) {
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held);
    boost::asio::io_context context;
    async_locker locks(context.get_executor(), server_.url());
    boost::asio::cancellation_signal signal;
    std::vector<std::string> told;
    const auto tell = [&](const lock_change& change) {
        told.emplace_back(to_string(change.what));
        boost::asio::post(context, [&] { signal.emit(boost::asio::cancellation_type::terminal); });
    };
    std::optional<result<void>> ended;
    boost::asio::co_spawn(
        context, locks.watch("", tell),
        boost::asio::bind_cancellation_slot(
            signal.slot(), [&](const std::exception_ptr& thrown, result<void> how) {
                if (!thrown) ended.emplace(std::move(how));
            }));
    while (!ended && context.run_one_for(30s) > 0) {
    }
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->error().code, errc::cancelled);
    EXPECT_THAT(told, testing::ElementsAre("held"));
}

}  // namespace
}  // namespace holdfast::test
