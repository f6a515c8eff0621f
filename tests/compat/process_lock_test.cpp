// SPDX-License-Identifier: BSL-1.0
//
// Each method, default and property of the facade; what stands on the server is looked at by plain
// commands.
#include <holdfast/compat/process_lock.hpp>

#include "compat/on_server.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using compat::process_lock;
using compat::process_lock_state;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

class process_lock_facade : public testing::Test {
protected:
    redis_server server_;
    on_server there_{server_};
    process_lock mine_{"job", 60s, server_.url()};
    process_lock other_{"job", 60s, server_.url()};
};

// ---- what stands on the server

TEST_F(process_lock_facade, a_lock_is_a_string_under_the_name_with_a_random_uuid) {
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_EQ(there_.type("job"), "string");
    EXPECT_THAT(there_.text("job"),
                MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                             "[0-9a-f]{12}"));
    EXPECT_GT(there_.left("job"), 50s);
    EXPECT_LE(there_.left("job"), 60s);
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_EQ(mine_.clear().value(), true);
    EXPECT_EQ(there_.keys(), 0);
}

TEST_F(process_lock_facade, the_timeout_is_ten_seconds_unless_given) {
    ::setenv("REDIS_URL", server_.url().c_str(), 1);
    process_lock lock("default");
    ::unsetenv("REDIS_URL");
    EXPECT_TRUE(lock.lock().value()) << "REDIS_URL is read at construction only";
    EXPECT_GT(there_.left("default"), 5s);
    EXPECT_LE(there_.left("default"), 10s);
}

TEST_F(process_lock_facade, a_url_that_is_given_comes_before_the_environments) {
    ::setenv("REDIS_URL", "redis+unix:///nowhere/at/all", 1);
    process_lock lock("job", 60s, server_.url());
    EXPECT_TRUE(lock.lock().value());
    process_lock lost("job");
    EXPECT_EQ(lost.lock().error().code, errc::unreachable);
    ::unsetenv("REDIS_URL");
}

// ---- lock

TEST_F(process_lock_facade, the_owner_stays_the_owner_and_its_lock_is_not_prolonged) {
    EXPECT_TRUE(mine_.lock().value());
    const std::string id = there_.text("job");
    there_.ask({"PEXPIRE", "job", "20000"});
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_LE(there_.left("job"), 20s);
    EXPECT_EQ(there_.text("job"), id);
    EXPECT_FALSE(other_.lock().value());
}

// Why: the original answers from memory, and then two processes run at a time.
TEST_F(process_lock_facade, is_no_owner_once_somebody_took_over) {
    EXPECT_TRUE(mine_.lock().value());
    there_.put("job", "somebody else");
    EXPECT_FALSE(mine_.lock().value());
    EXPECT_FALSE(mine_.update().value());
    EXPECT_EQ(mine_.clear().value(), false);
    EXPECT_EQ(there_.text("job"), "somebody else");
    EXPECT_LT(there_.left("job"), 0s) << "its expiry, which is none, was left alone";
    there_.remove("job");
    EXPECT_FALSE(mine_.update().value());
    EXPECT_TRUE(mine_.lock().value());
}

TEST_F(process_lock_facade, takes_it_anew_after_it_ran_out) {
    EXPECT_TRUE(mine_.lock().value());
    const std::string id = there_.text("job");
    there_.remove("job");
    EXPECT_FALSE(mine_.update().value());
    EXPECT_FALSE(there_.has("job")) << "an update brings nothing back";
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_NE(there_.text("job"), id);
    EXPECT_TRUE(mine_.update().value());
}

TEST_F(process_lock_facade, its_time_is_counted_in_seconds_and_really_ends) {
    process_lock brief("brief", 1s, server_.url());
    const time_point before = boot_clock::now();
    EXPECT_TRUE(brief.lock().value());
    EXPECT_LE(there_.left("brief"), 1000ms);
    EXPECT_TRUE(poll_until([&] { return !there_.has("brief"); }));
    EXPECT_GE(boot_clock::now() - before, 900ms);
    EXPECT_FALSE(brief.update().value());
    EXPECT_EQ(brief.clear().value(), std::nullopt);
}

