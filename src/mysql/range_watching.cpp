// SPDX-License-Identifier: BSL-1.0
//
// Waiting for a change of holds; and what removes rows that nobody comes back to.
#include "mysql/mysql_range_store.hpp"
#include "mysql/range_sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

/// The longest that the care for the tables keeps somebody from the hold that was granted.
constexpr auto care_limit = 100ms;
constexpr std::size_t keys_per_look = 32;  // As many as idle_look.sql gives.
/// Of so many ranges it is known that attempts are in vain; then that is learnt anew.
constexpr std::size_t vain_max = 256;

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

/// What a look tells somebody who waits.
struct outlook {
    watched found{};
    microseconds left{microseconds::max()};  ///< Until the first hold in the way runs out.
    bool free{false};
};

outlook read_outlook(const std::vector<hold_row>& holds, const key_row& key,
                     const range_claim& wanted) {
    outlook told;
    std::vector<hold_row> others;
    for (const hold_row& each : holds) {
        told.found.emplace(each.fence, each.expires);
        if (each.id == wanted.id) continue;
        others.push_back(each);
        if (each.expires == permanent_expiry) continue;
        told.left = std::min(told.left, microseconds(each.expires - key.now()));
    }
    const range where{wanted.start, wanted.end};
    const std::int64_t room = wanted.capacity > 0 ? wanted.capacity : key.capacity;
    // What cannot be had at all is asked for once more, which tells why.
    told.free = wanted.units > room ||
                (room == 1 ? others.empty() : fits(others, where, wanted.units, room));
    return told;
}

/// Whether it may be live for no longer than the answer took.
bool has_run_out(const range_hold& blocker) {
    return !blocker.permanent && blocker.remaining <= 1ms;
}

}  // namespace

mysql_range_store::vain_attempts& mysql_range_store::vain_attempts_for(const range_claim& wanted) {
    if (vain_.size() >= vain_max) vain_.clear();
    return vain_[{wanted.key, wanted.start, wanted.end}];
}

// A hold that has run out is in the way if somebody has locked its row, and no look tells that.
void mysql_range_store::note_attempt(std::span<const range_claim> wanted,
                                     const result<grants>& said) {
    if (said && vain_.empty()) return;
    const failure why = said ? failure{} : said.error();
    const bool refused = !said && why.code == errc::contended;
    const bool unseen =
        refused && std::any_of(why.blockers.begin(), why.blockers.end(), has_run_out);
    if (vain_.empty() && !unseen) return;
    for (const range_claim& each : wanted) {
        if (said) vain_.erase({each.key, each.start, each.end});
        if (refused && each.key == why.name) vain_attempts_for(each).unseen = unseen;
    }
}

// The server cannot tell of a change. Unless somebody else does, it is looked for: often at first,
// then less often; and when the first hold in the way runs out. Where only an attempt tells, there
// are ever longer rests between attempts.
asio::awaitable<void> mysql_range_store::await_change(const range_claim& wanted, range_change which,
                                                      time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const bool freed = which == range_change::freed;
    store_access::waiter me(access_, wanted.key,
                            freed ? store_access::change::freed : store_access::change::other);
    const auto known = vain_.find({wanted.key, wanted.start, wanted.end});
    if (freed && known != vain_.end() && known->second.unseen) {
        const auto pause = access_.look_pause(++known->second.rests, false);
        const time_point next = access_.now() + pause;
        static_cast<void>(co_await me.rest(std::min(next, until)));
        co_return;
    }
    std::optional<watched> first;
    for (unsigned looks = 1; !access_.stopped() && access_.now() < until; ++looks) {
        const bool hears = me.hears();
        const auto seen = co_await look(wanted);
        if (!seen && seen.error().code == errc::cancelled) co_return;
        const bool many = seen && seen->more;  // More than are looked at: only an attempt tells.
        if (many) looks = ++vain_attempts_for(wanted).rests;
        time_point next = access_.now() + access_.look_pause(looks, hears);
        if (seen) {
            outlook told = read_outlook(seen->holds, seen->key, wanted);
            if (freed && told.free && !many) co_return;
            if (first && changed(*first, told.found, which)) co_return;
            if (!first) first = std::move(told.found);
            if (told.left != microseconds::max()) next = std::min(next, access_.now() + told.left);
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
