// SPDX-License-Identifier: BSL-1.0
#include "mysql/health_check.hpp"

#include "mysql/client/cells.hpp"
#include "mysql/client/server_error.hpp"
#include "mysql/doctor_sql.hpp"
#include "mysql/health_rules.hpp"
#include "mysql/sql.hpp"
#include "port/wall_clock.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::mysql {
namespace {

using std::chrono::microseconds;

constexpr int clock_looks = 3;

struct table_trials {
    std::string_view table;
    std::array<std::string_view, 3> statements;
};

std::array<table_trials, 3> all_trials() {
    using namespace doctor_sql;
    return {table_trials{"holdfast_lock", {insert_lock, update_lock, delete_lock}},
            table_trials{"holdfast_range_hold", {insert_hold, update_hold, delete_hold}},
            table_trials{"holdfast_range_key", {insert_key, update_key, delete_key}}};
}

asio::awaitable<result<void>> read_pairs(connection& line, std::string_view sql,
                                         std::map<std::string, std::string, std::less<>>& into,
                                         time_point deadline) {
    std::vector<cell> nothing;
    const auto said = co_await line.run(sql, std::move(nothing), deadline);
    if (!said) co_return without_effect(said.error());
    for (const auto& row : said->rows)
        if (row.size() == 2) into.emplace(text_of(row[0]), text_of(row[1]));
    co_return result<void>{};
}

asio::awaitable<result<void>> compare_clocks(const store_environment& env, connection& line,
                                             server_account& into, time_point deadline) {
    for (int i = 0; i < clock_looks; ++i) {
        std::vector<cell> nothing;
        const time_point sent = env.time.now();
        const microseconds before = port::wall_now();
        const auto said = co_await line.run(sql::server_time, std::move(nothing), deadline);
        const microseconds after = port::wall_now();
        if (!said) co_return without_effect(said.error());
        const auto took = std::chrono::duration_cast<microseconds>(env.time.now() - sent);
        // The first one is prepared.
        if (i == 0 || (i > 1 && took >= into.round_trip) || said->rows.empty()) continue;
        into.round_trip = took;
        into.clock_doubt = (after - before) / 2;
        into.clock_ahead =
            microseconds(whole_of(said->rows[0].at(0))) - (before + into.clock_doubt);
    }
    co_return result<void>{};
}

// A refusal is what is looked for; anything else that is wrong with a statement shows elsewhere.
asio::awaitable<result<void>> try_rights(connection& line, server_account& into,
                                         time_point deadline) {
    for (const table_trials& each : all_trials()) {
        if (!into.tables.contains(each.table)) continue;
        for (const std::string_view sql : each.statements) {
            std::vector<cell> nothing;
            const auto said = co_await line.run(sql, std::move(nothing), deadline);
            if (said) continue;
            constexpr unsigned table_denied = 1142;
            constexpr unsigned column_denied = 1143;
            if (line.number() == table_denied || line.number() == column_denied)
                into.denied.push_back(said.error().text);
            else if (!line.usable())
                co_return without_effect(said.error());
        }
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> read_account(const store_environment& env, connection& line,
                                           server_account& into, time_point deadline) {
    auto done = co_await read_pairs(line, doctor_sql::variables, into.values, deadline);
    if (!done) co_return done;
    done = co_await read_pairs(line, doctor_sql::status, into.values, deadline);
    if (!done) co_return done;
    done = co_await read_pairs(line, doctor_sql::tables, into.tables, deadline);
    if (!done) co_return done;
    done = co_await compare_clocks(env, line, into, deadline);
    if (!done) co_return done;
    co_return co_await try_rights(line, into, deadline);
}

// MariaDB has no id of a server's own; two do not have one directory.
std::string id_of(const server_account& told) {
    const std::string_view own = told.value("server_uuid");
    if (!own.empty()) return std::string(own);
    std::string place(told.value("hostname"));
    if (place.empty()) return place;
    return place.append(":").append(told.value("datadir"));
}

}  // namespace

asio::awaitable<result<diagnosis>> check_health(const store_environment& env, store_access& access,
                                                time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto line = co_await access.borrow(deadline);
    if (!line) co_return line.error();
    server_account told;
    const auto done = co_await read_account(env, **line, told, deadline);
    if (!done) co_return done.error();
    diagnosis found;
    found.findings = judge_server(told, access.where());
    const std::string version(told.value("version"));
    const bool maria = version.find("MariaDB") != std::string::npos;
    examined_server server{.address = access.address(),
                           .version = (maria ? "MariaDB " : "MySQL ") + version,
                           .id = id_of(told)};
    server.clock_ahead = told.clock_ahead;
    server.round_trip = told.round_trip;
    found.servers.push_back(std::move(server));
    co_return found;
}

}  // namespace holdfast::mysql
