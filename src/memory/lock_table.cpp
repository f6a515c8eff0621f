// SPDX-License-Identifier: BSL-1.0
#include "memory/lock_table.hpp"

#include "base/holder_record.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

}  // namespace

// Forgets holders whose leases have run out. @return Who is left, or null.
lock_table::entry* lock_table::live(std::string_view name, time_point now) {
    const auto found = held_.find(name);
    if (found == held_.end()) return nullptr;
    std::erase_if(found->second.holders, [now](const holding& h) { return now >= h.expires; });
    if (!found->second.holders.empty()) return &found->second;
    held_.erase(found);
    return nullptr;
}

const lock_table::entry* lock_table::look(std::string_view name) const {
    const auto found = held_.find(name);
    return found == held_.end() ? nullptr : &found->second;
}

bool lock_table::fits(const claim& wanted, const entry* present) {
    if (present == nullptr) return true;
    if (wanted.permits > 0) return present->counted && present->holders.size() < wanted.permits;
    return wanted.mode == lock_mode::shared && present->mode == lock_mode::shared &&
           !present->counted;
}

// Else readers that come and go would keep writers out for ever.
bool lock_table::writer_waits(std::string_view name, time_point now) const {
    const auto line = lines_.find(name);
    return line != lines_.end() &&
           std::any_of(line->second.begin(), line->second.end(), [now](const stander& s) {
               return now < s.until && s.wanted.mode == lock_mode::exclusive &&
                      s.wanted.permits == 0;
           });
}

lock_info lock_table::describe(std::string_view name, const entry& present, const holding& one,
                               time_point now) const {
    auto record = base::read_holder_record(one.value);
    record.holder.remaining = std::chrono::ceil<milliseconds>(one.expires - now);
    const auto line = lines_.find(name);
    const std::size_t waiters = line == lines_.end() ? 0 : line->second.size();
    return {.name = std::string(name),
            .id = std::move(record.id),
            .holder = std::move(record.holder),
            .fencing_token = one.fencing_token,
            .value = one.value,
            .mode = present.mode,
            .counted = present.counted,
            .holders = static_cast<std::uint32_t>(present.holders.size()),
            .waiters = static_cast<std::uint32_t>(waiters)};
}

failure lock_table::busy(std::string_view name, const entry& present, time_point now) const {
    failure why(errc::contended, "somebody else holds it");
    // Of several, the one whose lease makes room when it ends.
    const auto [first, last] =
        std::minmax_element(present.holders.begin(), present.holders.end(),
                            [](const auto& a, const auto& b) { return a.expires < b.expires; });
    why.holder = describe(name, present, present.counted ? *first : *last, now).holder;
    return why;
}

grant lock_table::give(const claim& wanted, time_point expires, std::uint32_t tokens,
                       time_point now) {
    sweep(now);
    const std::uint64_t token = wanted.fence ? draw_tokens(tokens, now) : 0;
    entry& held = held_[wanted.name];
    held.mode = wanted.mode;
    held.counted = wanted.permits > 0;
    held.holders.push_back({wanted.value, expires, token});
    return {.fencing_token = token};
}

// An earlier attempt has taken it, without a token that its caller knows of.
grant lock_table::take_again(const claim& wanted, holding& ours, time_point now) {
    if (!wanted.fence) return {.taken_earlier = true};
    ours.fencing_token = draw_tokens(1, now);
    return {.fencing_token = ours.fencing_token, .taken_earlier = true};
}

result<grant> lock_table::acquire(const claim& wanted, attempt which, time_point now) {
    const std::scoped_lock lock(mutex_);
    entry* const present = live(wanted.name, now);
    if (auto ours = owned(wanted.name, wanted.value, now); ours && which == attempt::repeated) {
        return take_again(wanted, **ours, now);
    }
    const bool waits = wanted.mode == lock_mode::shared && writer_waits(wanted.name, now);
    if (present != nullptr && (waits || !fits(wanted, present)))
        return busy(wanted.name, *present, now);
    return give(wanted, now + wanted.ttl, 1, now);
}

result<std::vector<grant>> lock_table::acquire_all(std::span<const claim> wanted, attempt which,
                                                   time_point now) {
    const std::scoped_lock lock(mutex_);
    for (const claim& one : wanted) {
        const entry* const present = live(one.name, now);
        if (present == nullptr) continue;
        if (which == attempt::repeated && owned(one.name, one.value, now)) continue;
        failure why = busy(one.name, *present, now);
        why.name = one.name;
        return why;
    }
    std::vector<grant> all;
    for (const claim& one : wanted) {
        if (auto ours = owned(one.name, one.value, now)) {
            all.push_back(take_again(one, **ours, now));
        } else {
            all.push_back(give(one, now + one.ttl, 1, now));
        }
    }
    return all;
}

