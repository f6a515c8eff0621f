// SPDX-License-Identifier: BSL-1.0
//
// What goes wrong with a server, or is done to the keys on it, while locks are held and taken.
// Fault numbers: docs/internals/redis.md.
#include <holdfast/holdfast.hpp>

#include "integration/redis_link.hpp"
#include "redis/keys.hpp"
#include "support/loss_watch.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;

class redis_failures : public testing::Test {
protected:
    [[nodiscard]] std::string text_of(const std::string& name) const {
        return server_->command({"GET", redis::lock_key(name)});
    }
    [[nodiscard]] bool taken(const std::string& name) const {
        return server_->command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }
    void configure(const std::string& option, const std::string& value) const {
        ASSERT_EQ(server_->command({"CONFIG", "SET", option, value}), "+OK\r\n");
    }
    // What a loss that the server knows of may take: the wait for the next renewal, and a second.
    static milliseconds next_renewal(milliseconds ttl) { return ttl / 3 + 1s; }

    std::unique_ptr<redis_server> server_ = std::make_unique<redis_server>();
    locker locks_{server_->url(), {.timeout = 2s}};
};

// F3. Why: a server without its data may grant what is held; its tokens must tell the two apart.
TEST_F(redis_failures, a_server_that_forgot_everything_still_hands_out_higher_tokens) {
    std::uint64_t last = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5; ++i) {
            auto held = locks_.acquire("job", {.wait = 20s});
            ASSERT_TRUE(held) << held.error().message();
            EXPECT_GT(held->fencing_token(), last);
            last = held->fencing_token();
            EXPECT_TRUE(held->release());
        }
        server_->restart();
    }
}

TEST_F(redis_failures, a_counter_that_was_deleted_comes_back_higher) {
    const auto before = locks_.acquire("job").value().fencing_token();
    static_cast<void>(server_->command({"DEL", redis::fence_key("job")}));
    auto held = locks_.acquire("job", {.wait = 5s});
    ASSERT_TRUE(held);
    EXPECT_GT(held->fencing_token(), before);
}

// F2.
TEST(redis_with_a_log, keeps_a_lock_over_a_crash_and_its_tokens_rise) {
    redis_server server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    locker locks(server.url());
    auto held = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(held);
    server.restart();
    locker rival(server.url());
    auto refused = rival.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    EXPECT_TRUE(poll_until([&] { return bool(held->renew(20s)); }, 10s));
    EXPECT_TRUE(held->held());
    const auto token = held->fencing_token();
    EXPECT_TRUE(held->release());
    EXPECT_GT(rival.acquire("job", {.wait = 5s}).value().fencing_token(), token);
}

TEST_F(redis_failures, a_lock_that_a_restart_forgot_is_lost_at_the_next_renewal) {
    const milliseconds ttl = 6s;
    auto held = locks_.acquire("job", {.ttl = ttl});
    ASSERT_TRUE(held);
    const loss_watch loss(*held);
    server_->restart();
    EXPECT_TRUE(loss.told_within(next_renewal(ttl)));
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    EXPECT_LT(loss.told_at(), held->valid_until());
    EXPECT_FALSE(held->held());
}

// Why: the time-out bounds a whole release, also when what is left of it goes another way.
TEST_F(redis_failures, a_release_from_a_frozen_server_takes_one_timeout_as_an_acquisition_does) {
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held);
    server_->signal(SIGSTOP);
    const time_point begin = boot_clock::now();
    EXPECT_FALSE(locks_.try_acquire("other"));
    const auto one_timeout = boot_clock::now() - begin;
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(held->release());
    EXPECT_LT(boot_clock::now() - asked, one_timeout + one_timeout / 2);
    server_->signal(SIGCONT);
}

