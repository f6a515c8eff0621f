// SPDX-License-Identifier: BSL-1.0
#include "bare_ranges.hpp"

#include "mysql/client/settings.hpp"
#include "redis/range_record.hpp"
#include "redis/resp/command.hpp"
#include "redis/script.hpp"
#include "sqlite/sql.hpp"
#include "sqlite/wall_clock.hpp"
#include "wire.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <mysql.h>
#include <random>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace holdfast::bench {
namespace {

/// Draws 32 hexadecimal digits that nobody else has, at random as the library's are: where an index
/// is large, it matters that one does not stand beside the last one.
class bare_ids {
public:
    explicit bare_ids(int client) : client_(client), random_(static_cast<unsigned>(client) + 1) {}

    std::string next() {
        std::array<char, 33> text{};
        std::snprintf(text.data(), text.size(), "%016llx%08x%08llx",
                      static_cast<unsigned long long>(random_()), static_cast<unsigned>(client_),
                      static_cast<unsigned long long>(++number_));
        return text.data();
    }

private:
    int client_;
    std::uint64_t number_{0};
    std::mt19937_64 random_;
};

/// The scripts, on a socket.
class redis_ranges final : public bare_ranges {
public:
    redis_ranges(const std::string& url, int client)
        : wire_(url),
          ids_(client),
          hold_(wire_.load_script(redis::scripts().range_hold.text(7))),
          release_(wire_.load_script(redis::scripts().range_release.text(7))) {}

    void hold(std::int64_t start, std::int64_t end) override {
        id_ = redis::write_id(ids_.next());
        bytes_.clear();
        redis::resp::append_command(bytes_, "EVALSHA", hold_, 1, key_, redis::write_bound(start),
                                    redis::write_bound(end), redis::class_of({start, end}), id_, 1,
                                    0, ranges_ttl_ms, redis::write_labels({}, {}));
        say('*');
    }
    void release() override {
        bytes_.clear();
        redis::resp::append_command(bytes_, "EVALSHA", release_, 1, key_, id_, "any", "");
        say(':');
    }

private:
    void say(char expected) {
        wire_.send(bytes_);
        if (wire_.receive(answer_) == 0 || answer_[0] != expected || answer_[1] == '-')
            throw std::runtime_error("bare redis: " + std::string(answer_.data(), 40));
    }

    wire wire_;
    bare_ids ids_;
    std::string key_{std::string("{hr:") + ranges_key + "}"};
    std::string hold_;
    std::string release_;
    std::string id_;
    std::string bytes_;
    std::array<char, 512> answer_{};
};

/// The statements, on a connection.
class sqlite_ranges final : public bare_ranges {
public:
    sqlite_ranges(const std::string& path, int client) : ids_(client) {
        if (sqlite3_open_v2(path.c_str(), &file_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                            nullptr) != SQLITE_OK)
            throw std::runtime_error("bare sqlite: cannot open " + path);
        sqlite3_busy_timeout(file_, 60'000);
        sqlite3_exec(file_, sqlite::sql::connect.data(), nullptr, nullptr, nullptr);
        for (const std::string_view sql :
             {sqlite::sql::begin, sqlite::sql::hold_usual, sqlite::sql::hold_fence_set,
              sqlite::sql::hold_insert, sqlite::sql::commit, sqlite::sql::hold_end}) {
            sqlite3_stmt* made = nullptr;
            if (sqlite3_prepare_v2(file_, sql.data(), -1, &made, nullptr) != SQLITE_OK)
                throw std::runtime_error(sqlite3_errmsg(file_));
            statements_.push_back(made);
        }
    }
    ~sqlite_ranges() override {
        for (sqlite3_stmt* each : statements_) sqlite3_finalize(each);
        sqlite3_close_v2(file_);
    }

    void hold(std::int64_t start, std::int64_t end) override {
        id_ = ids_.next();
        finish(begin_);
        bind_blob(usual_, ":key", ranges_key);
        bind(usual_, ":start", start);
        bind(usual_, ":finish", end);
        bind(usual_, ":wall", sqlite::wall_us());
        const std::int64_t fence = finish(usual_);
        if (fence == 0) throw std::runtime_error("bare sqlite: not free");
        bind(fence_set_, ":fence", fence);
        finish(fence_set_);
        bind_blob(insert_, ":key", ranges_key);
        bind(insert_, ":class", 0);
        bind(insert_, ":units", 1);
        bind(insert_, ":granted", 1);
        bind(insert_, ":start", start);
        bind(insert_, ":finish", end);
        bind(insert_, ":fence", fence);
        bind_blob(insert_, ":id", id_);
        bind_boot(insert_);
        bind(insert_, ":expires", now_ns() + ranges_ttl_ms * 1'000'000);
        bind(insert_, ":expires_us", sqlite::wall_us() + ranges_ttl_ms * 1000);
        bind_blob(insert_, ":owner", {});
        bind_blob(insert_, ":data", {});
        finish(insert_);
        finish(commit_);
    }
    void release() override {
        bind_blob(end_, ":key", ranges_key);
        bind_blob(end_, ":id", id_);
        bind_boot(end_);
        bind(end_, ":now", now_ns());
        bind(end_, ":never", std::numeric_limits<std::int64_t>::max());
        bind(end_, ":fence", std::int64_t{0});
        finish(end_);
        if (sqlite3_changes(file_) != 1) throw std::runtime_error("bare sqlite: not released");
    }

private:
    static constexpr std::size_t begin_ = 0, usual_ = 1, fence_set_ = 2, insert_ = 3, commit_ = 4,
                                 end_ = 5;

    [[nodiscard]] static std::int64_t now_ns() {
        timespec now{};
        ::clock_gettime(CLOCK_BOOTTIME, &now);
        return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
    }
    void bind_boot(std::size_t which) {
        sqlite3_stmt* const to = statements_[which];
        sqlite3_bind_text(to, sqlite3_bind_parameter_index(to, ":boot"), "a boot", -1,
                          SQLITE_STATIC);
    }
    void bind(std::size_t which, const char* name, std::int64_t value) {
        sqlite3_stmt* const to = statements_[which];
        sqlite3_bind_int64(to, sqlite3_bind_parameter_index(to, name), value);
    }
    void bind_blob(std::size_t which, const char* name, std::string_view bytes) {
        sqlite3_stmt* const to = statements_[which];
        sqlite3_bind_blob64(to, sqlite3_bind_parameter_index(to, name),
                            bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    std::int64_t finish(std::size_t which) {
        sqlite3_stmt* const what = statements_[which];
        std::int64_t seen = 0;
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(what)) == SQLITE_ROW) seen = sqlite3_column_int64(what, 0);
        sqlite3_reset(what);
        if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(file_));
        return seen;
    }

