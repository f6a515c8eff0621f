// SPDX-License-Identifier: BSL-1.0
//
// What it is: what tests of the original's table start from: a server that the tests of a program
// share, a database of each test's own, ours as users of the table, and the original's own words.
// Thread safety: none.
#pragma once

#include "mysql/seed_table.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "support/mariadb_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace holdfast::test {

using namespace std::chrono_literals;
using mysql::seed_row;
using mysql::seed_table;
using mysql::seed_wish;
using mysql::set_outcome;

/// One user of the table, as a process of its own would be: its own context and connections.
class table_user {
public:
    explicit table_user(const std::string& url)
        : table(std::make_unique<seed_table>(environment, mysql::read_settings(url).value())) {}
    ~table_user() {
        table->stop();
        context.poll();  // What was under way ends.
    }

    [[nodiscard]] static time_point in(boot_clock::duration wait) {
        return boot_clock::now() + wait;
    }
    /// Holds a range, with a mutex that lasts, unless said otherwise.
    result<set_outcome> set(seed_wish wanted, boot_clock::duration mutex = 20s,
                            boot_clock::duration limit = 20s) {
        if (wanted.id.empty()) wanted.id = run(context, table->new_id(in(limit))).value();
        return run(context, table->set(std::move(wanted), in(mutex), in(limit)));
    }
    result<set_outcome> set(const std::string& key, std::int64_t from, std::int64_t to) {
        return set({.key = key, .from = from, .to = to, .ttl = 30s});
    }

    asio::io_context context{1};
    system_timeline time{context.get_executor()};
    system_entropy random;
    store_environment environment{context.get_executor(), time, random, {}};
    std::unique_ptr<seed_table> table;
};

inline bool holds(const result<set_outcome>& how) { return how && !how->blocker; }
inline bool blocked(const result<set_outcome>& how) { return how && how->blocker; }
inline std::string why(const result<set_outcome>& how) {
    if (!how) return how.error().message();
    return how->blocker ? "blocked by " + how->blocker->id : "held";
}

/// The original: the statements of range-lock 0.3 with Sequelize 3.35, as the server's general log
/// has them. Numbers that come as numbers stand without quotes, others with them.
class original {
public:
    original(const mariadb_server& server, const std::string& database)
        : session_(server, database) {}

    sql_rows find(const std::string& key, const std::string& from, const std::string& to,
                  std::int64_t now) {
        return session_.ask(
            "SELECT `id`,`key`,`from`,`to`,`expiry`,`data` FROM `lock` AS `lock` WHERE "
            "((`lock`.`key`='" +
            key + "' AND `lock`.`expiry` > " + std::to_string(now) + ") AND (`lock`.`from` < " +
            to + " AND `lock`.`to` > " + from + "))");
    }
    /// @return The server's error number; 0 if the row was written.
    unsigned insert(const std::string& id, const std::string& key, const std::string& from,
                    const std::string& to, const std::string& expiry) {
        return session_.try_ask(
            "INSERT INTO `lock` (`id`,`key`,`from`,`to`,`expiry`,`data`) VALUES ('" + id + "','" +
            key + "','" + from + "','" + to + "','" + expiry + "','original')");
    }
    sql_rows get(const std::string& key, const std::string& id, std::int64_t now) {
        return session_.ask(
            "SELECT `id`,`key`,`from`,`to`,`expiry`,`data` FROM `lock` AS `lock` WHERE "
            "`lock`.`key`='" +
            key + "' AND `lock`.`id`='" + id + "' AND `lock`.`expiry` > " + std::to_string(now));
    }
    unsigned tidy(std::int64_t now) {
        return session_.try_ask("DELETE FROM `lock` WHERE `expiry` <= " + std::to_string(now));
    }
    std::int64_t now() {
        return std::stoll(session_.value("SELECT FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)"));
    }
    sql_session& sql() { return session_; }

private:
    sql_session session_;
};

/// A database of the test's own on the program's server, with the tables made.
class mysql_table : public testing::Test {
protected:
    explicit mysql_table(const std::string& charset = "latin1") {
        static int count = 0;
        database_ = "locks" + std::to_string(++count);
        sql_session(server(), "").ask("CREATE DATABASE " + database_ + " CHARACTER SET " + charset);
        ours_ = std::make_unique<table_user>(url());
        theirs_ = std::make_unique<original>(server(), database_);
        const auto made = run(ours_->context, ours_->table->create(table_user::in(20s)));
        EXPECT_TRUE(made) << made.error().message();
    }
    static mariadb_server& server() {
        static mariadb_server shared;
        return shared;
    }
    [[nodiscard]] std::string url() const { return server().url(database_); }
    [[nodiscard]] std::string row_count() {
        return theirs_->sql().value("SELECT COUNT(*) FROM `lock`");
    }
    /// Live rows that overlap another live row of their key.
    [[nodiscard]] std::string overlaps() {
        return theirs_->sql().value(
            "SELECT COUNT(*) FROM `lock` a JOIN `lock` b ON a.`key` = b.`key` AND a.id < b.id "
            "AND a.`from`+0e0 < b.`to`+0e0 AND a.`to`+0e0 > b.`from`+0e0");
    }

    std::string database_;
    std::unique_ptr<table_user> ours_;
    std::unique_ptr<original> theirs_;
};

}  // namespace holdfast::test
