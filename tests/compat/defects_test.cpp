// SPDX-License-Identifier: BSL-1.0
//
// What the originals do wrong with a majority of servers, and ours does not: each test names the
// defect, the first comment who has it.
#include "compat/redlock_servers.hpp"
#include "compat/relayed_server.hpp"

#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <thread>

namespace holdfast::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class redlock_defects : public redlock_servers {
protected:
    redlock_defects() : redlock_servers(3) {}
    static redlock::options at_once(std::int64_t retries = 0) {
        return {.retry_count = retries, .retry_delay = 1ms, .retry_jitter = 0ms};
    }
};

class redlock_of_two : public redlock_servers {
protected:
    redlock_of_two() : redlock_servers(2) {}
};

// redlock 0.2: EXPIRE of a key that has gone and was set again by the same script.
TEST_F(redlock_defects, an_extend_revives_nothing) {
    redlock locks(urls());
    auto held = locks.lock("a", 10s).value();
    ASSERT_TRUE(all([](on_server& s) { return s.has("a"); }));
    for (on_server& there : seen_) there.remove("a");
    const auto longer = held.extend(60s);
    EXPECT_EQ(longer.error().code, errc::lost);
    EXPECT_EQ(longer.error().reason, lost_reason::deleted);
    EXPECT_FALSE(held.extend(60s)) << "lost is final";
    for (on_server& there : seen_) EXPECT_EQ(there.keys(), 0);

    auto brief = locks.lock("b", 1s).value();
    ASSERT_TRUE(all([](on_server& s) { return !s.has("b"); }));
    EXPECT_EQ(brief.extend(60s).error().code, errc::lost);
    for (on_server& there : seen_) EXPECT_EQ(there.keys(), 0);
    EXPECT_TRUE(brief.unlock()) << "unlocking what has ended is no error";
}

// redlock 5: it settles only when a majority says yes or no, which one to one never is.
TEST_F(redlock_of_two, an_even_split_ends) {
    redlock locks(urls(), {.retry_count = 2, .retry_delay = 1ms, .retry_jitter = 0ms});
    seen_[0].put("a", "somebody else");
    auto split = locks.lock("a", 10s, asio::use_future);
    ASSERT_EQ(split.wait_for(30s), std::future_status::ready);
    const auto refused = split.get();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("Exceeded 2 attempts"));
    EXPECT_FALSE(seen_[1].has("a")) << "what was granted in part is given back";
    seen_[1].put("a", "a third one");
    EXPECT_FALSE(locks.lock("a", 10s));
    seen_[0].remove("a");
    seen_[1].remove("a");
    EXPECT_TRUE(locks.lock("a", 10s));
}

// The same between two of ours that ask at the same time, again and again.
TEST_F(redlock_of_two, rivals_that_split_the_votes_go_on_until_both_have_had_it) {
    std::atomic<int> holders{0};
    std::atomic<int> most{0};
    const auto take = [&](int times) {
        redlock locks(urls(), {.retry_count = -1, .retry_delay = 2ms, .retry_jitter = 2ms});
        for (int i = 0; i < times; ++i) {
            auto held = locks.lock("a", 30s).value();
            most = std::max(most.load(), ++holders);
            --holders;
            EXPECT_TRUE(held.unlock());
        }
    };
    auto rival = std::async(std::launch::async, take, 25);
    take(25);
    ASSERT_EQ(rival.wait_for(30s), std::future_status::ready);
    rival.get();
    EXPECT_EQ(most, 1);
}

// redlock 5: no release between the attempts, so the next one finds the keys of the last.
TEST_F(redlock_defects, a_retry_is_not_blocked_by_keys_of_the_attempt_before) {
    redlock locks(urls(), at_once(-1));
    seen_[1].put("a", "somebody else");
    seen_[2].put("a", "somebody else");
    auto later = locks.lock("a", 60s, asio::use_future);
    ASSERT_TRUE(poll_until([&] { return seen_[1].calls("evalsha") > 10; }));
    seen_[1].remove("a");
    ASSERT_EQ(later.wait_for(30s), std::future_status::ready);
    auto held = later.get().value();
    EXPECT_GT(held.attempts(), 5U);
    EXPECT_EQ(seen_[0].text("a"), held.value());
    EXPECT_EQ(seen_[1].text("a"), held.value());
    EXPECT_EQ(seen_[2].text("a"), "somebody else");
}