// ---- update, clear, state

TEST_F(process_lock_facade, update_counts_the_timeout_from_now_on) {
    EXPECT_FALSE(mine_.update().value()) << "nothing was locked yet";
    EXPECT_TRUE(mine_.lock().value());
    there_.ask({"PEXPIRE", "job", "5000"});
    EXPECT_TRUE(mine_.update().value());
    EXPECT_GT(there_.left("job"), 50s);
    EXPECT_LE(there_.left("job"), 60s);
    EXPECT_FALSE(other_.update().value());
}

TEST_F(process_lock_facade, clear_has_three_answers) {
    EXPECT_EQ(mine_.clear().value(), std::nullopt);
    EXPECT_EQ(mine_.clear(true).value(), std::nullopt);
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_EQ(other_.clear().value(), false);
    EXPECT_TRUE(there_.has("job"));
    EXPECT_EQ(mine_.clear().value(), true);
    EXPECT_EQ(mine_.clear().value(), std::nullopt);
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_EQ(other_.clear(true).value(), true);
    EXPECT_FALSE(there_.has("job"));
    EXPECT_FALSE(mine_.update().value());
    EXPECT_EQ(mine_.clear().value(), std::nullopt);
}

TEST_F(process_lock_facade, the_state_is_about_anybody) {
    EXPECT_EQ(other_.state().value(), process_lock_state::open);
    EXPECT_TRUE(mine_.lock().value());
    EXPECT_EQ(other_.state().value(), process_lock_state::locked);
    EXPECT_EQ(to_string(process_lock_state::open), "open");
    EXPECT_EQ(to_string(process_lock_state::locked), "locked");
}

TEST_F(process_lock_facade, threads_of_one_process_lock_are_one_owner) {
    std::vector<std::future<result<bool>>> answers;
    for (int i = 0; i < 20; ++i) answers.push_back(mine_.lock(asio::use_future));
    for (auto& answer : answers) EXPECT_TRUE(answer.get().value());
    EXPECT_FALSE(other_.lock().value());
    EXPECT_TRUE(mine_.update().value());
}

// Why: who came between a release that found nothing and the look at the holder was taken for
// somebody else, and so was who had got the lock between a refusal and its end.
TEST_F(process_lock_facade, threads_of_one_process_lock_are_never_somebody_else_to_each_other) {
    std::atomic<int> strangers{0};
    std::atomic<int> refusals{0};
    std::vector<std::future<void>> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(std::async(std::launch::async, [&] {
            for (int turn = 0; turn < 200; ++turn) {
                if (!mine_.lock().value()) ++refusals;
                static_cast<void>(mine_.update().value());
                if (mine_.clear().value() == false) ++strangers;
            }
        }));
    for (auto& one : all) one.get();
    EXPECT_EQ(refusals, 0);
    EXPECT_EQ(strangers, 0);
    static_cast<void>(mine_.clear());
    EXPECT_EQ(there_.keys(), 0);
}

// ---- errors and bad input

TEST_F(process_lock_facade, a_key_of_another_type_is_told_and_left_alone) {
    const std::string text = "the key job is a hash, where a lock is a string";
    there_.ask({"HSET", "job", "field", "1"});
    EXPECT_EQ(mine_.lock().error().code, errc::wrong_type);
    EXPECT_THAT(mine_.lock().error().text, HasSubstr(text));
    EXPECT_THAT(mine_.state().error().text, HasSubstr(text));
    EXPECT_THAT(mine_.clear().error().text, HasSubstr(text));
    EXPECT_THAT(mine_.clear(true).error().text, HasSubstr(text));
    EXPECT_EQ(there_.field("job", "field"), "1");
}

std::string refusal(const std::string& name, std::chrono::seconds timeout, const std::string& url) {
    try {
        process_lock lock(name, timeout, url);
    } catch (const lock_error& wrong) {
        return wrong.why().code == errc::misuse ? wrong.why().text : "not misuse";
    }
    return "none";
}

