// SPDX-License-Identifier: BSL-1.0
#include "mysql/mysql_lock_store.hpp"

#include "base/holder_record.hpp"
#include "mysql/lock_sql.hpp"
#include "mysql/store_sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr table_plan lock_tables{.names = {"holdfast_lock", {}},
                                 .created = {store_sql::holdfast_lock, {}}};
constexpr std::uint64_t locks_per_sweep = 64;
/// The longest that a sweep keeps somebody from the lock that was granted.
constexpr auto sweep_limit = 100ms;
constexpr std::size_t names_looked_at = 128;  // As many as sweep_look.sql gives ...
constexpr std::size_t names_at_once = 16;     // ... and as sweep.sql takes.

/// @return The first name behind all that start with `prefix`.
std::string behind(std::string_view prefix) {
    std::string next(prefix);
    while (!next.empty() && next.back() == '\xff') next.pop_back();
    if (next.empty()) return std::string(name_bytes_max + 1, '\xff');
    next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
    return next;
}

}  // namespace

mysql_lock_store::mysql_lock_store(const store_environment& environment, settings where,
                                   std::shared_ptr<port::bulletin> carrier)
    : access_(environment, std::move(where), lock_tables, std::move(carrier)), env_(environment) {}

std::string_view mysql_lock_store::why_not(ability which) const noexcept {
    if (which == ability::fair)
        return "a MySQL server cannot tell who waits that it is their turn: stores on Redis keep "
               "lines";
    if (which == ability::several) return {};
    return "on MySQL a name has one holder: stores on Redis and SQLite have locks that are shared "
           "or counted, and a range with a capacity counts here";
}

mysql_lock_store::row mysql_lock_store::read_row(const std::vector<cell>& cells) {
    row from;
    if (cells.size() != 5) return from;
    from.name = text_of(cells[0]);
    from.value = text_of(cells[1]);
    from.expires = whole_of(cells[2]);
    from.fence = whole_of(cells[3]);
    from.clock = whole_of(cells[4]);
    return from;
}

lock_info mysql_lock_store::tell(row from) {
    auto record = base::read_holder_record(from.value);
    record.holder.remaining =
        std::chrono::ceil<milliseconds>(microseconds(from.expires - from.clock));
    lock_info told;
    told.name = std::move(from.name);
    told.id = std::move(record.id);
    told.holder = std::move(record.holder);
    told.fencing_token = static_cast<std::uint64_t>(from.fence);
    told.value = std::move(from.value);
    return told;
}

failure mysql_lock_store::told_busy(std::optional<row> held) const {
    failure why(errc::contended, address() + ": somebody else holds it");
    if (held) why.holder = tell(std::move(*held)).holder;
    return why;
}

failure mysql_lock_store::lost(const std::optional<row>& held) const {
    if (held) return {lost_reason::taken, address() + ": somebody else holds it"};
    return {lost_reason::deleted, address() + ": nobody holds it any more"};
}

asio::awaitable<result<grant>> mysql_lock_store::acquire(const claim& wanted, attempt which,
                                                         time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) { return take_or_tell(line, wanted, which, deadline); };
    auto said = co_await access_.converse<grant>(work, deadline);
    if (said) co_await look_after_table(1, deadline);
    co_return said;
}

asio::awaitable<result<grant>> mysql_lock_store::take_or_tell(connection& line, const claim& wanted,
                                                              attempt which, time_point deadline) {
    for (;;) {  // Ends with an answer; an earlier attempt comes in between at most once.
        auto taken = co_await take(line, wanted, which, deadline);
        if (!taken) co_return taken.error();
        if (*taken) co_return **taken;
        auto held = co_await look(line, wanted.name, deadline);
        // It is refused all the same; who holds it could not be told.
        if (!held && held.error().code == errc::cancelled) co_return held.error();
        if (!held) co_return told_busy(std::nullopt);
        const bool ours = *held && (*held)->value == wanted.value;
        if (which == attempt::repeated && ours) continue;
        co_return told_busy(std::move(*held));
    }
}

