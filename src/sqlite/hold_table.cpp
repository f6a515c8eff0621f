// SPDX-License-Identifier: BSL-1.0
#include "sqlite/hold_table.hpp"

#include "core/range_rule.hpp"
#include "sqlite/sql.hpp"
#include "sqlite/wall_clock.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace holdfast::sqlite {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
// Holds are swept a few at a time, twice as many as were made meanwhile.
constexpr std::uint64_t sets_per_sweep = 16;

std::int64_t ns_of(std::chrono::milliseconds length) {
    return std::chrono::nanoseconds(length).count();
}
std::int64_t us_of(std::chrono::milliseconds length) {
    return std::chrono::microseconds(length).count();
}

std::uint32_t limit_for(const range_claim& wanted, std::uint32_t own) {
    return wanted.capacity > 0 ? wanted.capacity : own;
}

}  // namespace

hold_table::hold_table(timeline& time, machine where, std::string address)
    : time_(time), where_(std::move(where)), address_(std::move(address)) {}

int hold_table::prepare(const connection& db, std::uint64_t random) {
    sets_ = random % sets_per_sweep;
    connection_ = &db;
    int code = transaction_.prepare(db);
    if (code == SQLITE_OK) code = reading_.prepare(db);
    if (code == SQLITE_OK) code = reading_.begin.prepare(db, sql::begin_read);
    if (code != SQLITE_OK) return code;
    code = prepare_all(
        db, {
                {usual_, sql::hold_usual, {":wall", ":key", ":finish", ":start"}},
                {find_, sql::hold_find, {":key", ":id"}},
                {before_, sql::hold_before, {":key", ":start"}},
                {class_, sql::hold_class, {":key", ":class"}},
                {page_,
                 sql::hold_page,
                 {":key", ":class", ":from", ":finish", ":start", ":after_start", ":after_fence",
                  ":boot", ":now", ":wall", ":limit"}},
                {clear_,
                 sql::hold_clear,
                 {":key", ":from", ":finish", ":start", ":boot", ":now", ":wall"}},
                {insert_,
                 sql::hold_insert,
                 {":key", ":class", ":start", ":fence", ":finish", ":id", ":units", ":granted",
                  ":boot", ":expires", ":expires_us", ":owner", ":data"}},
                {drop_, sql::hold_drop, {":key", ":id"}},
                {end_, sql::hold_end, {":key", ":id", ":boot", ":now", ":never", ":fence"}},
                {extend_, sql::hold_extend, {":boot", ":expires", ":expires_us", ":key", ":id"}},
                {fence_, sql::hold_fence, {":wall"}},
                {fence_set_, sql::hold_fence_set, {":fence"}},
                {sweep_, sql::hold_sweep, {":boot", ":now", ":rows"}},
                {sweep_former_, sql::hold_sweep_former, {":boot", ":wall"}},
                {capacity_, sql::hold_capacity, {":key"}},
                {capacity_set_, sql::hold_capacity_set, {":key", ":capacity"}},
                {capacity_drop_, sql::hold_capacity_drop, {":key"}},
            });
    return code == SQLITE_OK ? run(sweep_former_).all(where_.boot, present().wall) : code;
}

hold_table::instant hold_table::present() const noexcept {
    return {(time_.now().time_since_epoch() - where_.clock_offset).count(), wall_us()};
}

std::int64_t hold_table::row::left_ns(const instant& at) const noexcept {
    if (permanent()) return never;
    if (this_boot) return expires_ns - at.now;
    return (expires_us - at.wall) * 1000;
}

bool hold_table::row::permanent() const noexcept { return expires_ns == never; }

failure hold_table::another_hold() const {
    return {lost_reason::taken, address_ + ": its id is another hold by now"};
}

failure hold_table::gone() const {
    return {lost_reason::deleted, address_ + ": no such hold, or it has run out"};
}

