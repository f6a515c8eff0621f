// SPDX-License-Identifier: BSL-1.0
//
// The actions of `lease_table` on names that several hold at once. In `lease` a value stands for
// all of them, with the latest end of all, so that whoever looks there only finds the name taken.
#include "sqlite/lease_table.hpp"

#include <algorithm>

namespace holdfast::sqlite {

int lease_table::join(const claim& wanted, attempt which, taking& out) {
    transaction all(transaction_);
    int code = all.begin();
    if (code == SQLITE_OK) code = join_if_let(wanted, which, out);
    if (code != SQLITE_OK || !out.held) return code;
    return all.commit();
}

int lease_table::join_if_let(const claim& wanted, attempt which, taking& out) {
    const std::int64_t now = now_ns();
    const std::string_view stand_in = share_table::stand_in(wanted);
    found_row held;
    int code = find(wanted.name, now, held);
    std::optional<std::int64_t> own;
    if (code == SQLITE_OK && held && held->value == stand_in)
        code = shares_.find(wanted.name, wanted.value, now, own);
    if (code != SQLITE_OK) return code;
    if (own && which == attempt::repeated) return confirm(wanted, stand_in, now, out);
    bool room = false;
    if (!own) code = has_room(wanted, held, now, room);
    if (code != SQLITE_OK) return code;
    if (room) return enter(wanted, held, now, out);
    out.several = !held || share_table::is_stand_in(held->value);
    return held ? tell(wanted.name, *held, {}, now, out.holder) : SQLITE_OK;
}

int lease_table::has_room(const claim& wanted, const found_row& held, std::int64_t now,
                          bool& room) {
    room = !held || held->value == share_table::stand_in(wanted);
    if (!room) return SQLITE_OK;
    if (wanted.permits > 0) {
        share_sum all;
        const int code = held ? shares_.sum(wanted.name, now, all) : SQLITE_OK;
        room = all.holders < wanted.permits;
        return code;
    }
    std::optional<std::int64_t> until;
    const int code = shares_.barred(wanted.name, where_.boot, now, until);
    room = !until;
    return code;
}

// The first of several begins anew: shares that were left behind must not count again.
int lease_table::enter(const claim& wanted, const found_row& held, std::int64_t now, taking& out) {
    const std::string_view stand_in = share_table::stand_in(wanted);
    const std::int64_t expires = now + std::chrono::nanoseconds(wanted.ttl).count();
    int code = held ? shares_.clear(wanted.name, now) : shares_.clear_all(wanted.name);
    if (code == SQLITE_OK)
        code = held ? confirm(wanted, stand_in, now, out) : take(wanted, stand_in, now, out);
    out.granted.taken_earlier = false;
    if (code == SQLITE_OK && held && held->expires < expires)
        code = run(renew_).all(expires, blob{wanted.name});
    if (code != SQLITE_OK || !out.held) return code;
    return shares_.set(wanted.name, {wanted.value, expires});
}

int lease_table::leave(std::string_view name, std::string_view value, result<void>& outcome) {
    transaction all(transaction_);
    int code = all.begin();
    const std::int64_t now = now_ns();
    found_row held;
    std::optional<std::int64_t> own;
    if (code == SQLITE_OK) code = find(name, now, held);
    if (code == SQLITE_OK && held && share_table::is_stand_in(held->value))
        code = shares_.find(name, value, now, own);
    if (code != SQLITE_OK) return code;
    if (!own) {
        outcome = lost(held ? lost_reason::taken : lost_reason::deleted);
        return SQLITE_OK;
    }
    code = shares_.drop(name, value);
    // The others' ends stand, unless ours was the last.
    if (code == SQLITE_OK && *own >= held->expires) code = settle(name, now);
    return code == SQLITE_OK ? all.commit() : code;
}

int lease_table::renew_share(renewal& item, const row& held, std::int64_t now, bool& shortened) {
    const std::int64_t expires = now + std::chrono::nanoseconds(item.ttl).count();
    std::optional<std::int64_t> own;
    int code = shares_.find(item.name, item.value, now, own);
    if (code != SQLITE_OK) return code;
    if (!own) {
        item.outcome = lost(lost_reason::taken);
        return SQLITE_OK;
    }
    item.outcome = result<void>{};
    shortened = shortened || *own > expires;
    code = shares_.set(item.name, {std::string(item.value), expires});
    if (code != SQLITE_OK) return code;
    if (expires >= held.expires) return run(renew_).all(expires, blob{item.name});
    return *own >= held.expires ? settle(item.name, now) : SQLITE_OK;
}

// Gives the row that stands for all the last end of those who are left, or frees the name.
int lease_table::settle(std::string_view name, std::int64_t now) {
    share_sum left;
    const int code = shares_.sum(name, now, left);
    if (code != SQLITE_OK) return code;
    if (left.holders > 0) return run(renew_).all(left.last_end, blob{name});
    return run(free_).all(now, blob{name});
}

}  // namespace holdfast::sqlite
