// SPDX-License-Identifier: BSL-1.0
#include "mysql/mysql_range_store.hpp"

#include "mysql/range_sql.hpp"
#include "mysql/range_work.hpp"
#include "mysql/store_sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::mysql {
namespace {

constexpr unsigned no_such_procedure = 1305;
constexpr unsigned procedure_exists = 1304;
/// How many grants there are between two looks for keys that nobody uses.
constexpr std::uint64_t grants_per_sweep = 64;
/// What the procedure says, as its text has it.
constexpr std::int64_t said_held = 0;
constexpr std::int64_t said_blocked = 1;
constexpr std::int64_t said_too_many = 2;
constexpr std::int64_t said_another = 3;

constexpr table_plan range_tables{
    .names = {"holdfast_range_key", "holdfast_range_hold"},
    .created = {store_sql::holdfast_range_key, store_sql::holdfast_range_hold}};

std::vector<cell> call_values(const range_claim& wanted) {
    return {raw(wanted.key),
            raw(wanted.id),
            wanted.start,
            wanted.end,
            std::int64_t{wanted.units},
            std::int64_t{wanted.capacity},
            micros(wanted.ttl),
            raw(wanted.owner),
            raw(wanted.data)};
}

bool is_refusal(const failure& why) {
    return why.code == errc::contended || why.code == errc::misuse || why.code == errc::lost;
}

}  // namespace

mysql_range_store::mysql_range_store(const store_environment& environment, settings where,
                                     std::shared_ptr<port::bulletin> carrier)
    : env_(environment), access_(environment, std::move(where), range_tables, std::move(carrier)) {}

asio::awaitable<result<mysql_range_store::grants>> mysql_range_store::hold_all(
    std::span<const range_claim> wanted, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) { return hold(line, wanted, deadline); };
    auto said = co_await access_.converse<grants>(work, deadline);
    note_attempt(wanted, said);
    if (said) {
        for (const range_claim& one : wanted) access_.tell(one.key, store_access::change::other);
        const std::uint64_t before = std::exchange(grants_, grants_ + wanted.size());
        if (before / grants_per_sweep != grants_ / grants_per_sweep)
            co_await look_after_tables(deadline);
    }
    co_return said;
}

asio::awaitable<result<mysql_range_store::grants>> mysql_range_store::hold(
    connection& line, std::span<const range_claim> wanted, time_point deadline) {
    const bool one_step =
        wanted.size() == 1 && wanted[0].capacity <= 1 && procedure_ != procedure::missing;
    if (one_step) co_return co_await hold_by_call(line, wanted[0], deadline);
    co_return co_await hold_by_steps(line, wanted, deadline);
}

asio::awaitable<result<mysql_range_store::grants>> mysql_range_store::hold_by_call(
    connection& line, const range_claim& wanted, time_point deadline) {
    const auto said = co_await call(line, wanted, deadline);
    if (!said && procedure_ != procedure::missing) co_return said.error();
    std::vector<hold_row> blockers;
    if (said && (said->rows.empty() || said->rows[0].size() != 3))
        co_return failure{errc::protocol, address() + ": the procedure said nothing"};
    const std::int64_t how = said ? whole_of(said->rows[0][0]) : -1;
    const std::int64_t number = said ? whole_of(said->rows[0][1]) : 0;
    if (how == said_held) co_return grants{{static_cast<std::uint64_t>(number)}};
    if (how == said_too_many) co_return too_many_units(address(), wanted.units, number);
    if (how == said_another)
        co_return number == 1 ? confirmed_hold(address()) : another_hold(address());
    if (how == said_blocked) {
        for (std::size_t i = 1; i < said->rows.size(); ++i)
            blockers.push_back(read_hold(said->rows[i]));
        if (!blockers.empty())
            co_return blocked_by(address(), wanted.key, std::move(blockers),
                                 whole_of(said->rows[0][2]));
    }
    // There is no procedure, the key has more room, or what was in the way has just gone.
    const std::span<const range_claim> alone(&wanted, 1);
    co_return co_await hold_by_steps(line, alone, deadline);
}

