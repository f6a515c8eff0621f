// SPDX-License-Identifier: BSL-1.0
#include "mysql/range_work.hpp"

#include "mysql/range_sql.hpp"
#include "mysql/store_access.hpp"

#include <algorithm>

namespace holdfast::mysql {
namespace {

constexpr std::size_t rows_at_once = 256;  // As many as overlapping.sql gives.
/// How often a row is waited for that somebody else has locked, for 5 ms each, as others wait with
/// us.
constexpr unsigned rests_max = 4;

}  // namespace

asio::awaitable<result<answer>> range_work::run(std::string_view sql, std::vector<cell> values) {
    co_return co_await within(line_, sql, std::move(values), deadline_);
}

asio::awaitable<result<void>> range_work::begin(std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    auto done = co_await mysql::begin(line_, deadline_);
    for (const std::string& key : keys) {
        if (!done) break;
        done = co_await lock(key);
    }
    co_return done;
}

asio::awaitable<result<void>> range_work::lock(const std::string& key) {
    for (;;) {  // Ends with the row's lock, or with a failure.
        std::vector<cell> name{raw(key)};
        auto said = co_await run(range_sql::lock_key, std::move(name));
        if (!said) co_return said.error();
        if (!said->rows.empty()) {
            keys_[key] = read_key(said->rows[0]);
            co_return result<void>{};
        }
        std::vector<cell> made{raw(key), raw(key)};
        said = co_await run(range_sql::make_key, std::move(made));
        if (!said) co_return said.error();
    }
}

asio::awaitable<result<void>> range_work::commit() {
    co_return co_await mysql::commit(line_, deadline_);
}

asio::awaitable<void> range_work::end_refused() {
    const auto ended = co_await mysql::commit(line_, deadline_);
    static_cast<void>(ended);  // Nothing depends on it.
}

asio::awaitable<result<void>> range_work::judge(const range_claim& wanted) {
    const key_row& key = keys_.at(wanted.key);
    auto mine = co_await own(wanted.key, wanted.id);
    if (!mine) co_return mine.error();
    const range where{wanted.start, wanted.end};
    if (*mine && (*mine)->expires > key.now()) {
        const hold_row& row = **mine;
        if (row.starts != where.start || row.ends != where.end || row.units != wanted.units)
            co_return another_hold(address_);
        if (row.expires == permanent_expiry) co_return confirmed_hold(address_);
        ours_.insert_or_assign({wanted.key, wanted.id}, std::move(**mine));
        co_return result<void>{};
    }
    if (*mine) {
        const auto gone = co_await drop(wanted.key, wanted.id);
        if (!gone) co_return gone.error();
    }
    const std::int64_t capacity = wanted.capacity > 0 ? wanted.capacity : key.capacity;
    if (wanted.units > capacity) co_return too_many_units(address_, wanted.units, capacity);
    const std::string nobody;
    co_return co_await look(wanted.key, nobody, where, wanted.units, capacity);
}

asio::awaitable<result<range_grant>> range_work::grant(const range_claim& wanted) {
    key_row& key = keys_.at(wanted.key);
    const std::int64_t expires = key.now() + micros(wanted.ttl);
    if (const auto ours = ours_.find({wanted.key, wanted.id}); ours != ours_.end()) {
        std::vector<cell> longer{expires, raw(wanted.key), raw(wanted.id)};
        const auto said = co_await run(range_sql::prolong, std::move(longer));
        if (!said) co_return said.error();
        co_return range_grant{static_cast<std::uint64_t>(ours->second.fence)};
    }
    const range where{wanted.start, wanted.end};
    const std::int64_t capacity = wanted.capacity > 0 ? wanted.capacity : key.capacity;
    const int c = class_of(where, capacity);
    const std::int64_t token = draw_token(key);
    key.classes |= class_bit(c);
    std::vector<cell> row{
        raw(wanted.key), raw(wanted.id),    std::int64_t{c}, where.start,
        where.end,       expires,           token,           std::int64_t{wanted.units},
        capacity,        raw(wanted.owner), raw(wanted.data)};
    const auto said = co_await run(range_sql::insert_hold, std::move(row));
    if (!said) co_return said.error();
    co_return range_grant{static_cast<std::uint64_t>(token)};
}

asio::awaitable<result<range_hold>> range_work::move(const std::string& key, const std::string& id,
                                                     std::uint64_t token, range to) {
    key_row& row = keys_.at(key);
    auto mine = co_await own(key, id);
    if (!mine) co_return mine.error();
    if (!*mine || (*mine)->expires <= row.now()) co_return no_such_hold(address_);
    hold_row hold = std::move(**mine);
    if (hold.starts == to.start && hold.ends == to.end)
        co_return tell_hold(key, std::move(hold), row.now());
    if (token != 0 && hold.fence != static_cast<std::int64_t>(token))
        co_return replaced_hold(address_);
    const std::int64_t capacity = row.capacity;
    if (hold.units > capacity) co_return too_many_units(address_, hold.units, capacity);
    auto free = co_await look(key, id, to, hold.units, capacity);
    if (!free) co_return free.error();
    const int c = class_of(to, capacity);
    hold.fence = draw_token(row);
    hold.starts = to.start;
    hold.ends = to.end;
    row.classes |= class_bit(c);
    std::vector<cell> place{std::int64_t{c}, to.start, to.end, hold.fence,
                            capacity,        raw(key), raw(id)};
    const auto said = co_await run(range_sql::move_hold, std::move(place));
    if (!said) co_return said.error();
    co_return tell_hold(key, std::move(hold), row.now());
}

asio::awaitable<result<void>> range_work::note_keys() {
    for (const auto& [key, row] : keys_) {
        std::vector<cell> values{row.fence, row.now(), static_cast<std::int64_t>(row.classes),
                                 raw(key)};
        const auto said = co_await run(range_sql::note_key, std::move(values));
        if (!said) co_return said.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<std::optional<hold_row>>> range_work::own(const std::string& key,
                                                                 const std::string& id) {
    std::vector<cell> name{raw(key), raw(id)};
    const auto said = co_await run(range_sql::own, std::move(name));
    if (!said) co_return said.error();
    if (said->rows.empty()) co_return std::optional<hold_row>();
    co_return std::optional(read_hold(said->rows[0]));
}

asio::awaitable<result<void>> range_work::look(const std::string& key, const std::string& self,
                                               range where, std::int64_t units,
                                               std::int64_t capacity) {
    const std::size_t enough = capacity == 1 ? blockers_max : 0;
    for (;;) {  // Ends when nothing changed during a look.
        auto others = co_await overlapping(key, self, where, enough);
        if (!others) co_return others.error();
        if (!*others) continue;
        const bool free =
            capacity == 1 ? (*others)->empty() : fits(**others, where, units, capacity);
        if (free) co_return result<void>{};
        co_return co_await refuse(key, std::move(**others));
    }
}

asio::awaitable<result<std::optional<range_work::holds>>> range_work::overlapping(
    const std::string& key, const std::string& self, range where, std::size_t enough) {
    const key_row& row = keys_.at(key);
    holds live;
    for (const int c : classes_of(row)) {
        const auto lowest = co_await first_start(key, c, where);
        if (!lowest) co_return lowest.error();
        std::int64_t start = *lowest;
        std::int64_t token = -1;
        std::size_t rows = rows_at_once;
        for (std::size_t found = 0; rows == rows_at_once && (enough == 0 || found < enough);) {
            std::vector<cell> values{raw(key),    std::int64_t{c}, *lowest, where.end,
                                     where.start, start,           start,   token};
            const auto said = co_await run(range_sql::overlapping, std::move(values));
            if (!said) co_return said.error();
            rows = said->rows.size();
            holds expired;
            for (const auto& cells : said->rows) {
                hold_row each = read_hold(cells);
                start = each.starts;
                token = each.fence;
                if (each.id == self) continue;
                found += each.expires > row.now() ? 1 : 0;
                (each.expires > row.now() ? live : expired).push_back(std::move(each));
            }
            const auto live_again = co_await drop_all(key, std::move(expired), live);
            if (!live_again) co_return live_again.error();
            if (*live_again) co_return std::optional<holds>();
        }
    }
    co_return std::optional(std::move(live));
}

asio::awaitable<result<std::int64_t>> range_work::first_start(const std::string& key, int c,
                                                              range where) {
    if (c > 0) co_return lowest_start(where, c);
    std::vector<cell> values{raw(key), where.start};
    const auto said = co_await run(range_sql::before, std::move(values));
    if (!said) co_return said.error();
    if (said->rows.empty() || is_null(said->rows[0].at(0))) co_return where.start;
    co_return whole_of(said->rows[0][0]);
}

// By its primary key: nobody who works on it waits for us with another lock on it.
asio::awaitable<result<range_work::fate>> range_work::drop(const std::string& key,
                                                           const std::string& id) {
    const std::vector<cell> name{raw(key), raw(id)};
    for (;;) {  // Ends with the row's lock, or with the last rest.
        auto said = co_await run(range_sql::drop_lock, name);
        if (!said) co_return said.error();
        if (!said->rows.empty()) {
            if (whole_of(said->rows[0].at(0)) > keys_.at(key).now()) co_return fate::live_again;
            said = co_await run(range_sql::drop_expired, name);
            if (!said) co_return said.error();
            co_return fate::gone;
        }
        said = co_await run(range_sql::drop_look, name);
        if (!said) co_return said.error();
        if (said->rows.empty()) co_return fate::gone;
        if (rests_++ >= rests_max) co_return fate::locked;
        std::vector<cell> nothing;
        said = co_await run(range_sql::drop_rest, std::move(nothing));
        if (!said) co_return said.error();
    }
}

asio::awaitable<result<bool>> range_work::drop_all(const std::string& key, holds expired,
                                                   holds& stayed) {
    for (hold_row& each : expired) {
        const auto how = co_await drop(key, each.id);
        if (!how) co_return how.error();
        if (*how == fate::live_again) co_return true;
        if (*how == fate::locked) stayed.push_back(std::move(each));
    }
    co_return false;
}

// What only the owners told of themselves is read for those that are shown.
asio::awaitable<failure> range_work::refuse(const std::string& key, holds blockers) {
    put_in_order(blockers);
    if (blockers.size() > blockers_max) blockers.resize(blockers_max);
    for (hold_row& each : blockers) {
        std::vector<cell> name{raw(key), raw(each.id)};
        const auto said = co_await run(range_sql::get, std::move(name));
        if (!said) co_return said.error();
        if (said->rows.empty()) continue;  // Released meanwhile; it was in the way when we looked.
        hold_row told = read_hold(said->rows[0]);
        each.owner = std::move(told.owner);
        each.data = std::move(told.data);
    }
    co_return blocked_by(address_, key, std::move(blockers), keys_.at(key).now());
}

// Above all before, and above the clock: that counts if the key was forgotten meanwhile.
std::int64_t range_work::draw_token(key_row& key) {
    key.fence = std::max(key.fence + 1, key.clock);
    return key.fence;
}

}  // namespace holdfast::mysql
