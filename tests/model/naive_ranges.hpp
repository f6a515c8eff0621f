// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a store of holds promises, as simply as it can be said: a list of all holds,
// looked through from end to end. Nothing in it can be wrong for being clever.
// Thread safety: none.
#pragma once

#include <holdfast/range_store.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

/// See the top of the file. Tokens are numbered as holds are made.
class naive_ranges {
public:
    struct hold {
        range_hold what;
        time_point expires{};
    };

    /// @return What stands in the way, or nothing if the claims were granted.
    std::optional<failure> hold_all(const std::vector<range_claim>& wanted, time_point now) {
        forget_expired(now);
        for (const range_claim& one : wanted)
            if (auto why = refuse(one)) return why;
        for (const range_claim& one : wanted) make(one, now);
        return std::nullopt;
    }

    [[nodiscard]] bool would_take(const range_claim& wanted, time_point now) {
        forget_expired(now);
        return !refuse(wanted);
    }

    [[nodiscard]] hold* find(const std::string& key, const std::string& id, time_point now) {
        forget_expired(now);
        for (hold& one : holds_)
            if (one.what.key == key && one.what.id == id) return &one;
        return nullptr;
    }

    bool release(const std::string& key, const std::string& id, time_point now) {
        forget_expired(now);
        return std::erase_if(holds_, [&](const hold& one) {
                   return one.what.key == key && one.what.id == id;
               }) > 0;
    }

    std::optional<failure> move(hold& which, range to) {
        const range_claim wanted = claim_of(which, to);
        const std::uint32_t limit = capacity(which.what.key);
        if (which.what.units > limit) return failure(errc::misuse);
        if (auto why = in_the_way(wanted, limit)) return why;
        which.what.start = to.start;
        which.what.end = to.end;
        which.what.fencing_token = ++last_token_;
        return std::nullopt;
    }

    [[nodiscard]] std::vector<range_hold> list(const std::string& key, range window,
                                               time_point now) {
        forget_expired(now);
        std::vector<range_hold> found;
        for (const hold& one : holds_)
            if (one.what.key == key && one.what.start < window.end && window.start < one.what.end)
                found.push_back(one.what);
        std::sort(found.begin(), found.end(), [](const range_hold& a, const range_hold& b) {
            return std::pair(a.start, a.fencing_token) < std::pair(b.start, b.fencing_token);
        });
        return found;
    }

    /// @return The first range of that length that has room, by trying all places where one can
    ///         begin.
    [[nodiscard]] std::optional<range> free_gap(const std::string& key, std::int64_t length,
                                                range window, std::uint32_t units, time_point now) {
        if (units > capacity(key)) return std::nullopt;
        std::set<std::int64_t> starts{window.start};
        for (const range_hold& one : list(key, window, now)) starts.insert(one.end);
        for (const std::int64_t start : starts) {
            if (start < window.start || start >= window.end) continue;
            const auto room =
                static_cast<std::uint64_t>(window.end) - static_cast<std::uint64_t>(start);
            if (room < static_cast<std::uint64_t>(length)) continue;
            range_claim wanted;
            wanted.key = key;
            wanted.start = start;
            wanted.end = static_cast<std::int64_t>(static_cast<std::uint64_t>(start) +
                                                   static_cast<std::uint64_t>(length));
            wanted.units = units;
            if (!in_the_way(wanted, capacity(key))) return range{wanted.start, wanted.end};
        }
        return std::nullopt;
    }

    void set_capacity(const std::string& key, std::uint32_t units) { capacities_[key] = units; }
    [[nodiscard]] std::uint32_t capacity(const std::string& key) const {
        const auto found = capacities_.find(key);
        return found == capacities_.end() ? 1 : found->second;
    }
    [[nodiscard]] const std::vector<hold>& all() const noexcept { return holds_; }

private:
    void forget_expired(time_point now) {
        std::erase_if(holds_, [&](const hold& one) { return one.expires <= now; });
    }

    [[nodiscard]] static range_claim claim_of(const hold& which, range where) {
        range_claim wanted;
        wanted.key = which.what.key;
        wanted.id = which.what.id;
        wanted.start = where.start;
        wanted.end = where.end;
        wanted.units = which.what.units;
        return wanted;
    }

    [[nodiscard]] std::uint32_t limit_of(const range_claim& wanted) const {
        return wanted.capacity > 0 ? wanted.capacity : capacity(wanted.key);
    }

    [[nodiscard]] hold* same(const range_claim& wanted) {
        for (hold& one : holds_)
            if (one.what.key == wanted.key && one.what.id == wanted.id) return &one;
        return nullptr;
    }

    std::optional<failure> refuse(const range_claim& wanted) {
        const hold* const known = same(wanted);
        if (!known && wanted.units > limit_of(wanted)) return failure(errc::misuse);
        if (!known) return in_the_way(wanted, limit_of(wanted));
        const range_hold& what = known->what;
        const bool equal = what.start == wanted.start && what.end == wanted.end &&
                           what.units == wanted.units && !what.permanent;
        return equal ? std::nullopt : std::optional(failure(errc::misuse));
    }

    // At most so many units at each point: it is enough to look where something begins.
    std::optional<failure> in_the_way(const range_claim& wanted, std::uint32_t limit) {
        std::vector<const hold*> others;
        for (const hold& one : holds_)
            if (one.what.key == wanted.key && one.what.id != wanted.id &&
                one.what.start < wanted.end && wanted.start < one.what.end)
                others.push_back(&one);
        bool full = false;
        for (const hold* one : others) {
            const std::int64_t point = std::max(one->what.start, wanted.start);
            std::uint64_t taken = wanted.units;
            for (const hold* other : others)
                if (other->what.start <= point && point < other->what.end)
                    taken += other->what.units;
            full = full || taken > limit;
        }
        if (!full) return std::nullopt;
        failure why(errc::contended);
        why.name = wanted.key;
        std::sort(others.begin(), others.end(), [](const hold* a, const hold* b) {
            return std::pair(a->what.start, a->what.fencing_token) <
                   std::pair(b->what.start, b->what.fencing_token);
        });
        for (const hold* one : others)
            if (why.blockers.size() < blockers_max) why.blockers.push_back(one->what);
        return why;
    }

    void make(const range_claim& wanted, time_point now) {
        if (hold* const known = same(wanted)) {
            known->expires = std::max(known->expires, now + wanted.ttl);
            return;
        }
        hold fresh;
        fresh.what = {.key = wanted.key,
                      .id = wanted.id,
                      .start = wanted.start,
                      .end = wanted.end,
                      .units = wanted.units,
                      .fencing_token = ++last_token_,
                      .owner = wanted.owner,
                      .data = wanted.data};
        fresh.expires = now + wanted.ttl;
        holds_.push_back(std::move(fresh));
    }

    std::vector<hold> holds_;
    std::map<std::string, std::uint32_t> capacities_;
    std::uint64_t last_token_{0};
};

}  // namespace holdfast::test
