// SPDX-License-Identifier: BSL-1.0
//
// What it is: one acquisition under way, for the files that the engine is written in.
// Thread safety: none; it belongs to the engine's executor.
#pragma once

#include "core/claim_steps.hpp"
#include "lock/engine.hpp"

namespace holdfast::lock {

/// The first attempt of an acquisition, where it was made without a coroutine.
struct engine::first_try {
    time_point started;
    core::claim_steps steps;
    identity who;
    result<grant> answer;
};

/// See the top of the file.
struct engine::pursuit {
    const acquire_plan& plan;
    time_point started;
    time_point wait_until;
    core::claim_steps steps;
    claim wanted;
    std::string id{};

    std::optional<waiting_line::waiter> member{};  ///< Within the process.
    std::unique_ptr<seat> place{};                 ///< At the store.
    std::uint32_t beat{0};                         ///< How often `place` was asked for,
    std::uint32_t answered{0};                     ///< which of these was answered last,
    time_point asked_at{};                         ///< and when the last was sent.
    core::milliseconds lease{0};                   ///< For how long it was asked for.
    std::uint32_t tokens{1};                       ///< How many a grant draws.
    std::optional<grant> turn{};                   ///< What was handed over to `place`.
    bool was_handed{false};                        ///< The answer that is judged was handed over.
    held_ptr handed{};                             ///< What another of this process passed on.
    std::optional<result<grant>> begun{};  ///< The answer to an attempt that was made before.

    /// Stands at the store from now on as `seat` does, which nothing was asked of.
    void take(std::unique_ptr<seat> where) {
        place = std::move(where);
        beat = answered = 0;
    }
    /// Call before each request for `place`. @return The number of the request.
    std::uint32_t next_beat(time_point now) {
        asked_at = now;
        return ++beat;
    }
    /// @return Whether what was handed over answers the last request, which was answered. Else the
    ///         store is to tell: who it was handed to may have been told so, or not have it any
    ///         more, or have it anew, with other tokens, at a server that has forgotten all.
    [[nodiscard]] bool counts(const grant& handed_over) const noexcept {
        return handed_over.beat == beat && answered == beat;
    }
    /// @return Whether it waits in line within the process.
    [[nodiscard]] bool in_process() const noexcept {
        const acquire_options& how = plan.options;
        return how.wait.count() > 0 && !plan.retry && !plan.alone &&
               how.mode == lock_mode::exclusive && how.permits == 0;
    }
};

[[nodiscard]] inline core::nanoseconds stop_margin_of(const acquire_options& options) {
    if (options.stop_margin) return *options.stop_margin;
    return core::default_stop_margin(options.ttl);
}

[[nodiscard]] inline failure too_late(core::milliseconds ttl) {
    return {errc::unreachable,
            "what the store granted came too late to be of use within its ttl of " +
                std::to_string(ttl.count()) + " ms"};
}

[[nodiscard]] inline failure cancelled_wait() {
    return {errc::cancelled, "the wait was ended before anything was held"};
}

}  // namespace holdfast::lock
