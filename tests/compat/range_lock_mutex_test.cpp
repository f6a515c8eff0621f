// SPDX-License-Identifier: BSL-1.0
//
// The mutex in Redis, which all users of the table share, and the rows of originals: how the range
// lock and an original see each other.
#include "compat/range_lock_servers.hpp"

#include <boost/asio/use_future.hpp>

#include <functional>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

const std::string mutex = "range-lock::k:lock";
/// 16 bytes in base64, as warlock's ids.
const std::string foreign = "AAAAAAAAEACAAAAAAAAAAA==";

class range_lock_mutex : public range_lock_test {
protected:
    struct verb {
        std::string name;
        std::function<std::future<bool>()> start;  // True: it went well.
    };
    std::vector<verb> verbs() {
        return {{"set", [this] { return went_well(&range_lock_mutex::set_async); }},
                {"get", [this] { return went_well(&range_lock_mutex::get_async); }},
                {"clear", [this] { return went_well(&range_lock_mutex::clear_async); }}};
    }
    failure last_;  // Of the last verb that did not go well.

private:
    template <class Start>
    std::future<bool> went_well(Start start) {
        return std::async(std::launch::async, [this, start] { return (this->*start)(); });
    }
    template <class T>
    bool note(const result<T>& answer) {
        if (!answer) last_ = answer.error();
        return bool(answer);
    }
    bool set_async() { return note(locks_->set("k", 10, 20, {}, 30s, asio::use_future).get()); }
    bool get_async() { return note(locks_->get("k", "x", asio::use_future).get()); }
    bool clear_async() { return note(locks_->clear("k", "x", asio::use_future).get()); }
};

// How: the table is locked, so each verb stands still where it needs the mutex.
TEST_F(range_lock_mutex, is_warlocks_and_each_verb_takes_it_and_gives_it_back) {
    for (const verb& one : verbs()) {
        SCOPED_TRACE(one.name);
        sql().ask("LOCK TABLES `lock` WRITE");
        auto going = one.start();
        EXPECT_TRUE(poll_until([&] { return there_.has(mutex); }));
        EXPECT_EQ(there_.type(mutex), "string");
        EXPECT_THAT(there_.text(mutex), testing::MatchesRegex("[A-Za-z0-9+/]{22}=="));
        EXPECT_LE(there_.left(mutex), 1000ms);
        EXPECT_TRUE(poll_until([&] { return there_.keys() == 1; })) << "no key of ours beside it";
        sql().ask("UNLOCK TABLES");
        // On a machine that is busy the second may be over: then it is said, and nothing is held.
        EXPECT_TRUE(going.get() || last_.code == errc::timed_out) << last_.message();
        EXPECT_TRUE(poll_until([&] { return !there_.has(mutex); }, 900ms));
    }
}

TEST_F(range_lock_mutex, that_somebody_holds_is_waited_for_by_each_verb) {
    for (const verb& one : verbs()) {
        SCOPED_TRACE(one.name);
        there_.put(mutex, foreign);
        there_.reset_calls();
        auto going = one.start();
        ASSERT_TRUE(poll_until([&] { return there_.calls("set") + there_.calls("evalsha") >= 3; }));
        EXPECT_FALSE(ready(going));
        EXPECT_EQ(rows(), one.name == "set" ? "0" : "1");
        there_.remove(mutex);
        EXPECT_TRUE(going.get()) << last_.message();
    }
}

TEST_F(range_lock_mutex, that_stays_taken_is_an_error_after_two_seconds_and_stays) {
    there_.put(mutex, foreign);
    for (const verb& one : verbs()) {
        SCOPED_TRACE(one.name);
        const auto since = boot_clock::now();
        EXPECT_FALSE(one.start().get());
        const auto took = boot_clock::now() - since;
        EXPECT_GE(took, 1900ms);
        EXPECT_LT(took, 8s);
        EXPECT_EQ(last_.code, errc::timed_out) << last_.message();
        EXPECT_THAT(last_.text, HasSubstr("unable to obtain lock"));
        EXPECT_THAT(last_.text, HasSubstr("\"k\""));
        EXPECT_EQ(there_.text(mutex), foreign);
    }
    EXPECT_EQ(rows(), "0");
    EXPECT_TRUE(held(set("other", 10, 20))) << "another key has another mutex";
}

TEST_F(range_lock_mutex, that_stays_taken_is_told_without_the_control_bytes_of_its_key) {
    there_.put("range-lock::k\x1b[2J\n:lock", foreign);
    EXPECT_THAT(text_of(locks_->get("k\x1b[2J\n", "x")), HasSubstr("\"k?[2J?\""));
}

// Why: a mutex of ours that ran out may be another's by the time that we give it back.
TEST_F(range_lock_mutex, of_somebody_who_took_it_over_is_left_alone) {
    sql().ask("LOCK TABLES `lock` WRITE");
    auto going = verbs()[0].start();
    ASSERT_TRUE(poll_until([&] { return there_.has(mutex); }));
    there_.put(mutex, foreign);
    sql().ask("UNLOCK TABLES");
    going.get();
    ASSERT_TRUE(held(set("other", 1, 2))) << "behind it on the same connection";
    EXPECT_EQ(there_.text(mutex), foreign);
}

