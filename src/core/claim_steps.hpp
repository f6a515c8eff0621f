// SPDX-License-Identifier: BSL-1.0
//
// What it is: what an acquisition does next, given how its last attempt went. A pure state machine:
// the engine sends, waits, and asks it.
// Thread safety: none; plain state.
// Invariants: once an attempt may have taken effect (`in_doubt`), every later one of the same value
// is `repeated`; what it finds to be ours already counts from before the first of them.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>

#include "core/lease_math.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace holdfast::core {

/// What to do after an attempt.
enum class step {
    succeed,     ///< Held, with enough validity left.
    give_back,   ///< Granted, but too late to be of use: release it, then ask `after_giving_back`.
    await_free,  ///< Somebody else has it: wait for a change, then try again.
    pause,       ///< The store did not answer: pause, then try again.
    fail,        ///< End with the attempt's own failure.
    time_out,    ///< End: somebody else had it until the wait was over.
};

/// The limits of one acquisition.
struct claim_limits {
    time_point wait_until{};   ///< No attempt starts later because of others holding it.
    time_point doubt_until{};  ///< Until then an unknown outcome is asked about again.
    milliseconds ttl{0};
    nanoseconds stop_margin{0};
    double drift_factor{0};
    std::uint64_t attempts_max{0};  ///< No attempt starts after that many; 0: without end.
    bool errors_end{false};         ///< As `retry_rule::errors_end`.
};

/// Decides, attempt by attempt.
class claim_steps {
public:
    constexpr explicit claim_steps(const claim_limits& limits) noexcept : limits_(limits) {}

    /// Call before each attempt with the present.
    constexpr void sending(time_point now) noexcept {
        attempt_sent_ = now;
        ++attempts_;
        if (!maybe_ours_) first_sent_ = now;
    }
    /// @return Whether an earlier attempt may have taken effect.
    [[nodiscard]] constexpr bool maybe_ours() const noexcept { return maybe_ours_; }
    /// @return How many attempts there were.
    [[nodiscard]] constexpr std::uint64_t attempts() const noexcept { return attempts_; }
    /// @return The end of validity of the grant that was just answered.
    [[nodiscard]] constexpr time_point valid_until() const noexcept { return valid_until_; }
    /// @return The instant from which the granted ttl counts.
    [[nodiscard]] constexpr time_point granted_from() const noexcept { return granted_from_; }
    /// @return For how long it was granted from then on.
    [[nodiscard]] constexpr milliseconds granted_for() const noexcept { return granted_for_; }
    /// @return When the last attempt was sent.
    [[nodiscard]] constexpr time_point attempt_sent() const noexcept { return attempt_sent_; }

    /// The store said yes.
    [[nodiscard]] constexpr step granted(bool taken_earlier, time_point now) noexcept {
        granted_from_ = taken_earlier ? first_sent_ : attempt_sent_;
        granted_for_ = limits_.ttl;
        valid_until_ = core::valid_until(granted_from_, limits_.ttl, limits_.drift_factor);
        maybe_ours_ = true;
        return now < valid_until_ - limits_.stop_margin ? step::succeed : step::give_back;
    }
    /// The lock was handed over, and is held for `lease` from `from` on.
    [[nodiscard]] constexpr step handed(time_point from, milliseconds lease,
                                        time_point now) noexcept {
        granted_from_ = from;
        granted_for_ = lease;
        valid_until_ = core::valid_until(from, lease, limits_.drift_factor);
        maybe_ours_ = true;
        return now < valid_until_ - limits_.stop_margin ? step::succeed : step::give_back;
    }
    /// A grant that came too late was released; what follows is a new claim, with a new value.
    [[nodiscard]] constexpr step after_giving_back(time_point now) noexcept {
        maybe_ours_ = false;
        return may_go_on(now) ? step::pause : step::fail;
    }
    /// What may have been taken is released by others.
    constexpr void give_up() noexcept { maybe_ours_ = false; }
    /// The store did not say yes.
    [[nodiscard]] constexpr step refused(errc why, time_point now) noexcept {
        switch (why) {
            case errc::contended:
                // No end of a doubt: an attempt whose reply was lost may yet arrive, and take the
                // lock later than attempts that were sent after it.
                return may_go_on(now) ? step::await_free : step::time_out;
            case errc::in_doubt:
                maybe_ours_ = true;
                if (now < limits_.doubt_until) return step::pause;
                return after_error(now);
            case errc::no_quorum:
            case errc::quarantined:
            case errc::unreachable:
                if (maybe_ours_ && now < limits_.doubt_until) return step::pause;
                return after_error(now);
            default: return step::fail;
        }
    }

private:
    [[nodiscard]] constexpr bool may_go_on(time_point now) const noexcept {
        const bool counted_out = limits_.attempts_max != 0 && attempts_ >= limits_.attempts_max;
        return !counted_out && now < limits_.wait_until;
    }

    [[nodiscard]] constexpr step after_error(time_point now) const noexcept {
        return !limits_.errors_end && may_go_on(now) ? step::pause : step::fail;
    }

    claim_limits limits_;
    std::uint64_t attempts_{0};
    time_point first_sent_{};
    time_point attempt_sent_{};
    time_point granted_from_{};
    milliseconds granted_for_{0};
    time_point valid_until_{};
    bool maybe_ours_{false};
};

}  // namespace holdfast::core
