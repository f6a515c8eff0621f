// SPDX-License-Identifier: BSL-1.0
//
// What the verbs of the range lock answer: ranges, limits, blockers, expiry, completion tokens.
#include "compat/range_lock_servers.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <limits>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t limit = std::int64_t{1} << 53;

class range_lock_facade : public range_lock_test {};

TEST_F(range_lock_facade, ranges_are_half_open) {
    struct wish {
        std::int64_t from, to;
        bool free;
    };
    const auto first = set("k", 10, 20);
    ASSERT_TRUE(held(first)) << told_of(first);
    for (const wish& one :
         {wish{20, 30, true}, wish{0, 10, true}, wish{-20, 0, true}, wish{15, 25, false},
          wish{5, 15, false}, wish{12, 18, false}, wish{5, 25, false}, wish{10, 20, false},
          wish{19, 20, false}, wish{10, 11, false}, wish{-limit, limit, false}}) {
        SCOPED_TRACE(std::to_string(one.from) + ".." + std::to_string(one.to));
        const auto how = set("k", one.from, one.to);
        EXPECT_EQ(held(how), one.free) << told_of(how);
        EXPECT_EQ(taken(how), !one.free) << told_of(how);
        if (one.free && held(how)) {
            EXPECT_TRUE(locks_->clear("k", how->lock.id()).value());
        } else if (taken(how)) {
            EXPECT_EQ(how->lock.id(), first->lock.id());
        }
    }
    EXPECT_TRUE(held(set("other", 10, 20))) << "another key";
    EXPECT_EQ(rows(), "2");
}

// Why: round trips are what a set costs; a statement more is half as much again.
// How: the server counts the statements of all its clients. Tidying may come between, so it is the
// least of several.
TEST_F(range_lock_facade, a_set_is_two_statements_and_a_clear_one) {
    const auto statements = [&] {
        return std::stol(sql().ask("SHOW GLOBAL STATUS LIKE 'Questions'").at(0).at(1));
    };
    constexpr long sets = 8;
    long setting = std::numeric_limits<long>::max();
    long clearing = setting;
    for (int round = 0; round < 5; ++round) {
        std::vector<std::string> ids;
        const long before = statements();
        for (std::int64_t at = 0; at < sets; ++at) {
            const auto how = set("k", 10 * at, 10 * at + 5);
            ASSERT_TRUE(held(how)) << told_of(how);
            ids.push_back(how->lock.id());
        }
        const long between = statements();
        for (const std::string& id : ids) ASSERT_TRUE(locks_->clear("k", id).value());
        setting = std::min(setting, between - before - 1);  // Less the question itself.
        clearing = std::min(clearing, statements() - between - 1);
    }
    EXPECT_EQ(setting, 2 * sets);
    EXPECT_EQ(clearing, sets);
}

// D1. Why: the columns are text, and as text "90" is behind "100", and "-10" behind "-1".
TEST_F(range_lock_facade, numbers_are_compared_as_numbers) {
    EXPECT_TRUE(held(set("k", 100, 200)));
    EXPECT_TRUE(taken(set("k", 90, 150)));
    EXPECT_TRUE(held(set("k", 1000, 2000)));
    EXPECT_TRUE(taken(set("k", 999, 1500)));
    EXPECT_TRUE(held(set("k", -9, -1)));
    EXPECT_TRUE(taken(set("k", -10, -8)));
    EXPECT_TRUE(held(set("k", 200, 300)));
    EXPECT_EQ(overlaps(), "0");
}

TEST_F(range_lock_facade, bounds_reach_from_minus_to_plus_2_to_the_53) {
    const auto all = set("k", -limit, limit);
    ASSERT_TRUE(held(all)) << told_of(all);
    EXPECT_EQ(all->lock.from(), -limit);
    EXPECT_TRUE(taken(set("k", limit - 1, limit)));
    EXPECT_TRUE(taken(set("k", -limit, -limit + 1)));
    const auto again = locks_->get("k", all->lock.id()).value();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->from(), -limit);
    EXPECT_EQ(again->to(), limit);
    EXPECT_TRUE(held(set("edges", limit - 1, limit)));
    EXPECT_TRUE(held(set("edges", limit - 2, limit - 1))) << "touching, out there too";
}