TEST(process_lock_construction, names_the_rule_that_is_broken) {
    ::unsetenv("REDIS_URL");
    EXPECT_EQ(refusal("job", 10s, "redis://h"), "none");
    EXPECT_EQ(refusal("job", 10s, ""),
              "process_lock needs a url, or the environment variable REDIS_URL");
    ::setenv("REDIS_URL", "", 1);
    EXPECT_THAT(refusal("job", 10s, ""), HasSubstr("REDIS_URL"));
    ::setenv("REDIS_URL", "http://h", 1);
    EXPECT_THAT(refusal("job", 10s, ""), HasSubstr("redis"));
    ::unsetenv("REDIS_URL");
    EXPECT_EQ(refusal("", 10s, "redis://h"), "a lock name has 1 to 512 bytes, this one has 0");
    EXPECT_THAT(refusal(std::string(513, 'x'), 10s, "redis://h"), HasSubstr("this one has 513"));
    EXPECT_EQ(refusal("job", 0s, "redis://h"), "timeout is from 1 s to 24 h, not 0 s");
    EXPECT_EQ(refusal("job", -1s, "redis://h"), "timeout is from 1 s to 24 h, not -1 s");
    EXPECT_EQ(refusal("job", 25h, "redis://h"), "timeout is from 1 s to 24 h, not 90000 s");
    EXPECT_THAT(refusal("job", 10s, "memory:"), HasSubstr("redis"));
}

// Why: the page says of these, which Node's redis takes, how they are written here.
TEST(process_lock_construction, takes_no_form_of_url_that_is_nodes_alone) {
    for (const char* const url :
         {"redis://h?password=canary", "rediss://h?password=canary", "redis://h?db=1",
          "redis://h?family=IPv6", "//h", "/tmp/socket", "redis://:6379", "redis:///1"}) {
        EXPECT_THAT(refusal("job", 10s, url), testing::Not(AnyOf("none", "not misuse"))) << url;
        EXPECT_THAT(refusal("job", 10s, url), testing::Not(HasSubstr("canary"))) << url;
    }
    for (const char* const url : {"redis://:canary@h", "redis://h/1", "redis+unix:///tmp/socket"})
        EXPECT_EQ(refusal("job", 10s, url), "none");
}

// ---- completion tokens

TEST_F(process_lock_facade, every_verb_takes_a_future) {
    EXPECT_TRUE(mine_.lock(asio::use_future).get().value());
    EXPECT_TRUE(mine_.update(asio::use_future).get().value());
    EXPECT_EQ(mine_.state(asio::use_future).get().value(), process_lock_state::locked);
    EXPECT_EQ(other_.clear(asio::use_future).get().value(), false);
    EXPECT_EQ(other_.clear(true, asio::use_future).get().value(), true);
}

asio::awaitable<std::string> all_verbs(process_lock& lock, std::thread::id here) {
    const auto locked = co_await lock.lock(asio::use_awaitable);
    if (!locked || !*locked) co_return "lock";
    if (std::this_thread::get_id() != here) co_return "lock went on elsewhere";
    const auto renewed = co_await lock.update(asio::use_awaitable);
    if (!renewed || !*renewed) co_return "update";
    const auto state = co_await lock.state(asio::use_awaitable);
    if (!state || *state != process_lock_state::locked) co_return "state";
    const auto cleared = co_await lock.clear(asio::use_awaitable);
    if (!cleared || *cleared != true) co_return "clear";
    const auto again = co_await lock.clear(true, asio::use_awaitable);
    if (!again || *again) co_return "clear by force";
    co_return std::this_thread::get_id() == here ? "done" : "ended elsewhere";
}

TEST_F(process_lock_facade, coroutines_of_a_users_context_go_on_in_it) {
    asio::io_context mine;
    EXPECT_EQ(run(mine, all_verbs(mine_, std::this_thread::get_id())), "done");
}

TEST_F(process_lock_facade, a_callback_may_call_blocking_verbs) {
    std::promise<bool> done;
    mine_.lock([&](result<bool> owner) {
        const bool renewed = mine_.update().value();
        const bool refused = other_.lock().value();
        done.set_value(*owner && renewed && !refused && mine_.clear().value() == true);
    });
    EXPECT_TRUE(done.get_future().get());
}

}  // namespace
}  // namespace holdfast::test
