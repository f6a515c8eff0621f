// SPDX-License-Identifier: BSL-1.0
//
// What it is: one held lock, shared by its guard and the engine that renews it.
// Thread safety: `status`, `valid_until` and `ttl` are atomic; `lost` is thread-safe by itself; the
// constants may be read by anyone; the rest belongs to the engine's executor.
// Invariants: `status` leaves `held` exactly once, and never comes back: lost is final.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>

#include "core/lease_math.hpp"

#include <boost/intrusive/set.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace holdfast::lock {

struct held_lease;
using held_ptr = std::shared_ptr<held_lease>;
/// See the top of the file.
struct held_lease {
    // Constant from its grant on.
    std::string name;
    std::string id;
    std::string value;
    /// But for a hold on a range that is moved: its guard and the engine change it in turn. 0 while
    /// nobody knows which it is; what is renewed then is whatever has the value.
    std::uint64_t fencing_token{0};
    core::nanoseconds stop_margin{0};
    core::nanoseconds renew_ahead{0};  ///< See `acquire_plan`.
    double drift_factor{0};
    time_point hold_until{time_point::max()};
    std::uint64_t attempts{0};    ///< How many it took; 0 if it was adopted.
    core::nanoseconds waited{0};  ///< How long that took.
    bool auto_renew{true};
    bool own_id{false};  ///< See `acquire_plan::ids`: never released in the background.

    // Shared.
    std::atomic<bool> id_was_told{false};  ///< To its holder, who may use it elsewhere.
    std::atomic<core::milliseconds> ttl{core::milliseconds{0}};
    std::atomic<time_point> valid_until{time_point{}};

    // The engine's.
    bool ended{false};              ///< Its end was counted.
    bool renewing{false};           ///< An attempt is under way.
    unsigned failures{0};           ///< Attempts that failed since the last success.
    time_point sent{};              ///< When the last renewal that succeeded was sent.
    core::milliseconds counted{0};  ///< For how long it has been held since then.
    time_point next_attempt{};      ///< When the next attempt at a renewal starts.
    time_point granted_at{};        ///< When its acquisition ended.
    /// The shortest ttl of a renewal of unknown outcome: it may yet be carried out, late, and
    /// shorten the lease to this.
    core::milliseconds doubtful_ttl{core::milliseconds::max()};
    time_point look_at{};  ///< When the keeper looks at it next.
    boost::intrusive::set_member_hook<> watched{};
    held_ptr kept{};  ///< Itself, while it is watched: the keeper may be the last that knows of it.

    /// Makes it new, but keeps the room of its texts. Nobody else may know of it.
    void renew_life() noexcept;

    /// Counts the lease from `from`, for `length`.
    void extend(time_point from, core::milliseconds length) noexcept;
    /// @return When the first attempt at the next renewal starts.
    [[nodiscard]] time_point renew_at() const noexcept;
    /// @return The instant at which the holder is told to stop.
    [[nodiscard]] time_point stop_by() const noexcept;

    [[nodiscard]] bool held() const noexcept;
    [[nodiscard]] lost_reason why_lost() const noexcept;
    /// Ends it as released or handed over. @return false if it was not held any more.
    bool give_up() noexcept;
    /// Ends it as lost, without signalling. @return false if it was not held any more.
    bool lose(lost_reason why) noexcept;
    /// @return A token on which a stop is requested when it is lost; requested already, if it was.
    [[nodiscard]] std::stop_token lost_signal();
    /// @return What `lost_signal` gave tokens of; nothing if it never was asked.
    [[nodiscard]] std::optional<std::stop_source> lost_source();
    /// Ends it as lost and signals, because the store said so.
    void lose_and_tell(lost_reason why) noexcept;
    /// Ends it as lost and signals, if it is held but `now` is past its time to stop: a process
    /// that was paused learns of the loss even before the engine gets to run.
    void lose_if_over(time_point now) noexcept;

    /// Where a `lease_pool` keeps the counters of those who share it.
    alignas(std::max_align_t) std::byte shared_counters[64];

private:
    static constexpr int held_status = 0;
    static constexpr int given_up_status = -1;
    std::atomic<int> status_{held_status};  // Above 0: a lost_reason.
    std::mutex mutex_;
    std::stop_source lost_{
        std::nostopstate};  // Guarded by mutex_. Made when it is first asked for.
};

/// Orders leases by when the keeper looks at them.
struct looked_at_earlier {
    bool operator()(const held_lease& a, const held_lease& b) const noexcept {
        return a.look_at < b.look_at;
    }
};
/// The leases that a keeper watches, by the time at which each needs it next.
using watch_list = boost::intrusive::multiset<
    held_lease, boost::intrusive::compare<looked_at_earlier>,
    boost::intrusive::member_hook<held_lease, boost::intrusive::set_member_hook<>,
                                  &held_lease::watched>>;

}  // namespace holdfast::lock