// redlock 5, and every original when a release is not waited for.
TEST_F(redlock_defects, a_failed_majority_leaves_no_key_behind) {
    redlock locks(urls(), at_once());
    seen_[1].put("a", "somebody else");
    seen_[2].put("a", "somebody else");
    for (int i = 0; i < 20; ++i) {
        const auto refused = locks.lock("a", 60s);
        EXPECT_EQ(refused.error().code, errc::contended);
        EXPECT_TRUE(all([](on_server& s) { return s.text("a").empty() || s.text("a")[0] == 's'; }));
    }
    EXPECT_FALSE(seen_[0].has("a"));
    EXPECT_EQ(seen_[1].text("a"), "somebody else");
}

TEST_F(redlock_defects, a_majority_that_is_down_leaves_no_key_behind) {
    redlock locks(urls(), at_once(1));
    servers_[1].kill();
    servers_[2].kill();
    const auto refused = locks.lock("a", 60s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::no_quorum);
    EXPECT_THAT(refused.error().text, HasSubstr("Exceeded 1 attempts to lock the resource"));
    EXPECT_EQ(refused.error().nodes.size(), 2U) << "who did not answer is named";
    // The votes may be lost before the third server answers; its grant is given back when it does.
    EXPECT_TRUE(poll_until([&] { return seen_[0].keys() == 0; }));
}

// redlock 4: a failed extend unlocks the healthy servers too.
TEST_F(redlock_defects, a_failed_extend_does_not_destroy_the_lock_on_healthy_servers) {
    redlock::options how;
    how.timeout = 300ms;
    redlock locks(urls(), how);
    auto held = locks.lock("a", 30s).value();
    ASSERT_TRUE(all([](on_server& s) { return s.has("a"); }));
    const time_point end = held.expiration();
    servers_[1].signal(SIGSTOP);
    servers_[2].signal(SIGSTOP);
    const auto longer = held.extend(60s);
    EXPECT_THAT(longer.error().code, AnyOf(errc::no_quorum, errc::in_doubt));
    EXPECT_EQ(held.expiration(), end) << "it is held as before";
    EXPECT_EQ(seen_[0].text("a"), held.value());
    servers_[1].signal(SIGCONT);
    servers_[2].signal(SIGCONT);
    ASSERT_TRUE(poll_until([&] { return held.extend(60s).has_value(); }));
    EXPECT_GT(held.expiration(), end);
    EXPECT_TRUE(all([](on_server& s) { return s.left("a") > 30s; }));
    EXPECT_TRUE(held.unlock());
}

