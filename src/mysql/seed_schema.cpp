// SPDX-License-Identifier: BSL-1.0
//
// The tables and the guard: what is there, whether it is as it has to be, and making it.
#include "mysql/client/server_error.hpp"
#include "mysql/seed_cells.hpp"
#include "mysql/seed_table.hpp"
#include "mysql/sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace holdfast::mysql {
namespace {

constexpr std::int64_t characters_min = 255;
constexpr std::array lock_columns{"id", "key", "from", "to", "expiry", "data"};

failure odd(std::string what) { return {errc::wrong_type, "the table " + std::move(what)}; }

}  // namespace

struct seed_table::column {
    std::string name;
    std::string type;
    std::int64_t longest{0};
    bool may_be_left_out{false};
    bool primary{false};
    std::string collation;
    std::string engine;

    using all = std::vector<column>;
    static const column* find(const all& in, std::string_view name) {
        const auto found =
            std::find_if(in.begin(), in.end(), [&](const column& one) { return one.name == name; });
        return found == in.end() ? nullptr : &*found;
    }
};

// A statement that cannot be prepared, again as long as others are in its way.
asio::awaitable<result<void>> seed_table::change(std::string_view sql, unsigned tolerated,
                                                 time_point deadline) {
    for (unsigned tries = 1;; ++tries) {
        failure why;
        {
            auto line = co_await pool_->take(deadline);
            if (!line) co_return line.error();
            auto said = co_await (*line)->say(sql, deadline);
            const unsigned number = (*line)->number();
            if (said || (tolerated != 0 && number == tolerated)) co_return result<void>{};
            why = said.error();
            if (classify(number).what != verdict::busy || tries >= tries_max) co_return why;
        }
        const wake_reason woken = co_await pause(tries, deadline);
        if (woken == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        if (woken == wake_reason::woken) co_return why;
    }
}

asio::awaitable<result<std::vector<seed_table::column>>> seed_table::columns_of(
    std::string table, time_point deadline) {
    std::vector<cell> name{std::move(table)};
    auto said = co_await ask(sql::columns, std::move(name), repeats::harmless, deadline);
    if (!said) co_return without_effect(said.error());
    std::vector<column> all;
    for (const auto& row : said->rows) {
        if (row.size() != 8) co_return failure{errc::protocol, "columns without their properties"};
        all.push_back({.name = text_of(row[0]),
                       .type = text_of(row[1]),
                       .longest = whole_of(row[2]),
                       .may_be_left_out = whole_of(row[3]) != 0,
                       .primary = text_of(row[4]) == "PRI",
                       .collation = text_of(row[6]),
                       .engine = text_of(row[7])});
    }
    co_return all;
}

asio::awaitable<result<void>> seed_table::create(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::string collation;
    auto ready = co_await ready_lock(collation, deadline);
    if (ready) ready = co_await ready_lock_key(collation, deadline);
    co_return ready;
}

// Looks before it creates: who may use a table need not be allowed to make one.
asio::awaitable<result<void>> seed_table::ready_lock(std::string& collation, time_point deadline) {
    auto found = co_await columns_of("lock", deadline);
    if (found && found->empty()) {
        auto made = co_await change(sql::create_lock, 0, deadline);
        if (!made) co_return made;
        found = co_await columns_of("lock", deadline);
    }
    if (!found) co_return found.error();
    if (found->empty()) co_return odd("lock is not to be seen after it was made");
    if (found->front().engine != "InnoDB")
        co_return odd("lock is of the engine " + found->front().engine +
                      ", which has no transactions; InnoDB is needed");
    for (const char* const name : lock_columns) {
        const column* const one = column::find(*found, name);
        if (!one) co_return odd("lock has no column " + std::string(name));
        if (one->type != "varchar" || one->longest < characters_min)
            co_return odd("lock has a column " + std::string(name) + " of the type " + one->type +
                          "(" + std::to_string(one->longest) + "), not VARCHAR(255)");
        if (one->primary != (one->name == "id"))
            co_return odd("lock has a primary key other than id: " + std::string(name));
    }
    for (const column& one : *found) {
        const auto& known = lock_columns;
        const bool ours = std::find(known.begin(), known.end(), one.name) != known.end();
        if (!ours && (one.primary || !one.may_be_left_out))
            co_return odd("lock has a column " + one.name + " that every row has to fill");
    }
    collation = column::find(*found, "key")->collation;
    co_return result<void>{};
}

asio::awaitable<result<void>> seed_table::ready_lock_key(const std::string& collation,
                                                         time_point deadline) {
    auto found = co_await columns_of("lock_key", deadline);
    if (found && found->empty()) {
        auto made = co_await change(sql::create_lock_key, 0, deadline);
        if (!made) co_return made;
        found = co_await columns_of("lock_key", deadline);
    }
    if (!found) co_return found.error();
    if (found->empty()) co_return odd("lock_key is not to be seen after it was made");
    if (found->front().engine != "InnoDB")
        co_return odd("lock_key is of the engine " + found->front().engine + ", not InnoDB");
    const column* const key = column::find(*found, "key");
    if (!key || !key->primary) co_return odd("lock_key has no primary key named key");
    const column* const fence = column::find(*found, "fence");
    if (!fence || fence->type != "bigint") co_return odd("lock_key has no column fence BIGINT");
    if (key->collation != collation)
        co_return odd("lock_key has a column key of the collation " + key->collation +
                      ", but that of lock is " + collation +
                      ": what is equal there has to be here");
    co_return result<void>{};
}

asio::awaitable<result<bool>> seed_table::has_guard_columns(time_point deadline) {
    const auto found = co_await columns_of("lock", deadline);
    if (!found) co_return found.error();
    co_return column::find(*found, "f_n") != nullptr;
}

asio::awaitable<result<void>> seed_table::install_guard(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto done = co_await create(deadline);
    if (!done) co_return done;
    const auto had_columns = co_await has_guard_columns(deadline);
    if (!had_columns) co_return had_columns.error();
    if (!*had_columns) {
        done = co_await change(sql::guard_columns, 0, deadline);
        if (!done) co_return done;
    }
    done = co_await change(sql::guard_trigger, trigger_exists, deadline);
    if (done || *had_columns || done.error().code != errc::denied) co_return done;
    failure why = done.error();
    const auto taken_away = co_await change(sql::guard_drop_columns, 0, deadline);
    if (!taken_away) why.text += "; the columns f_n, t_n and x_n were left in lock";
    co_return why;
}

asio::awaitable<result<void>> seed_table::remove_guard(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto done = co_await change(sql::guard_drop_trigger, 0, deadline);
    if (!done) co_return done;
    const auto has_columns = co_await has_guard_columns(deadline);
    if (!has_columns) co_return has_columns.error();
    if (*has_columns) done = co_await change(sql::guard_drop_columns, 0, deadline);
    co_return done;
}

}  // namespace holdfast::mysql
