// SPDX-License-Identifier: BSL-1.0
//
// Why: what is told at night has to be true, to be little, and to hold no secret. How: real
// servers, which are killed, frozen and restarted; loads whose numbers are known.
#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>

#include "base/store_url.hpp"
#include "lock/session.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"
#include "support/prometheus_page.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// What was told, by several lockers.
class event_log {
public:
    [[nodiscard]] locker_options options(std::chrono::milliseconds timeout) {
        return {.timeout = timeout, .on_event = [this](const event& what) {
                    const std::scoped_lock lock(mutex_);
                    all_.push_back(what);
                }};
    }
    [[nodiscard]] std::vector<event> all() const {
        const std::scoped_lock lock(mutex_);
        return all_;
    }
    [[nodiscard]] std::vector<std::string> kinds() const {
        std::vector<std::string> words;
        for (const event& one : all()) words.emplace_back(to_string(one.kind));
        return words;
    }
    [[nodiscard]] bool await(event_kind kind) const {
        return poll_until([&] {
            for (const event& one : all())
                if (one.kind == kind) return true;
            return false;
        });
    }
    [[nodiscard]] event last(event_kind kind) const {
        event found;
        for (const event& one : all())
            if (one.kind == kind) found = one;
        return found;
    }

private:
    mutable std::mutex mutex_;
    std::vector<event> all_;
};

TEST(redis_events, tell_of_a_server_that_is_killed_and_comes_back_and_do_not_flood) {
    redis_server server;
    event_log log;
    locker locks(server.url(), log.options(300ms));
    ASSERT_TRUE(locks.acquire("job", {.ttl = 10s}));
    ASSERT_TRUE(log.await(event_kind::connected));
    server.kill();
    std::uint64_t failed = 0;
    const auto succeeds = [&] {
        const bool fine = locks.acquire("other").has_value();
        if (!fine) ++failed;
        return fine;
    };
    ASSERT_TRUE(poll_until([&] { return !succeeds() && failed >= 200; }));
    ASSERT_TRUE(log.await(event_kind::connect_failed));
    server.restart();
    ASSERT_TRUE(poll_until(succeeds));
    // A release whose answer was lost is told of, too.
    const auto of_connections = [&] {
        std::vector<std::string> some = log.kinds();
        std::erase(some, "release-in-doubt");
        return some;
    };
    ASSERT_TRUE(poll_until([&] { return of_connections().size() >= 4; }));
    EXPECT_THAT(of_connections(),
                ElementsAre("connected", "disconnected", "connect-failed", "connected"));
    for (const event& one : log.all()) EXPECT_EQ(one.node, locks.address());
    EXPECT_EQ(log.last(event_kind::connect_failed).code, errc::unreachable);
    EXPECT_GT(log.last(event_kind::connect_failed).duration, 0ns);
    const lock_statistics all = locks.statistics();
    EXPECT_GE(all.store_errors, failed);
    EXPECT_EQ(
        count_of(all.failures_by, errc::unreachable) + count_of(all.failures_by, errc::in_doubt),
        failed);
    ASSERT_EQ(all.nodes.size(), 1U);
    EXPECT_EQ(all.nodes[0].errors, all.errors_by);
}

// How: the numbers of grants, refusals and losses are those of the calls that were made.
TEST(redis_events, and_numbers_of_a_known_load_are_exact) {
    redis_server server;
    event_log log;
    locker locks(server.url(), log.options(5s));
    locker others(server.url());
    auto theirs = others.acquire("taken", {.ttl = 60s});
    ASSERT_TRUE(theirs);
    for (int i = 0; i < 200; ++i) {
        auto held = locks.acquire("job");
        ASSERT_TRUE(held && held->release());
    }
    for (int i = 0; i < 30; ++i) ASSERT_FALSE(locks.acquire("taken"));
    for (int i = 0; i < 3; ++i) {
        auto held = locks.acquire("deleted", {.ttl = 600ms});
        ASSERT_TRUE(held);
        ASSERT_EQ(server.command({"DEL", redis::lock_key("deleted")}), ":1\r\n");
        ASSERT_TRUE(poll_until([&] { return !held->held(); }));
        EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    }
    ASSERT_TRUE(poll_until([&] { return locks.statistics().losses == 3; }));
    const lock_statistics all = locks.statistics();
    EXPECT_EQ(all.grants, 203U);
    EXPECT_EQ(all.releases, 200U);
    EXPECT_EQ(all.refusals, 30U);
    EXPECT_EQ(all.attempts, 233U);
    EXPECT_EQ(count_of(all.failures_by, errc::contended), 30U);
    EXPECT_EQ(count_of(all.losses_by, lost_reason::deleted), 3U);
    EXPECT_EQ(all.store_errors, 0U);
    EXPECT_EQ(all.held(), 0U);
    const prometheus_page page(prometheus_text(all));
    EXPECT_EQ(page.at("holdfast_lock_grants_total", {{"holdfast_origin", "store"}}), "203");
    EXPECT_EQ(page.at("holdfast_lock_refusals_total"), "30");
    EXPECT_EQ(page.at("holdfast_lock_hold_duration_seconds_count"), "203");
    EXPECT_EQ(page.at("holdfast_lock_losses_total", {{"holdfast_lost_reason", "deleted"}}), "3");
    ASSERT_TRUE(poll_until([&] { return log.all().size() >= 4; }));
    EXPECT_THAT(log.kinds(), ElementsAre("connected", "lost", "lost", "lost"));
}