    bare_ids ids_;
    std::string id_;
    sqlite3* file_{nullptr};
    std::vector<sqlite3_stmt*> statements_;
};

/// @throws std::runtime_error  If it is refused.
MYSQL* connect_mysql(const std::string& url) {
    const auto where = mysql::read_settings(url, mysql::url_use::store).value();
    MYSQL* const server = mysql_init(nullptr);
    const auto password = mysql::current_password(where).value();
    if (!mysql_real_connect(
            server, where.host.empty() ? nullptr : where.host.c_str(), where.user.c_str(),
            std::string(password.reveal()).c_str(), where.database.c_str(), where.port,
            where.unix_path.empty() ? nullptr : where.unix_path.c_str(), CLIENT_MULTI_RESULTS))
        throw std::runtime_error(mysql_error(server));
    return server;
}

/// The procedure, called on a connection.
class mysql_ranges final : public bare_ranges {
public:
    mysql_ranges(const std::string& url, int client) : ids_(client) {
        server_ = connect_mysql(url);
        say("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    }
    ~mysql_ranges() override { mysql_close(server_); }

    void hold(std::int64_t start, std::int64_t end) override {
        id_ = ids_.next();
        say("CALL holdfast_range_hold_2('" + std::string(ranges_key) + "', '" + id_ + "', " +
            std::to_string(start) + ", " + std::to_string(end) + ", 1, 0, " +
            std::to_string(ranges_ttl_ms * 1000) + ", '', '')");
    }
    void release() override {
        say("DELETE FROM holdfast_range_hold WHERE `key` = '" + std::string(ranges_key) +
            "' AND id = '" + id_ +
            "' AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6))");
    }
    bool fill(int live) override {
        const std::string key = "'" + std::string(ranges_key) + "'";
        for (int first = 0; first < live; first += fill_at_once) {
            const int last = std::min(live, first + fill_at_once) - 1;
            say("INSERT INTO holdfast_range_hold SELECT " + key +
                ", CONCAT('fill', LPAD(HEX(seq), 28, '0')), 0, 2 * seq, 2 * seq + 1, "
                "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6)) + 86400000000, seq + 1, 1, "
                "1, '', '' FROM seq_" +
                std::to_string(first) + "_to_" + std::to_string(last));
        }
        return true;
    }

private:
    static constexpr int fill_at_once = 20'000;

    void say(const std::string& sql) {
        int more = mysql_real_query(server_, sql.data(), sql.size());
        for (; more == 0; more = mysql_next_result(server_))
            mysql_free_result(mysql_store_result(server_));
        if (more > 0) throw std::runtime_error(mysql_error(server_));
    }

    bare_ids ids_;
    std::string id_;
    MYSQL* server_{nullptr};
};

}  // namespace

std::unique_ptr<bare_ranges> make_bare_ranges(const std::string& url, int client) {
    if (is_plain_redis(url)) return std::make_unique<redis_ranges>(url, client);
    if (url.starts_with("sqlite:")) return std::make_unique<sqlite_ranges>(url.substr(7), client);
    if (url.starts_with("mysql")) return std::make_unique<mysql_ranges>(url, client);
    return nullptr;
}

double server_bytes(const std::string& url) {
    if (!is_plain_redis(url)) return 0;
    const wire line(url);
    line.send("INFO memory\r\n");
    std::array<char, 16384> told{};
    const std::string_view text(told.data(), line.receive(told));
    const std::size_t at = text.find("used_memory:");
    return at == text.npos ? 0 : std::strtod(text.data() + at + 12, nullptr);
}

std::optional<std::int64_t> server_deadlocks(const std::string& url) {
    if (!url.starts_with("mysql")) return std::nullopt;
    MYSQL* const server = connect_mysql(url);
    std::optional<std::int64_t> told;
    if (mysql_query(server, "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'") == 0) {
        MYSQL_RES* const rows = mysql_store_result(server);
        if (const MYSQL_ROW row = mysql_fetch_row(rows)) told = std::strtoll(row[1], nullptr, 10);
        mysql_free_result(rows);
    }
    mysql_close(server);
    return told;
}

}  // namespace holdfast::bench