failure hold_table::too_many_units(std::uint32_t units, std::uint32_t capacity) const {
    return {errc::misuse, address_ + ": " + std::to_string(units) +
                              " units do not fit into a capacity of " + std::to_string(capacity)};
}

range_hold hold_table::describe(row&& found, const instant& at) {
    range_hold told = std::move(found.what);
    told.permanent = found.permanent();
    if (!told.permanent)
        told.remaining = std::chrono::ceil<std::chrono::milliseconds>(
            std::chrono::nanoseconds(found.left_ns(at)));
    return told;
}

// Reads what `hold_find` and `hold_page` give.
hold_table::row hold_table::read_row(std::string_view key, run& found) const {
    row one;
    one.what.key = key;
    one.length_class = static_cast<unsigned>(found->integer(0));
    one.what.start = found->integer(1);
    one.what.end = found->integer(2);
    one.what.units = static_cast<std::uint32_t>(found->integer(3));
    one.what.fencing_token = static_cast<std::uint64_t>(found->integer(4));
    one.granted = static_cast<std::uint32_t>(found->integer(5));
    one.this_boot = found->bytes(6) == where_.boot;
    one.expires_ns = found->integer(7);
    one.expires_us = found->integer(8);
    one.what.id = found->bytes(9);
    one.what.owner = found->bytes(10);
    one.what.data = found->bytes(11);
    return one;
}

int hold_table::find(std::string_view key, std::string_view id, std::optional<row>& out) {
    run found(find_);
    const int code = found->start(blob{key}, blob{id});
    out.reset();
    if (code == SQLITE_ROW) out = read_row(key, found);
    return row_or_none(code);
}

int hold_table::capacity_of(std::string_view key, std::uint32_t& out) {
    run found(capacity_);
    const int code = found->start(blob{key});
    out = code == SQLITE_ROW ? static_cast<std::uint32_t>(found->integer(0)) : 1;
    return row_or_none(code);
}

// @param out  From where on holds of class 0 can reach beyond `start`.
int hold_table::first_in_file(std::string_view key, std::int64_t start, std::int64_t& out) {
    run found(before_);
    const int code = found->start(blob{key}, start);
    out = code == SQLITE_ROW ? found->integer(0) : start;
    return row_or_none(code);
}

// The live holds that overlap a range, in order of start and fence.
int hold_table::overlapping(std::string_view key, const page& which, const instant& at,
                            std::vector<row>& out) {
    out.clear();
    const range_cursor after = which.after.value_or(
        range_cursor{std::numeric_limits<std::int64_t>::min(), std::uint64_t{0}});
    const range& where = which.where;
    for (std::int64_t last = -1;;) {  // Ends behind the last class, 65.
        {
            run next(class_);
            const int code = next->start(blob{key}, last);
            if (code != SQLITE_ROW) {
                if (code != SQLITE_DONE) return code;
                break;
            }
            last = next->integer(0);
        }
        std::int64_t from = 0;
        int code = SQLITE_OK;
        if (last == core::single_file)
            code = first_in_file(key, where.start, from);
        else
            from = core::first_start(static_cast<unsigned>(last), where.start);
        if (code != SQLITE_OK) return code;
        run found(page_);
        code = found->start(blob{key}, last, std::max(from, after.start), where.end, where.start,
                            after.start, static_cast<std::int64_t>(after.token), where_.boot,
                            at.now, at.wall, which.limit);
        for (; code == SQLITE_ROW; code = found->step()) out.push_back(read_row(key, found));
        if (code != SQLITE_DONE) return code;
    }
    std::sort(out.begin(), out.end(), [](const row& a, const row& b) {
        return std::pair(a.what.start, a.what.fencing_token) <
               std::pair(b.what.start, b.what.fencing_token);
    });
    return SQLITE_OK;
}