TEST(redis_events, and_numbers_of_a_frozen_server_are_exact) {
    redis_server server;
    event_log log;
    locker locks(server.url(), log.options(300ms));
    auto held = locks.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held);
    server.signal(SIGSTOP);
    EXPECT_FALSE(held->release());
    EXPECT_FALSE(locks.acquire("other", {.auto_renew = false}));
    server.signal(SIGCONT);
    const lock_statistics all = locks.statistics();
    EXPECT_EQ(all.releases, 0U);
    EXPECT_EQ(all.releases_in_doubt, 1U);
    EXPECT_EQ(all.grants, 1U);
    EXPECT_EQ(all.held(), 0U);
    EXPECT_GE(count_of(all.errors_by, errc::in_doubt), 1U);
    EXPECT_EQ(all.vain_wait_time.count(), 1U);
    ASSERT_TRUE(log.await(event_kind::release_in_doubt));
    EXPECT_TRUE(log.await(event_kind::disconnected));
    EXPECT_THAT(log.last(event_kind::disconnected).text, HasSubstr("no reply in time"));
}

TEST(redis_events, of_a_quorum_tell_which_server_is_skipped) {
    redis_server one;
    redis_server two;
    redis_server dead;
    dead.kill();
    const std::string address = base::parse_store_url(dead.url()).value().redacted();
    event_log log;
    std::vector<std::string> urls{one.url(), dead.url(), two.url()};
    locker locks(open_quorum(urls).value(), log.options(2s));
    for (int i = 0; i < 50; ++i) {
        auto held = locks.acquire("job", {.wait = 5s});
        ASSERT_TRUE(held && held->release());
    }
    ASSERT_TRUE(log.await(event_kind::node_skipped));
    EXPECT_EQ(log.last(event_kind::node_skipped).node, address);
    lock_statistics all = locks.statistics();
    EXPECT_EQ(all.grants, 50U);
    ASSERT_EQ(all.nodes.size(), 3U);
    EXPECT_EQ(all.nodes[1].address, address);
    EXPECT_GE(count_of(all.nodes[1].errors, errc::unreachable), 3U);
    EXPECT_EQ(all.nodes[0].errors, errc_counts{});
    EXPECT_EQ(all.nodes[2].errors, errc_counts{});
    dead.restart();
    ASSERT_TRUE(poll_until([&] {
        auto held = locks.acquire("job", {.wait = 5s});
        return log.last(event_kind::node_back).node == address;
    }));
}

TEST(redis_events, tell_of_a_quarantine) {
    redis_server server;
    event_log log;
    const std::string guarded = server.url() + "?durability=strict&longest_ttl_ms=1000";
    locker locks(guarded, log.options(2s));
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(locks.acquire("job", {.ttl = 1s}));
    ASSERT_TRUE(log.await(event_kind::quarantined));
    EXPECT_THAT(log.last(event_kind::quarantined).text, HasSubstr("ms left"));
    EXPECT_THAT(log.kinds(), ElementsAre("connected", "quarantined"));
}

// Why: S3. Logs and dashboards are read by many. How: a password, ids and tokens that are known are
// looked for in everything that is told, whatever goes wrong.
TEST(redis_events, and_numbers_hold_no_secret) {
    constexpr const char* secret_word = "canary-7f3a";
    redis_server server({.tcp = true});
    ASSERT_EQ(server.command({"CONFIG", "SET", "requirepass", secret_word}), "+OK\r\n");
    event_log log;
    std::vector<std::string> secrets{secret_word};
    std::string told;
    {
        const std::string port = std::to_string(server.port());
        locker locks("redis://:" + std::string(secret_word) + "@127.0.0.1:" + port,
                     {.timeout = 300ms, .on_event = log.options(1s).on_event, .slow_acquire = 1ms});
        auto lost = locks.acquire("lost", {.ttl = 600ms});
        auto held = locks.acquire("held", {.ttl = 30s});
        ASSERT_TRUE(lost && held) << (lost ? held : lost).error().message();
        for (const guard* const one : {&*lost, &*held}) {
            secrets.push_back(one->id());
            secrets.push_back(one->id().substr(0, 9));
            secrets.push_back(std::to_string(one->fencing_token()));
        }
        ASSERT_TRUE(locks.break_lock("lost"));
        ASSERT_TRUE(poll_until([&] { return !lost->held(); }));
        EXPECT_FALSE(locks.acquire("held", {.wait = 50ms}));
        locker wrong("redis://:not" + std::string(secret_word) + "@127.0.0.1:" + port,
                     log.options(300ms));
        EXPECT_FALSE(wrong.acquire("job"));
        server.signal(SIGSTOP);
        EXPECT_FALSE(held->release());
        server.signal(SIGCONT);
        server.kill();
        EXPECT_FALSE(locks.acquire("job"));
        told = prometheus_text(locks.statistics()) + prometheus_text(wrong.statistics());
        ASSERT_TRUE(poll_until([&] { return log.all().size() >= 6; }));
    }
    for (const event& one : log.all()) {
        told.append(to_string(one)).append("\n").append(one.text).append(one.node);
        EXPECT_LE(one.id.size(), 8U);
    }
    for (const char* const kind : {"connected", "disconnected", "connect-failed", "lost",
                                   "slow-acquire", "release-in-doubt"})
        EXPECT_THAT(log.kinds(), testing::Contains(kind)) << told;
    for (const std::string& secret : secrets) EXPECT_THAT(told, Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace holdfast::test
