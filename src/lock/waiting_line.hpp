// SPDX-License-Identifier: BSL-1.0
//
// What it is: those within one process who wait for one exclusive lock, first come first served.
// Only the first of them competes at the store, and while one of them holds the lock none does: a
// lease is passed on from hand to hand, a few times, before other processes have their turn.
// Thread safety: none; it belongs to the engine's executor.
// Invariants: a waiter is in the line exactly while its `waiter` lives; whoever becomes the first
// while nobody here holds the lock is woken.
#pragma once

#include <holdfast/store.hpp>
#include <holdfast/timeline.hpp>

#include "lock/held_lease.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::lock {

/// How often a lease goes from hand to hand before the next process has its turn. Eight is five
/// times the rate of none at the same fairness: docs/internals/waiting.md has the measurements.
inline constexpr std::uint32_t passes_max = 8;

/// What an `ask` that was prepared by whoever released the lock left for the next waiter.
struct prepared_place {
    std::unique_ptr<seat> place;
    std::string id;
    std::string value;
    time_point asked_at{};         ///< When it was sent.
    std::optional<grant> given{};  ///< Granted at once.
};

/// See the top of the file.
class waiting_line {
public:
    /// One who waits.
    class waiter {
    public:
        waiter(std::shared_ptr<waiting_line> line, timeline& time)
            : bell(time), line_(std::move(line)) {
            line_->waiting_.push_back(this);
        }
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;
        ~waiter() {
            leave();
            line_->wake_first();
        }
        /// Is handed nothing any more from now on.
        void leave() noexcept { std::erase(line_->waiting_, this); }
        /// @return Whether it may compete at the store.
        [[nodiscard]] bool may_compete() const noexcept {
            return line_->first() == this && !line_->taken();
        }
        [[nodiscard]] waiting_line& line() const noexcept { return *line_; }

        alarm bell;
        const acquire_options* options{nullptr};  ///< What it waits with.
        time_point since{};
        held_ptr handed{};  ///< The lock, passed on from hand to hand.
        std::optional<prepared_place> prepared{};

    private:
        std::shared_ptr<waiting_line> line_;
    };

    /// @return The first, or null.
    [[nodiscard]] waiter* first() const noexcept {
        return waiting_.empty() ? nullptr : waiting_.front();
    }
    /// @return Whether others wait behind the first.
    [[nodiscard]] bool several() const noexcept { return waiting_.size() > 1; }
    /// @return Whether one of this process holds the lock, or is just passing it on.
    [[nodiscard]] bool taken() const noexcept { return passing || (holder && holder->held()); }
    /// Lets the first compete, if nobody here holds the lock.
    void wake_first() {
        if (!waiting_.empty() && !taken()) waiting_.front()->bell.wake();
    }
    /// While it lives, the lock is on its way to the store and back, also if that ends by a throw.
    class passage {
    public:
        explicit passage(waiting_line& line) noexcept : line_(line) { line_.passing = true; }
        passage(const passage&) = delete;
        passage& operator=(const passage&) = delete;
        ~passage() { end(); }
        void end() const noexcept { line_.passing = false; }

    private:
        waiting_line& line_;
    };

    [[nodiscard]] bool idle() const noexcept { return waiting_.empty() && !taken(); }

    held_ptr holder;            ///< Who got it through this line last.
    time_point contended_at{};  ///< When the store last refused it to one of them.
    std::string owner;          ///< Whose label the store has.
    std::uint32_t passes{0};    ///< How often the present lease went from hand to hand.
    std::uint64_t token{0};     ///< The last one that was given out with it.
    std::uint32_t tokens_left{0};
    bool passing{false};  ///< It is on its way to the store and back.

private:
    std::deque<waiter*> waiting_;
};

}  // namespace holdfast::lock
