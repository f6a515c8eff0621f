// SPDX-License-Identifier: BSL-1.0
//
// What a server, a proxy or the network may answer besides the truth in time: F10, F11, F24 to F28.
#include "integration/redis_fake.hpp"

#include <holdfast/holdfast.hpp>

#include "redis/keys.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;

/// The replies to GET, PTTL, GET and ZCARD, by which a lock is looked at.
std::string held_by(const std::string& id) {
    return "$" + std::to_string(id.size()) + "\r\n" + id + "\r\n:9000\r\n$-1\r\n:0\r\n";
}

/// Reads those four commands.
bool looked_at(fake_client& client) { return client.await("ZCARD"); }

TEST(redis_fake, that_refuses_connections_is_reported_at_once) {
    std::string url;
    {
        const fake_redis gone([](fake_client&) {});
        url = gone.url();
    }
    locker locks(url, {.timeout = 10s});
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job");
    EXPECT_LT(boot_clock::now() - start, 5s);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable);
    EXPECT_THAT(held.error().text, HasSubstr("refused"));
    EXPECT_THAT(held.error().text, HasSubstr(url));
}

TEST(redis_fake, that_sends_garbage_is_no_server) {
    for (const char* const garbage :
         {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
          "\x15\x03\x03\x00\x02\x02\x28", "$-17\r\n", "*9999999999\r\n", "\r\n"}) {
        const fake_redis fake([&](fake_client& client) {
            client.send(garbage);
            client.await_end();
        });
        auto held = locker(fake.url()).acquire("job", {.wait = 5s});
        ASSERT_FALSE(held) << garbage;
        EXPECT_EQ(held.error().code, errc::protocol) << held.error().message();
    }
}

TEST(redis_fake, that_sends_garbage_instead_of_a_reply_leaves_it_in_doubt) {
    fake_redis fake([](fake_client& client) {
        if (client.greet() && client.command()) client.send("@@@@\r\n");
    });
    locker locks(fake.url(), {.timeout = 500ms});
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job");
    EXPECT_LT(boot_clock::now() - start, 4 * 500ms);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::in_doubt);
    EXPECT_THAT(held.error().text, HasSubstr("unknown type"));
}

// Why: who takes a name for the first time lifts its counter by a second conversation; who asks in
// between would tell of a lock without a token.
TEST(redis_fake, whose_counter_is_about_to_be_lifted_is_asked_again) {
    const std::string before = "$1\r\na\r\n:9000\r\n$1\r\n1\r\n:0\r\n";
    const std::string after = "$1\r\na\r\n:9000\r\n$16\r\n1795378701186487\r\n:0\r\n";
    fake_redis fake([&](fake_client& client) {
        if (!client.greet()) return;
        for (int looks = 0; looked_at(client); ++looks) client.send(looks == 0 ? before : after);
    });
    locker locks(fake.url());
    const auto told = locks.inspect("job");
    ASSERT_TRUE(told && *told);
    EXPECT_EQ((*told)->fencing_token, 1795378701186487U);
}

// Why: whoever should have lifted it may be dead, and left the counter behind.
TEST(redis_fake, whose_counter_is_not_lifted_is_told_of_without_a_token) {
    std::atomic<int> looks{0};
    fake_redis fake([&](fake_client& client) {
        if (!client.greet()) return;
        for (; looked_at(client); ++looks) client.send("$1\r\na\r\n:9000\r\n$1\r\n1\r\n:0\r\n");
    });
    locker locks(fake.url());
    const auto told = locks.inspect("job");
    ASSERT_TRUE(told && *told);
    EXPECT_EQ((*told)->fencing_token, 0U);
    EXPECT_GT(looks, 1);
    EXPECT_LE(looks, 20);
}

// F11. Why: a client that tries without a pause is an attack.
TEST(redis_fake, that_hangs_up_at_once_is_tried_again_with_pauses) {
    fake_redis fake([](fake_client&) {});
    locker locks(fake.url());
    auto held = locks.acquire("job", {.wait = 1s});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable);
    EXPECT_GE(fake.connections(), 2);
    EXPECT_LE(fake.connections(), 100);
}

TEST(redis_fake, that_hangs_up_behind_the_greeting_is_tried_again_with_pauses) {
    fake_redis fake([](fake_client& client) { client.greet(); });
    locker locks(fake.url(), {.timeout = 1s});
    auto held = locks.acquire("job", {.wait = 1s});
    ASSERT_FALSE(held);
    EXPECT_LE(fake.connections(), 300);
}

TEST(redis_fake, that_never_answers_is_given_up_in_time) {
    fake_redis fake([](fake_client& client) { client.await_end(); });
    locker locks(fake.url(), {.timeout = 300ms});
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job");
    EXPECT_GE(boot_clock::now() - start, 300ms);
    EXPECT_LT(boot_clock::now() - start, 3s);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable);
}