// F1. Why: nobody may work on past validity because the server does not answer.
TEST_F(redis_failures, a_frozen_server_loses_the_lock_before_validity_ends) {
    auto held = locks_.acquire("job", {.ttl = 2s});
    ASSERT_TRUE(held);
    const loss_watch loss(*held);
    server_->signal(SIGSTOP);
    const time_point end = held->valid_until();
    EXPECT_TRUE(loss.told_within(4s));
    EXPECT_LT(loss.told_at(), std::max(end, held->valid_until()));
    EXPECT_EQ(held->why_lost(), lost_reason::unreachable);
    server_->signal(SIGCONT);
    auto again = locks_.acquire("job", {.ttl = 2s, .wait = 20s});
    EXPECT_TRUE(again);
    EXPECT_FALSE(held->held()) << "lost is final";
}

TEST_F(redis_failures, an_acquire_on_a_frozen_server_ends_in_time_and_a_thaw_mends_it) {
    const milliseconds timeout = 500ms;
    locker locks(server_->url(), {.timeout = timeout});
    ASSERT_TRUE(locks.acquire("warm"));
    server_->signal(SIGSTOP);
    for (const milliseconds wait : {0ms, 700ms}) {
        const time_point start = boot_clock::now();
        auto held = locks.acquire("job", {.ttl = 2s, .wait = wait});
        EXPECT_LT(boot_clock::now() - start, wait + 4 * timeout);
        ASSERT_FALSE(held);
        EXPECT_THAT(held.error().code, AnyOf(errc::in_doubt, errc::unreachable));
    }
    server_->signal(SIGCONT);
    // What the server had in its sockets it may have carried out on waking: the ttl bounds that.
    EXPECT_TRUE(locks.acquire("job", {.ttl = 2s, .wait = 20s}));
}

// F37.
TEST_F(redis_failures, a_lock_that_somebody_deletes_is_lost) {
    const milliseconds ttl = 3s;
    auto held = locks_.acquire("job", {.ttl = ttl});
    const loss_watch loss(*held);
    static_cast<void>(server_->command({"DEL", redis::lock_key("job")}));
    EXPECT_TRUE(loss.told_within(next_renewal(ttl)));
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    EXPECT_EQ(held->release().error().code, errc::lost);
}

TEST_F(redis_failures, a_lock_that_somebody_overwrites_is_lost_and_theirs_is_left_alone) {
    const milliseconds ttl = 3s;
    auto held = locks_.acquire("job", {.ttl = ttl});
    const loss_watch loss(*held);
    static_cast<void>(server_->command({"SET", redis::lock_key("job"), "theirs"}));
    EXPECT_TRUE(loss.told_within(next_renewal(ttl)));
    EXPECT_EQ(held->why_lost(), lost_reason::taken);
    held = failure(errc::cancelled);
    EXPECT_EQ(text_of("job"), "$6\r\ntheirs\r\n");
    EXPECT_EQ(server_->command({"PTTL", redis::lock_key("job")}), ":-1\r\n");
}

TEST_F(redis_failures, a_key_that_somebody_turns_into_a_list_is_lost_and_left_alone) {
    const milliseconds ttl = 3s;
    auto held = locks_.acquire("job", {.ttl = ttl});
    auto other = locks_.acquire("other");
    const loss_watch loss(*held);
    for (const char* const name : {"job", "other"}) {
        static_cast<void>(server_->command({"DEL", redis::lock_key(name)}));
        static_cast<void>(server_->command({"RPUSH", redis::lock_key(name), "x"}));
    }
    EXPECT_TRUE(loss.told_within(next_renewal(ttl)));
    EXPECT_EQ(held->why_lost(), lost_reason::taken);
    const auto released = other->release();
    EXPECT_EQ(released.error().code, errc::lost);
    EXPECT_EQ(released.error().reason, lost_reason::taken);
    EXPECT_EQ(server_->command({"LLEN", redis::lock_key("other")}), ":1\r\n");
}

TEST_F(redis_failures, a_name_whose_key_is_a_list_is_refused_naming_both_types) {
    static_cast<void>(server_->command({"RPUSH", redis::lock_key("job"), "x", "y"}));
    for (const bool fence : {true, false}) {
        auto held = locks_.acquire("job", {.wait = 5s, .fence = fence});
        ASSERT_FALSE(held);
        EXPECT_EQ(held.error().code, errc::wrong_type);
        EXPECT_THAT(held.error().text, HasSubstr("is a list"));
        EXPECT_THAT(held.error().text, HasSubstr("a lock is a string"));
    }
    EXPECT_EQ(locks_.inspect("job").error().code, errc::wrong_type);
    EXPECT_EQ(locks_.break_lock("job").error().code, errc::wrong_type);
    EXPECT_TRUE(locks_.list()->empty());
    EXPECT_EQ(server_->command({"LLEN", redis::lock_key("job")}), ":2\r\n");
}

