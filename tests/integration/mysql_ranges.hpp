// SPDX-License-Identifier: BSL-1.0
//
// What it is: what tests of the store of holds start from: a server that the tests of a program
// share, a database of each test's own, and users as processes of their own would be.
// Thread safety: none; each user may have a thread of its own.
#pragma once

#include "mysql/mysql_range_store.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "support/mariadb_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;

/// One user of the store, with a context and connections of its own.
class range_user {
public:
    explicit range_user(const std::string& url)
        : store(std::make_unique<mysql::mysql_range_store>(
              environment, mysql::read_settings(url, mysql::url_use::store).value())) {}
    ~range_user() {
        store->stop();
        context.poll();  // What was under way ends.
    }
    range_user(const range_user&) = delete;
    range_user& operator=(const range_user&) = delete;

    [[nodiscard]] static time_point in(boot_clock::duration wait) {
        return boot_clock::now() + wait;
    }
    [[nodiscard]] std::string fresh_id() { return name_ + std::to_string(++ids_); }

    result<range_grant> hold(const range_claim& wanted, boot_clock::duration limit = 20s) {
        auto said = run(context, store->hold_all(std::span(&wanted, 1), in(limit)));
        if (!said) return said.error();
        return said->at(0);
    }
    /// Holds with an id of its own, for 30 s.
    result<range_grant> hold(const std::string& key, std::int64_t start, std::int64_t end) {
        const range_claim wanted{
            .key = key, .id = fresh_id(), .start = start, .end = end, .ttl = 30s};
        return hold(wanted);
    }
    result<std::vector<range_grant>> hold_all(const std::vector<range_claim>& wanted) {
        return run(context, store->hold_all(wanted, in(20s)));
    }
    result<void> renew(const std::string& key, const std::string& id,
                       std::chrono::milliseconds ttl = 30s) {
        range_renewal ask{.key = key, .id = id, .ttl = ttl};
        run(context, store->renew(std::span(&ask, 1), in(20s)));
        return ask.outcome;
    }
    result<void> release(const std::string& key, const std::string& id) {
        return run(context, store->release(key, id, released_hold::any, in(20s)));
    }
    result<std::optional<range_hold>> get(const std::string& key, const std::string& id) {
        return run(context, store->get(key, id, in(20s)));
    }
    result<range_hold> confirm(const std::string& key, const std::string& id) {
        return run(context, store->confirm(key, id, 0, in(20s)));
    }
    result<range_hold> move(const std::string& key, const std::string& id, range to) {
        return run(context, store->move(key, id, 0, to, in(20s)));
    }
    result<range_page> list(const std::string& key, range window = everything,
                            std::optional<range_cursor> after = std::nullopt,
                            std::size_t limit = 1000) {
        return run(context, store->list(key, window, after, limit, in(20s)));
    }
    result<void> set_capacity(const std::string& key, std::uint32_t units) {
        return run(context, store->set_capacity(key, units, in(20s)));
    }

    asio::io_context context{1};
    system_timeline time{context.get_executor()};
    system_entropy random;
    store_environment environment{context.get_executor(), time, random, {}};
    std::unique_ptr<mysql::mysql_range_store> store;

private:
    static std::string fresh_name() {
        static std::atomic<int> users{0};
        return "user" + std::to_string(++users) + "-";
    }
    std::string name_ = fresh_name();
    int ids_{0};
};

template <class T>
testing::AssertionResult ok(const result<T>& said) {
    if (said) return testing::AssertionSuccess();
    return testing::AssertionFailure() << said.error().message();
}

template <class T>
testing::AssertionResult fails_with(const result<T>& said, errc code) {
    if (said) return testing::AssertionFailure() << "it succeeded";
    if (said.error().code == code) return testing::AssertionSuccess();
    return testing::AssertionFailure() << said.error().message();
}

/// Who may make the procedure, and who has to do without.
enum class rights { all, no_routines };

/// A database of the test's own on the program's server.
class mysql_ranges : public testing::Test {
protected:
    explicit mysql_ranges(rights may = rights::all) {
        static int count = 0;
        database_ = "locks" + std::to_string(++count);
        sql_session root(server(), "");
        root.ask("CREATE DATABASE " + database_);
        url_ = server().url(database_);
        if (may == rights::no_routines) {
            root.ask("CREATE USER IF NOT EXISTS plain@localhost IDENTIFIED BY 'app pw'");
            root.ask("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON " + database_ +
                     ".* TO plain@localhost");
            url_.replace(url_.find("app:"), 4, "plain:");
        }
        sql_ = std::make_unique<sql_session>(server(), database_);
        ours_ = std::make_unique<range_user>(url());
        theirs_ = std::make_unique<range_user>(url());
    }
    static mariadb_server& server() {
        static mariadb_server shared;
        return shared;
    }
    [[nodiscard]] const std::string& url() const { return url_; }
    /// Holds that overlap another one of their key.
    [[nodiscard]] std::string overlaps() {
        return sql_->value(
            "SELECT COUNT(*) FROM holdfast_range_hold a JOIN holdfast_range_hold b "
            "ON a.`key` = b.`key` AND a.id < b.id AND a.starts < b.ends AND a.ends > b.starts");
    }
    /// Whether a statement waits for a lock on a row.
    [[nodiscard]] bool server_waits_for_a_row() {
        return sql_->ask("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0][1] != "0";
    }
    [[nodiscard]] std::string row_count() {
        return sql_->value("SELECT COUNT(*) FROM holdfast_range_hold");
    }
    [[nodiscard]] std::string procedures() {
        return sql_->value(
            "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE "
            "ROUTINE_SCHEMA = '" +
            database_ + "'");
    }

    std::string database_;
    std::string url_;
    std::unique_ptr<sql_session> sql_;
    std::unique_ptr<range_user> ours_;
    std::unique_ptr<range_user> theirs_;
};

}  // namespace holdfast::test
