// SPDX-License-Identifier: BSL-1.0
#include "sqlite/lease_table.hpp"

#include "base/holder_record.hpp"
#include "sqlite/sql.hpp"
#include "sqlite/wall_clock.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::sqlite {
namespace {

// One grant in so many sweeps, and looks at twice as many rows: rows go faster than they come.
constexpr std::uint64_t grants_per_sweep = 64;
constexpr std::int64_t rows_per_sweep = 128;
// Names that are used again and again keep their rows.
constexpr std::chrono::nanoseconds sweep_age = std::chrono::minutes{1};

lock_info make_info(std::string_view name, std::string_view value, std::int64_t left_ns,
                    std::int64_t fence) {
    lock_info info;
    base::holder_record record = base::read_holder_record(value);
    info.name = name;
    info.id = std::move(record.id);
    info.holder = std::move(record.holder);
    info.holder.remaining =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(left_ns));
    info.fencing_token = static_cast<std::uint64_t>(fence);
    info.value = value;
    return info;
}

}  // namespace

lease_table::lease_table(timeline& time, machine where, std::string address)
    : time_(time), where_(std::move(where)), address_(std::move(address)) {}

int lease_table::prepare(const connection& db, std::uint64_t sweep_phase) {
    grants_ = sweep_phase % grants_per_sweep;
    int code = transaction_.prepare(db);
    if (code == SQLITE_OK) code = shares_.prepare(db);
    if (code != SQLITE_OK) return code;
    return prepare_all(
        db, {
                {acquire_,
                 sql::acquire,
                 {":name", ":value", ":boot", ":now", ":ttl", ":fenced", ":wall"}},
                {confirm_, sql::confirm, {":fenced", ":wall", ":name", ":value", ":boot", ":now"}},
                {read_, sql::read, {":name", ":boot", ":now"}},
                {list_, sql::list, {":prefix", ":boot", ":now"}},
                {renew_, sql::renew, {":expires", ":name"}},
                {release_, sql::release, {":now", ":name", ":value", ":boot"}},
                {free_, sql::free, {":now", ":name"}},
                {raise_held_, sql::raise_held, {":fence", ":name", ":value", ":boot", ":now"}},
                {raise_any_, sql::raise_any, {":name", ":boot", ":now", ":fence"}},
                {sweep_look_, sql::sweep_look, {":boot", ":before", ":rows"}},
                {sweep_note_, sql::sweep_note, {":fence", ":last"}},
                {sweep_, sql::sweep, {":first", ":last", ":boot", ":before"}},
            });
}

std::int64_t lease_table::now_ns() const noexcept {
    return (time_.now().time_since_epoch() - where_.clock_offset).count();
}