TEST_F(redis_failures, a_counter_of_another_type_refuses_the_lock_and_leaves_nothing) {
    static_cast<void>(server_->command({"RPUSH", redis::fence_key("job"), "x"}));
    auto held = locks_.acquire("job");
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::wrong_type);
    EXPECT_FALSE(taken("job"));
    EXPECT_TRUE(locks_.acquire("job", {.fence = false}));
}

// Why: what holds up those who wait must not hold up who has the lock; and nothing is to stay.
TEST_F(redis_failures, a_line_of_another_type_is_named_and_keeps_no_lock) {
    static_cast<void>(server_->command({"SET", redis::line_key("job"), "foo"}));
    const auto refused = locks_.acquire("job", {.wait = 5s, .fair = true});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_type);
    EXPECT_THAT(refused.error().text, HasSubstr(redis::line_key("job") + " is a string"));
    EXPECT_EQ(server_->command({"EXISTS", redis::waiters_key("job")}), ":0\r\n");
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    const auto released = held->release();
    EXPECT_TRUE(released) << released.error().message();
    EXPECT_FALSE(taken("job"));
    EXPECT_EQ(server_->command({"GET", redis::line_key("job")}), "$3\r\nfoo\r\n");
}

TEST_F(redis_failures, a_list_of_waiters_of_another_type_is_named_and_leaves_no_line) {
    auto held = locks_.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    static_cast<void>(server_->command({"SET", redis::waiters_key("job"), "foo"}));
    locker others(server_->url());
    const auto refused = others.acquire("job", {.wait = 5s, .fair = true});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_type);
    EXPECT_THAT(refused.error().text, HasSubstr(redis::waiters_key("job") + " is a string"));
    EXPECT_EQ(server_->command({"EXISTS", redis::line_key("job")}), ":0\r\n");
    const auto released = held->release();
    EXPECT_TRUE(released) << released.error().message();
    EXPECT_FALSE(taken("job"));
    EXPECT_EQ(server_->command({"GET", redis::waiters_key("job")}), "$3\r\nfoo\r\n");
}

// F20.
TEST_F(redis_failures, a_server_that_forgets_its_scripts_all_the_time_is_not_noticed) {
    const milliseconds ttl = 600ms;
    std::jthread flusher([this](const std::stop_token& stop) {
        redis_link admin(server_->socket_path());
        while (!stop.stop_requested()) admin.ask({"SCRIPT", "FLUSH"});
    });
    auto renewed = locks_.acquire("renewed", {.ttl = ttl});
    ASSERT_TRUE(renewed);
    for (int i = 0; i < 200; ++i) {
        auto held = locks_.acquire("job", {.wait = 10s});
        ASSERT_TRUE(held) << held.error().message();
        ASSERT_TRUE(held->renew(10s));
        const auto released = held->release();
        ASSERT_TRUE(released) << released.error().message();
    }
    EXPECT_TRUE(poll_until([&] { return locks_.statistics().renewals >= 205; }, 20s));
    EXPECT_TRUE(renewed->held()) << to_string(renewed->why_lost());
}

