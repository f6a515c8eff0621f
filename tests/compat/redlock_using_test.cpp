// SPDX-License-Identifier: BSL-1.0
//
// `redlock::using_`: a routine under a lock that is extended in the background.
#include "compat/redlock_servers.hpp"

#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class redlock_using : public redlock_servers {
protected:
    redlock_using() : redlock_servers(3) {}
    [[nodiscard]] bool busy(const std::string& resource) const {
        redlock rival(urls(), {.retry_count = 0});
        return !rival.lock(resource, 10s);
    }
    static bool gone_by(time_point when) {
        return poll_until([&] { return boot_clock::now() >= when; });
    }
    /// Long enough that a busy machine does not lose a lock that is extended at a third of it.
    static constexpr milliseconds ttl_{1500};
    const redlock::options quick_{.automatic_extension_threshold = 200ms};
};

TEST_F(redlock_using, the_lock_outlives_its_ttl_by_far_and_ends_with_the_routine) {
    redlock locks(urls(), quick_);
    const milliseconds ttl = ttl_;
    bool rival_waits = false;
    const auto got = locks.using_({"a", "b"}, ttl, [&](const redlock::signal& signal) {
        EXPECT_TRUE(all([](on_server& s) { return s.has("a"); }));  // Not the majority alone.
        const std::string value = there().text("a");
        EXPECT_EQ(there().text("b"), value);
        EXPECT_TRUE(gone_by(boot_clock::now() + 3 * ttl));
        EXPECT_EQ(there().text("a"), value);
        rival_waits = busy("a") && busy("b");
        EXPECT_FALSE(signal.aborted());
        EXPECT_FALSE(signal.token().stop_requested());
        EXPECT_EQ(signal.reason(), lost_reason::none);
        return std::string("what it returned");
    });
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*got, "what it returned");
    EXPECT_TRUE(rival_waits);
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

