// SPDX-License-Identifier: BSL-1.0
//
// Each method, option and property of the facade, on both wires; what stands on the server is
// looked at by plain commands.
#include <holdfast/compat/dist_lock.hpp>

#include "compat/on_server.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <thread>

namespace holdfast::test {
namespace {

using compat::dist_lock;
using compat::dist_lock_wire;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;
using found_lock = std::optional<dist_lock::lock>;

class dist_lock_facade : public testing::Test {
protected:
    [[nodiscard]] static dist_lock::options with(dist_lock_wire wire, std::int64_t retries = -1,
                                                 milliseconds delay = 1ms) {
        return {.retry_delay = delay, .max_retries = retries, .wire = wire};
    }
    [[nodiscard]] dist_lock::lock take(dist_lock& locks, const std::string& name) {
        return locks.acquire(name, "me").value().value();
    }
    redis_server server_;
    on_server there_{server_};
    dist_lock locks_{server_.url()};
    dist_lock old_{server_.url(), with(dist_lock_wire::one)};
};

class dist_lock_both : public dist_lock_facade, public testing::WithParamInterface<dist_lock_wire> {
protected:
    [[nodiscard]] std::string id_on_server(const std::string& key) {
        return GetParam() == dist_lock_wire::two ? there_.field(key, "id") : there_.text(key);
    }
    void take_over(const std::string& key, const std::string& id = "cother") {
        there_.remove(key);
        if (GetParam() == dist_lock_wire::two)
            there_.ask({"HSET", key, "id", id, "owner", ""});
        else
            there_.put(key, id);
        there_.ask({"PEXPIRE", key, "5000"});
    }
    dist_lock mine_{server_.url(), with(GetParam())};
};

// ---- what stands on the server

TEST_F(dist_lock_facade, wire_two_is_a_hash_with_id_and_owner) {
    dist_lock::options how;
    how.ttl = 60'001ms;
    dist_lock locks(server_.url(), how);
    const auto held = take(locks, "a");
    EXPECT_EQ(held.key(), "lock:a");
    EXPECT_EQ(held.owner(), "me");
    EXPECT_THAT(held.id(), MatchesRegex("c[0-9a-z]{24}"));
    EXPECT_EQ(there_.type("lock:a"), "hash");
    EXPECT_EQ(there_.ask({"HLEN", "lock:a"}).integer, 2);
    EXPECT_EQ(there_.field("lock:a", "id"), held.id());
    EXPECT_EQ(there_.field("lock:a", "owner"), "me");
    EXPECT_GT(there_.left("lock:a"), 50'000ms);
    EXPECT_LE(there_.left("lock:a"), 60'001ms);
    EXPECT_EQ(there_.keys(), 1);
}

TEST_F(dist_lock_facade, wire_two_without_an_owner_has_an_empty_one) {
    const auto held = locks_.acquire("a").value().value();
    EXPECT_EQ(held.owner(), "");
    EXPECT_EQ(there_.ask({"HEXISTS", "lock:a", "owner"}).integer, 1);
    EXPECT_EQ(there_.field("lock:a", "owner"), "");
}

TEST_F(dist_lock_facade, wire_one_is_a_string_and_keeps_no_owner) {
    const auto held = take(old_, "a");
    EXPECT_EQ(held.owner(), "");
    EXPECT_THAT(held.id(), MatchesRegex("c[0-9a-z]{24}"));
    EXPECT_EQ(there_.type("lock:a"), "string");
    EXPECT_EQ(there_.text("lock:a"), held.id());
    EXPECT_EQ(there_.keys(), 1);
}

TEST_F(dist_lock_facade, extending_counts_milliseconds_on_wire_two_and_seconds_on_wire_one) {
    auto held = take(locks_, "a");
    EXPECT_TRUE(held.extend(60'250ms).value());
    EXPECT_LE(there_.left("lock:a"), 60'250ms);
    EXPECT_GT(there_.left("lock:a"), 50'000ms);
    auto old = take(old_, "b");
    EXPECT_TRUE(old.extend(60'250ms).value());
    EXPECT_LE(there_.left("lock:b"), 61'000ms);
    EXPECT_GT(there_.left("lock:b"), 50'000ms);
    // Up to whole seconds, so that no lock ends early: what is below a second counts a whole one.
    EXPECT_TRUE(old.extend(1ms * 1001).value());
    EXPECT_GT(there_.left("lock:b"), 1001ms);
    EXPECT_LE(there_.left("lock:b"), 2000ms);
}

// ---- both wires

TEST_P(dist_lock_both, prefix_and_ttl_are_as_given) {
    dist_lock::options how = with(GetParam());
    how.key_prefix = "other/";
    how.ttl = 7000ms;
    dist_lock locks(server_.url(), how);
    auto held = take(locks, "a");
    EXPECT_EQ(held.key(), "other/a");
    EXPECT_EQ(id_on_server("other/a"), held.id());
    EXPECT_LE(there_.left("other/a"), 7000ms);
    EXPECT_GT(there_.left("other/a"), 1000ms);
    EXPECT_TRUE(held.extend(90s).value());
    EXPECT_GT(there_.left("other/a"), 80s);
    EXPECT_EQ(locks.get_acquired_lock("a").value()->key(), "other/a");
    EXPECT_TRUE(held.release().value());
    EXPECT_FALSE(there_.has("other/a"));
    how.key_prefix = "";
    dist_lock bare(server_.url(), how);
    EXPECT_EQ(take(bare, "a").key(), "a");
    EXPECT_TRUE(there_.has("a"));
}

TEST_P(dist_lock_both, attempts_are_the_retries_and_one_and_then_there_is_no_lock) {
    const auto held = take(mine_, "a");
    for (const int retries : {0, 1, 4}) {
        dist_lock locks(server_.url(), with(GetParam(), retries, 20ms));
        there_.reset_calls();
        const time_point before = boot_clock::now();
        const auto none = locks.acquire("a");
        EXPECT_GE(boot_clock::now() - before, 20ms * retries);
        ASSERT_TRUE(none) << none.error().message();
        EXPECT_FALSE(*none);
        EXPECT_EQ(there_.calls("evalsha"), retries + 1);
    }
    EXPECT_EQ(id_on_server("lock:a"), held.id());
}

TEST_P(dist_lock_both, retries_without_end_and_tells_attempts_and_the_measured_delay) {
    take_over("lock:a");
    there_.ask({"PERSIST", "lock:a"});
    auto later = mine_.acquire("a", asio::use_future);
    ASSERT_TRUE(poll_until([&] { return there_.calls("evalsha") > 20; }));
    const time_point before = boot_clock::now();
    there_.remove("lock:a");
    const auto held = later.get().value().value();
    EXPECT_GT(held.acquired_on_attempt(), 20U);
    EXPECT_GE(held.acquire_delay(), 20ms);  // More than 20 pauses of 1 ms.
    EXPECT_LT(held.acquire_delay(), boot_clock::now() - before + 60s);
    EXPECT_EQ(id_on_server("lock:a"), held.id());
}

TEST_P(dist_lock_both, a_wrong_id_releases_and_extends_nothing) {
    const auto held = take(mine_, "a");
    EXPECT_TRUE(mine_.extend_lock("a", held.id(), 5s).value());
    EXPECT_FALSE(mine_.release_lock("a", "cwrong").value());
    EXPECT_FALSE(mine_.extend_lock("a", "cwrong", 60s).value());
    EXPECT_LE(there_.left("lock:a"), 5s);
    EXPECT_EQ(id_on_server("lock:a"), held.id());
    EXPECT_TRUE(mine_.release_lock("a", held.id()).value());
    EXPECT_FALSE(mine_.release_lock("a", held.id()).value());
}

// Why: between id and owner there was a mark in memory, at which ids of callers were cut, too.
TEST_P(dist_lock_both, an_id_is_looked_for_whole) {
    const auto held = take(mine_, "a");
    const std::string longer = held.id() + "|zzz";
    EXPECT_FALSE(mine_.extend_lock("a", longer, 5s).value());
    EXPECT_FALSE(mine_.release_lock("a", longer).value());
    EXPECT_FALSE(mine_.release_lock("a", "|" + held.id()).value());
    EXPECT_EQ(id_on_server("lock:a"), held.id());
    for (const std::string id : {"x|y", "|x", "x|"}) {
        take_over("lock:a", id);
        EXPECT_FALSE(mine_.release_lock("a", "x").value()) << id;
        auto theirs = mine_.get_acquired_lock("a").value().value();
        EXPECT_EQ(theirs.id(), id);
        EXPECT_TRUE(theirs.extend(60s).value()) << id;
        EXPECT_GT(there_.left("lock:a"), 20s);
        EXPECT_TRUE(mine_.release_lock("a", id).value()) << id;
        EXPECT_FALSE(there_.has("lock:a"));
    }
}

TEST_P(dist_lock_both, a_lock_that_was_taken_over_is_left_alone) {
    auto held = take(mine_, "a");
    take_over("lock:a");
    EXPECT_FALSE(held.extend(60s).value());
    EXPECT_FALSE(held.release().value());
    EXPECT_EQ(id_on_server("lock:a"), "cother");
    EXPECT_LE(there_.left("lock:a"), 5s);
}

TEST_P(dist_lock_both, a_lock_that_has_run_out_is_not_brought_back) {
    dist_lock::options how = with(GetParam());
    how.ttl = 1s;
    dist_lock locks(server_.url(), how);
    auto held = take(locks, "a");
    ASSERT_TRUE(poll_until([&] { return !there_.has("lock:a"); }));
    EXPECT_FALSE(held.extend(60s).value());
    EXPECT_FALSE(there_.has("lock:a"));
    EXPECT_FALSE(held.release().value());
}

TEST_P(dist_lock_both, the_present_holder_can_be_asked_for_and_is_a_handle) {
    EXPECT_EQ(mine_.get_acquired_lock("a").value(), std::nullopt);
    const auto held = take(mine_, "a");
    dist_lock elsewhere(server_.url(), with(GetParam()));
    auto theirs = elsewhere.get_acquired_lock("a").value().value();
    EXPECT_EQ(theirs.id(), held.id());
    EXPECT_EQ(theirs.key(), "lock:a");
    EXPECT_EQ(theirs.owner(), GetParam() == dist_lock_wire::two ? "me" : "");
    EXPECT_EQ(theirs.acquired_on_attempt(), 0U);
    EXPECT_TRUE(theirs.extend(90s).value());
    EXPECT_GT(there_.left("lock:a"), 80s);
    EXPECT_TRUE(theirs.release().value());
    EXPECT_FALSE(there_.has("lock:a"));
}

TEST_P(dist_lock_both, the_other_wires_type_is_told_with_both_names) {
    dist_lock& others = GetParam() == dist_lock_wire::two ? old_ : locks_;
    const std::string theirs = GetParam() == dist_lock_wire::two ? "string" : "hash";
    const std::string ours = GetParam() == dist_lock_wire::two ? "hash" : "string";
    const std::string text = "the key lock:a is a " + theirs + ", where a lock is a " + ours;
    auto held = take(others, "a");
    const auto refused = mine_.acquire("a");
    EXPECT_EQ(refused.error().code, errc::wrong_type);
    EXPECT_THAT(refused.error().text, HasSubstr(text));
    const auto asked = mine_.get_acquired_lock("a");
    EXPECT_EQ(asked.error().code, errc::wrong_type);
    EXPECT_THAT(asked.error().text, HasSubstr(text));
    for (const auto& told :
         {mine_.extend_lock("a", held.id(), 60s), mine_.release_lock("a", held.id())}) {
        ASSERT_FALSE(told);
        EXPECT_EQ(told.error().code, errc::wrong_type);
        EXPECT_THAT(told.error().text, HasSubstr(text));
    }
    EXPECT_TRUE(held.extend(60s).value()) << "it was left alone";
    EXPECT_TRUE(held.release().value());
    EXPECT_TRUE(mine_.acquire("a").value());
}

TEST_P(dist_lock_both, a_key_of_a_foreign_type_is_told_and_left_alone) {
    there_.ask({"SADD", "lock:a", "member"});
    EXPECT_THAT(mine_.acquire("a").error().text, HasSubstr("the key lock:a is a set"));
    EXPECT_EQ(mine_.get_acquired_lock("a").error().code, errc::wrong_type);
    EXPECT_EQ(mine_.release_lock("a", "member").error().code, errc::wrong_type);
    EXPECT_EQ(there_.ask({"SCARD", "lock:a"}).integer, 1);
}

TEST_P(dist_lock_both, bad_input_is_misuse_and_nothing_is_sent) {
    there_.reset_calls();
    const auto refused = [](const auto& answer) {
        return answer || answer.error().code != errc::misuse ? "no misuse" : answer.error().text;
    };
    EXPECT_THAT(refused(mine_.acquire("")), HasSubstr("1 to 512 bytes, this one has 0"));
    EXPECT_THAT(refused(mine_.acquire("a", std::string(300, 'o'))), HasSubstr("an owner label"));
    EXPECT_THAT(refused(mine_.get_acquired_lock("")), HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(refused(mine_.release_lock("", "c")), HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(refused(mine_.release_lock("a", "")), HasSubstr("a lock id has 1 to 256 bytes"));
    EXPECT_THAT(refused(mine_.extend_lock("a", "", 60s)), HasSubstr("a lock id has"));
    EXPECT_THAT(refused(mine_.extend_lock("a", "c", 0ms)), HasSubstr("ttl must be from 10 ms"));
    EXPECT_THAT(refused(mine_.extend_lock("a", "c", -1ms)), HasSubstr("not -1 ms"));
    const told<found_lock> answer;
    mine_.acquire("", answer);
    EXPECT_THAT(refused(answer.get()), HasSubstr("1 to 512 bytes, this one has 0"));
    EXPECT_EQ(there_.calls("evalsha") + there_.calls("eval") + there_.calls("get"), 0);
}

std::string refusal(const std::string& url, const dist_lock::options& how) {
    try {
        dist_lock locks(url, how);
    } catch (const lock_error& wrong) {
        return wrong.why().code == errc::misuse ? wrong.why().text : "not misuse";
    }
    return "none";
}

TEST(dist_lock_construction, names_the_rule_that_is_broken) {
    EXPECT_EQ(refusal("redis://h", {}), "none");
    EXPECT_THAT(refusal("http://h", {}), HasSubstr("redis"));
    EXPECT_EQ(refusal("redis://h", {.max_retries = -2}), "max_retries is -1 or more, not -2");
    EXPECT_EQ(refusal("redis://h", {.retry_delay = -1ms}),
              "retry_delay is from 0 to 24 h, not -1 ms");
    EXPECT_EQ(refusal("redis://h", {.ttl = 9ms}), "ttl must be from 10 ms to 24 h, not 9 ms");
    EXPECT_THAT(refusal("redis://h", {.ttl = 25h}), HasSubstr("ttl must be from 10 ms to 24 h"));
    EXPECT_THAT(refusal("redis://h", {.timeout = 2h}), HasSubstr("timeout must be from 1 ms"));
    EXPECT_EQ(dist_lock::options{}.wire, dist_lock_wire::two);
}

TEST(dist_lock_lock, without_a_lock_answers_misuse_to_everybody) {
    dist_lock::lock none;
    EXPECT_TRUE(none.id().empty() && none.key().empty() && none.owner().empty());
    EXPECT_EQ(none.release().error().code, errc::misuse);
    EXPECT_EQ(none.extend(60s).error().code, errc::misuse);
    const told<bool> released;
    none.release(released);
    EXPECT_THAT(released.get().error().text, HasSubstr("there is no lock here"));
}

// ---- completion tokens

TEST_P(dist_lock_both, every_verb_takes_a_future) {
    auto held = mine_.acquire("a", "me", asio::use_future).get().value().value();
    EXPECT_TRUE(held.extend(60s, asio::use_future).get().value());
    EXPECT_TRUE(mine_.extend_lock("a", held.id(), 60s, asio::use_future).get().value());
    EXPECT_EQ(mine_.get_acquired_lock("a", asio::use_future).get().value()->id(), held.id());
    EXPECT_TRUE(held.release(asio::use_future).get().value());
    EXPECT_FALSE(mine_.release_lock("a", held.id(), asio::use_future).get().value());
}

asio::awaitable<std::string> all_verbs(dist_lock& locks, std::thread::id here) {
    auto held = co_await locks.acquire("a", "me", asio::use_awaitable);
    if (!held || !*held) co_return "acquire";
    if (std::this_thread::get_id() != here) co_return "acquire went on elsewhere";
    const auto longer = co_await (*held)->extend(60s, asio::use_awaitable);
    if (!longer || !*longer) co_return "extend";
    const std::string id = (*held)->id();
    const auto by_id = co_await locks.extend_lock("a", id, 60s, asio::use_awaitable);
    if (!by_id || !*by_id) co_return "extend_lock";
    const auto found = co_await locks.get_acquired_lock("a", asio::use_awaitable);
    if (!found || !*found || (*found)->id() != id) co_return "get_acquired_lock";
    const auto gone = co_await (*held)->release(asio::use_awaitable);
    if (!gone || !*gone) co_return "release";
    const auto again = co_await locks.release_lock("a", id, asio::use_awaitable);
    if (!again || *again) co_return "release_lock";
    co_return std::this_thread::get_id() == here ? "done" : "ended elsewhere";
}

TEST_P(dist_lock_both, coroutines_of_a_users_context_go_on_in_it) {
    asio::io_context mine;
    EXPECT_EQ(run(mine, all_verbs(mine_, std::this_thread::get_id())), "done");
}

TEST_P(dist_lock_both, a_callback_may_call_blocking_verbs) {
    std::promise<bool> done;
    mine_.acquire("a", [&](result<found_lock> held) {
        const bool extended = held->value().extend(60s).value();
        const bool seen = mine_.get_acquired_lock("a").value().has_value();
        done.set_value(extended && seen && held->value().release().value());
    });
    EXPECT_TRUE(done.get_future().get());
}

INSTANTIATE_TEST_SUITE_P(wires, dist_lock_both,
                         testing::Values(dist_lock_wire::one, dist_lock_wire::two),
                         [](const auto& which) {
                             return which.param == dist_lock_wire::one ? "one" : "two";
                         });

}  // namespace
}  // namespace holdfast::test