// F17.
TEST_F(redis_failures, a_full_server_refuses_new_locks_but_renews_and_releases_those_held) {
    const milliseconds ttl = 1500ms;
    auto held = locks_.acquire("held", {.ttl = ttl});
    auto known = locks_.acquire("known", {.ttl = 20s});
    auto broken = locks_.acquire("broken", {.ttl = 20s});
    ASSERT_TRUE(held && known && broken);
    configure("maxmemory-policy", "noeviction");
    configure("maxmemory", "1");
    for (const bool fence : {true, false}) {
        auto refused = locks_.acquire("job", {.wait = 5s, .fence = fence});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::denied);
        EXPECT_THAT(refused.error().text, HasSubstr("OOM"));
    }
    EXPECT_FALSE(taken("job"));
    const auto before = locks_.statistics().renewals;
    EXPECT_TRUE(poll_until([&] { return locks_.statistics().renewals >= before + 3; }, 10s));
    EXPECT_TRUE(held->renew(ttl));
    EXPECT_TRUE(held->release());
    // The first thing that a locker does on its connection has no fewer rights than the rest.
    const lease handed{.name = "known", .id = known->id(), .ttl = 20s};
    EXPECT_TRUE(locker(server_->url()).renew(handed));
    EXPECT_TRUE(locker(server_->url()).release(handed));
    EXPECT_TRUE(locker(server_->url()).break_lock("broken").value());
    for (const char* const name : {"held", "known", "broken"}) EXPECT_FALSE(taken(name)) << name;
    configure("maxmemory", "0");
    EXPECT_TRUE(locks_.acquire("job"));
}

// F15. Why: what a replica has may be old, or another's: it must not end a lease as "not mine".
TEST_F(redis_failures, a_server_that_became_a_replica_refuses_and_never_says_not_mine) {
    auto held = locks_.acquire("held", {.ttl = 20s});
    auto changed = locks_.acquire("changed", {.ttl = 20s});
    auto vanished = locks_.acquire("vanished", {.ttl = 20s});
    static_cast<void>(server_->command({"SET", redis::lock_key("changed"), "other"}));
    static_cast<void>(server_->command({"DEL", redis::lock_key("vanished")}));
    ASSERT_EQ(server_->command({"REPLICAOF", "127.0.0.1", "1"}), "+OK\r\n");
    for (auto* const one : {&held, &changed, &vanished}) {
        const auto renewed = (*one)->renew(20s);
        ASSERT_FALSE(renewed);
        EXPECT_EQ(renewed.error().code, errc::denied);
        EXPECT_THAT(renewed.error().text, HasSubstr("READONLY"));
        EXPECT_TRUE((*one)->held());
        const auto released = (*one)->release();
        ASSERT_FALSE(released);
        EXPECT_EQ(released.error().code, errc::denied);
    }
    auto refused = locks_.acquire("job", {.wait = 5s});
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_TRUE(taken("held"));
    static_cast<void>(server_->command({"REPLICAOF", "NO", "ONE"}));
    EXPECT_TRUE(locks_.acquire("job", {.wait = 5s}));
}

