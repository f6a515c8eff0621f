// SPDX-License-Identifier: BSL-1.0
//
// The actions on single holds.
#include "sqlite/hold_table.hpp"
#include "sqlite/sql.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace holdfast::sqlite {
namespace {

/// As an end: never.
constexpr std::int64_t for_good = std::numeric_limits<std::int64_t>::max();

}  // namespace

int hold_table::renew(std::span<range_renewal> batch, bool& freed) {
    freed = false;
    transaction all(transaction_);
    int code = all.begin();
    const instant at = present();
    for (range_renewal& ask : batch) {
        std::optional<row> held;
        if (code == SQLITE_OK) code = find(ask.key, ask.id, held);
        if (code != SQLITE_OK) return code;
        ask.outcome = result<void>{};
        if (!held || !held->live(at)) {
            ask.outcome = gone();
        } else if (!held->is(ask.fencing_token)) {
            ask.outcome = another_hold();
        } else if (!held->permanent()) {
            const std::chrono::nanoseconds ttl = ask.ttl;
            freed = freed || ttl.count() < held->left_ns(at);
            code = extend(*held, at.now + ttl.count(), at.wall + ttl.count() / 1000);
        }
    }
    return code == SQLITE_OK ? all.commit() : code;
}

// Not prepared once for all: this setting takes effect while it is being prepared.
template <class Change>
int hold_table::durably(Change change) {
    int code = connection_->execute(sql::sync_full);
    if (code != SQLITE_OK) return code;
    code = change();
    const int back = connection_->execute(sql::sync_normal);
    return code == SQLITE_OK ? back : code;
}

// What was confirmed, where it was moved, and that it was given back, outlives a power cut.
int hold_table::release(std::string_view key, std::string_view id, released_hold which,
                        result<void>& out) {
    if (!which.permanent) {
        bool done = false;
        const int code = end_usual(key, id, which.fencing_token, done);
        out = result<void>{};
        return code != SQLITE_OK || done ? code : end_hold(key, id, which, out);
    }
    return durably([&] { return end_hold(key, id, which, out); });
}

int hold_table::confirm(std::string_view key, std::string_view id, std::uint64_t token,
                        result<range_hold>& out) {
    return durably([&] { return make_permanent(key, id, token, out); });
}

int hold_table::move(std::string_view key, std::string_view id, std::uint64_t token, range to,
                     result<range_hold>& out) {
    return durably([&] { return take_elsewhere(key, id, token, to, out); });
}

// @param out  Whether it was live, and not permanent, and is no more.
int hold_table::end_usual(std::string_view key, std::string_view id, std::uint64_t token,
                          bool& out) {
    run ended(end_);
    const int code = ended.all(blob{key}, blob{id}, where_.boot, present().now, for_good,
                               static_cast<std::int64_t>(token));
    out = code == SQLITE_OK && ended.changes() == 1;
    return code;
}

int hold_table::end_hold(std::string_view key, std::string_view id, released_hold which,
                         result<void>& out) {
    transaction all(transaction_);
    int code = all.begin();
    const instant at = present();
    std::optional<row> held;
    if (code == SQLITE_OK) code = find(key, id, held);
    if (code != SQLITE_OK) return code;
    out = result<void>{};
    if (!held || !held->live(at)) out = gone();
    if (held && held->permanent() && !which.permanent)
        out = failure(lost_reason::taken, address_ + ": the hold is confirmed, and stays");
    else if (held && out && !held->is(which.fencing_token))
        out = another_hold();
    if (!held || (!out && held->live(at))) return SQLITE_OK;
    code = run(drop_).all(blob{key}, blob{id});
    return code == SQLITE_OK ? all.commit() : code;
}

int hold_table::get(std::string_view key, std::string_view id, std::optional<range_hold>& out) {
    std::optional<row> held;
    const int code = find(key, id, held);
    const instant at = present();
    out.reset();
    if (code == SQLITE_OK && held && held->live(at)) out = describe(std::move(*held), at);
    return code;
}

