// SPDX-License-Identifier: BSL-1.0
//
// What it is: what tests of the range lock start from: a Redis server and a database server that
// the tests of a program share, the one emptied, the other with a database of the test's own, and
// the original's own words.
// Thread safety: none; `locks` may be used by any thread.
#pragma once

#include <holdfast/compat/range_lock.hpp>

#include "compat/on_server.hpp"
#include "integration/mysql_table.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace holdfast::test {

using compat::range_lock;

inline bool held(const result<range_lock::answer>& how) { return how && how->success; }
inline bool taken(const result<range_lock::answer>& how) { return how && !how->success; }
/// @return What a set was answered, for messages.
inline std::string told_of(const result<range_lock::answer>& how) {
    if (!how) return how.error().message();
    return (how->success ? "held as " : "taken by ") + how->lock.id();
}
/// @return Whether `answer` is an error of that code.
template <class T>
bool fails(const result<T>& answer, errc code) {
    return !answer && answer.error().code == code;
}
template <class T>
std::string text_of(const result<T>& answer) {
    return answer ? "no error" : answer.error().text;
}
/// @return Whether `future` has its answer.
template <class T>
bool ready(const std::future<T>& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

/// See the top of the file.
class on_two_servers : public testing::Test {
protected:
    explicit on_two_servers(const std::string& charset = "latin1") {
        static int count = 0;
        database_ = "locks" + std::to_string(++count);
        sql_session(sql_server(), "")
            .ask("CREATE DATABASE " + database_ + " CHARACTER SET " + charset);
        theirs_ = std::make_unique<original>(sql_server(), database_);
        there_.ask({"FLUSHALL"});
    }
    /// A facade, as a process of its own would have it; the tables are there afterwards.
    [[nodiscard]] std::unique_ptr<range_lock> open() const {
        auto locks = std::make_unique<range_lock>(redis().url(), url());
        const auto nothing = locks->get("nobody has it", "x");
        EXPECT_TRUE(nothing && !*nothing) << text_of(nothing);
        return locks;
    }
    static mariadb_server& sql_server() {
        static mariadb_server shared;
        return shared;
    }
    static redis_server& redis() {
        static redis_server shared;
        return shared;
    }
    [[nodiscard]] std::string url() const { return sql_server().url(database_); }
    sql_session& sql() { return theirs_->sql(); }
    [[nodiscard]] std::string rows() { return sql().value("SELECT COUNT(*) FROM `lock`"); }
    /// Pairs of rows of one key that overlap.
    [[nodiscard]] std::string overlaps() {
        return sql().value(
            "SELECT COUNT(*) FROM `lock` a JOIN `lock` b ON a.`key` = b.`key` AND a.id < b.id "
            "AND a.`from`+0e0 < b.`to`+0e0 AND a.`to`+0e0 > b.`from`+0e0");
    }
    [[nodiscard]] std::string in(std::int64_t ms) { return std::to_string(theirs_->now() + ms); }

    std::string database_;
    std::unique_ptr<original> theirs_;
    on_server there_{redis()};
};

/// The same with a facade.
class range_lock_test : public on_two_servers {
protected:
    explicit range_lock_test(const std::string& charset = "latin1")
        : on_two_servers(charset), locks_(open()) {}

    result<range_lock::answer> set(const std::string& key, std::int64_t from, std::int64_t to,
                                   std::chrono::milliseconds ttl = 30s) {
        return locks_->set(key, from, to, std::nullopt, ttl);
    }
    std::unique_ptr<range_lock> locks_;
};

}  // namespace holdfast::test
