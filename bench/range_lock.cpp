// SPDX-License-Identifier: BSL-1.0
//
// The question: how many ranges a second can one client set, and clear again, and how far is that
// from the same SQL statements said bare on one connection? Each case and its limit are measured in
// turn, five times, on servers of the program's own, with as much memory and log as MariaDB takes
// by itself; the medians and their ratio are printed, a JSON object a line. The original makes 11
// sets a second with one client.
#include <holdfast/compat/range_lock.hpp>
#include <holdfast/timeline.hpp>

#include "support/mariadb_server.hpp"
#include "support/redis_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using holdfast::compat::range_lock;
using holdfast::test::mariadb_server;
using holdfast::test::sql_session;

constexpr int repeats = 5;
constexpr double original_sets_per_second = 11;

/// Sets one range after the other, or sets and clears one.
enum class pattern { set, set_and_clear };

/// Does the work `count` times; never the same range twice.
using work = std::function<void(int count)>;

double per_second(int count, const work& sets) {
    const auto begin = holdfast::boot_clock::now();
    sets(count);
    const std::chrono::duration<double> passed = holdfast::boot_clock::now() - begin;
    return count / passed.count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

work ours(range_lock& locks, pattern how, const std::string& key) {
    return [&locks, how, key, at = 0](int count) mutable {
        for (const int end = at + count; at < end; ++at) {
            const auto set = locks.set(key, at, at + 1, "bench", 10min);
            const bool fine = set && set->success;
            if (!fine || (how == pattern::set_and_clear && !locks.clear(key, set->lock.id())))
                std::fputs("a set failed\n", stderr);
        }
    };
}

constexpr char overlap[] =
    "`key` = ? AND `from` + 0e0 < ? AND `to` + 0e0 > ? "
    "AND expiry + 0e0 > UNIX_TIMESTAMP(SYSDATE(3)) * 1000";

/// What a client needs at least: the two statements of a set, prepared on the server as ours are,
/// with the values written into their calls.
class bare {
public:
    bare(const mariadb_server& server, std::string key) : sql_(server), key_(std::move(key)) {
        sql_.ask(
            "PREPARE look FROM \"BEGIN NOT ATOMIC START TRANSACTION; "
            "INSERT INTO lock_key (`key`, fence) VALUES (?, 1) "
            "ON DUPLICATE KEY UPDATE fence = fence + 1; "
            "SELECT id INTO @blocker FROM `lock` WHERE " +
            std::string(overlap) + " LIMIT 1; END\"");
        sql_.ask(
            "PREPARE write_row FROM \"BEGIN NOT ATOMIC "
            "INSERT INTO `lock` VALUES (?, ?, ?, ?, '9999999999999', 'bench'); COMMIT; "
            "SELECT id INTO @beside FROM `lock` WHERE " +
            std::string(overlap) + " AND id <> ? LIMIT 1; END\"");
    }
    void set(int at) {
        const std::string key = "'" + key_ + "', ";
        const std::string from = std::to_string(at);
        const std::string to = std::to_string(at + 1);
        const std::string id = "'bare" + key_ + from + "'";
        sql_.ask("EXECUTE look USING " + key + key + to + ", " + from);
        sql_.ask("EXECUTE write_row USING " + id + ", " + key + from + ", " + to + ", " + key + to +
                 ", " + from + ", " + id);
    }
    void clear(int at) {
        sql_.ask("DELETE FROM `lock` WHERE `key` = '" + key_ + "' AND id = 'bare" + key_ +
                 std::to_string(at) + "'");
    }

private:
    sql_session sql_;
    std::string key_;
};

work raw(bare& statements, pattern how) {
    return [&statements, how, at = 0](int count) mutable {
        for (const int end = at + count; at < end; ++at) {
            statements.set(at);
            if (how == pattern::set_and_clear) statements.clear(at);
        }
    };
}

/// @param empty  Empties the table.
void compare(const std::string& name, int count, work mine, work limit,
             const std::function<void()>& empty) {
    std::vector<double> measured;
    std::vector<double> reachable;
    std::vector<double> ratios;
    mine(count / 10 + 1);  // Connects, and prepares.
    limit(count / 10 + 1);
    for (int i = 0; i < repeats; ++i) {
        empty();
        reachable.push_back(per_second(count, limit));
        empty();
        measured.push_back(per_second(count, mine));
        ratios.push_back(measured.back() / reachable.back());
    }
    const double sets = median(measured);
    std::printf(
        "{\"pattern\":\"%s\",\"clients\":1,\"sets_per_s\":%.0f,\"bare_sets_per_s\":%.0f,"
        "\"ratio_to_bare\":%.2f,\"times_the_original\":%.0f}\n",
        name.c_str(), sets, median(reachable), median(ratios), sets / original_sets_per_second);
    std::fflush(stdout);
}

void measure(const std::string& how, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--innodb-flush-method=O_DIRECT", "--innodb-buffer-pool-size=128M",
                      "--innodb-log-file-size=96M"});
    const mariadb_server database({.tcp = false, .arguments = arguments});
    const holdfast::test::redis_server redis;
    range_lock locks(redis.url(), database.url());
    static_cast<void>(locks.get("warm", "x"));  // Makes the tables.
    struct one_case {
        const char* name;
        pattern what;
        int count;
    };
    constexpr std::array cases{one_case{"set and clear", pattern::set_and_clear, 1000},
                               one_case{"set", pattern::set, 300}};
    for (const one_case& one : cases) {
        const auto empty = [&] { sql_session(database).ask("TRUNCATE TABLE `lock`"); };
        bare statements(database, "bare");
        compare(one.name + how, one.count, ours(locks, one.what, "ours"), raw(statements, one.what),
                empty);
    }
}

}  // namespace

int main() {
    if (!holdfast::test::redis_server::available()) {
        std::fputs("no redis-server on this machine\n", stderr);
        return 1;
    }
    measure("", {});
    measure(", no flush at commit", {"--innodb-flush-log-at-trx-commit=2"});
}