// Why: what cannot be held must not be said to be. How: there are no servers, so `misuse` also
// means that none was asked.
TEST(range_lock_misuse, is_told_before_anything_is_sent) {
    range_lock nowhere("redis://127.0.0.1:1", "mysql://nobody@127.0.0.1:1/none");
    const auto refused = [](const auto& answer) {
        return fails(answer, errc::misuse) ? answer.error().text : "no misuse: " + text_of(answer);
    };
    const auto set = [&](std::string_view key, std::int64_t from, std::int64_t to,
                         std::chrono::milliseconds ttl,
                         std::optional<std::string> data = std::nullopt) {
        return refused(nowhere.set(key, from, to, std::move(data), ttl));
    };
    constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
    constexpr auto highest = std::numeric_limits<std::int64_t>::max();
    EXPECT_THAT(set("k", 10, 10, 1s), HasSubstr("from lies below to"));
    EXPECT_THAT(set("k", 11, 10, 1s), HasSubstr("unlike 11 and 10"));
    EXPECT_THAT(set("k", -limit - 1, 0, 1s), HasSubstr("2^53"));
    EXPECT_THAT(set("k", 0, limit + 1, 1s), HasSubstr("2^53"));
    EXPECT_THAT(set("k", lowest, highest, 1s), HasSubstr("2^53"));
    EXPECT_THAT(set("k", 1, 2, 9ms), HasSubstr("ttl lies between 10 ms and 24 h, unlike 9 ms"));
    EXPECT_THAT(set("k", 1, 2, 0ms), HasSubstr("ttl"));
    EXPECT_THAT(set("k", 1, 2, -1ms), HasSubstr("ttl"));
    EXPECT_THAT(set("k", 1, 2, 24h + 1ms), HasSubstr("ttl"));
    EXPECT_THAT(set("k", 1, 2, std::chrono::milliseconds::max()), HasSubstr("ttl"));
    EXPECT_THAT(set("", 1, 2, 1s), HasSubstr("key has 1 to 255 characters, not 0"));
    EXPECT_THAT(set(std::string(256, 'k'), 1, 2, 1s), HasSubstr("not 256"));
    EXPECT_THAT(set("k\xff", 1, 2, 1s), HasSubstr("key is not UTF-8"));
    EXPECT_THAT(set(std::string_view("k\0", 2), 1, 2, 1s), HasSubstr("NUL"));
    EXPECT_THAT(set("k", 1, 2, 1s, std::string(256, 'x')), HasSubstr("data has at most 255"));
    EXPECT_THAT(set("k", 1, 2, 1s, "\xc3"), HasSubstr("data is not UTF-8"));
    EXPECT_THAT(refused(nowhere.get("", "id")), HasSubstr("key"));
    EXPECT_THAT(refused(nowhere.get("k", "")), HasSubstr("id has 1 to 255"));
    EXPECT_THAT(refused(nowhere.clear("", "id")), HasSubstr("key"));
    EXPECT_THAT(refused(nowhere.clear("k", std::string(256, 'i'))), HasSubstr("id"));
    const told<range_lock::answer> answer;
    nowhere.set("", 1, 2, std::nullopt, 1s, answer);
    EXPECT_THAT(refused(answer.get()), HasSubstr("key"));
    EXPECT_TRUE(fails(nowhere.get("k", "id"), errc::unreachable)) << "this one is sent";
}

TEST(range_lock_misuse, of_a_lock_that_is_none_is_told_to_everybody) {
    range_lock::lock none;
    EXPECT_TRUE(fails(none.release(), errc::misuse));
    EXPECT_TRUE(fails(none.release(asio::use_future).get(), errc::misuse));
    const told<bool> answer;
    none.release(answer);
    EXPECT_TRUE(fails(answer.get(), errc::misuse));
}

