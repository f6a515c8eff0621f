// SPDX-License-Identifier: BSL-1.0
#include "mysql/health_rules.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;

/// As for Redis: what a clock that is kept in step never reaches, and a slow way.
constexpr std::chrono::microseconds clock_tolerated = 1s;
constexpr std::chrono::microseconds round_trip_slow = 300ms;
constexpr std::int64_t idle_seconds_least = 60;

/// Collects findings about one server.
class judgement {
public:
    judgement(const server_account& account, const settings& place) : told(account), where(place) {}

    void add(severity level, std::string code, std::string text, std::string remedy) {
        found.push_back(
            {level, std::move(code), where.address, std::move(text), std::move(remedy)});
    }
    [[nodiscard]] bool is(std::string_view name, std::string_view value) const {
        return told.value(name) == value;
    }
    [[nodiscard]] bool is_on(std::string_view name) const { return is(name, "ON"); }
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const {
        const std::string_view digits = told.value(name);
        std::int64_t value = 0;
        const char* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value);
        if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
        return value;
    }

    const server_account& told;
    const settings& where;
    std::vector<finding> found;
};

std::string in_ms(std::chrono::microseconds time) {
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

void judge_role(judgement& on) {
    if (on.is_on("wsrep_on"))
        on.add(on.where.galera_allowed ? severity::warning : severity::problem, "galera",
               "it is a node of a Galera cluster, where a lock on a row is known to its node "
               "alone: two who ask different nodes may both be given a lock",
               "name a server that stands alone; or one and the same node for all clients, with "
               "galera=allow");
    if (on.is_on("read_only") || on.is_on("super_read_only") || on.is_on("innodb_read_only"))
        on.add(severity::problem, "read-only",
               "it only reads (read_only), as a replica does: no lock can be taken",
               "name the server that writes in the URL; or SET GLOBAL read_only = 0");
    if (on.is_on("Slave_running") || on.number("Slaves_running").value_or(0) > 0)
        on.add(severity::warning, "replica",
               "it takes over what another server writes: locks that were taken there and here "
               "do not exclude each other",
               "name the server that writes in the URL of all clients");
    const bool waits =
        on.is_on("rpl_semi_sync_master_enabled") || on.is_on("rpl_semi_sync_source_enabled");
    if (on.number("Slaves_connected").value_or(0) > 0 && !waits)
        on.add(severity::note, "unacknowledged-replicas",
               "it has replicas, and answers before they have a write: one that takes its place "
               "may not know locks that were given a moment before",
               "SET GLOBAL rpl_semi_sync_master_enabled = 1, and on the replicas "
               "rpl_semi_sync_slave_enabled = 1");
}

void judge_durability(judgement& on) {
    const auto flush = on.number("innodb_flush_log_at_trx_commit");
    if (flush && *flush != 1)
        on.add(severity::warning, "commit-not-flushed",
               "innodb_flush_log_at_trx_commit is " + std::to_string(*flush) +
                   ": a crash forgets the locks of the last second, which may then be given to "
                   "others while they are held",
               "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in its configuration");
    if (on.is_on("log_bin") && on.is("binlog_format", "STATEMENT"))
        on.add(severity::problem, "binlog-of-statements",
               "binlog_format is STATEMENT, which the server refuses at READ COMMITTED, at which "
               "locks are taken",
               "SET GLOBAL binlog_format = MIXED, and in its configuration");
}

void judge_room(judgement& on) {
    const auto most = on.number("max_connections");
    const auto now = on.number("Threads_connected");
    if (most && now && *now * 5 >= *most * 4)
        on.add(severity::warning, "clients-nearly-full",
               std::to_string(*now) + " of " + std::to_string(*most) +
                   " connections are in use (max_connections): who comes behind them is refused",
               "SET GLOBAL max_connections to more; find who keeps them: SHOW PROCESSLIST");
    const auto idle = on.number("wait_timeout");
    if (idle && *idle < idle_seconds_least)
        on.add(severity::warning, "short-wait-timeout",
               "wait_timeout is " + std::to_string(*idle) +
                   " s: a connection that idles for so long is closed, and the next call pays for "
                   "another one",
               "SET GLOBAL wait_timeout = 28800, and in its configuration");
}

void judge_tables(judgement& on) {
    for (const auto& [name, engine] : on.told.tables)
        if (engine != "InnoDB")
            on.add(
                severity::problem, "table-engine",
                "the table " + name + " is of the engine " + engine + ", which has no transactions",
                "ALTER TABLE " + name + " ENGINE=InnoDB");
    if (!on.told.tables.contains("holdfast_lock"))
        on.add(severity::note, "no-table",
               "the table holdfast_lock is not there yet: the first who takes a lock makes it, "
               "and needs the right CREATE",
               "let an administrator run src/mysql/sql/schema/holdfast_lock.sql");
    for (const std::string& said : on.told.denied)
        on.add(severity::problem, "missing-right", "the server says: " + said,
               "GRANT SELECT, INSERT, UPDATE, DELETE ON " + on.where.database + ".* TO this user");
}

void judge_road(judgement& on) {
    if (on.told.clock_ahead) {
        const auto ahead = *on.told.clock_ahead;
        if (std::chrono::abs(ahead) > clock_tolerated + on.told.clock_doubt)
            on.add(severity::warning, "clock-offset",
                   "its clock is " + in_ms(std::chrono::abs(ahead)) +
                       (ahead.count() > 0 ? " ahead of" : " behind") +
                       " this machine's; ttls are counted by its clock alone and do not suffer, "
                       "but if it is then stepped forward, locks end early",
                   "let a time service slew both clocks: chronyc tracking, or timedatectl");
    }
    if (on.told.round_trip > round_trip_slow)
        on.add(severity::warning, "slow-server",
               "a round trip takes " + in_ms(on.told.round_trip) +
                   " at least: each attempt takes that long, and a ttl should be 100 times as long",
               "look for what keeps it: SHOW PROCESSLIST, the network");
    const bool here = on.where.host.empty() || on.where.host == "localhost" ||
                      on.where.host == "::1" || on.where.host.starts_with("127.");
    if (on.where.tls == tls_mode::off && !here)
        on.add(severity::note, "plain-text",
               "the values of locks go over the network in plain text",
               "keep the database in a network of your own");
}

}  // namespace

std::vector<finding> judge_server(const server_account& told, const settings& where) {
    judgement on(told, where);
    judge_role(on);
    judge_durability(on);
    judge_room(on);
    judge_tables(on);
    judge_road(on);
    return std::move(on.found);
}

}  // namespace holdfast::mysql