// @param out  Why `wanted` does not fit in beside the others, those of its own id not counted.
int hold_table::in_the_way(const range_claim& wanted, std::uint32_t capacity, const instant& at,
                           std::optional<failure>& out) {
    const range where{wanted.start, wanted.end};
    std::vector<row> others;
    const int code = overlapping(wanted.key, {.where = where}, at, others);
    if (code != SQLITE_OK) return code;
    std::erase_if(others, [&](const row& one) { return one.what.id == wanted.id; });
    core::usage taken(where);
    for (const row& one : others) taken.add({one.what.start, one.what.end}, one.what.units);
    out.reset();
    if (taken.peak() + wanted.units <= capacity) return SQLITE_OK;
    out.emplace(errc::contended, address_ + ": the range is taken");
    out->name = wanted.key;
    for (row& one : others) {
        if (out->blockers.size() == blockers_max) break;
        out->blockers.push_back(describe(std::move(one), at));
        out->blockers.back().id.clear();
    }
    return SQLITE_OK;
}

// @param out  Why `wanted` is not granted.
int hold_table::refuse(const range_claim& wanted, const instant& at, std::optional<failure>& out) {
    std::uint32_t capacity = 0;
    std::optional<row> same;
    int code = capacity_of(wanted.key, capacity);
    if (code == SQLITE_OK) code = find(wanted.key, wanted.id, same);
    if (code != SQLITE_OK) return code;
    capacity = limit_for(wanted, capacity);
    out.reset();
    if (!same || !same->live(at)) {
        if (wanted.units <= capacity) return in_the_way(wanted, capacity, at, out);
        out = too_many_units(wanted.units, capacity);
    } else if (same->what.start != wanted.start || same->what.end != wanted.end ||
               same->what.units != wanted.units) {
        out.emplace(errc::misuse, address_ + ": this id is another hold of the key");
    } else if (same->permanent()) {
        out.emplace(errc::misuse, address_ + ": the hold with this id is confirmed already");
    }
    return SQLITE_OK;
}

int hold_table::hold_all(std::span<const range_claim> wanted, holds_taken& out) {
    out = holds_taken{};
    transaction all(transaction_);
    int code = all.begin();
    const instant at = present();
    bool done = false;
    if (code == SQLITE_OK && wanted.size() == 1 && wanted[0].units == 1 && wanted[0].capacity < 2)
        code = try_usual(wanted[0], at, out.grants.emplace_back(), done);
    if (code == SQLITE_OK && done) code = sweep_now_and_then(1, at);
    if (code != SQLITE_OK || done) return code == SQLITE_OK ? all.commit() : code;
    out.grants.clear();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (code != SQLITE_OK) return code;
        code = refuse(wanted[i], at, out.why);
        if (code != SQLITE_OK || !out.why) continue;
        out.why->index = i;
        return code;  // Nothing was changed.
    }
    for (const range_claim& one : wanted) {
        out.grants.emplace_back();
        if (code == SQLITE_OK) code = give(one, at, out.grants.back());
    }
    if (code == SQLITE_OK) code = sweep_now_and_then(wanted.size(), at);
    return code == SQLITE_OK ? all.commit() : code;
}

// @param out  The next fence, if it is what is mostly asked for and can be had.
int hold_table::look_for_usual(const range_claim& wanted, const instant& at,
                               std::optional<std::int64_t>& out) {
    run asked(usual_);
    const int code = asked->start(at.wall, blob{wanted.key}, wanted.end, wanted.start);
    if (code == SQLITE_ROW) out = asked->integer(0);
    return row_or_none(code);
}

// @param done  Whether it was granted; else one has to look.
int hold_table::try_usual(const range_claim& wanted, const instant& at, range_grant& out,
                          bool& done) {
    std::optional<std::int64_t> fence;
    int code = look_for_usual(wanted, at, fence);
    if (code == SQLITE_OK && fence) code = run(fence_set_).all(*fence);
    if (code != SQLITE_OK || !fence) return code;
    out.fencing_token = static_cast<std::uint64_t>(*fence);
    code = run(insert_).all(blob{wanted.key}, std::int64_t{core::single_file}, wanted.start, *fence,
                            wanted.end, blob{wanted.id}, std::int64_t{1}, std::int64_t{1},
                            where_.boot, at.now + ns_of(wanted.ttl), at.wall + us_of(wanted.ttl),
                            blob{wanted.owner}, blob{wanted.data});
    done = code == SQLITE_OK;
    return (code & 0xFF) == SQLITE_CONSTRAINT ? SQLITE_OK : code;
}