TEST(range_lock_misuse, of_urls_is_thrown_and_shows_no_password) {
    const auto refused = [](const std::string& redis, const std::string& sql) -> std::string {
        try {
            range_lock wrong(redis, sql);
        } catch (const lock_error& told_why) {
            EXPECT_EQ(told_why.why().code, errc::misuse);
            return told_why.what() + told_why.why().text;
        }
        return "no error";
    };
    EXPECT_THAT(refused("memory:", "mysql://a@h/d"), HasSubstr("redis"));
    // What no dialect takes: the mutex is warlock's, on one server, and nothing is asked of it.
    EXPECT_THAT(refused("redis-cluster://h", "mysql://a@h/d"), HasSubstr("not for clusters"));
    EXPECT_THAT(refused("redis://h?durability=strict", "mysql://a@h/d"),
                HasSubstr("durability=strict is not for dialects"));
    EXPECT_THAT(refused("redis://h?durability=replicated", "mysql://a@h/d"),
                HasSubstr("durability=replicated is not for dialects"));
    EXPECT_THAT(refused("redis://h", "redis://h"), HasSubstr("mysql"));
    EXPECT_THAT(refused("redis://h", "mysql://a:canary@h"), HasSubstr("names no database"));
    EXPECT_THAT(refused("redis://h", "mysql://a:canary@h"), testing::Not(HasSubstr("canary")));
    EXPECT_THAT(refused("redis://h", "mysql://h/d"), HasSubstr("names no user"));
    EXPECT_THROW(range_lock("redis://h", "mysql://a@h/d", {.timeout = 0ms}), lock_error);
}

TEST_F(range_lock_facade, keys_and_data_have_255_characters_of_any_length) {
    std::string text;
    for (int i = 0; i < 255; ++i) text += "\xc3\xbc";  // Two bytes each; latin1 has it.
    const auto how = locks_->set(text, 1, 2, text, 30s);
    ASSERT_TRUE(held(how)) << told_of(how);
    const auto row = locks_->get(text, how->lock.id()).value();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->key(), text);
    EXPECT_EQ(row->data(), text);
    EXPECT_TRUE(taken(set(text, 1, 2)));
    // What the column has no sign for is refused, never changed.
    EXPECT_TRUE(fails(locks_->set("k", 1, 2, "\xf0\x9f\x94\x92", 30s), errc::misuse));
    EXPECT_TRUE(fails(set("\xd0\xb6", 1, 2), errc::misuse));
    EXPECT_EQ(rows(), "1");
    EXPECT_EQ(sql().value("SELECT CHAR_LENGTH(data) FROM `lock`"), "255");
}

class range_lock_utf8 : public range_lock_test {
protected:
    range_lock_utf8() : range_lock_test("utf8mb4") {}
};

TEST_F(range_lock_utf8, characters_of_four_bytes_count_as_one) {
    std::string text;
    for (int i = 0; i < 255; ++i) text += "\xf0\x9f\x94\x92";
    const auto how = locks_->set(text, 1, 2, text, 30s);
    ASSERT_TRUE(held(how)) << told_of(how);
    EXPECT_EQ(locks_->get(text, how->lock.id()).value()->data(), text);
    EXPECT_TRUE(taken(set(text, 1, 2)));
    EXPECT_TRUE(fails(set(text + "x", 1, 2), errc::misuse));
}

TEST_F(range_lock_facade, no_data_and_empty_data_differ) {
    const auto none = locks_->set("a", 1, 2, std::nullopt, 30s)->lock;
    const auto empty = locks_->set("b", 1, 2, "", 30s)->lock;
    EXPECT_EQ(locks_->get("a", none.id()).value()->data(), std::nullopt);
    EXPECT_EQ(locks_->get("b", empty.id()).value()->data(), "");
    EXPECT_EQ(sql().value("SELECT data IS NULL FROM `lock` WHERE `key` = 'a'"), "1");
}

// Why: a quirk that is kept, and relied on: the loser may look at the winner, and free it.
TEST_F(range_lock_facade, a_loser_is_told_the_lowest_start_and_can_release_it) {
    const auto high = set("k", 50, 60);
    const auto low = set("k", 10, 20);
    ASSERT_TRUE(held(high) && held(low));
    auto how = set("k", 0, 100);
    ASSERT_TRUE(taken(how)) << told_of(how);
    EXPECT_EQ(how->lock.id(), low->lock.id());
    EXPECT_EQ(how->lock.expiry(), low->lock.expiry());
    EXPECT_TRUE(how->lock.release().value());
    EXPECT_FALSE(locks_->get("k", low->lock.id()).value());
    how = set("k", 0, 100);
    ASSERT_TRUE(taken(how)) << told_of(how);
    EXPECT_EQ(how->lock.id(), high->lock.id());
    EXPECT_TRUE(how->lock.release().value());
    EXPECT_TRUE(held(set("k", 0, 100)));
}

