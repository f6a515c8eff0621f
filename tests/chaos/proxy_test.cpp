// SPDX-License-Identifier: BSL-1.0
//
// Faults of connections: slow, in pieces, cut, reset, held, repeated.
#include "chaos/several.hpp"
#include "support/poll.hpp"
#include "support/tcp_proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace holdfast::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class behind_a_proxy : public testing::Test {
protected:
    [[nodiscard]] std::string value() const {
        return server_.command({"GET", redis::lock_key("job")});
    }
    redis_server server_;
    tcp_proxy proxy_{server_.socket_path()};
};

// F9. Why: what the way takes is taken from the validity, not added to it.
TEST_F(behind_a_proxy, that_is_slow_a_lock_counts_from_before_it_was_asked_for) {
    locker locks(proxy_.url(), {.timeout = 2s});
    ASSERT_TRUE(locks.acquire("warm"));
    proxy_.to_server({.delay = 150ms, .jitter = 50ms});
    proxy_.to_client({.delay = 150ms, .jitter = 50ms});
    const time_point asked = boot_clock::now();
    auto held = locks.acquire("job", {.ttl = 1s, .auto_renew = false});
    const time_point answered = boot_clock::now();
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_GE(answered - asked, 300ms) << "the proxy was not slow";
    EXPECT_LT(held->valid_until(), asked + 1s);
    EXPECT_TRUE(taken(server_, "job"));
    // Two ways of 150 ms and more leave nothing of a lease of 250 ms: no such lock is given out.
    const auto refused = locks.acquire("short", {.ttl = 250ms});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().code, AnyOf(errc::unreachable, errc::in_doubt));
}