TEST_F(redlock_defects, one_server_that_forgot_the_lock_does_not_end_it) {
    redlock locks(urls());
    auto held = locks.lock("a", 30s).value();
    ASSERT_TRUE(all([](on_server& s) { return s.has("a"); }));
    seen_[1].remove("a");
    EXPECT_TRUE(held.extend(60s));
    EXPECT_FALSE(seen_[1].has("a"));
    EXPECT_TRUE(held.unlock());
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

// The originals: an error of a release that did not happen is swallowed, or waited for.
TEST_F(redlock_defects, an_unlock_that_too_few_servers_confirm_is_an_error) {
    redlock::options how;
    how.timeout = 300ms;
    redlock locks(urls(), how);
    auto held = locks.lock("a", 60s).value();
    servers_[1].kill();
    servers_[2].kill();
    const auto unlocked = held.unlock();
    ASSERT_FALSE(unlocked);
    EXPECT_THAT(unlocked.error().code, AnyOf(errc::no_quorum, errc::in_doubt));
    EXPECT_FALSE(seen_[0].has("a"));
    EXPECT_LT(held.expiration(), boot_clock::now()) << "it counts as ended all the same";
}

// redlock 5: counts the time from before the first of all attempts.
TEST_F(redlock_defects, the_time_counts_from_the_attempt_that_got_it) {
    redlock locks(urls(), at_once(-1));
    for (on_server& there : seen_) there.ask({"SET", "a", "somebody else", "PX", "700"});
    const auto held = locks.lock("a", 400ms).value();
    EXPECT_GT(held.attempts(), 1U);
    EXPECT_GT(held.expiration(), boot_clock::now() + 100ms);
}

// ---- one server of three that is of no use

// redlock 4 waits for all answers: a frozen server stops it until it thaws. Here one call that
// waited for it would take the timeout, 5 s; each config's calls together may take 3 s more than
// those with three healthy servers.
constexpr int calls_timed = 20;

std::chrono::nanoseconds time_of(redlock& locks) {
    const time_point before = boot_clock::now();
    for (int i = 0; i < calls_timed; ++i) {
        auto held = locks.lock("a", 60s);
        EXPECT_TRUE(held) << held.error().message();
        if (!held) break;
        EXPECT_EQ(held->attempts(), 1U);
        EXPECT_TRUE(held->extend(60s));
        EXPECT_TRUE(held->unlock());
    }
    return boot_clock::now() - before;
}

TEST_F(redlock_defects, a_dead_or_frozen_server_of_three_changes_nothing) {
    redlock locks(urls(), at_once());
    const auto healthy = time_of(locks);
    servers_[0].signal(SIGSTOP);
    EXPECT_LT(time_of(locks), healthy + 3s) << "frozen";
    servers_[0].signal(SIGCONT);
    EXPECT_LT(time_of(locks), healthy + 3s) << "thawed";
    servers_[0].kill();
    EXPECT_LT(time_of(locks), healthy + 3s) << "dead";
    redlock fresh(urls(), at_once());
    EXPECT_LT(time_of(fresh), healthy + 3s) << "dead from the start";
    EXPECT_TRUE(poll_until([&] { return seen_[1].keys() + seen_[2].keys() == 0; }));
}

TEST_F(redlock_of_two, a_slow_third_server_changes_nothing_and_ends_up_clean) {
    std::promise<void> gate;
    const std::shared_future<void> open = gate.get_future().share();
    relayed_server slow([&](const command_words&) { open.wait(); });  // Holds back every answer.
    auto all_urls = urls();
    redlock healthy(all_urls);
    const auto two_alone = time_of(healthy);
    all_urls.insert(all_urls.begin(), slow.url());
    {
        redlock locks(all_urls, {.retry_count = 0});
        EXPECT_LT(time_of(locks), two_alone + 3s);
        gate.set_value();
        auto held = locks.lock("b", 60s).value();
        EXPECT_TRUE(held.unlock());
        on_server there(slow.server());
        EXPECT_TRUE(poll_until([&] { return there.keys() == 0; }));
    }
}

// ---- a lock that has ended when it is handed out

// redlock 5: validity is never looked at. How: the answer comes when the key has run out.
TEST(redlock_validity, a_lock_that_has_ended_is_not_handed_out) {
    std::atomic<bool> slow{true};
    relayed_server* self = nullptr;
    relayed_server server([&](const command_words& asked) {
        if (!slow || !asked.front().starts_with("EVAL") || asked.back() != "86400") return;
        on_server there(self->server());
        EXPECT_TRUE(poll_until([&] { return !there.has("a"); }));
    });
    self = &server;
    server.load_scripts();
    {
        redlock once({server.url()}, {.retry_count = 0});
        const auto late = once.lock("a", 100ms);
        ASSERT_FALSE(late);
        EXPECT_THAT(late.error().text, HasSubstr("too late to be of use"));
    }
    const std::vector<std::string> one{server.url()};
    redlock again(one, {.retry_count = -1, .retry_delay = 1ms, .retry_jitter = 0ms});
    auto later = again.lock("a", 1s, asio::use_future);
    ASSERT_EQ(later.wait_for(1500ms), std::future_status::timeout);
    slow = false;
    const auto held = later.get().value();
    EXPECT_GT(held.attempts(), 1U);
    EXPECT_GT(held.expiration(), boot_clock::now());
}

}  // namespace
}  // namespace holdfast::test
