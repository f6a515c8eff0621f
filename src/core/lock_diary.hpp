// SPDX-License-Identifier: BSL-1.0
//
// What it is: what is known of locks that are watched, and what a new look at them means: pure, so
// every order of looks can be tried.
// Thread safety: none; plain state.
// Invariants: it knows at most `locks_max` names; those that come when it is full are not told of.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/lock_change.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::core {

/// See the top of the file.
class lock_diary {
public:
    static constexpr std::size_t locks_max = 100'000;
    /// Stores count in milliseconds, and look a little later than they are asked.
    static constexpr std::chrono::milliseconds near_the_end{5};

    /// How a lock ended that is gone before its time, where somebody knows.
    enum class end { not_known, broken };

    /// Notes what was there at the first look.
    /// @return It, as changes.
    [[nodiscard]] std::vector<lock_change> begin(std::vector<lock_info> held, time_point now) {
        std::vector<lock_change> all;
        for (lock_info& one : held) {
            if (!note(one, now)) break;
            all.push_back({change_kind::held, std::move(one)});
        }
        return all;
    }

    /// @param found  Who holds `name` now; nothing: nobody.
    [[nodiscard]] std::optional<lock_change> look(const std::string& name,
                                                  std::optional<lock_info> found, time_point now,
                                                  end how = end::not_known) {
        const auto before = known_.find(name);
        if (before == known_.end()) {
            if (!found || !note(*found, now)) return std::nullopt;
            return lock_change{change_kind::taken, std::move(*found)};
        }
        if (!found) {
            lock_change gone{change_kind::released, std::move(before->second.lock)};
            if (how == end::broken)
                gone.what = change_kind::broken;
            else if (now + near_the_end >= before->second.ends)
                gone.what = change_kind::expired;
            known_.erase(before);
            return gone;
        }
        const bool same = is_same(before->second.lock, *found);
        before->second = {*found, end_of(*found, now)};
        if (same) return std::nullopt;
        return lock_change{change_kind::handed_over, std::move(*found)};
    }

    /// @param held  All that are there. @param broken  Names that were taken away meanwhile.
    [[nodiscard]] std::vector<lock_change> look_at_all(std::vector<lock_info> held, time_point now,
                                                       const std::set<std::string>& broken = {}) {
        std::set<std::string> there;
        for (const lock_info& one : held) there.insert(one.name);
        std::vector<std::string> gone;
        for (const auto& [name, known] : known_)
            if (!there.contains(name)) gone.push_back(name);
        std::vector<lock_change> all;
        const auto keep = [&all](std::optional<lock_change> change) {
            if (change) all.push_back(std::move(*change));
        };
        for (const std::string& name : gone)
            keep(look(name, std::nullopt, now,
                      broken.contains(name) ? end::broken : end::not_known));
        for (lock_info& one : held) {
            const std::string name = one.name;
            keep(look(name, std::move(one), now));
        }
        return all;
    }

    /// @return When the first of them ends, unless it is renewed; far away if none does.
    [[nodiscard]] time_point next_end() const noexcept {
        time_point first = time_point::max();
        for (const auto& [name, known] : known_) first = std::min(first, known.ends);
        return first;
    }
    /// @return Those that should have ended by now.
    [[nodiscard]] std::vector<std::string> ended(time_point now) const {
        std::vector<std::string> names;
        for (const auto& [name, known] : known_)
            if (known.ends <= now) names.push_back(name);
        return names;
    }
    [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }

private:
    struct entry {
        lock_info lock;
        time_point ends{time_point::max()};
    };

    [[nodiscard]] static bool several(const lock_info& one) noexcept {
        return one.counted || one.mode == lock_mode::shared;
    }
    [[nodiscard]] static bool is_same(const lock_info& a, const lock_info& b) noexcept {
        if (several(a) != several(b)) return false;
        return several(a) || a.id == b.id;
    }
    [[nodiscard]] static time_point end_of(const lock_info& one, time_point now) noexcept {
        if (one.holder.remaining.count() < 0) return time_point::max();
        return now + one.holder.remaining;
    }
    bool note(const lock_info& one, time_point now) {
        if (known_.size() >= locks_max && !known_.contains(one.name)) return false;
        known_.insert_or_assign(one.name, entry{one, end_of(one, now)});
        return true;
    }

    std::map<std::string, entry> known_;
};

}  // namespace holdfast::core