TEST_F(range_lock_facade, get_and_clear_need_both_the_key_and_the_id) {
    const auto mine = set("k", 10, 20)->lock;
    EXPECT_FALSE(locks_->get("other", mine.id()).value());
    EXPECT_FALSE(locks_->clear("other", mine.id()).value());
    EXPECT_FALSE(locks_->clear("k", "00000-00000-x").value());
    EXPECT_EQ(rows(), "1");
    EXPECT_TRUE(locks_->clear("k", mine.id()).value());
    EXPECT_FALSE(locks_->clear("k", mine.id()).value()) << "once";
    EXPECT_FALSE(locks_->get("k", mine.id()).value());
    EXPECT_TRUE(held(set("k", 10, 20)));
}

TEST_F(range_lock_facade, a_lock_runs_out_by_the_databases_clock) {
    const auto before = theirs_->now();
    const auto kept = set("k", 50, 60, 30s);
    EXPECT_GE(kept->lock.expiry(), before + 30'000);
    EXPECT_LE(kept->lock.expiry(), theirs_->now() + 30'000);
    const auto mine = set("k", 10, 20, 1s);
    ASSERT_TRUE(held(mine)) << told_of(mine);
    ASSERT_TRUE(poll_until([&] { return theirs_->now() > mine->lock.expiry(); }));
    EXPECT_FALSE(locks_->get("k", mine->lock.id()).value());
    EXPECT_TRUE(held(set("k", 10, 20))) << "and its row is in nobody's way";
    EXPECT_EQ(rows(), "3") << "the row itself stays until it is tidied away";
}

TEST_F(range_lock_facade, a_lock_outlives_the_facade_that_gave_it) {
    auto mine = set("k", 10, 20)->lock;
    locks_.reset();
    EXPECT_EQ(rows(), "1");
    EXPECT_TRUE(mine.release().value());
    EXPECT_EQ(rows(), "0");
}

// ---- completion tokens

TEST_F(range_lock_facade, every_verb_takes_a_future) {
    const auto got = locks_->set("k", 10, 20, "data", 30s, asio::use_future).get().value();
    ASSERT_TRUE(got.success);
    auto again = locks_->get("k", got.lock.id(), asio::use_future).get().value();
    ASSERT_TRUE(again);
    EXPECT_FALSE(locks_->clear("k", "other", asio::use_future).get().value());
    EXPECT_TRUE(again->release(asio::use_future).get().value());
    EXPECT_TRUE(locks_->install_guard(asio::use_future).get());
    EXPECT_TRUE(locks_->remove_guard(asio::use_future).get());
}

asio::awaitable<std::string> all_verbs(range_lock& locks, std::thread::id here) {
    auto got = co_await locks.set("k", 10, 20, std::nullopt, 30s, asio::use_awaitable);
    if (!got || !got->success) co_return "set";
    if (std::this_thread::get_id() != here) co_return "set went on elsewhere";
    const auto again = co_await locks.get("k", got->lock.id(), asio::use_awaitable);
    if (!again || !*again) co_return "get";
    const auto lost = co_await locks.set("k", 15, 25, std::nullopt, 30s, asio::use_awaitable);
    if (!lost || lost->success) co_return "second set";
    const auto gone = co_await got->lock.release(asio::use_awaitable);
    if (!gone || !*gone) co_return "release";
    const auto cleared = co_await locks.clear("k", got->lock.id(), asio::use_awaitable);
    if (!cleared || *cleared) co_return "clear";
    const auto wrong = co_await locks.set("", 1, 2, std::nullopt, 30s, asio::use_awaitable);
    if (wrong) co_return "an empty key";
    co_return std::this_thread::get_id() == here ? "done" : "clear went on elsewhere";
}

TEST_F(range_lock_facade, coroutines_of_a_users_context_go_on_in_it) {
    for (int i = 0; i < 10; ++i) {
        asio::io_context mine;
        ASSERT_EQ(run(mine, all_verbs(*locks_, std::this_thread::get_id())), "done");
    }
}

TEST_F(range_lock_facade, a_callback_may_call_blocking_verbs) {
    std::promise<bool> done;
    locks_->set("k", 10, 20, std::nullopt, 30s, [&](result<range_lock::answer> got) {
        const bool blocked = taken(set("k", 15, 25));
        const bool next = held(set("k", 20, 30));
        done.set_value(blocked && next && got->lock.release().value());
    });
    EXPECT_TRUE(done.get_future().get());
    EXPECT_EQ(rows(), "1");
}

}  // namespace
}  // namespace holdfast::test
