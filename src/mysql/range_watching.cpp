// SPDX-License-Identifier: BSL-1.0
//
// Looking at holds without a lock: lists, and waiting for a change; and what removes rows that
// nobody comes back to.
#include "mysql/mysql_range_store.hpp"
#include "mysql/range_sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

/// A waiter tells no more holds apart than that.
constexpr std::size_t watched_max = 1000;
/// The longest that the care for the tables keeps somebody from the hold that was granted.
constexpr auto care_limit = 100ms;
constexpr std::size_t keys_per_look = 32;  // As many as idle_look.sql gives.

/// Holds that overlap what is waited for: when they run out, by their tokens.
using watched = std::map<std::int64_t, std::int64_t>;

// A hold that moves has another token afterwards.
bool changed(const watched& before, const watched& after, range_change which) {
    for (const auto& [token, expires] : before) {
        const auto still = after.find(token);
        if (still == after.end() || still->second < expires) return true;
    }
    if (which == range_change::freed) return false;
    return std::any_of(after.begin(), after.end(),
                       [&](const auto& each) { return !before.contains(each.first); });
}

}  // namespace

asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::see(connection& line,
                                                                         std::string_view key,
                                                                         range window,
                                                                         time_point deadline) {
    sight seen;
    std::vector<cell> values{raw(key), window.start, raw(key)};
    const auto said = co_await within(line, range_sql::see_key, std::move(values), deadline);
    if (!said) co_return said.error();
    seen.first_single = window.start;
    if (said->rows.empty() || said->rows[0].size() != 6) co_return seen;
    seen.key = read_key(said->rows[0]);
    if (!is_null(said->rows[0][5])) seen.first_single = whole_of(said->rows[0][5]);
    co_return seen;
}

asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::see_page(
    connection& line, std::string_view key, range window, std::optional<range_cursor> after,
    std::size_t limit, time_point deadline) {
    auto known = co_await see(line, key, window, deadline);
    if (!known || known->key.clock == 0) co_return known;  // Nobody asked for the key yet.
    sight seen = std::move(*known);
    for (const int c : classes_of(seen.key)) {
        const std::int64_t lowest = c == 0 ? seen.first_single : lowest_start(window, c);
        const std::int64_t start = after ? after->start : lowest;
        const std::int64_t token = after ? static_cast<std::int64_t>(after->token) : -1;
        std::vector<cell> values{raw(key),     std::int64_t{c},
                                 lowest,       window.end,
                                 window.start, seen.key.now(),
                                 start,        start,
                                 token,        static_cast<std::int64_t>(limit) + 1};
        const auto said = co_await within(line, range_sql::page, std::move(values), deadline);
        if (!said) co_return said.error();
        for (const auto& cells : said->rows) seen.holds.push_back(read_hold(cells));
    }
    put_in_order(seen.holds);
    seen.more = seen.holds.size() > limit;
    if (seen.more) seen.holds.resize(limit);
    co_return seen;
}

asio::awaitable<result<range_page>> mysql_range_store::list(std::string_view key, range window,
                                                            std::optional<range_cursor> after,
                                                            std::size_t limit,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto work = [&](connection& line) {
        return see_page(line, key, window, after, limit, deadline);
    };
    auto seen = co_await access_.converse<sight>(work, deadline);
    if (!seen) co_return seen.error();
    range_page page;
    page.more = seen->more;
    page.capacity = static_cast<std::uint32_t>(seen->key.capacity);
    for (hold_row& each : seen->holds)
        page.holds.push_back(tell_hold(key, std::move(each), seen->key.now()));
    co_return page;
}

asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::look(
    const range_claim& wanted) {
    const time_point deadline = access_.now() + env_.options.timeout;
    const range window{wanted.start, wanted.end};
    auto work = [&](connection& line) {
        return see_page(line, wanted.key, window, std::nullopt, watched_max, deadline);
    };
    co_return co_await access_.converse<sight>(work, deadline);
}