// F25. Why: a deadline that starts anew with each byte is none.
TEST(redis_fake, that_trickles_is_given_up_in_time) {
    fake_redis fake([](fake_client& client) {
        if (!client.await("HELLO")) return;
        for (const char c :
             std::string("%1\r\n$7\r\nversion\r\n$400\r\n") + std::string(400, '7')) {
            std::this_thread::sleep_for(20ms);
            if (!client.send(std::string(1, c))) return;
        }
    });
    locker locks(fake.url(), {.timeout = 300ms});
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job");
    EXPECT_LT(boot_clock::now() - start, 3s);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable);
}

// F26, I14. How: the answer to the first question comes when it is too late, and says something
// else than that to the second.
TEST(redis_fake, that_answers_late_is_never_believed) {
    std::atomic<bool> late_sent{false};
    fake_redis fake([&](fake_client& client) {
        if (!client.greet() || !looked_at(client)) return;
        if (client.index() == 0) {
            client.await_end();  // The client has given up and closed.
            client.send(held_by("stale"));
            late_sent = true;
            return;
        }
        client.send(held_by("fresh"));
        client.await_end();
    });
    locker locks(fake.url(), {.timeout = 300ms});
    auto first = locks.inspect("job");
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, errc::in_doubt);
    auto second = locks.inspect("job");
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_EQ((*second)->id, "fresh");
    EXPECT_TRUE(late_sent);
    EXPECT_EQ(fake.connections(), 2);
}

TEST(redis_fake, that_answers_a_command_twice_loses_its_connection_and_nothing_more) {
    fake_redis fake([](fake_client& client) {
        if (!client.greet()) return;
        while (looked_at(client))
            if (!client.send(held_by(client.index() == 0 ? "first" : "second") +
                             (client.index() == 0 ? held_by("extra") : "")))
                return;
    });
    locker locks(fake.url());
    EXPECT_EQ((*locks.inspect("job").value()).id, "first");
    EXPECT_EQ((*locks.inspect("job").value()).id, "second");
    EXPECT_EQ((*locks.inspect("job").value()).id, "second");
    EXPECT_EQ(fake.connections(), 2);
}

// Why: the reply too many would be taken for the one to the first command.
TEST(redis_fake, that_answers_the_greeting_twice_is_no_server) {
    fake_redis fake([](fake_client& client) {
        if (!client.await("HELLO")) return;
        client.send("%1\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n+OK\r\n");
        client.await_end();
    });
    locker locks(fake.url());
    auto held = locks.acquire("job", {.wait = 5s});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::protocol) << held.error().message();
    EXPECT_LE(fake.connections(), 3);
}

TEST(redis_fake, that_pushes_between_replies_is_understood) {
    fake_redis fake([](fake_client& client) {
        if (!client.greet() || !looked_at(client)) return;
        std::string bytes = held_by("right");
        bytes.insert(bytes.find(":9000"), ">2\r\n+invalidate\r\n_\r\n|1\r\n+a\r\n+b\r\n");
        client.send(">1\r\n+hello\r\n" + bytes + ">1\r\n+bye\r\n");
        client.await_end();
    });
    EXPECT_EQ((*locker(fake.url()).inspect("job").value()).id, "right");
}

TEST(redis_fake, that_answers_with_the_wrong_kind_of_reply_is_an_error_and_nothing_is_held) {
    for (const char* const kind : {":1\r\n", "$-1\r\n", "+QUEUED\r\n", "*0\r\n", "*2\r\n_\r\n_\r\n",
                                   "*2\r\n+OK\r\n:-5\r\n", "*2\r\n+OK\r\n+x\r\n", "_\r\n"}) {
        fake_redis fake([&](fake_client& client) {
            if (!client.greet()) return;
            while (const auto next = client.command()) {
                const std::string& name = next->front();
                if (name == "MULTI")
                    client.send("+OK\r\n");
                else if (name == "EXEC")
                    client.send(kind);
                else if (name.starts_with("EVAL"))
                    client.send(":-1\r\n");
                else
                    client.send("+QUEUED\r\n");
            }
        });
        auto held = locker(fake.url(), {.timeout = 1s}).acquire("job");
        ASSERT_FALSE(held) << kind;
        EXPECT_THAT(held.error().code, AnyOf(errc::protocol, errc::contended)) << kind;
    }
}

// F27. Why: whether the lost reply said yes is unknown; blindly asking again would find our own
// lock held by "somebody else". How: a proxy loses the first answer to the acquisition.
class redis_behind_a_proxy : public testing::Test {
protected:
    redis_server server_;
};

