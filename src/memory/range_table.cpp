// SPDX-License-Identifier: BSL-1.0
#include "memory/range_table.hpp"

#include "core/range_rule.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::memory {
namespace {

constexpr std::size_t swept_at_once = 2;

failure no_such_hold() { return {lost_reason::deleted, "memory: no such hold, or it has run out"}; }

failure another_hold() { return {lost_reason::taken, "memory: its id is another hold by now"}; }

failure too_many_units(std::uint32_t units, std::uint32_t capacity) {
    return {errc::misuse, "memory: " + std::to_string(units) +
                              " units do not fit into a capacity of " + std::to_string(capacity)};
}

std::uint32_t capacity_for(const range_claim& wanted, std::uint32_t own) {
    return wanted.capacity > 0 ? wanted.capacity : own;
}

}  // namespace

// As it is told to whoever knows its id.
range_hold range_table::describe(const holding& which, time_point now) {
    range_hold told = which.what;
    if (!told.permanent)
        told.remaining = std::chrono::ceil<std::chrono::milliseconds>(which.expires - now);
    return told;
}

const range_table::entry* range_table::look(std::string_view key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? nullptr : &found->second;
}

const range_table::holding* range_table::find(const entry& in, std::string_view id) {
    const auto found = in.ids.find(id);
    return found == in.ids.end() ? nullptr : &found->second->second;
}

const range_table::holding* range_table::live(std::string_view key, std::string_view id,
                                              time_point now) const {
    const entry* const in = look(key);
    const holding* const found = in ? find(*in, id) : nullptr;
    return found && found->live(now) ? found : nullptr;
}

range_table::holding* range_table::live(std::string_view key, std::string_view id, time_point now) {
    return const_cast<holding*>(std::as_const(*this).live(key, id, now));
}

// @return The live holds that overlap `where`, in order of start and token.
std::vector<const range_table::holding*> range_table::overlapping(const entry& in, range where,
                                                                  time_point now) {
    std::vector<const holding*> found;
    auto in_file = in.holds.lower_bound({core::single_file, where.end, 0});
    while (in_file != in.holds.begin()) {
        --in_file;
        if (in_file->second.what.end <= where.start) break;  // They do not overlap each other.
        if (in_file->second.live(now)) found.push_back(&in_file->second);
    }
    for (unsigned length = 1; length <= core::length_class_max; ++length) {
        if (in.in_class.at(length) == 0) continue;
        auto one = in.holds.lower_bound({length, core::first_start(length, where.start), 0});
        for (; one != in.holds.end() && std::get<0>(one->first) == length; ++one) {
            if (one->second.what.start >= where.end) break;
            if (one->second.what.end > where.start && one->second.live(now))
                found.push_back(&one->second);
        }
    }
    std::sort(found.begin(), found.end(), [](const holding* a, const holding* b) {
        return std::pair(a->what.start, a->what.fencing_token) <
               std::pair(b->what.start, b->what.fencing_token);
    });
    return found;
}

// @return Why `wanted` does not fit in beside the others, those of its own id not counted.
std::optional<failure> range_table::in_the_way(const entry& in, const range_claim& wanted,
                                               std::uint32_t capacity, time_point now) {
    const range where{wanted.start, wanted.end};
    auto others = overlapping(in, where, now);
    std::erase_if(others, [&](const holding* one) { return one->what.id == wanted.id; });
    core::usage taken(where);
    for (const holding* one : others) taken.add(one->where(), one->what.units);
    if (taken.peak() + wanted.units <= capacity) return std::nullopt;
    failure why(errc::contended, "memory: the range is taken");
    why.name = wanted.key;
    for (const holding* one : others) {
        if (why.blockers.size() == blockers_max) break;
        why.blockers.push_back(describe(*one, now));
        why.blockers.back().id.clear();
    }
    return why;
}

// @return Why `wanted` is not granted.
std::optional<failure> range_table::refuse(const range_claim& wanted, time_point now) const {
    static const entry empty;
    const entry* const found = look(wanted.key);
    const entry& in = found ? *found : empty;
    const std::uint32_t capacity = capacity_for(wanted, in.capacity);
    const holding* const same = find(in, wanted.id);
    if (!same || !same->live(now)) {
        if (wanted.units > capacity) return too_many_units(wanted.units, capacity);
        return in_the_way(in, wanted, capacity, now);
    }
    if (same->where() != range{wanted.start, wanted.end} || same->what.units != wanted.units)
        return failure{errc::misuse, "memory: this id is another hold of the key"};
    if (same->what.permanent)
        return failure{errc::misuse, "memory: the hold with this id is confirmed already"};
    return std::nullopt;
}

