// SPDX-License-Identifier: BSL-1.0
//
// Each method, option and property of the facade; what stands on the servers is looked at by plain
// commands. `using_` has a file of its own.
#include <holdfast/compat/redlock.hpp>

#include "compat/on_server.hpp"
#include "compat/redlock_servers.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class redlock_one : public redlock_servers {
protected:
    redlock_one() : redlock_servers(1) {}
};
class redlock_three : public redlock_servers {
protected:
    redlock_three() : redlock_servers(3) {}
};

// ---- what stands on the servers

TEST_F(redlock_three, a_lock_is_a_string_under_the_resource_name_on_every_server) {
    redlock locks(urls());
    auto held = locks.lock("locks:account:322456", 60'001ms).value();
    ASSERT_TRUE(all([](on_server& s) { return s.has("locks:account:322456"); }));
    EXPECT_THAT(held.value(), MatchesRegex("[0-9a-f]{32}"));
    for (on_server& there : seen_) {
        EXPECT_EQ(there.type("locks:account:322456"), "string");
        EXPECT_EQ(there.text("locks:account:322456"), held.value());
        EXPECT_GT(there.left("locks:account:322456"), 50'000ms);
        EXPECT_LE(there.left("locks:account:322456"), 60'001ms);
        EXPECT_EQ(there.keys(), 1);  // No fencing counter, no list of waiters.
    }
    EXPECT_EQ(held.resources(), std::vector<std::string>{"locks:account:322456"});
    EXPECT_EQ(held.attempts(), 1U);
    EXPECT_TRUE(held.unlock());
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

// Why: the oldest original extends by EXPIRE with milliseconds: a thousand times too long.
TEST_F(redlock_three, extend_counts_milliseconds_from_now_on) {
    redlock locks(urls());
    auto held = locks.lock("a", 5000ms).value();
    ASSERT_TRUE(all([](on_server& s) { return s.has("a"); }));
    const time_point before = boot_clock::now();
    auto longer = held.extend(90'007ms);
    const time_point after = boot_clock::now();
    ASSERT_TRUE(longer) << longer.error().message();
    ASSERT_TRUE(all([](on_server& s) { return s.left("a") > 80'000ms; }));
    for (on_server& there : seen_) EXPECT_LE(there.left("a"), 90'007ms);
    const auto drift = 900'070us + 2ms;
    EXPECT_GE(longer->expiration(), before + 90'007ms - drift);
    EXPECT_LE(longer->expiration(), after + 90'007ms - drift);
    EXPECT_EQ(held.expiration(), longer->expiration());  // The same lock.
    EXPECT_TRUE(longer->unlock());
}

TEST_F(redlock_one, the_end_is_the_ttl_less_the_drift_counted_from_before_the_request) {
    for (const double factor : {0.0, 0.01, 0.5}) {
        redlock locks(urls(), {.drift_factor = factor});
        const time_point before = boot_clock::now();
        auto held = locks.lock("a", 10'000ms).value();
        const time_point after = boot_clock::now();
        const auto drift = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::duration<double, std::milli>(10'000 * factor)) +
                           2ms;
        EXPECT_GE(held.expiration(), before + 10'000ms - drift) << factor;
        EXPECT_LE(held.expiration(), after + 10'000ms - drift) << factor;
        EXPECT_TRUE(held.unlock());
        EXPECT_LT(held.expiration(), before) << "an unlocked lock has ended";
    }
}

// ---- several resources

TEST_F(redlock_three, several_resources_are_taken_all_or_none) {
    redlock locks(urls(), {.retry_count = 0});
    auto both = locks.lock({"x", "y"}, 10s).value();
    EXPECT_EQ(both.resources(), (std::vector<std::string>{"x", "y"}));
    ASSERT_TRUE(all([&](on_server& s) {
        return s.text("x") == both.value() && s.text("y") == both.value() && s.keys() == 2;
    }));
    EXPECT_FALSE(locks.lock("x", 10s));
    const auto overlapping = locks.lock({"w", "y"}, 10s);
    ASSERT_FALSE(overlapping);
    EXPECT_THAT(overlapping.error().text, HasSubstr("the resource \"w,y\"."));
    for (on_server& there : seen_) EXPECT_FALSE(there.has("w"));
    EXPECT_TRUE(both.extend(60s));
    ASSERT_TRUE(all([](on_server& s) { return s.left("x") > 50s && s.left("y") > 50s; }));
    EXPECT_TRUE(both.unlock());
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

TEST_F(redlock_one, several_resources_are_extended_all_or_none) {
    redlock locks(urls());
    auto both = locks.lock({"x", "y"}, 10s).value();
    there().put("y", "somebody else");
    const auto longer = both.extend(60s);
    EXPECT_EQ(longer.error().code, errc::lost);
    EXPECT_LE(there().left("x"), 10s);
    EXPECT_TRUE(both.unlock());
    EXPECT_FALSE(there().has("x"));
    EXPECT_EQ(there().text("y"), "somebody else");
}

TEST_F(redlock_one, the_same_resource_twice_is_one) {
    redlock locks(urls());
    auto held = locks.lock({"x", "x"}, 10s).value();
    EXPECT_EQ(there().keys(), 1);
    EXPECT_TRUE(held.extend(10s));
    EXPECT_TRUE(held.unlock());
    EXPECT_EQ(there().keys(), 0);
}

// ---- attempts

TEST_F(redlock_one, attempts_are_the_retries_and_one) {
    redlock rival(urls());
    auto held = rival.lock("a", 60s).value();
    for (const int retries : {0, 1, 4}) {
        redlock locks(urls(), {.retry_count = retries, .retry_delay = 20ms, .retry_jitter = 5ms});
        EXPECT_TRUE(locks.lock("b", 10s).value().unlock());  // Its first call sends more.
        there().reset_calls();
        const time_point before = boot_clock::now();
        const auto busy = locks.lock("a", 10s);
        EXPECT_GE(boot_clock::now() - before, 15ms * retries);
        ASSERT_FALSE(busy);
        EXPECT_EQ(there().calls("evalsha"), retries + 1);
        EXPECT_EQ(there().calls("eval"), 0);
        EXPECT_EQ(busy.error().code, retries == 0 ? errc::contended : errc::timed_out);
        EXPECT_THAT(busy.error().text,
                    testing::StartsWith("Exceeded " + std::to_string(retries) +
                                        " attempts to lock the resource \"a\"."));
        EXPECT_EQ(there().text("a"), held.value());
    }
}

TEST_F(redlock_one, minus_one_retries_without_end) {
    redlock locks(urls(), {.retry_count = -1, .retry_delay = 0ms, .retry_jitter = 0ms});
    there().put("a", "somebody else");
    auto later = locks.lock("a", 10s, asio::use_future);
    ASSERT_TRUE(poll_until([&] { return there().calls("evalsha") > 40; }));
    there().remove("a");
    auto held = later.get().value();
    EXPECT_GT(held.attempts(), 40U);
    EXPECT_EQ(there().text("a"), held.value());
}

TEST(redlock_options, have_the_defaults_of_the_readme) {
    const compat::redlock_options how;
    EXPECT_EQ(how.drift_factor, 0.01);
    EXPECT_EQ(how.retry_count, 3);
    EXPECT_EQ(how.retry_delay, 200ms);
    EXPECT_EQ(how.retry_jitter, 100ms);
    EXPECT_EQ(how.automatic_extension_threshold, 500ms);
    EXPECT_EQ(how.timeout, 5000ms);
}

// ---- what is not ours

TEST_F(redlock_one, a_lock_that_was_taken_over_is_neither_extended_nor_released) {
    redlock locks(urls());
    auto held = locks.lock("a", 60s).value();
    there().ask({"SET", "a", "somebody else", "PX", "5000"});
    const auto longer = held.extend(60s);
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().code, errc::lost);
    EXPECT_EQ(longer.error().reason, lost_reason::taken);
    EXPECT_THAT(longer.error().text, HasSubstr("cannot extend the lock on \"a\""));
    EXPECT_TRUE(held.unlock());
    EXPECT_EQ(there().text("a"), "somebody else");
    EXPECT_LE(there().left("a"), 5s);
}

TEST_F(redlock_one, a_lock_that_was_not_lost_first_is_released_by_its_own_value_only) {
    redlock locks(urls());
    auto held = locks.lock("a", 60s).value();
    there().put("a", "somebody else");
    EXPECT_TRUE(held.unlock());
    EXPECT_EQ(there().text("a"), "somebody else");
}

TEST_F(redlock_one, a_key_of_another_type_is_told_and_left_alone) {
    redlock locks(urls());
    there().ask({"RPUSH", "a", "1", "2"});
    const auto refused = locks.lock({"b", "a"}, 10s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_type);
    EXPECT_THAT(refused.error().text, HasSubstr("the key a is a list, where a lock is a string"));
    EXPECT_EQ(there().ask({"LLEN", "a"}).integer, 2);
    EXPECT_FALSE(there().has("b"));
}

TEST_F(redlock_three, a_key_of_another_type_on_one_server_is_one_vote_less) {
    redlock locks(urls());
    seen_.front().ask({"RPUSH", "a", "1"});
    auto held = locks.lock("a", 10s);
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->extend(10s));
    EXPECT_TRUE(held->unlock());
    EXPECT_EQ(seen_.front().type("a"), "list");
}

// Why: who looks for a server that does not answer looks in the wrong place.
TEST_F(redlock_three, a_server_that_refuses_is_not_said_not_to_answer) {
    redlock locks(urls(), {.retry_count = 0});
    seen_[0].ask({"RPUSH", "a", "1"});
    seen_[1].ask({"REPLICAOF", "127.0.0.1", "1"});
    const auto refused = locks.lock("a", 10s);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text,
                HasSubstr("0 have it for somebody else, 0 did not answer to it, 2 refused it"));
    EXPECT_THAT(refused.error().text, HasSubstr("READONLY"));
    EXPECT_THAT(refused.error().text, HasSubstr("is a list"));
}

TEST_F(redlock_three, errors_tell_no_control_bytes_of_a_resource) {
    redlock locks(urls(), {.retry_count = 0});
    const std::string name = "a\x1b[2J\nb";
    auto held = locks.lock(name, 10s).value();
    const std::string text = "\"a?[2J?b\"";
    EXPECT_THAT(locks.lock(name, 10s).error().text, HasSubstr(text));
    for (on_server& there : seen_) there.remove(name);
    EXPECT_THAT(held.extend(10s).error().text, HasSubstr(text));
}

// ---- unlocking

TEST_F(redlock_three, copies_mean_the_same_lock_and_unlocking_twice_is_no_error) {
    redlock locks(urls());
    auto held = locks.lock("a", 60s).value();
    auto copy = held;
    EXPECT_TRUE(copy.unlock());
    EXPECT_TRUE(held.unlock());
    EXPECT_TRUE(locks.unlock(held));
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
    EXPECT_FALSE(held.extend(60s));
    for (on_server& there : seen_) EXPECT_EQ(there.keys(), 0);
}

TEST_F(redlock_one, an_unlock_that_failed_may_be_repeated) {
    redlock locks(urls(), {.timeout = 200ms});
    auto held = locks.lock("a", 60s).value();
    servers_[0].signal(SIGSTOP);
    EXPECT_FALSE(held.unlock());
    EXPECT_FALSE(held.unlock());
    servers_[0].signal(SIGCONT);
    EXPECT_TRUE(poll_until([&] { return held.unlock().has_value(); }));
    EXPECT_FALSE(there().has("a"));
}

TEST_F(redlock_one, a_lock_that_goes_out_of_scope_runs_out_by_itself) {
    redlock locks(urls());
    { auto held = locks.lock("a", 1s).value(); }
    EXPECT_TRUE(there().has("a"));
    EXPECT_TRUE(poll_until([&] { return !there().has("a"); }));
}

TEST(redlock_lock, without_a_lock_answers_misuse_to_everybody) {
    redlock::held_lock none;
    EXPECT_TRUE(none.resources().empty());
    EXPECT_TRUE(none.value().empty());
    EXPECT_EQ(none.attempts(), 0U);
    EXPECT_EQ(none.expiration(), time_point{});
    EXPECT_EQ(none.unlock().error().code, errc::misuse);
    EXPECT_EQ(none.extend(10s).error().code, errc::misuse);
    const told<void> unlocked;
    none.unlock(unlocked);
    EXPECT_THAT(unlocked.get().error().text, HasSubstr("there is no lock here"));
    const told<redlock::held_lock> longer;
    none.extend(10s, longer);
    EXPECT_EQ(longer.get().error().code, errc::misuse);
}

// ---- bad input

std::string refusal(const std::vector<std::string>& urls, const redlock::options& how = {}) {
    try {
        redlock locks(urls, how);
    } catch (const lock_error& wrong) {
        return wrong.why().code == errc::misuse ? wrong.why().text : "not misuse";
    }
    return "none";
}

TEST(redlock_construction, names_the_rule_that_is_broken) {
    const std::vector<std::string> one{"redis://localhost"};
    EXPECT_EQ(refusal(one), "none");
    EXPECT_EQ(refusal({}), "redlock needs at least one Redis server");
    EXPECT_THAT(refusal({"redis://localhost", "sqlite:x.db"}), HasSubstr("redis"));
    EXPECT_THAT(refusal({"redis://localhost", ""}), HasSubstr("redis"));
    EXPECT_EQ(refusal(one, {.retry_count = -2}), "retry_count is -1 or more, not -2");
    EXPECT_EQ(refusal(one, {.retry_delay = -1ms}), "retry_delay is from 0 to 24 h, not -1 ms");
    EXPECT_EQ(refusal(one, {.retry_jitter = 25h}),
              "retry_jitter is from 0 to 24 h, not 90000000 ms");
    EXPECT_EQ(refusal(one, {.automatic_extension_threshold = -5ms}),
              "automatic_extension_threshold is from 0 to 24 h, not -5 ms");
    EXPECT_THAT(refusal(one, {.drift_factor = 0.6}), HasSubstr("drift_factor must be from 0"));
    EXPECT_THAT(refusal(one, {.drift_factor = -0.1}), HasSubstr("drift_factor must be from 0"));
    EXPECT_THAT(refusal(one, {.timeout = 0ms}), HasSubstr("timeout must be from 1 ms to 1 h"));
}

TEST_F(redlock_one, bad_input_is_misuse_and_nothing_is_sent) {
    redlock locks(urls());
    there().reset_calls();
    const auto text = [&](std::vector<std::string> resources, milliseconds ttl) {
        const told<redlock::held_lock> answer;
        locks.lock(resources, ttl, answer);
        const auto later = answer.get();
        const auto now = locks.lock(resources, ttl);
        EXPECT_EQ(now.error().code, errc::misuse);
        EXPECT_EQ(now.error().text, later.error().text);
        return now.error().text;
    };
    EXPECT_THAT(text({}, 10s), HasSubstr("a lock has 1 to 64 resources, not 0"));
    EXPECT_THAT(text(std::vector<std::string>(65, "a"), 10s), HasSubstr("not 65"));
    EXPECT_THAT(text({"a", ""}, 10s), HasSubstr("1 to 512 bytes, this one has 0"));
    EXPECT_THAT(text({std::string(513, 'x')}, 10s), HasSubstr("this one has 513"));
    EXPECT_THAT(text({std::string("a\0b", 3)}, 10s), HasSubstr("no NUL byte"));
    EXPECT_THAT(text({"a"}, 9ms), HasSubstr("ttl must be from 10 ms to 24 h, not 9 ms"));
    EXPECT_THAT(text({"a"}, 25h), HasSubstr("ttl must be from 10 ms to 24 h"));
    EXPECT_EQ(there().calls("evalsha") + there().calls("eval"), 0);
    auto held = locks.lock(std::vector<std::string>{std::string(512, 'x')}, 10s).value();
    EXPECT_THAT(held.extend(-1ms).error().text, HasSubstr("not -1 ms"));
    EXPECT_EQ(held.extend(0ms).error().code, errc::misuse);
    EXPECT_TRUE(held.extend(10s)) << "a misuse leaves the lock as it was";
    EXPECT_TRUE(held.unlock());
}

// ---- completion tokens

TEST_F(redlock_three, every_verb_takes_a_future) {
    redlock locks(urls());
    auto held = locks.lock("a", 60s, asio::use_future).get().value();
    EXPECT_TRUE(held.extend(60s, asio::use_future).get());
    EXPECT_TRUE(locks.extend(held, 60s, asio::use_future).get());
    EXPECT_TRUE(held.unlock(asio::use_future).get());
    held = locks.lock({"x", "y"}, 60s, asio::use_future).get().value();
    EXPECT_TRUE(locks.unlock(held, asio::use_future).get());
}

asio::awaitable<std::string> lock_extend_unlock(redlock& locks, std::thread::id here) {
    auto held = co_await locks.lock("a", 60s, asio::use_awaitable);
    if (!held) co_return held.error().message();
    if (std::this_thread::get_id() != here) co_return "lock went on elsewhere";
    auto longer = co_await held->extend(60s, asio::use_awaitable);
    if (!longer) co_return longer.error().message();
    auto gone = co_await longer->unlock(asio::use_awaitable);
    if (!gone) co_return gone.error().message();
    if (std::this_thread::get_id() != here) co_return "unlock went on elsewhere";
    co_return "done";
}

TEST_F(redlock_three, coroutines_of_a_users_context_go_on_in_it) {
    redlock locks(urls());
    asio::io_context mine;
    EXPECT_EQ(run(mine, lock_extend_unlock(locks, std::this_thread::get_id())), "done");
}

TEST_F(redlock_three, a_callback_may_call_blocking_verbs) {
    redlock locks(urls());
    std::promise<std::string> done;
    locks.lock("a", 60s, [&](result<redlock::held_lock> held) {
        if (!held) return done.set_value(held.error().message());
        auto other = locks.lock("b", 60s);
        const bool fine = held->extend(60s) && other && other->unlock() && held->unlock();
        done.set_value(fine ? "done" : "a blocking verb failed");
    });
    EXPECT_EQ(done.get_future().get(), "done");
    EXPECT_TRUE(all([](on_server& s) { return s.keys() == 0; }));
}

// Why: the last owner of everything may be the callback that is running.
TEST_F(redlock_one, a_facade_may_go_while_callbacks_are_on_their_way) {
    std::vector<told<redlock::held_lock>> answers(20);
    {
        redlock locks(urls());
        for (int i = 0; i < 20; ++i)
            locks.lock("job " + std::to_string(i), 60s, answers[static_cast<std::size_t>(i)]);
    }
    for (auto& answer : answers) EXPECT_TRUE(answer.get());
    EXPECT_EQ(there().keys(), 20);
}

TEST_F(redlock_one, a_cancelled_lock_leaves_nothing) {
    redlock locks(urls(), {.retry_count = -1, .retry_delay = 1ms, .retry_jitter = 0ms});
    there().put("a", "somebody else");
    asio::io_context mine;
    asio::cancellation_signal stop;
    const told<redlock::held_lock> answer;
    locks.lock("a", 10s, asio::bind_cancellation_slot(stop.slot(), answer));
    ASSERT_TRUE(poll_until([&] { return there().calls("evalsha") > 3; }));
    stop.emit(asio::cancellation_type::terminal);
    EXPECT_EQ(answer.get().error().code, errc::cancelled);
    EXPECT_EQ(there().text("a"), "somebody else");
}

}  // namespace
}  // namespace holdfast::test
