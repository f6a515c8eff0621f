// SPDX-License-Identifier: BSL-1.0
//
// F38: faults of a database that keeps locks, and of the way to it. How: a MariaDB server of the
// test's own, behind a proxy where it is the way that is at fault.
#include <holdfast/locker.hpp>
#include <holdfast/mysql.hpp>

#include "support/loss_watch.hpp"
#include "support/mariadb_server.hpp"
#include "support/poll.hpp"
#include "support/tcp_proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <stop_token>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;

class a_database : public testing::Test {
protected:
    [[nodiscard]] std::string url_behind_proxy() const {
        return "mysql://app:app%20pw@" + proxy_.host_and_port() + "/locks";
    }
    /// @return What stands in the row of a name that somebody holds; empty if nobody does.
    [[nodiscard]] std::string value_of(const std::string& name) const {
        sql_session root(server_);
        const auto rows =
            root.ask("SELECT value FROM holdfast_lock WHERE name = '" + name +
                     "' AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))");
        return rows.empty() ? "" : rows.front().front();
    }
    void free(const std::string& name) const {
        sql_session(server_).ask("UPDATE holdfast_lock SET value = '', expires = 0 WHERE name = '" +
                                 name + "'");
    }

    /// Tables are made by whoever comes first, which may take a while.
    void SetUp() override { ASSERT_TRUE(locker(server_.url()).acquire("first", {.wait = 20s})); }

    mariadb_server server_;
    tcp_proxy proxy_{server_.socket_path()};
};