result<std::vector<range_grant>> range_table::hold_all(std::span<const range_claim> wanted,
                                                       time_point now) {
    const std::scoped_lock lock(mutex_);
    sweep(swept_at_once * wanted.size(), now);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        auto why = refuse(wanted[i], now);
        if (!why) continue;
        why->index = i;
        return std::move(*why);
    }
    std::vector<range_grant> grants;
    for (const range_claim& one : wanted) grants.push_back(give(one, now));
    return grants;
}

range_grant range_table::give(const range_claim& wanted, time_point now) {
    const time_point expires = now + wanted.ttl;
    if (holding* const ours = live(wanted.key, wanted.id, now)) {
        set_expiry(*ours, std::max(ours->expires, expires));
        return {ours->what.fencing_token};
    }
    entry& in = keys_[wanted.key];
    if (const holding* const old = find(in, wanted.id)) drop(*old);
    holding fresh;
    fresh.what = {.key = wanted.key,
                  .id = wanted.id,
                  .start = wanted.start,
                  .end = wanted.end,
                  .units = wanted.units,
                  .fencing_token = ++last_token_,
                  .owner = wanted.owner,
                  .data = wanted.data};
    fresh.expires = expires;
    const std::uint32_t capacity = capacity_for(wanted, keys_[wanted.key].capacity);
    put(std::move(fresh), capacity);
    tell(wanted.key, {wanted.start, wanted.end}, range_change::any);
    return {last_token_};
}

// Nothing that is live is in its way, as far as `capacity` goes.
void range_table::put(holding what, std::uint32_t capacity) {
    entry& in = keys_[what.what.key];
    const unsigned length = core::class_of(what.where(), capacity);
    if (length == core::single_file) {
        auto old = in.holds.lower_bound({core::single_file, what.what.end, 0});
        while (old != in.holds.begin() && std::prev(old)->second.what.end > what.what.start) {
            // It has run out: what is live was looked at. `in` stays, as it is about to be used.
            const auto gone = std::prev(old);
            if (gone->second.expiring != expiries_.end()) expiries_.erase(gone->second.expiring);
            in.ids.erase(gone->second.what.id);
            --in.in_class.at(core::single_file);
            old = in.holds.erase(gone);
        }
    }
    what.granted = capacity;
    const place where{length, what.what.start, what.what.fencing_token};
    ++in.in_class.at(length);
    const auto at = in.holds.insert_or_assign(where, std::move(what)).first;
    holding& there = at->second;
    in.ids[there.what.id] = at;
    there.expiring = expiries_.end();
    set_expiry(there, there.expires);
}

// Its key is forgotten with the last of its holds.
range_table::holding range_table::take_out(const holding& which) {
    const auto key = keys_.find(which.what.key);
    entry& in = key->second;
    const auto id = in.ids.find(which.what.id);
    const auto at = id->second;
    --in.in_class.at(std::get<0>(at->first));
    if (at->second.expiring != expiries_.end()) expiries_.erase(at->second.expiring);
    holding out = std::move(at->second);
    in.holds.erase(at);
    in.ids.erase(id);
    if (in.holds.empty() && in.capacity == 1) keys_.erase(key);
    return out;
}

void range_table::drop(const holding& which) { static_cast<void>(take_out(which)); }

void range_table::set_expiry(holding& which, time_point when) {
    if (which.expiring != expiries_.end()) expiries_.erase(which.expiring);
    which.expires = when;
    which.expiring = when == time_point::max() ? expiries_.end() : expiries_.emplace(when, &which);
}

void range_table::sweep(std::size_t most, time_point now) {
    for (; most > 0 && !expiries_.empty() && expiries_.begin()->first <= now; --most)
        drop(*expiries_.begin()->second);
}

result<void> range_table::renew(const range_renewal& ask, time_point now) {
    const std::scoped_lock lock(mutex_);
    holding* const ours = live(ask.key, ask.id, now);
    if (!ours) return no_such_hold();
    if (!ours->is(ask.fencing_token)) return another_hold();
    if (ours->what.permanent) return {};
    const bool shorter = now + ask.ttl < ours->expires;
    set_expiry(*ours, now + ask.ttl);
    if (shorter) tell(ask.key, ours->where(), range_change::freed);
    return {};
}

result<void> range_table::release(std::string_view key, std::string_view id, released_hold which,
                                  time_point now) {
    const std::scoped_lock lock(mutex_);
    const entry* const in = look(key);
    const holding* const ours = in ? find(*in, id) : nullptr;
    if (!ours) return no_such_hold();
    if (ours->what.permanent && !which.permanent)
        return failure(lost_reason::taken, "memory: the hold is confirmed, and stays");
    if (!ours->is(which.fencing_token) && ours->live(now)) return another_hold();
    const holding was = take_out(*ours);
    if (!was.live(now)) return no_such_hold();
    tell(key, was.where(), range_change::freed);
    return {};
}