int hold_table::give(const range_claim& wanted, const instant& at, range_grant& out) {
    std::optional<row> same;
    std::uint32_t capacity = 0;
    int code = find(wanted.key, wanted.id, same);
    if (code == SQLITE_OK) code = capacity_of(wanted.key, capacity);
    if (code != SQLITE_OK) return code;
    const std::int64_t expires_ns = at.now + ns_of(wanted.ttl);
    const std::int64_t expires_us = at.wall + us_of(wanted.ttl);
    if (same && same->live(at)) {
        out.fencing_token = same->what.fencing_token;
        if (same->left_ns(at) >= ns_of(wanted.ttl)) return SQLITE_OK;
        return extend(*same, expires_ns, expires_us);
    }
    if (same) code = run(drop_).all(blob{wanted.key}, blob{wanted.id});
    if (code == SQLITE_OK) code = draw_fence(at, out.fencing_token);
    if (code != SQLITE_OK) return code;
    row fresh;
    fresh.what.key = wanted.key;
    fresh.what.id = wanted.id;
    fresh.what.start = wanted.start;
    fresh.what.end = wanted.end;
    fresh.what.units = wanted.units;
    fresh.what.fencing_token = out.fencing_token;
    fresh.what.owner = wanted.owner;
    fresh.what.data = wanted.data;
    fresh.granted = limit_for(wanted, capacity);
    fresh.expires_ns = expires_ns;
    fresh.expires_us = expires_us;
    return put(fresh, at);
}

// Nothing that is live is in its way.
int hold_table::put(const row& what, const instant& at) {
    const range where{what.what.start, what.what.end};
    const unsigned length = core::class_of(where, what.granted);
    int code = SQLITE_OK;
    if (length == core::single_file) {
        std::int64_t from = 0;
        code = first_in_file(what.what.key, where.start, from);
        if (code == SQLITE_OK)
            code = run(clear_).all(blob{what.what.key}, from, where.end, where.start, where_.boot,
                                   at.now, at.wall);
    }
    if (code != SQLITE_OK) return code;
    return run(insert_).all(blob{what.what.key}, std::int64_t{length}, where.start,
                            static_cast<std::int64_t>(what.what.fencing_token), where.end,
                            blob{what.what.id}, std::int64_t{what.what.units},
                            std::int64_t{what.granted}, where_.boot, what.expires_ns,
                            what.expires_us, blob{what.what.owner}, blob{what.what.data});
}

int hold_table::draw_fence(const instant& at, std::uint64_t& out) {
    std::int64_t next = 0;
    {
        run asked(fence_);
        int code = asked->start(at.wall);
        if (code == SQLITE_ROW) next = asked->integer(0);
        code = asked.finish(code);
        if (code != SQLITE_OK) return code;
    }
    out = static_cast<std::uint64_t>(next);
    return run(fence_set_).all(next);
}

int hold_table::extend(const row& which, std::int64_t expires_ns, std::int64_t expires_us) {
    return run(extend_).all(where_.boot, expires_ns, expires_us, blob{which.what.key},
                            blob{which.what.id});
}

int hold_table::sweep_now_and_then(std::size_t sets, const instant& at) {
    const std::uint64_t before = sets_;
    sets_ += sets;
    if (sets_ / sets_per_sweep == before / sets_per_sweep) return SQLITE_OK;
    const auto rows = static_cast<std::int64_t>(2 * (sets_per_sweep + sets));
    return run(sweep_).all(where_.boot, at.now, rows);
}

}  // namespace holdfast::sqlite
