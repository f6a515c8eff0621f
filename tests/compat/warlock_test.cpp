// SPDX-License-Identifier: BSL-1.0
//
// Each method, option and property of the facade; what stands on the server is looked at by plain
// commands.
#include <holdfast/compat/warlock.hpp>

#include "compat/on_server.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

namespace holdfast::test {
namespace {

using compat::warlock;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

class warlock_facade : public testing::Test {
protected:
    redis_server server_;
    on_server there_{server_};
    warlock locks_{server_.url()};
};

// ---- what stands on the server

TEST_F(warlock_facade, a_lock_is_a_string_with_a_time_based_uuid_in_base64) {
    const auto got = locks_.lock("a", 60'001ms).value();
    ASSERT_TRUE(got);
    EXPECT_THAT(got.id, MatchesRegex("[A-Za-z0-9+/]{22}=="));
    // Digit 12 of the UUID is its version: the high half of byte 6, which is digits 8 and 9.
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    EXPECT_EQ(digits.find(got.id[8]) >> 2U, 1U);
    EXPECT_EQ(there_.type("a:lock"), "string");
    EXPECT_EQ(there_.text("a:lock"), got.id);
    EXPECT_GT(there_.left("a:lock"), 50'000ms);
    EXPECT_LE(there_.left("a:lock"), 60'001ms);
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_EQ(got.unlock().value(), 1);
    EXPECT_EQ(there_.keys(), 0);
}

TEST_F(warlock_facade, ids_differ) {
    const auto first = locks_.lock("a", 60s).value();
    const auto second = locks_.lock("b", 60s).value();
    EXPECT_NE(first.id, second.id);
}

TEST_F(warlock_facade, make_key_appends_unless_it_is_replaced) {
    EXPECT_EQ(locks_.make_key("a"), "a:lock");
    warlock::options how;
    how.make_key = [](std::string_view key) { return "mine/" + std::string(key); };
    warlock other(server_.url(), how);
    EXPECT_EQ(other.make_key("a"), "mine/a");
    const auto got = other.lock("a", 60s).value();
    EXPECT_EQ(there_.text("mine/a"), got.id);
    EXPECT_TRUE(locks_.lock("a", 60s).value()) << "another key is another lock";
    EXPECT_TRUE(other.touch("a", got.id, 90s).value());
    EXPECT_GT(there_.left("mine/a"), 80s);
    EXPECT_EQ(other.unlock("a", got.id).value(), 1);
    EXPECT_FALSE(there_.has("mine/a"));
}

// ---- lock and unlock

TEST_F(warlock_facade, a_busy_lock_is_no_error) {
    const auto held = locks_.lock("a", 60s).value();
    const auto busy = locks_.lock("a", 60s);
    ASSERT_TRUE(busy) << busy.error().message();
    EXPECT_FALSE(*busy);
    EXPECT_FALSE(busy->unlock);
    EXPECT_EQ(busy->id, "");
    EXPECT_EQ(busy->unlock().error().code, errc::misuse);
    EXPECT_EQ(there_.text("a:lock"), held.id);
}

TEST_F(warlock_facade, unlock_answers_one_or_zero) {
    const auto held = locks_.lock("a", 60s).value();
    EXPECT_EQ(locks_.unlock("a", "somebody else's").value(), 0);
    EXPECT_EQ(there_.text("a:lock"), held.id);
    EXPECT_EQ(locks_.unlock("b", held.id).value(), 0);
    EXPECT_EQ(locks_.unlock("a", held.id).value(), 1);
    EXPECT_EQ(locks_.unlock("a", held.id).value(), 0);
    EXPECT_EQ(held.unlock().value(), 0);
    EXPECT_EQ(held.unlock(asio::use_future).get().value(), 0);
}

TEST_F(warlock_facade, unlock_leaves_alone_what_somebody_else_took) {
    const auto held = locks_.lock("a", 60s).value();
    there_.put("a:lock", "somebody else");
    EXPECT_EQ(held.unlock().value(), 0);
    there_.remove("a:lock");
    there_.ask({"RPUSH", "a:lock", "1"});
    EXPECT_EQ(held.unlock().error().code, errc::wrong_type);
    EXPECT_EQ(locks_.touch("a", held.id, 60s).error().code, errc::wrong_type);
    EXPECT_EQ(there_.type("a:lock"), "list");
}

TEST_F(warlock_facade, an_unlock_function_outlives_the_facade_that_gave_it) {
    compat::warlock_unlock unlock;
    EXPECT_FALSE(unlock);
    {
        warlock passing(server_.url());
        unlock = passing.lock("a", 60s).value().unlock;
    }
    EXPECT_TRUE(unlock);
    EXPECT_TRUE(there_.has("a:lock")) << "destroying unlocks nothing";
    EXPECT_EQ(unlock().value(), 1);
}

TEST_F(warlock_facade, a_lock_runs_out) {
    const auto held = locks_.lock("a", 1s).value();
    ASSERT_TRUE(held);
    EXPECT_TRUE(poll_until([&] { return !there_.has("a:lock"); }));
    EXPECT_EQ(held.unlock().value(), 0);
    EXPECT_TRUE(locks_.lock("a", 60s).value());
}

// ---- touch

TEST_F(warlock_facade, touch_counts_milliseconds_from_now_on) {
    const auto held = locks_.lock("a", 5s).value();
    EXPECT_TRUE(locks_.touch("a", held.id, 90'007ms).value());
    EXPECT_GT(there_.left("a:lock"), 80'000ms);
    EXPECT_LE(there_.left("a:lock"), 90'007ms);
    EXPECT_TRUE(locks_.touch("a", held.id, 1'500ms).value()) << "it may be shortened";
    EXPECT_LE(there_.left("a:lock"), 1'500ms);
    EXPECT_EQ(there_.text("a:lock"), held.id);
}

TEST_F(warlock_facade, touch_with_a_wrong_id_or_of_an_ended_lock_changes_nothing) {
    const auto held = locks_.lock("a", 1s).value();
    ASSERT_TRUE(poll_until([&] { return !there_.has("a:lock"); }));
    const auto revived = locks_.touch("a", held.id, 60s);
    ASSERT_TRUE(revived) << revived.error().message();
    EXPECT_FALSE(*revived);
    EXPECT_FALSE(there_.has("a:lock"));
    const auto next = locks_.lock("a", 5s).value();
    EXPECT_FALSE(locks_.touch("a", held.id, 60s).value());
    EXPECT_LE(there_.left("a:lock"), 5s);
    EXPECT_EQ(there_.text("a:lock"), next.id);
}

// ---- optimistic

TEST_F(warlock_facade, optimistic_tries_that_often_and_that_far_apart) {
    const auto held = locks_.lock("a", 60s).value();
    for (const int attempts : {1, 2, 5}) {
        there_.reset_calls();
        const time_point before = boot_clock::now();
        const auto busy = locks_.optimistic("a", 10'000ms, attempts, 20ms);
        EXPECT_GE(boot_clock::now() - before, 20ms * (attempts - 1));
        EXPECT_EQ(there_.calls("evalsha"), attempts);
        ASSERT_FALSE(busy);
        EXPECT_EQ(busy.error().code, attempts == 1 ? errc::contended : errc::timed_out);
        EXPECT_EQ(busy.error().text, "unable to obtain lock: max attempts " +
                                         std::to_string(attempts) +
                                         ", key \"a\", ttl 10000 ms, wait 20 ms");
    }
    for (const int attempts : {0, -3}) {  // At least once, as in the original.
        there_.reset_calls();
        EXPECT_FALSE(locks_.optimistic("a", 10s, attempts, 0ms));
        EXPECT_EQ(there_.calls("evalsha"), 1);
    }
    EXPECT_EQ(there_.text("a:lock"), held.id);
}

// Why: errors end up in logs and on terminals.
TEST_F(warlock_facade, optimistic_tells_no_control_bytes_of_a_key) {
    const std::string key = "a\x1b[2J\nb";
    there_.put(key + ":lock", "somebody else");
    EXPECT_THAT(locks_.optimistic(key, 10s, 1, 1ms).error().text, HasSubstr("key \"a?[2J?b\""));
}

TEST_F(warlock_facade, optimistic_gets_the_lock_when_it_becomes_free) {
    there_.put("a:lock", "somebody else");
    there_.reset_calls();
    auto later = locks_.optimistic("a", 60s, 100'000, 1ms, asio::use_future);
    ASSERT_TRUE(poll_until([&] { return there_.calls("evalsha") + there_.calls("eval") > 5; }));
    there_.remove("a:lock");
    const auto got = later.get().value();
    ASSERT_TRUE(got);
    EXPECT_EQ(there_.text("a:lock"), got.id);
    EXPECT_EQ(got.unlock().value(), 1);
}

// ---- errors and bad input

TEST_F(warlock_facade, a_key_of_another_type_is_told_and_left_alone) {
    there_.ask({"HSET", "a:lock", "field", "1"});
    const std::string told_text = locks_.lock("a", 60s).error().message();
    EXPECT_THAT(told_text, HasSubstr("wrong_type"));
    EXPECT_THAT(told_text, HasSubstr("the key a:lock is a hash, where a lock is a string"));
    EXPECT_EQ(locks_.optimistic("a", 60s, 5, 1ms).error().code, errc::wrong_type);
    EXPECT_EQ(there_.field("a:lock", "field"), "1");
}

TEST_F(warlock_facade, bad_input_is_misuse_and_nothing_is_sent) {
    there_.reset_calls();
    const auto refused = [](const auto& answer) {
        return answer || answer.error().code != errc::misuse ? "no misuse" : answer.error().text;
    };
    EXPECT_THAT(refused(locks_.lock("", 60s)), HasSubstr("1 to 512 bytes, this one has 0"));
    EXPECT_THAT(refused(locks_.lock(std::string(513, 'x'), 60s)), HasSubstr("this one has 513"));
    EXPECT_THAT(refused(locks_.lock("a", 9ms)), HasSubstr("ttl must be from 10 ms to 24 h"));
    EXPECT_THAT(refused(locks_.lock("a", -1ms)), HasSubstr("not -1 ms"));
    EXPECT_THAT(refused(locks_.optimistic("a", 60s, 3, -1ms)), HasSubstr("wait is from 0"));
    EXPECT_THAT(refused(locks_.optimistic("a", 60s, 3, 25h)), HasSubstr("not 90000000 ms"));
    EXPECT_THAT(refused(locks_.optimistic("", 60s, 3, 1ms)), HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(refused(locks_.unlock("", "id")), HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(refused(locks_.unlock("a", "")), HasSubstr("a lock id has 1 to 256 bytes"));
    EXPECT_THAT(refused(locks_.touch("a", "", 60s)), HasSubstr("a lock id has 1 to 256 bytes"));
    EXPECT_THAT(refused(locks_.touch("a", "id", 0ms)), HasSubstr("ttl must be from 10 ms"));
    const told<warlock::answer> answer;
    locks_.lock("", 60s, answer);
    EXPECT_THAT(refused(answer.get()), HasSubstr("1 to 512 bytes, this one has 0"));
    EXPECT_EQ(there_.calls("evalsha") + there_.calls("eval"), 0);
    EXPECT_THROW(warlock("memory:"), lock_error);
    EXPECT_THROW(warlock("redis://h", {.make_key = {}, .timeout = 0ms}), lock_error);
    try {
        warlock wrong("nonsense");
    } catch (const lock_error& told_why) {
        EXPECT_EQ(told_why.why().code, errc::misuse);
        EXPECT_THAT(told_why.why().text, HasSubstr("redis"));
    }
}

// ---- completion tokens

TEST_F(warlock_facade, every_verb_takes_a_future) {
    const auto got = locks_.lock("a", 60s, asio::use_future).get().value();
    EXPECT_TRUE(locks_.touch("a", got.id, 90s, asio::use_future).get().value());
    EXPECT_FALSE(locks_.optimistic("a", 60s, 2, 1ms, asio::use_future).get());
    EXPECT_EQ(locks_.unlock("a", got.id, asio::use_future).get().value(), 1);
    const auto again = locks_.optimistic("a", 60s, 2, 1ms, asio::use_future).get().value();
    EXPECT_EQ(again.unlock(asio::use_future).get().value(), 1);
}

asio::awaitable<std::string> all_verbs(warlock& locks, std::thread::id here) {
    auto got = co_await locks.lock("a", 60s, asio::use_awaitable);
    if (!got || !*got) co_return "lock";
    if (std::this_thread::get_id() != here) co_return "lock went on elsewhere";
    const auto touched = co_await locks.touch("a", got->id, 90s, asio::use_awaitable);
    if (!touched || !*touched) co_return "touch";
    const auto gone = co_await got->unlock(asio::use_awaitable);
    if (!gone || *gone != 1) co_return "unlock function";
    got = co_await locks.optimistic("a", 60s, 2, 1ms, asio::use_awaitable);
    if (!got || !*got) co_return "optimistic";
    const auto by_id = co_await locks.unlock("a", got->id, asio::use_awaitable);
    if (!by_id || *by_id != 1) co_return "unlock";
    if (std::this_thread::get_id() != here) co_return "unlock went on elsewhere";
    const compat::warlock_unlock nothing;
    const auto refused = co_await nothing(asio::use_awaitable);
    co_return refused ? "nothing was unlocked" : "done";
}

TEST_F(warlock_facade, coroutines_of_a_users_context_go_on_in_it) {
    asio::io_context mine;
    EXPECT_EQ(run(mine, all_verbs(locks_, std::this_thread::get_id())), "done");
}

// Why: the facade's thread still touched the context after its last coroutine had ended.
TEST_F(warlock_facade, a_users_context_may_go_as_soon_as_its_coroutine_has_ended) {
    for (int i = 0; i < 100; ++i) {
        asio::io_context mine;
        ASSERT_EQ(run(mine, all_verbs(locks_, std::this_thread::get_id())), "done");
    }
}

TEST_F(warlock_facade, a_callback_may_call_blocking_verbs) {
    std::promise<int> done;
    locks_.lock("a", 60s, [&](result<warlock::answer> got) {
        const bool touched = locks_.touch("a", got->id, 90s).value();
        const bool other = static_cast<bool>(locks_.lock("b", 60s).value());
        done.set_value(touched && other ? got->unlock().value() : -1);
    });
    EXPECT_EQ(done.get_future().get(), 1);
}

// Why: who cancels is on another thread than the verb, and may come when all is over.
TEST_F(warlock_facade, a_wait_can_be_cancelled_from_the_users_thread_and_also_too_late) {
    there_.put("a:lock", "theirs");
    asio::cancellation_signal stop;
    {
        warlock locks(server_.url());
        auto waiting = locks.optimistic(
            "a", 60s, 1'000'000, 1ms, asio::bind_cancellation_slot(stop.slot(), asio::use_future));
        EXPECT_TRUE(poll_until([&] { return there_.calls("pttl") > 3; }));
        stop.emit(asio::cancellation_type::terminal);
        const auto answer = waiting.get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, errc::cancelled);
    }
    stop.emit(asio::cancellation_type::terminal);
    EXPECT_EQ(there_.text("a:lock"), "theirs");
}

}  // namespace
}  // namespace holdfast::test