std::optional<range_hold> range_table::get(std::string_view key, std::string_view id,
                                           time_point now) const {
    const std::scoped_lock lock(mutex_);
    const holding* const ours = live(key, id, now);
    return ours ? std::optional(describe(*ours, now)) : std::nullopt;
}

result<range_hold> range_table::confirm(std::string_view key, std::string_view id,
                                        std::uint64_t fencing_token, time_point now) {
    const std::scoped_lock lock(mutex_);
    holding* const ours = live(key, id, now);
    if (!ours) return no_such_hold();
    if (!ours->is(fencing_token)) return another_hold();
    ours->what.permanent = true;
    set_expiry(*ours, time_point::max());
    tell(key, ours->where(), range_change::any);
    return describe(*ours, now);
}

result<range_hold> range_table::move(std::string_view key, std::string_view id,
                                     std::uint64_t fencing_token, range to, time_point now) {
    const std::scoped_lock lock(mutex_);
    const holding* const ours = live(key, id, now);
    if (!ours) return no_such_hold();
    const range from = ours->where();
    if (from == to) return describe(*ours, now);
    if (!ours->is(fencing_token)) return another_hold();
    const entry& in = *look(key);
    const std::uint32_t capacity = in.capacity;
    if (ours->what.units > capacity) return too_many_units(ours->what.units, capacity);
    range_claim wanted;
    wanted.key = key;
    wanted.id = id;
    wanted.start = to.start;
    wanted.end = to.end;
    wanted.units = ours->what.units;
    if (auto why = in_the_way(in, wanted, capacity, now)) return std::move(*why);
    holding moved = take_out(*ours);
    moved.what.start = to.start;
    moved.what.end = to.end;
    moved.what.fencing_token = ++last_token_;
    const range_hold told = describe(moved, now);
    put(std::move(moved), capacity);
    tell(key, from, range_change::freed);
    tell(key, to, range_change::any);
    return told;
}

range_page range_table::list(std::string_view key, range window, std::optional<range_cursor> after,
                             std::size_t limit, time_point now) const {
    const std::scoped_lock lock(mutex_);
    range_page page;
    const entry* const in = look(key);
    if (!in) return page;
    page.capacity = in->capacity;
    for (const holding* one : overlapping(*in, window, now)) {
        const std::pair mine(one->what.start, one->what.fencing_token);
        if (after && mine <= std::pair(after->start, after->token)) continue;
        page.more = page.holds.size() == limit;
        if (page.more) break;
        page.holds.push_back(describe(*one, now));
    }
    return page;
}

void range_table::set_capacity(std::string_view key, std::uint32_t units) {
    const std::scoped_lock lock(mutex_);
    const auto found = keys_.try_emplace(std::string(key)).first;
    const bool changes = std::exchange(found->second.capacity, units) != units;
    if (units == 1 && found->second.holds.empty()) keys_.erase(found);
    if (changes) tell(key, everything, range_change::freed);
}

std::size_t range_table::size() const {
    const std::scoped_lock lock(mutex_);
    std::size_t all = 0;
    for (const auto& [key, in] : keys_) all += in.holds.size();
    return all;
}

std::optional<time_point> range_table::enter_waiters(const range_claim& wanted, const waiter* who,
                                                     time_point now) {
    const std::scoped_lock lock(mutex_);
    waiters_.emplace(wanted.key, who);
    const entry* const in = look(wanted.key);
    time_point next = time_point::max();
    if (in)
        for (const holding* one : overlapping(*in, {wanted.start, wanted.end}, now))
            next = std::min(next, one->expires);
    const auto why = refuse(wanted, now);
    // What cannot be had at all is asked for once more, which tells why.
    const bool ask = who->which == range_change::freed && (!why || why->code != errc::contended);
    return ask ? std::nullopt : std::optional(next);
}

void range_table::leave_waiters(const std::string& key, const waiter* who) {
    const std::scoped_lock lock(mutex_);
    const auto [first, last] = waiters_.equal_range(key);
    for (auto one = first; one != last; ++one)
        if (one->second == who) {
            waiters_.erase(one);
            return;
        }
}

// Of something that was freed (`freed`) or taken (`any`).
void range_table::tell(std::string_view key, range where, range_change which) const {
    const auto [first, last] = waiters_.equal_range(key);
    for (auto one = first; one != last; ++one) {
        const waiter& who = *one->second;
        if (!core::overlap(who.where, where)) continue;
        if (which == range_change::any && who.which == range_change::freed) continue;
        asio::post(who.executor, [bell = who.bell] {
            if (const auto alive = bell.lock()) alive->wake();
        });
    }
}

}  // namespace holdfast::memory