// The server cannot tell of a change. Unless somebody else does, it is looked for: often at first,
// then less often; and when the first hold in the way runs out.
asio::awaitable<void> mysql_range_store::await_change(const range_claim& wanted, range_change which,
                                                      time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto least =
        which == range_change::freed ? store_access::change::freed : store_access::change::other;
    store_access::waiter me(access_, wanted.key, least);
    const range window{wanted.start, wanted.end};
    std::optional<watched> first;
    for (unsigned looks = 1; !access_.stopped() && access_.now() < until; ++looks) {
        const bool hears = me.hears();
        const auto seen = co_await look(wanted);
        if (!seen && seen.error().code == errc::cancelled) co_return;
        time_point next = access_.now() + access_.look_pause(looks, hears);
        bool many = false;  // More than are looked at: only an attempt tells.
        if (seen) {
            watched found;
            std::vector<hold_row> others;
            for (const hold_row& each : seen->holds) {
                found.emplace(each.fence, each.expires);
                if (each.id == wanted.id) continue;
                others.push_back(each);
                if (each.expires == permanent_expiry) continue;
                const microseconds left(each.expires - seen->key.now());
                next = std::min(next, access_.now() + left);
            }
            const std::int64_t room = wanted.capacity > 0 ? wanted.capacity : seen->key.capacity;
            const bool free = !seen->more && (room == 1 ? others.empty()
                                                        : fits(others, window, wanted.units, room));
            if (which == range_change::freed && free) co_return;
            if (!first) first = found;
            many = seen->more;
            if (changed(*first, found, which)) co_return;
        }
        const bool rested = co_await me.rest(std::min(next, until));
        if (!rested || many) co_return;
    }
}

// The grant stands, whatever becomes of this: what cannot be removed now is removed later.
asio::awaitable<void> mysql_range_store::look_after_tables(time_point deadline) {
    const time_point limit = std::min(deadline, access_.now() + care_limit);
    auto work = [&](connection& line) { return forget_idle_keys(line, limit); };
    const auto done = co_await access_.converse<void>(work, limit);
    static_cast<void>(done);
}

// Within a transaction. Who is at a row keeps it; nobody waits here.
asio::awaitable<result<void>> mysql_range_store::sweep(connection& line, time_point deadline) {
    std::vector<cell> nothing;
    const auto looked = co_await within(line, range_sql::sweep_look, std::move(nothing), deadline);
    if (!looked) co_return looked.error();
    for (const auto& row : looked->rows) {
        std::vector<cell> name{raw(text_of(row.at(0))), raw(text_of(row.at(1)))};
        std::vector<cell> again = name;
        const auto locked = co_await within(line, range_sql::sweep_lock, std::move(name), deadline);
        if (!locked) co_return locked.error();
        if (locked->rows.empty()) continue;
        const auto gone = co_await within(line, range_sql::sweep, std::move(again), deadline);
        if (!gone) co_return gone.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> mysql_range_store::forget_idle_keys(connection& line,
                                                                  time_point deadline) {
    std::vector<cell> behind{raw(swept_to_)};
    const auto looked = co_await within(line, range_sql::idle_look, std::move(behind), deadline);
    if (!looked) co_return looked.error();
    swept_to_.clear();  // After the last one the next round begins at the first.
    for (const auto& row : looked->rows) {
        if (whole_of(row.at(1)) != 0) {
            const cell key = raw(text_of(row[0]));
            auto done = co_await forget_if_idle(line, key, deadline);
            if (!done) co_return done;
        }
        if (&row == &looked->rows.back() && looked->rows.size() == keys_per_look)
            swept_to_ = text_of(row[0]);
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> mysql_range_store::forget_if_idle(connection& line, const cell& key,
                                                                time_point deadline) {
    auto begun = co_await begin(line, deadline);
    if (!begun) co_return begun;
    std::vector<cell> name{key};
    auto said = co_await within(line, range_sql::idle_lock, name, deadline);
    if (said && !said->rows.empty()) {
        said = co_await within(line, range_sql::idle_holds, name, deadline);
        if (said && said->rows.empty())
            said = co_await within(line, range_sql::idle_drop, name, deadline);
    }
    if (!said) co_return said.error();
    co_return co_await commit(line, deadline);
}

}  // namespace holdfast::mysql