// Why: whoever cannot renew has to stop before somebody else starts; and a crash forgets no token.
TEST_F(a_database, that_is_dead_for_longer_than_a_lease_loses_it_in_time) {
    locker locks(server_.url(), {.timeout = 300ms});
    auto held = locks.acquire("job", {.ttl = 1500ms, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    const loss_watch loss(*held);
    server_.kill();
    EXPECT_TRUE(loss.told_within(5s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    EXPECT_EQ(held->why_lost(), lost_reason::unreachable);
    const time_point asked = boot_clock::now();
    const auto refused = locks.acquire("job", {.ttl = 1s});
    EXPECT_LT(boot_clock::now() - asked, 3s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    server_.restart();
    auto next = locks.acquire("job", {.ttl = 10s, .wait = 20s});
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_GT(next->fencing_token(), held->fencing_token());
    EXPECT_FALSE(held->held()) << "lost is final";
}

TEST_F(a_database, that_crashes_and_is_back_within_the_lease_keeps_it) {
    locker locks(server_.url(), {.timeout = 300ms});
    locker other(server_.url());
    const milliseconds ttl = 15s;
    auto held = locks.acquire("job", {.ttl = ttl, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    server_.kill();
    server_.restart();
    const auto refused = other.acquire("job", {.ttl = 1s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended) << refused.error().message();
    EXPECT_TRUE(poll_until([&] { return bool(held->renew(ttl)); }));
    EXPECT_TRUE(held->held());
    const auto token = held->fencing_token();
    EXPECT_TRUE(poll_until([&] { return held->release() || !held->held(); }));
    const auto next = other.acquire("job", {.ttl = 1s, .wait = 20s});
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_GT(next->fencing_token(), token);
}

TEST_F(a_database, that_stands_still_ends_calls_in_time_and_loses_leases_in_time) {
    locker locks(server_.url(), {.timeout = 300ms});
    auto held = locks.acquire("job", {.ttl = 1500ms, .wait = 20s});
    ASSERT_TRUE(held) << held.error().message();
    const loss_watch loss(*held);
    server_.signal(SIGSTOP);
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(locks.acquire("other", {.ttl = 2s}));
    EXPECT_LT(boot_clock::now() - asked, 3s);
    EXPECT_TRUE(loss.told_within(5s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    server_.signal(SIGCONT);
    EXPECT_TRUE(locks.acquire("job", {.ttl = 1s, .wait = 20s}));
    EXPECT_TRUE(poll_until([&] { return value_of("other").empty(); }, 20s))
        << "it outlived its ttl";
}

// Why: what the way takes is taken from the validity, not added to it.
TEST_F(a_database, behind_a_slow_way_gives_locks_that_count_from_before_the_asking) {
    locker locks(url_behind_proxy(), {.timeout = 5s});
    ASSERT_TRUE(locks.acquire("warm"));
    proxy_.to_server({.delay = 150ms, .jitter = 50ms});
    proxy_.to_client({.delay = 150ms, .jitter = 50ms});
    const time_point asked = boot_clock::now();
    const auto held = locks.acquire("job", {.ttl = 4s, .auto_renew = false});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_GE(boot_clock::now() - asked, 300ms) << "the proxy was not slow";
    EXPECT_LT(held->valid_until(), asked + 4s);
    const auto refused = locks.acquire("short", {.ttl = 250ms});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().code, AnyOf(errc::unreachable, errc::in_doubt));
}

TEST_F(a_database, whose_answers_are_held_back_ends_calls_in_time_and_takes_no_late_ones) {
    locker locks(url_behind_proxy(), {.timeout = 300ms});
    locker direct(server_.url());
    auto old_holder = direct.acquire("job", {.ttl = 60s, .owner = "old"});
    ASSERT_TRUE(old_holder);
    ASSERT_TRUE(poll_until([&] { return locks.inspect("job").has_value(); }));
    proxy_.to_client({.held = true});
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(locks.inspect("job"));
    EXPECT_LT(boot_clock::now() - asked, 3s);
    ASSERT_TRUE(old_holder->release());
    const auto new_holder = direct.acquire("job", {.ttl = 60s, .wait = 20s, .owner = "new"});
    ASSERT_TRUE(new_holder);
    proxy_.heal();
    int answers = 0;
    for (int i = 0; i < 20; ++i) {
        const auto seen = locks.inspect("job");
        if (!seen) continue;  // A busy machine needs more than the 300 ms.
        ++answers;
        EXPECT_EQ((*seen)->holder.owner, "new");
    }
    EXPECT_GT(answers, 0);
}

TEST_F(a_database, whose_connections_are_reset_is_asked_again_with_pauses) {
    locker locks(url_behind_proxy(), {.timeout = 5s});
    proxy_.refuse(true);
    result<guard> got = errc::misuse;
    std::jthread caller([&] { got = locks.acquire("job", {.ttl = 60s, .wait = 60s}); });
    ASSERT_TRUE(poll_until([&] { return proxy_.connections() >= 3; }));
    EXPECT_LT(proxy_.connections(), 100);
    proxy_.heal();
    caller.join();
    ASSERT_TRUE(got) << got.error().message();
    for (int i = 0; i < 20; ++i) {
        proxy_.reset_all();
        const auto renewed = got->renew(60s);
        if (!renewed) {
            EXPECT_THAT(renewed.error().code, AnyOf(errc::in_doubt, errc::unreachable));
        }
    }
    EXPECT_TRUE(got->held());
    EXPECT_TRUE(poll_until([&] { return bool(got->renew(60s)); }));
    EXPECT_TRUE(got->release());
    EXPECT_EQ(value_of("job"), "");
}

// Why: a cut may fall between any two bytes, and whatever is said of the outcome has to be true.
TEST_F(a_database, whose_connections_are_cut_anywhere_is_told_of_truly) {
    int cut_short = 0;
    for (std::size_t bytes = 1; bytes < 4000; bytes += 97) {
        const bool upwards = bytes % 2 == 0;
        (upwards ? proxy_.to_server({.cut_after = bytes}) : proxy_.to_client({.cut_after = bytes}));
        locker locks(url_behind_proxy(), {.timeout = 400ms});
        const auto held = locks.acquire("job", {.ttl = 60s});
        if (held) {
            EXPECT_THAT(value_of("job"), HasSubstr(held->id()));
        } else {
            ++cut_short;
            EXPECT_THAT(held.error().code, AnyOf(errc::unreachable, errc::in_doubt, errc::protocol))
                << held.error().message();
            if (held.error().code != errc::in_doubt) {
                EXPECT_EQ(value_of("job"), "") << bytes;
            }
        }
        proxy_.heal();
        free("job");
    }
    EXPECT_GT(cut_short, 5) << "the cuts cut nothing";
}

TEST_F(a_database, that_is_heard_a_byte_at_a_time_ends_calls_in_time) {
    locker locks(url_behind_proxy(), {.timeout = 400ms});
    proxy_.to_client({.piece = 1, .pace = 40ms});
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(locks.acquire("job", {.ttl = 2s}));
    EXPECT_LT(boot_clock::now() - asked, 4s);
    proxy_.heal();
    EXPECT_TRUE(locks.acquire("job", {.ttl = 2s, .wait = 60s}));
}

// Why: an acquisition that arrives behind its own clean-up must not stay for longer than its ttl.
TEST_F(a_database, that_hears_of_an_acquisition_late_keeps_nothing_beyond_its_ttl) {
    const milliseconds ttl = 600ms;
    locker locks(url_behind_proxy(), {.timeout = 300ms});
    ASSERT_TRUE(poll_until([&] { return bool(locks.acquire("warm")); }));
    proxy_.to_server({.delay = 900ms, .slow_word = "late job"});
    const auto held = locks.acquire("late job", {.ttl = ttl});
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().code, AnyOf(errc::unreachable, errc::in_doubt));
    proxy_.heal();
    locker direct(server_.url());
    const auto next = direct.acquire("late job", {.ttl = 60s, .wait = 900ms + 10 * ttl});
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_THAT(value_of("late job"), HasSubstr(next->id()));
    EXPECT_FALSE(
        poll_until([&] { return value_of("late job").find(next->id()) == std::string::npos; }, 1s));
}

// How: three lockers hand a lock to and fro, while the server crashes, stands still, and its
// connections are thrown out; each time for less than a lease.
TEST_F(a_database, that_is_in_trouble_again_and_again_has_one_holder_at_a_time) {
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    std::atomic<std::uint64_t> last_token{0};
    std::atomic<int> cycles{0};
    const auto work = [&](const std::stop_token& stop) {
        locker locks(url_behind_proxy(), {.timeout = 1s});
        while (!stop.stop_requested()) {
            auto held = locks.acquire("job", {.ttl = 30s, .wait = 2s, .stop = stop});
            if (!held) continue;
            if (inside.fetch_add(1) != 0) ++overlaps;
            if (last_token.exchange(held->fencing_token()) >= held->fencing_token()) ++overlaps;
            std::this_thread::yield();
            inside.fetch_sub(1);
            // One that was left behind would be in everybody's way for its ttl.
            static_cast<void>(
                poll_until([&] { return bool(held->release()) || !held->held(); }, 20s));
            ++cycles;
        }
    };
    {
        std::jthread one(work);
        std::jthread other(work);
        std::jthread third(work);
        for (int round = 0; round < 6; ++round) {
            int before = cycles;
            if (round % 3 == 0) {
                server_.kill();
                server_.restart();
            } else if (round % 3 == 1) {
                server_.signal(SIGSTOP);
                before = cycles;
                EXPECT_FALSE(poll_until([&] { return cycles > before + 3; }, 300ms));
                server_.signal(SIGCONT);
            } else {
                sql_session(server_).try_ask("KILL USER app");
                proxy_.reset_all();
            }
            EXPECT_TRUE(poll_until([&] { return cycles >= before + 5; }, 60s)) << round;
        }
    }
    EXPECT_EQ(overlaps, 0);
}

}  // namespace
}  // namespace holdfast::test