// F19.
TEST_F(redis_failures, a_server_that_lacks_replicas_refuses_cleanly) {
    auto held = locks_.acquire("held", {.ttl = 20s});
    configure("min-replicas-to-write", "1");
    auto refused = locks_.acquire("job", {.wait = 5s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_THAT(refused.error().text, HasSubstr("NOREPLICAS"));
    EXPECT_FALSE(taken("job"));
    EXPECT_EQ(held->renew(20s).error().code, errc::denied);
    EXPECT_TRUE(held->held()) << "until its validity ends";
    configure("min-replicas-to-write", "0");
    EXPECT_TRUE(held->renew(20s));
}

// F21.
TEST_F(redis_failures, a_server_with_no_room_for_clients_is_waited_for) {
    redis_link admin(server_->socket_path());
    ASSERT_EQ(admin.ask({"CONFIG", "SET", "maxclients", "1"}).text, "OK");
    auto refused = locks_.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    result<guard> held = errc::cancelled;
    std::jthread waiter([&] { held = locks_.acquire("job", {.wait = 20s}); });
    EXPECT_TRUE(poll_until([&] { return locks_.statistics().store_errors >= 4; }, 10s));
    ASSERT_EQ(admin.ask({"CONFIG", "SET", "maxclients", "1000"}).text, "OK");
    waiter.join();
    EXPECT_TRUE(held) << held.error().message();
}

// F14. Why: a script that runs away is an operator's to end; nothing of ours may kill it.
TEST_F(redis_failures, a_server_busy_with_a_script_is_waited_for_and_not_interfered_with) {
    configure("busy-reply-threshold", "20");
    redis_link script(server_->socket_path());
    script.send({"EVAL", "while true do end", "0"});
    redis_link admin(server_->socket_path());
    ASSERT_TRUE(poll_until([&] { return admin.ask({"PING"}).text.starts_with("BUSY"); }));
    auto refused = locks_.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    EXPECT_THAT(refused.error().text, HasSubstr("BUSY"));
    result<guard> held = errc::cancelled;
    std::jthread waiter([&] { held = locks_.acquire("job", {.wait = 20s}); });
    EXPECT_TRUE(poll_until([&] { return locks_.statistics().store_errors >= 5; }, 10s));
    EXPECT_THAT(admin.ask({"PING"}).text, HasSubstr("BUSY"));
    EXPECT_EQ(admin.ask({"SCRIPT", "KILL"}).text, "OK");
    waiter.join();
    EXPECT_TRUE(held) << held.error().message();
}

// F16. How: a reload of some thousand keys, each slowed down, is a long start.
TEST(redis_that_loads, is_waited_for) {
    redis_server server({.arguments = {"--enable-debug-command", "yes", "--key-load-delay", "500",
                                       "--loading-process-events-interval-bytes", "1024"}});
    redis_link loader(server.socket_path());
    loader.ask({"DEBUG", "POPULATE", "3000"});
    loader.send({"DEBUG", "RELOAD"});
    redis_link admin(server.socket_path());
    ASSERT_TRUE(poll_until([&] { return admin.ask({"GET", "x"}).text.starts_with("LOADING"); }));
    locker locks(server.url());
    auto refused = locks.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    EXPECT_THAT(refused.error().text, HasSubstr("LOADING"));
    auto held = locks.acquire("job", {.wait = 30s});
    EXPECT_TRUE(held) << held.error().message();
}

// Why: connections end at any moment, between a command and its reply too; a caller who waits must
// not notice, and no section may be entered twice. How: kill all clients every few milliseconds.
TEST_F(redis_failures, connections_that_are_killed_all_the_time_cost_nobody_their_lock) {
    constexpr int threads = 8;
    constexpr int times = 25;
    const std::string path = server_->directory() + "/counter";
    std::ofstream(path) << 0;
    std::atomic<int> failures{0};
    std::atomic<int> kills{0};
    std::jthread killer([&](const std::stop_token& stop) {
        redis_link admin(server_->socket_path());
        while (!stop.stop_requested()) {
            kills += static_cast<int>(
                admin.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).integer);
            std::this_thread::sleep_for(3ms);
        }
    });
    {
        std::vector<std::jthread> workers;
        for (int i = 0; i < threads; ++i)
            workers.emplace_back([&] {
                for (int done = 0; done < times; ++done) {
                    auto held = locks_.acquire("counter", {.ttl = 30s, .wait = 60s});
                    if (!held) {
                        ADD_FAILURE() << held.error().message();
                        ++failures;
                        continue;
                    }
                    long seen = 0;
                    std::ifstream(path) >> seen;
                    std::this_thread::yield();
                    std::ofstream(path, std::ios::trunc) << seen + 1;
                    if (const auto gone = held->release(); !gone) {
                        ADD_FAILURE() << gone.error().message();
                        ++failures;
                    }
                }
            });
    }
    long counted = 0;
    std::ifstream(path) >> counted;
    EXPECT_EQ(counted, threads * times);
    EXPECT_EQ(failures, 0);
    EXPECT_GT(kills, 10) << "too few connections were killed for the test to mean anything";
}

// I11.
TEST_F(redis_failures, a_locker_that_goes_leaves_no_connection) {
    const auto ours = [this] {
        return server_->command({"CLIENT", "LIST"}).find("name=holdfast") != std::string::npos;
    };
    {
        locker locks(server_->url());
        ASSERT_TRUE(locks.acquire("job"));
        EXPECT_TRUE(ours());
    }
    EXPECT_TRUE(poll_until([&] { return !ours(); }));
    EXPECT_FALSE(taken("job"));
}

}  // namespace
}  // namespace holdfast::test