// Two statements, not one transaction: whatever happens in between, the second is right.
asio::awaitable<result<mysql_lock_store::taking>> mysql_lock_store::take(connection& line,
                                                                         const claim& wanted,
                                                                         attempt which,
                                                                         time_point deadline) {
    if (which == attempt::repeated) {
        auto again = co_await take_again(line, wanted, deadline);
        if (!again || *again) co_return again;
    }
    const std::int64_t fenced = wanted.fence ? 1 : 0;
    std::vector<cell> values{raw(wanted.name), raw(wanted.value), micros(wanted.ttl), fenced,
                             fenced};
    // In a transaction nothing is taken unless it is committed.
    result<answer> said{answer{}};
    if (line.clean())
        said = co_await line.take(lock_sql::acquire, std::move(values), deadline);
    else
        said = co_await line.run(lock_sql::acquire, std::move(values), deadline);
    if (!said) co_return said.error();
    if (said->affected == 0) co_return taking();
    co_return taking(grant{.fencing_token = wanted.fence ? said->inserted_id : 0});
}

asio::awaitable<result<mysql_lock_store::taking>> mysql_lock_store::take_again(
    connection& line, const claim& wanted, time_point deadline) {
    if (wanted.fence) {
        std::vector<cell> values{raw(wanted.name), raw(wanted.value)};
        const auto said = co_await line.run(lock_sql::acquire_again, std::move(values), deadline);
        if (!said) co_return said.error();
        if (said->affected == 0) co_return taking();
        co_return taking(grant{.fencing_token = said->inserted_id, .taken_earlier = true});
    }
    const auto held = co_await look(line, wanted.name, deadline);
    if (!held) co_return held.error();
    if (!*held || (*held)->value != wanted.value) co_return taking();
    co_return taking(grant{.taken_earlier = true});
}

asio::awaitable<result<std::optional<mysql_lock_store::row>>> mysql_lock_store::look(
    connection& line, std::string_view name, time_point deadline) {
    std::vector<cell> values{raw(name)};
    const auto said = co_await within(line, lock_sql::read, std::move(values), deadline);
    if (!said) co_return said.error();
    if (said->rows.empty()) co_return std::optional<row>();
    row found = read_row(said->rows[0]);
    if (found.expires <= found.clock) co_return std::optional<row>();
    co_return std::optional(std::move(found));
}

asio::awaitable<result<std::vector<grant>>> mysql_lock_store::acquire_all(
    std::span<const claim> wanted, attempt which, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) { return take_all(line, wanted, which, deadline); };
    auto said = co_await access_.converse<grants>(work, deadline);
    if (said) co_await look_after_table(wanted.size(), deadline);
    co_return said;
}

// Each statement locks the row of its name, in the order of their bytes, so that nobody waits for
// somebody who waits for us.
asio::awaitable<result<mysql_lock_store::grants>> mysql_lock_store::take_all(
    connection& line, std::span<const claim> wanted, attempt which, time_point deadline) {
    std::vector<std::size_t> order(wanted.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return wanted[a].name < wanted[b].name; });
    auto done = co_await begin(line, deadline);
    if (!done) co_return done.error();
    grants all(wanted.size());
    std::size_t in_the_way = wanted.size();
    for (const std::size_t i : order) {
        const auto taken = co_await take(line, wanted[i], which, deadline);
        if (!taken) co_return without_effect(taken.error());
        if (*taken)
            all[i] = **taken;
        else
            in_the_way = std::min(in_the_way, i);
    }
    if (in_the_way == wanted.size()) {
        done = co_await commit(line, deadline);
        if (!done) co_return done.error();
        co_return all;
    }
    const std::string& name = wanted[in_the_way].name;
    auto held = co_await look(line, name, deadline);
    failure why = told_busy(held ? std::move(*held) : std::nullopt);
    why.name = name;
    co_return why;  // What was taken is taken back behind this.
}

