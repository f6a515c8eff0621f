// SPDX-License-Identifier: BSL-1.0
//
// Faults of servers that need no more than their own commands, and of the names they stand under.
#include "chaos/several.hpp"
#include "support/child_process.hpp"
#include "support/loss_watch.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <vector>

namespace holdfast::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

// F18. Why: a server that throws keys away may throw a held lock away: its holder must be told.
TEST(an_evicting_server, that_drops_a_held_lock_has_its_holder_told_at_the_next_renewal) {
    redis_server server;
    locker locks(server.url(), {.timeout = 1s});
    const milliseconds ttl = 2s;
    auto held = locks.acquire("job", {.ttl = ttl});
    ASSERT_TRUE(held);
    const loss_watch loss(*held);
    ASSERT_EQ(server.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"}), "+OK\r\n");
    ASSERT_EQ(server.command({"CONFIG", "SET", "maxmemory", "1"}), "+OK\r\n");
    ASSERT_TRUE(poll_until([&] {
        static_cast<void>(server.command({"SET", "filler", "x"}));
        return !taken(server, "job");
    }));
    EXPECT_TRUE(loss.told_within(ttl / 3 + 2s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    EXPECT_THAT(held->why_lost(), AnyOf(lost_reason::deleted, lost_reason::unreachable));
}

// F19. Why: a server that cannot save its data refuses writes: no lock, and none that stays.
TEST(a_server_that_cannot_save, refuses_new_locks_and_loses_those_held_in_time) {
    redis_server server({.arguments = {"--enable-protected-configs", "yes"}});
    locker locks(server.url(), {.timeout = 500ms});
    auto held = locks.acquire("held", {.ttl = 1500ms});
    ASSERT_TRUE(held);
    const loss_watch loss(*held);
    ASSERT_EQ(server.command({"CONFIG", "SET", "dir", "/proc"}), "+OK\r\n");
    ASSERT_EQ(server.command({"CONFIG", "SET", "save", "3600 1"}), "+OK\r\n");
    static_cast<void>(server.command({"BGSAVE"}));
    ASSERT_TRUE(poll_until(
        [&] {
            return server.command({"SET", "x", "y"}).starts_with("-MISCONF");
        },
        10s));
    const auto refused = locks.acquire("job", {.ttl = 10s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_THAT(refused.error().text, HasSubstr("MISCONF"));
    EXPECT_TRUE(loss.told_within(4s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    ASSERT_EQ(server.command({"CONFIG", "SET", "stop-writes-on-bgsave-error", "no"}), "+OK\r\n");
    EXPECT_TRUE(locks.acquire("job", {.ttl = 10s, .wait = 5s}));
}

// F22. Why: rights may be taken away, or a password changed, while locks are held.
TEST(a_server_that_takes_rights_away, has_the_holder_told_in_time_and_no_storm_of_tries) {
    redis_server server({.tcp = true});
    ASSERT_EQ(server.command({"ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all"}),
              "+OK\r\n");
    locker locks("redis://ann:secret@127.0.0.1:" + std::to_string(server.port()),
                 {.timeout = 500ms});
    auto held = locks.acquire("job", {.ttl = 1500ms});
    ASSERT_TRUE(held);
    const loss_watch loss(*held);
    ASSERT_EQ(server.command({"ACL", "SETUSER", "ann", "resetpass", ">another"}), "+OK\r\n");
    ASSERT_TRUE(server.command({"CLIENT", "KILL", "USER", "ann"}).starts_with(":"));
    EXPECT_TRUE(loss.told_within(4s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    const time_point asked = boot_clock::now();
    const auto refused = locks.acquire("other", {.ttl = 10s, .wait = 20s});
    EXPECT_LT(boot_clock::now() - asked, 10s) << "it waited for what will not come";
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    const std::string info = server.command({"INFO", "stats"});
    const auto at = info.find("total_connections_received:");
    ASSERT_NE(at, std::string::npos);
    EXPECT_LT(std::stol(info.substr(at + std::strlen("total_connections_received:"))), 200);
}

// F31. Why: one server that stands still must not be in the way of any renewal. How: hundreds of
// locks over three servers, one frozen; all of them live on for three times their ttl.
TEST(a_frozen_server_of_three, delays_no_renewal_of_hundreds_of_locks) {
    std::array<redis_server, 3> servers;
    locker locks = open_quorum({servers[0].url(), servers[1].url(), servers[2].url()}, 1s);
    constexpr std::size_t count = 300;
    std::vector<guard> held;
    for (std::size_t i = 0; i < count; ++i) {
        auto one = locks.acquire("job " + std::to_string(i),
                                 {.ttl = 3s, .wait = 5s, .auto_renew = true, .fence = false});
        ASSERT_TRUE(one) << one.error().message();
        held.push_back(std::move(*one));
    }
    servers[1].signal(SIGSTOP);
    const auto before = locks.statistics().renewals;
    EXPECT_TRUE(poll_until([&] { return locks.statistics().renewals >= before + 3 * count; }, 20s));
    servers[1].signal(SIGCONT);
    EXPECT_EQ(locks.statistics().losses, 0U);
    for (const guard& one : held) EXPECT_EQ(one.why_lost(), lost_reason::none);
}

// F31. Why: a locker whose server stands still must not delay another locker of the process.
TEST(a_frozen_server, delays_nobody_who_uses_another_one) {
    redis_server frozen;
    redis_server sound;
    locker stuck(frozen.url(), {.timeout = 5s});
    locker locks(sound.url());
    auto lost = stuck.acquire("job", {.ttl = 1s});
    auto held = locks.acquire("job", {.ttl = 1s});
    ASSERT_TRUE(lost && held);
    const loss_watch loss(*lost);
    frozen.signal(SIGSTOP);
    const auto before = locks.statistics().renewals;
    EXPECT_TRUE(poll_until([&] { return locks.statistics().renewals >= before + 6; }, 15s));
    EXPECT_TRUE(held->held());
    EXPECT_TRUE(loss.told_within(1s));
    frozen.signal(SIGCONT);
}

// F40. Why: opening a locker must not wait for anything, and a call no longer than its time-out.
TEST(a_server_name, that_means_nothing_is_told_in_time) {
    const time_point begin = boot_clock::now();
    locker locks("redis://no-such-host.invalid:6379", {.timeout = 500ms});
    EXPECT_LT(boot_clock::now() - begin, 250ms);
    const auto held = locks.acquire("job");
    EXPECT_LT(boot_clock::now() - begin, 3s);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::unreachable);
}

// F40. How: `localhost` is most often an IPv6 address too, where nobody listens.
TEST(a_server_name, that_has_several_addresses_is_tried_at_each) {
    redis_server server({.tcp = true});
    locker locks("redis://localhost:" + std::to_string(server.port()), {.timeout = 2s});
    const auto held = locks.acquire("job");
    EXPECT_TRUE(held) << held.error().message();
}

// F40. Why: a name may come to mean another server while programs run. How: in a child with its own
// view of the file system, /etc/hosts is another file, which changes; the first server goes.
TEST(a_server_name, is_looked_up_again_for_each_connection) {
    redis_server first({.tcp = true});
    redis_server second(
        {.arguments = {"--bind", "127.0.0.2", "--port", std::to_string(first.port())}});
    const temp_dir place;
    const std::string hosts = place / "hosts";
    std::ofstream(hosts) << "127.0.0.1 moving.test\n";
    child_process child([&](const auto& parent) {
        if (::unshare(CLONE_NEWNS) != 0) return 77;
        if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
        if (::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0) return 77;
        locker locks("redis://moving.test:" + std::to_string(first.port()), {.timeout = 1s});
        if (!locks.acquire("before", {.ttl = 20s}).has_value()) return 1;
        parent.tell();
        parent.hear();  // The first server has gone and the name means the second.
        auto held = locks.acquire("after", {.ttl = 20s, .wait = 10s});
        parent.tell();
        parent.hear();
        return held && held->held() ? 0 : 2;
    });
    const auto ends = [&] {
        const int code = child.wait();
        if (code == 77) GTEST_SKIP() << "no view of the file system of our own";
        EXPECT_EQ(code, 0);
    };
    if (child.parent_line().hear() == 0) return ends();
    std::ofstream(hosts, std::ios::trunc) << "127.0.0.2 moving.test\n";
    first.kill();
    child.parent_line().tell();
    child.parent_line().hear();
    EXPECT_TRUE(taken(second, "after"));
    child.parent_line().tell();
    ends();
}

}  // namespace
}  // namespace holdfast::test