// Makes the procedure where it is missing. Who may not do that does without.
asio::awaitable<result<answer>> mysql_range_store::call(connection& line, const range_claim& wanted,
                                                        time_point deadline) {
    auto said = co_await line.take(range_sql::call_hold, call_values(wanted), deadline);
    if (!said && line.number() == no_such_procedure) {
        const auto made = co_await line.say(store_sql::holdfast_range_hold_2, deadline);
        const bool there = made || line.number() == procedure_exists;
        if (there)
            said = co_await line.take(range_sql::call_hold, call_values(wanted), deadline);
        else if (made.error().code != errc::denied)
            co_return without_effect(made.error());
        else
            said = made.error();
    }
    if (said) {
        procedure_ = procedure::there;
    } else if (procedure_ == procedure::unknown && said.error().code == errc::denied) {
        procedure_ = procedure::missing;
    }
    co_return said;
}

asio::awaitable<result<mysql_range_store::grants>> mysql_range_store::hold_by_steps(
    connection& line, std::span<const range_claim> wanted, time_point deadline) {
    range_work work(line, address(), deadline);
    std::vector<std::string> keys;
    for (const range_claim& each : wanted) keys.push_back(each.key);
    auto done = co_await work.begin(std::move(keys));
    std::size_t judged = 0;
    for (; done && judged < wanted.size(); ++judged) done = co_await work.judge(wanted[judged]);
    if (!done) {
        failure why = done.error();
        if (judged > 0) why.index = judged - 1;
        if (is_refusal(why)) co_await work.end_refused();
        co_return why;
    }
    grants all;
    for (const range_claim& each : wanted) {
        auto given = co_await work.grant(each);
        if (!given) co_return given.error();
        all.push_back(*given);
    }
    done = co_await work.note_keys();
    if (done) done = co_await sweep(line, deadline);
    if (done) done = co_await work.commit();
    if (!done) co_return done.error();
    co_return all;
}

asio::awaitable<void> mysql_range_store::renew(std::span<range_renewal> batch,
                                               time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (batch.empty()) co_return;
    auto work = [&](connection& line) { return renew_all(line, batch, deadline); };
    const auto done = co_await access_.converse<void>(work, deadline);
    if (!done)
        for (range_renewal& each : batch) each.outcome = done.error();
    else
        access_.wake_waiters();  // One may end earlier than before.
}

// Of several all are renewed together: the server writes to its disk once.
asio::awaitable<result<void>> mysql_range_store::renew_all(connection& line,
                                                           std::span<range_renewal> batch,
                                                           time_point deadline) {
    const bool several = batch.size() > 1;
    result<void> done;
    if (several) done = co_await begin(line, deadline);
    for (range_renewal& each : batch) {
        if (!done) break;
        done = co_await renew_one(line, each, deadline);
        if (!done && several) done = without_effect(done.error());
    }
    if (done && several) done = co_await commit(line, deadline);
    co_return done;
}