asio::awaitable<void> mysql_lock_store::renew(std::span<renewal> batch, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (batch.empty()) co_return;
    auto work = [&](connection& line) { return renew_all(line, batch, deadline); };
    const auto done = co_await access_.converse<void>(work, deadline);
    if (!done)
        for (renewal& each : batch) each.outcome = done.error();
    else
        access_.wake_waiters();  // One may end earlier than before.
}

// Of several all are renewed together: the server writes to its disk once.
asio::awaitable<result<void>> mysql_lock_store::renew_all(connection& line,
                                                          std::span<renewal> batch,
                                                          time_point deadline) {
    const bool several = batch.size() > 1;
    std::vector<renewal*> order;
    for (renewal& each : batch) order.push_back(&each);
    std::sort(order.begin(), order.end(),
              [](const renewal* a, const renewal* b) { return a->name < b->name; });
    result<void> done;
    if (several) done = co_await begin(line, deadline);
    for (renewal* const each : order) {
        if (!done) break;
        done = co_await renew_one(line, *each, deadline);
        if (!done && several) done = without_effect(done.error());
    }
    if (done && several) done = co_await commit(line, deadline);
    co_return done;
}

asio::awaitable<result<void>> mysql_lock_store::renew_one(connection& line, renewal& ask,
                                                          time_point deadline) {
    std::vector<cell> values{micros(ask.ttl), raw(ask.name), raw(ask.value)};
    const auto said = co_await line.run(lock_sql::renew, std::move(values), deadline);
    if (!said) co_return said.error();
    ask.outcome = result<void>{};
    if (said->affected > 0) co_return result<void>{};
    const auto held = co_await look(line, ask.name, deadline);
    if (!held) co_return held.error();
    if (!*held || (*held)->value != ask.value) ask.outcome = lost(*held);
    co_return result<void>{};
}

asio::awaitable<result<void>> mysql_lock_store::raise_token(std::string_view name,
                                                            std::string_view value,
                                                            std::uint64_t at_least,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto fence = static_cast<std::int64_t>(at_least);
    auto work = [&](connection& line) -> asio::awaitable<result<void>> {
        std::vector<cell> any{raw(name), fence, fence};
        std::vector<cell> ours{fence, raw(name), raw(value)};
        result<answer> said{answer{}};
        if (value.empty())
            said = co_await line.run(lock_sql::raise_any, std::move(any), deadline);
        else
            said = co_await line.run(lock_sql::raise_held, std::move(ours), deadline);
        if (!said) co_return said.error();
        if (value.empty() || said->affected > 0) co_return result<void>{};
        const auto held = co_await look(line, name, deadline);
        if (!held) co_return held.error();
        if (!*held || (*held)->value != value) co_return lost(*held);
        co_return result<void>{};  // It was that high already.
    };
    co_return co_await access_.converse<void>(work, deadline);
}

asio::awaitable<result<void>> mysql_lock_store::release(std::string_view name,
                                                        std::string_view value,
                                                        time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (access_.has_late_takings()) {
        statement again{.sql = lock_sql::release, .values = {}};
        again.values = {raw(name), raw(value)};
        auto settled = co_await access_.settle(name, value, std::move(again), deadline);
        if (!settled) co_return settled;
    }
    auto work = [&](connection& line) -> asio::awaitable<result<void>> {
        std::vector<cell> values{raw(name), raw(value)};
        const auto said = co_await line.run(lock_sql::release, std::move(values), deadline);
        if (!said) co_return said.error();
        if (said->affected > 0) co_return result<void>{};
        const auto held = co_await look(line, name, deadline);
        if (!held) co_return held.error();
        co_return lost(*held);
    };
    const auto done = co_await access_.converse<void>(work, deadline);
    if (done) access_.tell(name, store_access::change::freed);
    co_return done;
}

asio::awaitable<result<std::optional<lock_info>>> mysql_lock_store::inspect(std::string_view name,
                                                                            std::string_view,
                                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) { return look(line, name, deadline); };
    auto held = co_await access_.converse<std::optional<row>>(work, deadline);
    if (!held) co_return held.error();
    if (!*held) co_return std::optional<lock_info>();
    co_return std::optional(tell(std::move(**held)));
}