TEST_F(redis_behind_a_proxy, that_lost_a_yes_gives_the_lock_at_the_second_try) {
    const std::uint64_t before = locker(server_.url()).acquire("job").value().fencing_token();
    ASSERT_TRUE(poll_until([&] {
        return server_.command({"EXISTS", redis::lock_key("job")}) == ":0\r\n";
    }));
    fake_redis proxy([&](fake_client& client) {
        relay(client, server_.socket_path(), [&](const command_words& asked) {
            return client.index() > 0 || asked.front() != "EXEC";
        });
    });
    const milliseconds ttl = 20s;
    locker locks(proxy.url());
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job", {.ttl = ttl});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_EQ(locks.statistics().store_errors, 1U);
    EXPECT_GT(held->fencing_token(), before);
    EXPECT_LE(held->valid_until(), start + ttl + 1s) << "validity counts from before the first try";
    EXPECT_THAT(server_.command({"GET", redis::lock_key("job")}), HasSubstr(held->id()));
    EXPECT_TRUE(held->renew(ttl));
    EXPECT_TRUE(held->release());
    EXPECT_EQ(server_.command({"EXISTS", redis::lock_key("job")}), ":0\r\n");
}

TEST_F(redis_behind_a_proxy, that_lost_a_no_tells_it_at_the_second_try) {
    auto rival = locker(server_.url()).acquire("job", {.ttl = 20s});
    fake_redis proxy([&](fake_client& client) {
        relay(client, server_.socket_path(), [&](const command_words& asked) {
            return client.index() > 0 || asked.front() != "EXEC";
        });
    });
    auto refused = locker(proxy.url()).acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    ASSERT_TRUE(refused.error().holder);
    EXPECT_EQ(refused.error().holder->pid, ::getpid());
}

TEST_F(redis_behind_a_proxy, that_lost_the_answer_to_a_release_confirms_it_at_the_second_try) {
    int releases = 0;
    fake_redis proxy([&](fake_client& client) {
        relay(client, server_.socket_path(), [&](const command_words& asked) {
            return !asked.front().starts_with("EVAL") ||
                   asked.back().find('|') == std::string::npos || asked[2] != "1" ||
                   ++releases != 1;
        });
    });
    locker locks(proxy.url());
    auto warm = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(warm);
    const auto released = warm->release();
    EXPECT_TRUE(released) << released.error().message();
    EXPECT_EQ(server_.command({"EXISTS", redis::lock_key("job")}), ":0\r\n");
}

// Why: a lock that ran out before its token was drawn is in nobody's hands: "somebody else has it"
// would be wrong, and a counter without an expiry would stay for ever. How: each reply is kept back
// until the lock that the command took has run out, so the second try is as late as the first.
TEST_F(redis_behind_a_proxy, that_delays_replies_beyond_the_ttl_is_unreachable) {
    std::atomic<int> seeds{0};
    fake_redis proxy([&](fake_client& client) {
        relay(client, server_.socket_path(), [&](const command_words& asked) {
            if (asked.front().starts_with("EVAL")) ++seeds;
            return poll_until([&] {
                return server_.command({"EXISTS", redis::lock_key("new")}) == ":0\r\n";
            });
        });
    });
    locker locks(proxy.url());
    const auto held = locks.acquire("new", {.ttl = 50ms});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable) << held.error().message();
    EXPECT_GT(seeds, 0);
    const std::string expiry = server_.command({"TTL", redis::fence_key("new")});
    ASSERT_TRUE(expiry.starts_with(":")) << expiry;
    EXPECT_GT(std::stol(expiry.substr(1)), 0) << "-1: no expiry, -2: no counter";
    EXPECT_EQ(server_.command({"EXISTS", redis::lock_key("new")}), ":0\r\n");
}

// F28, F32. Why: whoever cancels does not wait for a dead server; and what the server does when it
// wakes, with the command that is still in its socket, must not stay for long.
TEST(redis_frozen, lets_a_cancelled_acquire_go_and_keeps_nothing_past_the_ttl) {
    redis_server server;
    const milliseconds ttl = 1s;
    locker locks(server.url(), {.timeout = 30s});
    ASSERT_TRUE(locks.acquire("warm"));
    server.signal(SIGSTOP);
    std::stop_source stop;
    result<guard> held = errc::misuse;
    std::jthread waiter([&] {
        held = locks.acquire("job", {.ttl = ttl, .wait = forever, .stop = stop.get_token()});
    });
    std::this_thread::sleep_for(
        100ms);  // So that the request is out; earlier is no failure either.
    const time_point asked = boot_clock::now();
    stop.request_stop();
    waiter.join();
    EXPECT_LT(boot_clock::now() - asked, 10s) << "the time-out is 30 s";
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::cancelled);
    server.signal(SIGCONT);
    EXPECT_TRUE(poll_until(
        [&] {
            return server.command({"EXISTS", redis::lock_key("job")}) == ":0\r\n" &&
                   locks.statistics().releases + locks.statistics().releases_in_doubt >= 1;
        },
        10s));
    EXPECT_TRUE(locks.acquire("job", {.ttl = ttl, .wait = 20s}));
}

}  // namespace
}  // namespace holdfast::test