int lease_table::find(std::string_view name, std::int64_t now, found_row& held) {
    run found(read_);
    const int code = found->start(blob{name}, where_.boot, now);
    held.reset();
    if (code == SQLITE_ROW)
        held = row{std::string(found->bytes(0)), found->integer(1), found->integer(2)};
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int lease_table::acquire(const claim& wanted, attempt which, taking& out) {
    out = taking{};
    const bool alone = share_table::stand_in(wanted).empty();
    int code = SQLITE_OK;
    if (alone) {
        // Two statements, not one transaction: whatever happens in between, the second is right.
        if (which == attempt::repeated) code = confirm(wanted, wanted.value, now_ns(), out);
        if (code != SQLITE_OK || out.held) return code;
        code = take(wanted, wanted.value, now_ns(), out);
        if (code == SQLITE_OK && !out.held) code = refuse(wanted, out);
    } else {
        code = join(wanted, which, out);
    }
    if (code != SQLITE_OK || !out.held || out.granted.taken_earlier) return code;
    // The grant stands, whatever becomes of the rest: a bar ends by itself, and what cannot be
    // swept now is swept later.
    if (alone) [[maybe_unused]]
        const int ignored = shares_.lift(wanted.name);
    if (++grants_ % grants_per_sweep == 0) [[maybe_unused]]
        const int ignored = sweep();
    return SQLITE_OK;
}

int lease_table::take(const claim& wanted, std::string_view value, std::int64_t now, taking& out) {
    run taken(acquire_);
    const int code = taken->start(blob{wanted.name}, blob{value}, where_.boot, now,
                                  std::chrono::nanoseconds(wanted.ttl).count(),
                                  std::int64_t{wanted.fence}, wanted.fence ? wall_us() : 0);
    out.held = code == SQLITE_ROW;
    if (out.held && wanted.fence)
        out.granted.fencing_token = static_cast<std::uint64_t>(taken->integer(0));
    return taken.finish(code);
}

int lease_table::confirm(const claim& wanted, std::string_view value, std::int64_t now,
                         taking& out) {
    run confirmed(confirm_);
    const int code = confirmed->start(std::int64_t{wanted.fence}, wanted.fence ? wall_us() : 0,
                                      blob{wanted.name}, blob{value}, where_.boot, now);
    if (code == SQLITE_ROW) {
        out.held = true;
        out.granted.taken_earlier = true;
        if (wanted.fence)
            out.granted.fencing_token = static_cast<std::uint64_t>(confirmed->integer(0));
    }
    return confirmed.finish(code);
}

// Who is refused because of those who share, and waits, is let in before more of them.
int lease_table::refuse(const claim& wanted, taking& out) {
    const std::int64_t now = now_ns();
    found_row held;
    int code = find(wanted.name, now, held);
    if (code != SQLITE_OK || !held) return code;
    code = tell(wanted.name, *held, {}, now, out.holder);
    out.several = share_table::is_stand_in(held->value);
    if (code != SQLITE_OK || !out.several || !wanted.waits) return code;
    code = shares_.bar(wanted.name, where_.boot, now);
    // It is refused as well on a disk that is full.
    return is_busy(code) ? code : SQLITE_OK;
}

int lease_table::renew(std::span<renewal> batch, bool& shortened) {
    transaction all(transaction_);
    int code = all.begin();
    for (renewal& item : batch) {
        if (code != SQLITE_OK) return code;
        code = renew_one(item, shortened);
    }
    return code == SQLITE_OK ? all.commit() : code;
}

// The clock is read behind `begin`: a process that was stopped before it got its turn must not
// bring back what has run out meanwhile.
int lease_table::renew_one(renewal& item, bool& shortened) {
    const std::int64_t now = now_ns();
    const std::int64_t expires = now + std::chrono::nanoseconds(item.ttl).count();
    found_row held;
    const int code = find(item.name, now, held);
    if (code != SQLITE_OK) return code;
    if (!held) {
        item.outcome = lost(lost_reason::deleted);
        return SQLITE_OK;
    }
    if (share_table::is_stand_in(held->value)) return renew_share(item, *held, now, shortened);
    if (held->value != item.value) {
        item.outcome = lost(lost_reason::taken);
        return SQLITE_OK;
    }
    shortened = shortened || held->expires > expires;
    item.outcome = result<void>{};
    return run(renew_).all(expires, blob{item.name});
}

int lease_table::raise_token(std::string_view name, std::string_view value, std::uint64_t at_least,
                             result<void>& outcome) {
    const std::int64_t now = now_ns();
    const auto fence = static_cast<std::int64_t>(at_least);
    outcome = result<void>{};
    if (value.empty()) return run(raise_any_).all(blob{name}, where_.boot, now, fence);
    run raised(raise_held_);
    int code = raised.all(fence, blob{name}, blob{value}, where_.boot, now);
    if (code != SQLITE_OK || raised.changes() > 0) return code;
    found_row held;
    code = find(name, now, held);
    outcome = lost(held ? lost_reason::taken : lost_reason::deleted);
    return code;
}

int lease_table::release(std::string_view name, std::string_view value, result<void>& outcome) {
    const std::int64_t now = now_ns();
    outcome = result<void>{};
    run released(release_);
    int code = released.all(now, blob{name}, blob{value}, where_.boot);
    if (code != SQLITE_OK || released.changes() > 0) return code;
    found_row held;
    code = find(name, now, held);
    if (code != SQLITE_OK) return code;
    if (held && share_table::is_stand_in(held->value)) return leave(name, value, outcome);
    outcome = lost(held ? lost_reason::taken : lost_reason::deleted);
    return SQLITE_OK;
}

int lease_table::gave_up(std::string_view name, bool& lifted) {
    lifted = shares_.has_bar(name);
    return lifted ? shares_.lift(name) : SQLITE_OK;
}

int lease_table::read(std::string_view name, std::string_view id,
                      std::optional<lock_info>& holder) {
    const std::int64_t now = now_ns();
    found_row held;
    holder.reset();
    const int code = find(name, now, held);
    return code == SQLITE_OK && held ? tell(name, *held, id, now, holder) : code;
}

int lease_table::tell(std::string_view name, const row& held, std::string_view id, std::int64_t now,
                      std::optional<lock_info>& holder) {
    if (!share_table::is_stand_in(held.value)) {
        holder = make_info(name, held.value, held.expires - now, held.fence);
        return SQLITE_OK;
    }
    std::optional<share> chosen;
    share_sum all;
    int code = shares_.choose(name, id, now, chosen);
    if (code == SQLITE_OK) code = shares_.sum(name, now, all);
    if (code != SQLITE_OK) return code;
    holder.reset();
    if (!chosen) return SQLITE_OK;  // The last one left between the two looks.
    holder = make_info(name, chosen->value, chosen->expires - now, held.fence);
    holder->counted = share_table::is_counted(held.value);
    holder->mode = holder->counted ? lock_mode::exclusive : lock_mode::shared;
    holder->holders = static_cast<std::uint32_t>(std::max<std::int64_t>(all.holders, 1));
    return SQLITE_OK;
}

int lease_table::look(std::string_view name, outlook& ahead) {
    const std::int64_t now = now_ns();
    const auto on_timeline = [this](std::int64_t ns) {
        return time_point(std::chrono::nanoseconds(ns) + where_.clock_offset);
    };
    ahead = {};
    found_row held;
    int code = find(name, now, held);
    if (code != SQLITE_OK) return code;
    if (!held) {
        std::optional<std::int64_t> until;
        code = shares_.barred(name, where_.boot, now, until);
        ahead.several = until.has_value();
        if (until) ahead.free_at = on_timeline(*until);
        return code;
    }
    ahead.several = share_table::is_stand_in(held->value);
    ahead.free_at = on_timeline(held->expires);
    if (!share_table::is_counted(held->value)) return SQLITE_OK;
    share_sum all;
    code = shares_.sum(name, now, all);
    if (all.holders > 0) ahead.free_at = on_timeline(all.first_end);
    return code;
}

int lease_table::list(std::string_view prefix, std::vector<lock_info>& held) {
    held.clear();
    const std::int64_t now = now_ns();
    run found(list_);
    int code = found->start(blob{prefix}, where_.boot, now);
    for (; code == SQLITE_ROW; code = found->step()) {
        const std::string_view name = found->bytes(0);
        if (!name.starts_with(prefix)) return SQLITE_OK;
        const row live{std::string(found->bytes(1)), found->integer(2), found->integer(3)};
        std::optional<lock_info> holder;
        const int told = tell(name, live, {}, now, holder);
        if (told != SQLITE_OK) return told;
        if (holder) held.push_back(std::move(*holder));
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int lease_table::take_away(std::string_view name, std::optional<lock_info>& holder) {
    transaction both(transaction_);
    int code = both.begin();
    if (code == SQLITE_OK) code = read(name, {}, holder);
    if (code != SQLITE_OK || !holder) return code;
    code = run(free_).all(now_ns(), blob{name});
    if (code == SQLITE_OK) code = shares_.clear_all(name);
    return code == SQLITE_OK ? both.commit() : code;
}

// Rows that are free remember their fences, and would pile up where each job has a name of its own.
// Before they go, the floor is raised to the highest of them.
int lease_table::sweep() {
    const std::int64_t before = now_ns() - sweep_age.count();
    transaction all(transaction_);
    int code = all.begin();
    if (code != SQLITE_OK) return code;
    std::string first;
    std::string last;
    std::int64_t rows = 0;
    std::int64_t fence = -1;
    {
        run found(sweep_look_);
        code = found->start(where_.boot, before, rows_per_sweep);
        for (; code == SQLITE_ROW; code = found->step()) {
            last = found->bytes(0);
            if (rows++ == 0) first = last;
            if (found->integer(2) != 0) fence = std::max(fence, found->integer(1));
        }
        if (code != SQLITE_DONE) return code;
        code = SQLITE_OK;
    }
    if (fence >= 0) code = run(sweep_).all(blob{first}, blob{last}, where_.boot, before);
    if (rows < rows_per_sweep) last.clear();  // The end: the next one starts from the first name.
    if (code == SQLITE_OK) code = shares_.sweep(last, where_.boot, now_ns());
    if (code == SQLITE_OK) code = run(sweep_note_).all(fence, blob{last});
    return code == SQLITE_OK ? all.commit() : code;
}

failure lease_table::lost(lost_reason why) const {
    return {why, address_ + (why == lost_reason::taken ? ": somebody else holds it"
                                                       : ": nobody holds it any more")};
}

}  // namespace holdfast::sqlite