// The clock is a floor, so that tokens rise even over a table that was made anew.
// @return The first of `count` in a row.
std::uint64_t lock_table::draw_tokens(std::uint32_t count, time_point now) {
    const auto clock = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
    const auto first = std::max(last_token_ + 1, static_cast<std::uint64_t>(clock.count()));
    last_token_ = first + count - 1;
    return first;
}

// What nobody released goes when the table has doubled since the last time.
void lock_table::sweep(time_point now) {
    if (held_.size() < sweep_at_) return;
    std::erase_if(held_, [now](const auto& row) {
        return std::all_of(row.second.holders.begin(), row.second.holders.end(),
                           [now](const holding& h) { return now >= h.expires; });
    });
    sweep_at_ = std::max<std::size_t>(64, 2 * held_.size());
}

result<lock_table::holding*> lock_table::owned(std::string_view name, std::string_view value,
                                               time_point now) {
    entry* const present = live(name, now);
    if (present == nullptr) return failure(lost_reason::deleted, "nobody holds it");
    for (holding& one : present->holders)
        if (one.value == value) return &one;
    return failure(lost_reason::taken, "somebody else holds it");
}

result<void> lock_table::renew(const renewal& ask, time_point now) {
    const std::scoped_lock lock(mutex_);
    const auto mine = owned(ask.name, ask.value, now);
    if (!mine) return mine.error();
    (*mine)->expires = now + ask.ttl;
    return {};
}

result<void> lock_table::raise_token(std::string_view name, std::string_view value,
                                     std::uint64_t at_least, time_point now) {
    const std::scoped_lock lock(mutex_);
    if (!value.empty()) {
        const auto mine = owned(name, value, now);
        if (!mine) return mine.error();
        (*mine)->fencing_token = std::max((*mine)->fencing_token, at_least);
    }
    last_token_ = std::max(last_token_, at_least);
    return {};
}

void lock_table::remove(std::string_view name, const holding& one) {
    const auto place = held_.find(name);
    std::erase_if(place->second.holders, [&](const holding& h) { return &h == &one; });
    if (place->second.holders.empty()) held_.erase(place);
}

result<void> lock_table::release(std::string_view name, std::string_view value, time_point now) {
    const std::scoped_lock lock(mutex_);
    const auto mine = owned(name, value, now);
    if (!mine) return mine.error();
    remove(name, **mine);
    freed(name, now);
    return {};
}

std::optional<lock_info> lock_table::inspect(std::string_view name, time_point now,
                                             std::string_view id) const {
    const std::scoped_lock lock(mutex_);
    const entry* const present = look(name);
    if (present == nullptr) return std::nullopt;
    entry alive = *present;
    std::erase_if(alive.holders, [now](const holding& h) { return now >= h.expires; });
    std::optional<lock_info> found;
    for (const holding& one : alive.holders) {
        auto told = describe(name, alive, one, now);
        if (!found || told.id == id) found = std::move(told);
    }
    return found;
}

std::vector<lock_info> lock_table::list(std::string_view prefix, time_point now) const {
    std::vector<std::string> names;
    {
        const std::scoped_lock lock(mutex_);
        for (auto place = held_.lower_bound(prefix);
             place != held_.end() && place->first.starts_with(prefix); ++place)
            names.push_back(place->first);
    }
    std::vector<lock_info> found;
    for (const std::string& name : names)
        if (auto held = inspect(name, now)) found.push_back(std::move(*held));
    return found;
}

std::optional<lock_info> lock_table::take_away(std::string_view name, time_point now) {
    const std::scoped_lock lock(mutex_);
    const entry* const present = live(name, now);
    if (present == nullptr) return std::nullopt;
    auto who = describe(name, *present, present->holders.front(), now);
    held_.erase(held_.find(name));
    freed(name, now);
    return who;
}

std::optional<time_point> lock_table::enter_waiters(const std::string& name, const waiter* who,
                                                    time_point now) {
    const std::scoped_lock lock(mutex_);
    waiters_.emplace(name, who);
    const entry* const present = live(name, now);
    if (present == nullptr) return std::nullopt;
    time_point first = time_point::max();
    for (const holding& one : present->holders) first = std::min(first, one.expires);
    return first;
}

void lock_table::leave_waiters(const std::string& name, const waiter* who) {
    const std::scoped_lock lock(mutex_);
    const auto [first, last] = waiters_.equal_range(name);
    const auto place = std::find_if(first, last, [&](const auto& w) { return w.second == who; });
    if (place != last) waiters_.erase(place);
}

// Those who stand in line come first; who merely waits for a change is woken in any case.
void lock_table::freed(std::string_view name, time_point now) {
    static_cast<void>(hand_over(name, {}, now));
    const auto [first, last] = waiters_.equal_range(name);
    for (auto place = first; place != last; ++place) {
        auto wake = [bell = place->second->bell] {
            if (const auto alive = bell.lock()) alive->wake();
        };
        asio::post(place->second->executor, std::move(wake));
    }
}

}  // namespace holdfast::memory