// F9. Why: one slow way of three must cost nothing. How: its first answer would take 800 ms.
TEST(behind_three_proxies, of_which_one_is_slow_a_lock_takes_as_long_as_the_others_need) {
    std::array<redis_server, 3> servers;
    std::array<tcp_proxy, 3> ways{tcp_proxy(servers[0].socket_path()),
                                  tcp_proxy(servers[1].socket_path()),
                                  tcp_proxy(servers[2].socket_path())};
    locker locks = open_quorum({ways[0].url(), ways[1].url(), ways[2].url()}, 3s);
    ASSERT_TRUE(locks.acquire("warm"));
    ways[2].to_server({.delay = 800ms});
    for (int i = 0; i < 3; ++i) {
        const time_point asked = boot_clock::now();
        auto held = locks.acquire("job", {.ttl = 10s, .wait = 5s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_LT(boot_clock::now() - asked, 700ms);
        EXPECT_TRUE(held->release());
    }
    ways[2].heal();
    EXPECT_TRUE(poll_until([&] { return !taken(servers[2], "job"); }, 10s)) << "nobody tidied up";
}

// F10, F26, I14. Why: a peer that is gone without a word must not hold anybody up, and what it says
// after all must not be taken for the answer to a later question.
TEST_F(behind_a_proxy, that_holds_everything_back_calls_end_in_time_and_late_replies_mean_nothing) {
    locker locks(proxy_.url(), {.timeout = 300ms});
    locker direct(server_.url());
    auto old_holder = direct.acquire("job", {.ttl = 20s, .owner = "old"});
    ASSERT_TRUE(old_holder);
    ASSERT_EQ(locks.inspect("job").value()->holder.owner, "old");
    proxy_.to_client({.held = true});
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(locks.inspect("job"));
    EXPECT_LT(boot_clock::now() - asked, 2s);
    ASSERT_TRUE(old_holder->release());
    auto new_holder = direct.acquire("job", {.ttl = 20s, .wait = 5s, .owner = "new"});
    ASSERT_TRUE(new_holder);
    proxy_.heal();
    for (int i = 0; i < 20; ++i) {
        const auto seen = locks.inspect("job");
        ASSERT_TRUE(seen) << seen.error().message();
        EXPECT_EQ((*seen)->holder.owner, "new");
    }
}

// F10. Why: who waits learns of a release over a connection that may be dead without a word.
TEST_F(behind_a_proxy, that_holds_notices_back_a_waiter_still_gets_the_lock) {
    locker direct(server_.url());
    locker locks(proxy_.url(), {.timeout = 500ms});
    auto holder = direct.acquire("job", {.ttl = 1s, .auto_renew = false});
    ASSERT_TRUE(holder);
    result<guard> got = errc::misuse;
    std::jthread waiter([&] { got = locks.acquire("job", {.ttl = 5s, .wait = 10s}); });
    ASSERT_TRUE(poll_until([&] { return locks.statistics().refusals > 0; }));
    proxy_.to_client({.held = true});
    ASSERT_TRUE(holder->release());
    ASSERT_TRUE(poll_until([&] { return locks.statistics().store_errors > 0; }, 10s));
    proxy_.heal();
    waiter.join();
    EXPECT_TRUE(got) << got.error().message();
}

// F11. Why: a reset is worth another try, as long as the caller waits; and no storm of tries.
TEST_F(behind_a_proxy, that_resets_connections_calls_are_tried_again_with_pauses) {
    locker locks(proxy_.url(), {.timeout = 2s});
    proxy_.refuse(true);
    result<guard> got = errc::misuse;
    std::jthread caller([&] { got = locks.acquire("job", {.ttl = 20s, .wait = 20s}); });
    ASSERT_TRUE(poll_until([&] { return proxy_.connections() >= 3; }));
    EXPECT_LT(proxy_.connections(), 100);
    proxy_.heal();
    caller.join();
    ASSERT_TRUE(got) << got.error().message();
    for (int i = 0; i < 20; ++i) {
        proxy_.reset_all();
        // One that was under way is in doubt; none may be taken for a loss.
        const auto renewed = got->renew(20s);
        if (!renewed) {
            EXPECT_THAT(renewed.error().code, AnyOf(errc::in_doubt, errc::unreachable));
        }
    }
    EXPECT_TRUE(got->held());
    EXPECT_TRUE(poll_until([&] { return bool(got->renew(20s)); }));
    EXPECT_TRUE(got->release());
    EXPECT_FALSE(taken(server_, "job"));
}

// F11. Why: a cut may fall between any two bytes of a request or of its reply, and whatever is
// said of the outcome has to be true. How: cuts behind byte n, for many n, on fresh connections.
TEST_F(behind_a_proxy, that_cuts_anywhere_what_is_said_of_the_outcome_is_true) {
    int cut_short = 0;
    for (std::size_t bytes = 1; bytes < 700; bytes += 29) {
        const bool upwards = bytes % 2 == 0;
        (upwards ? proxy_.to_server({.cut_after = bytes}) : proxy_.to_client({.cut_after = bytes}));
        locker locks(proxy_.url(), {.timeout = 200ms});
        const auto held = locks.acquire("job", {.ttl = 20s});
        if (held) {
            EXPECT_THAT(value(), HasSubstr(held->id()));
        } else {
            ++cut_short;
            EXPECT_THAT(held.error().code, AnyOf(errc::unreachable, errc::in_doubt, errc::protocol))
                << held.error().message();
            if (held.error().code != errc::in_doubt) {
                EXPECT_FALSE(taken(server_, "job")) << bytes;
            }
        }
        proxy_.heal();
        static_cast<void>(server_.command({"DEL", redis::lock_key("job")}));
    }
    EXPECT_GT(cut_short, 5) << "the cuts cut nothing";
}

// F25. Why: the time-out bounds a conversation, not the gap between two bytes.
TEST_F(behind_a_proxy, that_passes_a_byte_at_a_time_calls_end_in_time) {
    locker locks(proxy_.url(), {.timeout = 400ms});
    proxy_.to_client({.piece = 1, .pace = 40ms});
    const time_point asked = boot_clock::now();
    const auto held = locks.acquire("job", {.ttl = 2s});
    EXPECT_LT(boot_clock::now() - asked, 3s);
    EXPECT_FALSE(held);
    proxy_.heal();
    EXPECT_TRUE(locks.acquire("job", {.ttl = 2s, .wait = 20s}));
}

// F27. Why: a request may arrive twice, the second time over another connection and much later.
// How: the proxy says each one again. The acquisition finds its own lock and leaves its time alone;
// a release or renewal of an earlier holder does nothing to the next one.
TEST_F(behind_a_proxy, that_repeats_requests_nothing_is_granted_prolonged_or_released_twice) {
    locker locks(proxy_.url());
    locker direct(server_.url());
    ASSERT_TRUE(locks.acquire("warm"));
    auto first = locks.acquire("job", {.ttl = 30s, .auto_renew = false});
    ASSERT_TRUE(first);
    const std::string before = value();
    ASSERT_EQ(server_.command({"PEXPIRE", redis::lock_key("job"), "5000"}), ":1\r\n");
    EXPECT_NE(proxy_.replay(first->id()), "");
    EXPECT_EQ(value(), before);
    EXPECT_LE(std::stol(server_.command({"PTTL", redis::lock_key("job")}).substr(1)), 5000);
    ASSERT_TRUE(first->renew(20s));
    const std::string id = first->id();
    const auto token = first->fencing_token();
    ASSERT_TRUE(first->release());
    auto second = direct.acquire("job", {.ttl = 30s, .wait = 5s, .auto_renew = false});
    ASSERT_TRUE(second);
    EXPECT_GT(second->fencing_token(), token);
    const std::string theirs = value();
    ASSERT_EQ(server_.command({"PEXPIRE", redis::lock_key("job"), "5000"}), ":1\r\n");
    EXPECT_NE(proxy_.replay(id), "") << "the release is said again";
    EXPECT_EQ(value(), theirs);
    EXPECT_LE(std::stol(server_.command({"PTTL", redis::lock_key("job")}).substr(1)), 5000);
}

// F28. Why: an acquisition that arrives behind its own clean-up must not stay for longer than its
// ttl. How: the proxy is late with the acquisition alone; the caller has long given up.
TEST_F(behind_a_proxy, that_delivers_an_acquisition_late_nothing_of_it_outlives_its_ttl) {
    const milliseconds ttl = 600ms;
    locker locks(proxy_.url(), {.timeout = 200ms});
    ASSERT_TRUE(locks.acquire("warm"));
    proxy_.to_server({.delay = 900ms, .slow_word = "{hf:job}"});
    const auto held = locks.acquire("job", {.ttl = ttl});
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().code, AnyOf(errc::unreachable, errc::in_doubt));
    proxy_.heal();
    locker direct(server_.url());
    const auto next = direct.acquire("job", {.ttl = 20s, .wait = 900ms + 4 * ttl});
    ASSERT_TRUE(next) << next.error().message();
    const std::string mine = value();
    EXPECT_THAT(mine, HasSubstr(next->id()));
    // What was under way has arrived by now: it changed nothing.
    EXPECT_FALSE(poll_until([&] { return value() != mine; }, 1s));
}

}  // namespace
}  // namespace holdfast::test