int hold_table::make_permanent(std::string_view key, std::string_view id, std::uint64_t token,
                               result<range_hold>& out) {
    transaction all(transaction_);
    int code = all.begin();
    const instant at = present();
    std::optional<row> held;
    if (code == SQLITE_OK) code = find(key, id, held);
    out = gone();
    if (code != SQLITE_OK || !held || !held->live(at)) return code;
    if (!held->is(token)) {
        out = another_hold();
        return code;
    }
    code = extend(*held, for_good, for_good);
    held->expires_ns = for_good;
    out = describe(std::move(*held), at);
    return code == SQLITE_OK ? all.commit() : code;
}

int hold_table::take_elsewhere(std::string_view key, std::string_view id, std::uint64_t token,
                               range to, result<range_hold>& out) {
    transaction all(transaction_);
    int code = all.begin();
    const instant at = present();
    std::optional<row> held;
    std::uint32_t capacity = 0;
    if (code == SQLITE_OK) code = find(key, id, held);
    if (code == SQLITE_OK) code = capacity_of(key, capacity);
    if (code != SQLITE_OK) return code;
    out = gone();
    if (!held || !held->live(at)) return SQLITE_OK;
    if (range{held->what.start, held->what.end} == to) {
        out = describe(std::move(*held), at);
        return SQLITE_OK;
    }
    if (!held->is(token)) {
        out = another_hold();
        return SQLITE_OK;
    }
    range_claim wanted;
    wanted.key = key;
    wanted.id = id;
    wanted.start = to.start;
    wanted.end = to.end;
    wanted.units = held->what.units;
    if (wanted.units > capacity) {
        out = too_many_units(wanted.units, capacity);
        return SQLITE_OK;
    }
    std::optional<failure> why;
    code = in_the_way(wanted, capacity, at, why);
    if (code != SQLITE_OK) return code;
    if (why) {
        out = std::move(*why);
        return SQLITE_OK;
    }
    const std::chrono::nanoseconds left(held->left_ns(at));
    if (!held->this_boot && !held->permanent()) held->expires_ns = at.now + left.count();
    held->what.start = to.start;
    held->what.end = to.end;
    held->granted = capacity;
    code = run(drop_).all(blob{key}, blob{id});
    if (code == SQLITE_OK) code = draw_fence(at, held->what.fencing_token);
    if (code == SQLITE_OK) code = put(*held, at);
    if (code != SQLITE_OK) return code;
    held->this_boot = true;
    out = describe(std::move(*held), at);
    return all.commit();
}

int hold_table::list(std::string_view key, range window, const std::optional<range_cursor>& after,
                     std::size_t limit, range_page& out) {
    transaction all(reading_);
    int code = all.begin();
    const instant at = present();
    std::vector<row> found;
    out = range_page{};
    if (code == SQLITE_OK) code = capacity_of(key, out.capacity);
    if (code == SQLITE_OK)
        code = overlapping(
            key, {.where = window, .after = after, .limit = static_cast<std::int64_t>(limit) + 1},
            at, found);
    if (code != SQLITE_OK) return code;
    out.more = found.size() > limit;
    if (out.more) found.resize(limit);
    for (row& one : found) out.holds.push_back(describe(std::move(one), at));
    return SQLITE_OK;
}

int hold_table::set_capacity(std::string_view key, std::uint32_t units) {
    if (units == 1) return run(capacity_drop_).all(blob{key});
    return run(capacity_set_).all(blob{key}, std::int64_t{units});
}

int hold_table::look(const range_claim& wanted, hold_outlook& out) {
    transaction all(reading_);
    int code = all.begin();
    const instant at = present();
    std::optional<failure> why;
    std::vector<row> others;
    if (code == SQLITE_OK) code = refuse(wanted, at, why);
    if (code == SQLITE_OK)
        code = overlapping(wanted.key, {.where = {wanted.start, wanted.end}}, at, others);
    if (code != SQLITE_OK) return code;
    // What is refused for good is not waited for.
    out = hold_outlook{.free = !why || why->code != errc::contended};
    const time_point present_time = time_.now();
    for (const row& one : others)
        if (!one.permanent())
            out.first_end =
                std::min(out.first_end, present_time + std::chrono::nanoseconds(one.left_ns(at)));
    return SQLITE_OK;
}

}  // namespace holdfast::sqlite