asio::awaitable<result<std::vector<lock_info>>> mysql_lock_store::list(std::string_view prefix,
                                                                       time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) {
        std::vector<cell> values{raw(prefix), raw(behind(prefix))};
        return within(line, lock_sql::list, std::move(values), deadline);
    };
    const auto said = co_await access_.converse<answer>(work, deadline);
    if (!said) co_return said.error();
    std::vector<lock_info> all;
    for (const auto& cells : said->rows) all.push_back(tell(read_row(cells)));
    co_return all;
}

asio::awaitable<result<std::optional<lock_info>>> mysql_lock_store::take_away(std::string_view name,
                                                                              time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) -> asio::awaitable<result<std::optional<lock_info>>> {
        for (;;) {  // Ends when it was taken away from somebody, or nobody holds it.
            auto held = co_await look(line, name, deadline);
            if (!held) co_return held.error();
            if (!*held) co_return std::optional<lock_info>();
            std::vector<cell> values{raw(name), raw((*held)->value)};
            const auto said = co_await line.run(lock_sql::release, std::move(values), deadline);
            if (!said) co_return said.error();
            if (said->affected > 0) co_return std::optional(tell(std::move(**held)));
        }
    };
    auto said = co_await access_.converse<std::optional<lock_info>>(work, deadline);
    if (said) access_.tell(name, store_access::change::freed);
    co_return said;
}

// The server cannot tell of a release. Unless somebody else does, it is looked for: often at first,
// then less often; and when the lease that was seen runs out.
asio::awaitable<void> mysql_lock_store::await_change(std::string_view name, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    store_access::waiter me(access_, name, store_access::change::freed);
    for (unsigned looks = 1; !access_.stopped() && access_.now() < until; ++looks) {
        const bool hears = me.hears();
        const time_point limit = access_.now() + env_.options.timeout;
        auto work = [&](connection& line) { return look(line, name, limit); };
        const auto held = co_await access_.converse<std::optional<row>>(work, limit);
        if (held ? !*held : held.error().code == errc::cancelled) co_return;
        time_point next = access_.now() + access_.look_pause(looks, hears);
        if (held)
            next = std::min(next, access_.now() + microseconds((*held)->expires - (*held)->clock));
        const bool rested = co_await me.rest(std::min(next, until));
        if (!rested) co_return;
    }
}

// The grant stands, whatever becomes of this: what cannot be removed now is removed later.
asio::awaitable<void> mysql_lock_store::look_after_table(std::uint64_t granted,
                                                         time_point deadline) {
    const std::uint64_t before = std::exchange(grants_, grants_ + granted);
    if (before / locks_per_sweep == grants_ / locks_per_sweep) co_return;
    const time_point limit = std::min(deadline, access_.now() + sweep_limit);
    auto work = [&](connection& line) { return sweep(line, limit); };
    const auto done = co_await access_.converse<void>(work, limit);
    static_cast<void>(done);
}

asio::awaitable<result<void>> mysql_lock_store::sweep(connection& line, time_point deadline) {
    std::vector<cell> from{raw(swept_to_)};
    const auto looked = co_await within(line, lock_sql::sweep_look, std::move(from), deadline);
    if (!looked) co_return looked.error();
    const auto& rows = looked->rows;
    // After the last row the next round begins at the first.
    swept_to_ = rows.size() == names_looked_at ? text_of(rows.back().at(0)) : std::string();
    std::vector<cell> idle;
    for (const auto& each : rows)
        if (whole_of(each.at(1)) != 0) idle.push_back(raw(text_of(each[0])));
    for (std::size_t first = 0; first < idle.size(); first += names_at_once) {
        std::vector<cell> names(names_at_once);
        for (std::size_t i = first; i < std::min(idle.size(), first + names_at_once); ++i)
            names[i - first] = idle[i];
        const auto gone = co_await within(line, lock_sql::sweep, std::move(names), deadline);
        if (!gone) co_return gone.error();
    }
    co_return result<void>{};
}

}  // namespace holdfast::mysql
