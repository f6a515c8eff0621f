// SPDX-License-Identifier: BSL-1.0
//
// The actions of `lease_table` on several names at once.
#include "sqlite/lease_table.hpp"

namespace holdfast::sqlite {

int lease_table::acquire_all(std::span<const claim> wanted, attempt which, taking_all& out) {
    out = taking_all{};
    transaction all(transaction_);
    int code = all.begin();
    const std::int64_t now = now_ns();
    if (code == SQLITE_OK) code = first_in_the_way(wanted, which, now, out);
    if (code != SQLITE_OK) return code;
    if (out.in_the_way < wanted.size()) {
        if (which == attempt::repeated) code = give_all_back(wanted, out);
        return code == SQLITE_OK ? all.commit() : code;
    }
    for (const claim& each : wanted) {
        taking one;
        if (which == attempt::repeated) code = confirm(each, each.value, now, one);
        if (code == SQLITE_OK && !one.held) code = take(each, each.value, now, one);
        if (code == SQLITE_OK) code = shares_.lift(each.name);
        if (code != SQLITE_OK) return code;
        out.granted.push_back(one.granted);
    }
    code = all.commit();
    out.held = code == SQLITE_OK;
    return code;
}

int lease_table::first_in_the_way(std::span<const claim> wanted, attempt which, std::int64_t now,
                                  taking_all& out) {
    for (out.in_the_way = 0; out.in_the_way < wanted.size(); ++out.in_the_way) {
        const claim& each = wanted[out.in_the_way];
        found_row held;
        int code = find(each.name, now, held);
        if (code != SQLITE_OK) return code;
        if (!held || (which == attempt::repeated && held->value == each.value)) continue;
        code = tell(each.name, *held, {}, now, out.holder);
        if (code == SQLITE_OK && each.waits && share_table::is_stand_in(held->value))
            code = shares_.bar(each.name, where_.boot, now);
        return code;
    }
    return SQLITE_OK;
}

// All or none: what an earlier attempt took must not stay when this one is refused.
int lease_table::give_all_back(std::span<const claim> wanted, const taking_all& out) {
    int code = SQLITE_OK;
    for (std::size_t i = 0; i < wanted.size() && code == SQLITE_OK; ++i)
        if (i != out.in_the_way)
            code = run(release_).all(now_ns(), blob{wanted[i].name}, blob{wanted[i].value},
                                     where_.boot);
    return code;
}

}  // namespace holdfast::sqlite