TEST_F(range_lock_mutex, whose_key_is_of_another_type_is_told_and_left_alone) {
    there_.ask({"HSET", mutex, "a", "b"});
    EXPECT_TRUE(fails(set("k", 10, 20), errc::wrong_type)) << text_of(set("k", 10, 20));
    EXPECT_EQ(there_.field(mutex, "a"), "b");
    EXPECT_EQ(rows(), "0");
}

TEST_F(range_lock_mutex, has_the_callers_bytes_in_its_name) {
    for (const std::string& key : {std::string("K "), std::string("a{b}c"), std::string(255, 'x')})
        EXPECT_TRUE(held(set(key, 1, 2))) << key;
    std::string text;
    for (int i = 0; i < 255; ++i) text += "\xc3\xbc";
    there_.put("range-lock::" + text + ":lock", foreign);
    EXPECT_TRUE(fails(set(text, 1, 2), errc::timed_out));
}

class range_lock_beside : public range_lock_test {};

TEST_F(range_lock_beside, the_original_is_respected_and_told_of) {
    const std::string expiry = in(60'000);
    ASSERT_EQ(theirs_->insert("03464-52391-a", "k", "10", "20", expiry), 0U);
    ASSERT_EQ(theirs_->insert("03464-52391-b", "k", "5", "8", expiry), 0U);
    auto how = set("k", 0, 100);
    ASSERT_TRUE(taken(how)) << told_of(how);
    EXPECT_EQ(how->lock.id(), "03464-52391-b");
    EXPECT_EQ(how->lock.from(), 5);
    EXPECT_EQ(how->lock.to(), 8);
    EXPECT_EQ(how->lock.data(), "original");
    EXPECT_EQ(std::to_string(how->lock.expiry()), expiry);
    EXPECT_TRUE(held(set("k", 20, 30)));
    const auto row = locks_->get("k", "03464-52391-a").value();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->from(), 10);
    EXPECT_TRUE(how->lock.release().value());
    EXPECT_TRUE(locks_->clear("k", "03464-52391-a").value());
    EXPECT_TRUE(held(set("k", 0, 20)));
}

TEST_F(range_lock_beside, the_original_finds_reads_and_clears_ours) {
    const auto mine = locks_->set("k", 10, 20, "ours", 30s)->lock;
    const sql_rows row{{mine.id(), "k", "10", "20", std::to_string(mine.expiry()), "ours"}};
    const auto now = theirs_->now();
    EXPECT_EQ(theirs_->find("k", "15", "25", now), row);
    EXPECT_EQ(theirs_->get("k", mine.id(), now), row);
    EXPECT_THAT(theirs_->find("k", "20", "25", now), SizeIs(0));
    EXPECT_THAT(theirs_->find("k", "0", "10", now), SizeIs(0));
    sql().ask("DELETE FROM `lock` WHERE `key` = 'k' AND `id` = '" + mine.id() + "'");
    EXPECT_FALSE(locks_->get("k", mine.id()).value());
    EXPECT_TRUE(held(set("k", 10, 20)));
}

// Why: what a careless original wrote still counts as MySQL reads it.
TEST_F(range_lock_beside, rows_with_odd_numbers_count_as_the_database_reads_them) {
    theirs_->insert("odd", "k", "7000.5", "1.0e+21", "1.0000000017952392e+21");
    theirs_->insert("dead", "k", "1", "2", "NaN");
    EXPECT_TRUE(held(set("k", 0, 7000)));
    const auto how = set("k", 7000, 7001);
    ASSERT_TRUE(taken(how)) << told_of(how);
    EXPECT_EQ(how->lock.id(), "odd");
    EXPECT_FALSE(locks_->get("k", "dead").value());
}

TEST_F(range_lock_beside, the_tables_are_made_as_the_original_makes_its_own) {
    const std::string made = sql().ask("SHOW CREATE TABLE `lock`").at(0).at(1);
    sql().ask("CREATE DATABASE " + database_ + "_theirs CHARACTER SET latin1");
    original other(sql_server(), database_ + "_theirs");
    other.sql().ask(
        "CREATE TABLE IF NOT EXISTS `lock` (`id` VARCHAR(255) NOT NULL , `key` VARCHAR(255), "
        "`from` VARCHAR(255), `to` VARCHAR(255), `expiry` VARCHAR(255), `data` VARCHAR(255), "
        "PRIMARY KEY (`id`)) ENGINE=InnoDB");
    EXPECT_EQ(other.sql().ask("SHOW CREATE TABLE `lock`").at(0).at(1), made);
    // And ours uses a table that an original made.
    range_lock ours(redis().url(), sql_server().url(database_ + "_theirs"));
    EXPECT_TRUE(held(ours.set("k", 10, 20, "ours", 30s)));
    EXPECT_THAT(other.find("k", "15", "25", other.now()), SizeIs(1));
}

}  // namespace
}  // namespace holdfast::test
