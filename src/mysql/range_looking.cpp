// SPDX-License-Identifier: BSL-1.0
//
// Looking at the holds of a key without a lock, as they are at one instant: a hold that moves
// meanwhile is seen once.
#include "mysql/mysql_range_store.hpp"
#include "mysql/range_sql.hpp"

#include <boost/asio/this_coro.hpp>

namespace holdfast::mysql {
namespace {

/// A waiter tells no more holds apart than that.
constexpr std::size_t watched_max = 1000;

/// Where a page begins.
struct page_start {
    std::int64_t start;
    std::int64_t token;
};

page_start start_of(const std::optional<range_cursor>& after, std::int64_t lowest) {
    if (!after) return {lowest, -1};
    return {after->start, static_cast<std::int64_t>(after->token)};
}

}  // namespace

// Most keys have holds of class 0 alone: these and the key itself are one statement.
asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::see(connection& line,
                                                                         const view& asked,
                                                                         time_point deadline) {
    auto seen = co_await see_single(line, asked, deadline);
    if (seen && seen->key.classes != 0) seen = co_await see_all(line, asked, deadline);
    if (!seen) co_return seen;
    put_in_order(seen->holds);
    seen->more = seen->holds.size() > asked.limit;
    if (seen->more) seen->holds.resize(asked.limit);
    co_return seen;
}

asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::see_single(
    connection& line, const view& asked, time_point deadline) {
    const auto& [key, window, after, limit, whole] = asked;
    const page_start from = start_of(after, std::numeric_limits<std::int64_t>::min());
    const auto rows = static_cast<std::int64_t>(limit) + 1;
    std::vector<cell> values{raw(key),     raw(key),   raw(key),   window.start, window.start,
                             raw(key),     from.start, from.start, from.token,   raw(key),
                             window.start, window.end, raw(key),   from.start,   from.start,
                             from.token,   rows};
    const std::string_view sql = whole ? range_sql::list_single : range_sql::watch_single;
    const auto said = co_await within(line, sql, std::move(values), deadline);
    if (!said) co_return said.error();
    sight seen;
    for (const auto& cells : said->rows) {
        hold_row row = read_hold(cells);
        if (row.units > 0) {
            seen.holds.push_back(std::move(row));
            continue;
        }
        seen.key.capacity = row.starts;
        seen.key.seen = row.ends;
        seen.key.classes = static_cast<std::uint64_t>(row.fence);
        seen.key.clock = row.expires;
    }
    co_return seen;
}

// One statement for each class, in a transaction that sees one instant.
asio::awaitable<result<mysql_range_store::sight>> mysql_range_store::see_all(connection& line,
                                                                             const view& asked,
                                                                             time_point deadline) {
    auto begun = co_await line.say(range_sql::snapshot, deadline);
    if (begun) begun = co_await line.say(range_sql::snapshot_begin, deadline);
    if (!begun) co_return without_effect(begun.error());
    auto seen = co_await see_single(line, asked, deadline);
    if (!seen) co_return seen;
    const std::string_view sql = asked.whole ? range_sql::page : range_sql::watch_page;
    for (const int c : classes_of(seen->key)) {
        if (c == 0) continue;
        const std::int64_t lowest = lowest_start(asked.window, c);
        const page_start from = start_of(asked.after, lowest);
        std::vector<cell> values{raw(asked.key),
                                 std::int64_t{c},
                                 lowest,
                                 asked.window.end,
                                 asked.window.start,
                                 seen->key.now(),
                                 from.start,
                                 from.start,
                                 from.token,
                                 static_cast<std::int64_t>(asked.limit) + 1};
        const auto said = co_await within(line, sql, std::move(values), deadline);
        if (!said) co_return said.error();
        for (const auto& cells : said->rows) seen->holds.push_back(read_hold(cells));
    }
    auto ended = co_await commit(line, deadline);
    if (!ended) co_return without_effect(ended.error());
    co_return seen;
}

asio::awaitable<result<range_page>> mysql_range_store::list(std::string_view key, range window,
                                                            std::optional<range_cursor> after,
                                                            std::size_t limit,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const view asked{.key = key, .window = window, .after = after, .limit = limit};
    auto work = [&](connection& line) { return see(line, asked, deadline); };
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
    const view asked{.key = wanted.key,
                     .window = {wanted.start, wanted.end},
                     .limit = watched_max,
                     .whole = false};
    auto work = [&](connection& line) { return see(line, asked, deadline); };
    co_return co_await access_.converse<sight>(work, deadline);
}

}  // namespace holdfast::mysql
