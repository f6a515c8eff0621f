// SPDX-License-Identifier: BSL-1.0
//
// What it is: whether a node that has stopped answering is worth asking. Pure: it is told the time
// and the random bits.
//
//   state  | asked                                  | next
//   -------|----------------------------------------|-----------------------------------------
//   closed | always                                 | open, after `silences_max` in a row
//   open   | once the pause is over, by one alone   | closed, by any answer; else a longer pause
//
// Thread safety: none; plain state.
// Invariants: any answer closes it at once, whoever asked; while it is open at most one probe is
// under way; the pause never exceeds `pause_max`.
#pragma once

#include <holdfast/clock.hpp>

#include "core/backoff.hpp"

#include <chrono>
#include <cstdint>

namespace holdfast::core {

/// See the top of the file.
class breaker {
public:
    /// So many requests in a row without an answer, and the node is skipped.
    static constexpr unsigned silences_max = 3;
    /// The first pause is drawn from the upper half of this, each further one of twice as much ...
    static constexpr std::chrono::milliseconds pause_least{100};
    /// ... up to this: no node that is back is left alone for longer.
    static constexpr std::chrono::milliseconds pause_max{5000};

    [[nodiscard]] constexpr bool open() const noexcept { return silences_ >= silences_max; }
    /// @return How many requests in a row had no answer, not counting those that were sent before
    ///         it opened.
    [[nodiscard]] constexpr unsigned silences() const noexcept { return silences_; }
    /// @return Whether a request may be sent now.
    [[nodiscard]] constexpr bool admits(time_point now) const noexcept {
        return !open() || (!probing_ && now >= open_until_);
    }
    /// A request is about to be sent that was admitted.
    constexpr void sending() noexcept { probing_ = open(); }
    /// It was not sent after all, or its answer is not of interest to anybody.
    constexpr void not_sent() noexcept { probing_ = false; }
    /// The node answered, whatever it said.
    constexpr void answered() noexcept {
        silences_ = 0;
        probing_ = false;
    }
    /// The node did not answer: it could not be reached, or not in time.
    constexpr void silent(time_point now, std::uint64_t random) noexcept {
        // What was sent before it opened tells nothing new.
        if (open() && !probing_) return;
        probing_ = false;
        if (silences_ < silences_limit) ++silences_;
        if (open())
            open_until_ =
                now + backoff_pause(silences_ - silences_max + 1, pause_least, pause_max, random);
    }

private:
    static constexpr unsigned silences_limit = 1'000'000;

    unsigned silences_{0};
    bool probing_{false};
    time_point open_until_{};
};

}  // namespace holdfast::core