asio::awaitable<result<void>> mysql_range_store::renew_one(connection& line, range_renewal& ask,
                                                           time_point deadline) {
    const auto token = static_cast<std::int64_t>(ask.fencing_token);
    std::vector<cell> values{micros(ask.ttl), raw(ask.key), raw(ask.key), raw(ask.id),
                             token,           token,        raw(ask.key)};
    const auto said = co_await line.run(range_sql::renew_hold, std::move(values), deadline);
    if (!said) co_return said.error();
    ask.outcome = result<void>{};
    if (said->affected > 0) co_return result<void>{};
    // It may be permanent, have this very expiry already, or be another hold.
    const auto found = co_await find(line, ask.key, ask.id, deadline);
    if (!found) co_return found.error();
    if (!*found) {
        ask.outcome = no_such_hold(address());
    } else if (ask.fencing_token != 0 && ask.fencing_token != (*found)->fencing_token) {
        ask.outcome = replaced_hold(address());
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> mysql_range_store::release(std::string_view key, std::string_view id,
                                                         released_hold which, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::int64_t any = which.permanent ? 1 : 0;
    const auto token = static_cast<std::int64_t>(which.fencing_token);
    const std::vector<cell> values{raw(key), raw(id), any, token, token};
    if (access_.has_late_takings()) {
        statement again{.sql = range_sql::release_hold, .values = values};
        auto settled = co_await access_.settle(key, id, std::move(again), deadline);
        if (!settled) co_return settled;
    }
    auto work = [&](connection& line) {
        return line.run(range_sql::release_hold, values, deadline);
    };
    const auto said = co_await access_.converse<answer>(work, deadline);
    if (!said) co_return said.error();
    if (said->affected == 0) {
        if (which.permanent && token == 0) co_return no_such_hold(address());
        const auto there = co_await get(key, id, deadline);
        if (!there || !*there) co_return no_such_hold(address());
        if ((*there)->permanent && !which.permanent)
            co_return failure(lost_reason::taken, address() + ": the hold is confirmed, and stays");
        if (token != 0 && (*there)->fencing_token != which.fencing_token)
            co_return replaced_hold(address());
        co_return no_such_hold(address());
    }
    access_.tell(key, store_access::change::freed);
    co_return result<void>{};
}

asio::awaitable<result<std::optional<range_hold>>> mysql_range_store::get(std::string_view key,
                                                                          std::string_view id,
                                                                          time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) { return find(line, key, id, deadline); };
    co_return co_await access_.converse<std::optional<range_hold>>(work, deadline);
}

asio::awaitable<result<std::optional<range_hold>>> mysql_range_store::find(connection& line,
                                                                           std::string_view key,
                                                                           std::string_view id,
                                                                           time_point deadline) {
    std::vector<cell> values{raw(key), raw(id)};
    const auto said = co_await within(line, range_sql::get, std::move(values), deadline);
    if (!said) co_return said.error();
    if (said->rows.empty() || said->rows[0].size() != 9) co_return std::optional<range_hold>();
    const std::int64_t now = whole_of(said->rows[0][8]);
    hold_row row = read_hold(said->rows[0]);
    if (row.expires <= now) co_return std::optional<range_hold>();
    co_return std::optional(tell_hold(key, std::move(row), now));
}

asio::awaitable<result<range_hold>> mysql_range_store::confirm(std::string_view key,
                                                               std::string_view id,
                                                               std::uint64_t fencing_token,
                                                               time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto token = static_cast<std::int64_t>(fencing_token);
    auto work = [&](connection& line) -> asio::awaitable<result<range_hold>> {
        std::vector<cell> values{raw(key), raw(id), token, token, raw(key)};
        const auto said = co_await line.run(range_sql::confirm_hold, std::move(values), deadline);
        if (!said) co_return said.error();
        auto found = co_await find(line, key, id, deadline);
        if (!found && said->affected > 0) {
            failure why = found.error();
            if (why.code != errc::cancelled) why.code = errc::in_doubt;
            co_return why;  // It is confirmed, but the answer cannot be told.
        }
        if (!found) co_return found.error();
        if (!*found) co_return no_such_hold(address());
        if (token != 0 && (*found)->fencing_token != fencing_token)
            co_return replaced_hold(address());
        if (!(*found)->permanent) co_return no_such_hold(address());
        co_return std::move(**found);
    };
    auto done = co_await access_.converse<range_hold>(work, deadline);
    if (done) access_.tell(key, store_access::change::other);
    co_return done;
}

asio::awaitable<result<range_hold>> mysql_range_store::move(std::string_view key,
                                                            std::string_view id,
                                                            std::uint64_t fencing_token, range to,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string where(key);
    const std::string which(id);
    auto work = [&](connection& line) -> asio::awaitable<result<range_hold>> {
        range_work steps(line, address(), deadline);
        std::vector<std::string> keys{where};
        auto done = co_await steps.begin(std::move(keys));
        if (!done) co_return done.error();
        auto moved = co_await steps.move(where, which, fencing_token, to);
        if (!moved) {
            if (is_refusal(moved.error())) co_await steps.end_refused();
            co_return moved;
        }
        done = co_await steps.note_keys();
        if (done) done = co_await steps.commit();
        if (!done) co_return done.error();
        co_return moved;
    };
    auto moved = co_await access_.converse<range_hold>(work, deadline);
    if (moved) access_.tell(key, store_access::change::freed);
    co_return moved;
}

asio::awaitable<result<void>> mysql_range_store::set_capacity(std::string_view key,
                                                              std::uint32_t units,
                                                              time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::int64_t wanted = units;
    auto work = [&](connection& line) {
        std::vector<cell> reset{raw(key)};
        std::vector<cell> set{raw(key), wanted, raw(key), wanted};
        return wanted == 1 ? line.run(range_sql::reset_capacity, std::move(reset), deadline)
                           : line.run(range_sql::set_capacity, std::move(set), deadline);
    };
    const auto said = co_await access_.converse<answer>(work, deadline);
    if (!said) co_return said.error();
    access_.tell(key, store_access::change::freed);
    co_return result<void>{};
}

}  // namespace holdfast::mysql