TEST_F(redlock_using, a_routine_without_a_value_and_on_the_callers_thread) {
    redlock locks(urls(), quick_);
    std::thread::id ran_on;
    const result<void> done = locks.using_(
        {"a"}, 10s, [&](const redlock::signal&) { ran_on = std::this_thread::get_id(); });
    EXPECT_TRUE(done);
    EXPECT_EQ(ran_on, std::this_thread::get_id());
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

TEST_F(redlock_using, an_exception_passes_after_the_unlock) {
    redlock locks(urls(), quick_);
    EXPECT_THROW(static_cast<void>(locks.using_({"a"}, 10s,
                                                [&](const redlock::signal&) -> int {
                                                    throw std::logic_error("of the routine");
                                                })),
                 std::logic_error);
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

// Why: the lock must be trusted by nobody once another may have it. How: two of three servers stop.
TEST_F(redlock_using, the_signal_comes_before_the_lock_ends_and_says_why) {
    redlock::options how = quick_;
    how.timeout = 200ms;
    redlock locks(urls(), how);
    const milliseconds ttl = 2000ms;
    lost_reason why = lost_reason::none;
    const auto got = locks.using_({"a"}, ttl, [&](const redlock::signal& signal) {
        servers_[0].signal(SIGSTOP);
        servers_[1].kill();
        const time_point stopped = boot_clock::now();
        EXPECT_TRUE(poll_until([&] { return signal.token().stop_requested(); }, 20s));
        // The last extension that counted was sent before the servers stopped.
        EXPECT_LT(boot_clock::now(), stopped + ttl);
        EXPECT_TRUE(signal.aborted());
        why = signal.reason();
        return 1;
    });
    servers_[0].signal(SIGCONT);
    EXPECT_EQ(why, lost_reason::unreachable);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::lost);
    EXPECT_EQ(got.error().reason, lost_reason::unreachable);
    EXPECT_THAT(got.error().text, HasSubstr("could not be kept until the routine ended"));
}

TEST_F(redlock_using, the_signal_comes_when_somebody_took_the_lock) {
    redlock locks(urls(), quick_);
    const auto got = locks.using_({"a"}, 1000ms, [&](const redlock::signal& signal) {
        for (on_server& there : seen_) there.put("a", "somebody else");
        EXPECT_TRUE(poll_until([&] { return signal.aborted(); }, 20s));
        EXPECT_EQ(signal.reason(), lost_reason::taken);
    });
    EXPECT_EQ(got.error().reason, lost_reason::taken);
    for (on_server& there : seen_) EXPECT_EQ(there.text("a"), "somebody else");
}

TEST_F(redlock_using, a_routine_that_fails_because_of_the_loss_says_so_itself) {
    redlock locks(urls(), quick_);
    const auto work = [&] {
        return locks.using_({"a"}, 1000ms, [&](const redlock::signal& signal) -> int {
            for (on_server& there : seen_) there.remove("a");
            EXPECT_TRUE(poll_until([&] { return signal.aborted(); }, 20s));
            throw std::runtime_error("stopped half way");
        });
    };
    try {
        static_cast<void>(work());
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& own) {
        EXPECT_STREQ(own.what(), "stopped half way");
    }
}

TEST_F(redlock_using, extends_at_the_latest_the_threshold_before_the_end) {
    redlock::options how;
    how.automatic_extension_threshold = 9500ms;  // Of 10 s: within the first half second.
    redlock locks(urls(), how);
    const auto got = locks.using_({"a"}, 10s, [&](const redlock::signal&) {
        const time_point begun = boot_clock::now();
        EXPECT_TRUE(poll_until([&] { return there().calls("pexpire") >= 2; }));
        return boot_clock::now() - begun;
    });
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_LT(*got, 3s) << "a third of the ttl was not waited for";
}

TEST_F(redlock_using, does_not_run_the_routine_without_the_lock) {
    redlock locks(urls(), {.retry_count = 1, .retry_delay = 1ms, .retry_jitter = 0ms});
    for (on_server& there : seen_) there.put("a", "somebody else");
    bool ran = false;
    const auto busy = locks.using_({"a"}, 10s, [&](const redlock::signal&) { return ran = true; });
    EXPECT_EQ(busy.error().code, errc::timed_out);
    EXPECT_THAT(busy.error().text, HasSubstr("Exceeded 1 attempts to lock the resource \"a\"."));
    const auto short_ttl =
        locks.using_({"b"}, 599ms, [&](const redlock::signal&) { return ran = true; });
    EXPECT_EQ(short_ttl.error().code, errc::misuse);
    EXPECT_EQ(short_ttl.error().text,
              "a ttl of 599 ms is less than 100 ms longer than the automatic_extension_threshold "
              "of 500 ms");
    EXPECT_EQ(locks.using_({""}, 10s, [&](const redlock::signal&) { ran = true; }).error().code,
              errc::misuse);
    EXPECT_FALSE(ran);
}

TEST_F(redlock_using, with_a_token_runs_a_coroutine_and_passes_its_value_and_its_exception) {
    redlock locks(urls(), quick_);
    auto count_keys = [&](redlock::signal signal) -> asio::awaitable<std::size_t> {
        EXPECT_FALSE(signal.aborted());
        // The first server may be the one that answers last.
        static_cast<void>(poll_until([&] { return there().keys() == 2; }));
        co_return there().keys();
    };
    auto counted = locks.using_({"a", "b"}, 10s, count_keys, asio::use_future);
    EXPECT_EQ(counted.get().value(), 2U);
    auto fails = [](redlock::signal) -> asio::awaitable<void> {
        throw std::runtime_error("the routine's own");
        co_return;
    };
    auto failed = locks.using_({"a"}, 10s, fails, asio::use_future);
    EXPECT_THROW(static_cast<void>(failed.get()), std::runtime_error);
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
    auto refused = locks.using_({"a"}, 1ms, count_keys, asio::use_future);
    EXPECT_EQ(refused.get().error().code, errc::misuse);
}

TEST_F(redlock_using, with_a_token_extends_and_tells_the_coroutine_of_a_loss) {
    redlock locks(urls(), quick_);
    auto wait_for_loss = [&](redlock::signal signal) -> asio::awaitable<void> {
        EXPECT_TRUE(gone_by(boot_clock::now() + 2 * ttl_));
        EXPECT_FALSE(signal.aborted());
        servers_[0].kill();
        servers_[1].kill();
        EXPECT_TRUE(poll_until([&] { return signal.aborted(); }));
        co_return;
    };
    auto done = locks.using_({"a"}, ttl_, wait_for_loss, asio::use_future);
    EXPECT_EQ(done.get().error().code, errc::lost);
}

// Why: of several resources, those that nobody took are still ours when the lock is lost.
TEST_F(redlock_using, of_several_resources_releases_the_rest_when_one_was_deleted) {
    redlock locks(urls(), quick_);
    const auto done = locks.using_({"a", "b"}, ttl_, [&](const redlock::signal& signal) {
        for (on_server& one : seen_) one.remove("a");
        EXPECT_TRUE(poll_until([&] { return signal.aborted(); }));
    });
    EXPECT_EQ(done.error().code, errc::lost);
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

}  // namespace
}  // namespace holdfast::test
