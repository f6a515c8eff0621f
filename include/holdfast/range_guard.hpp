// SPDX-License-Identifier: BSL-1.0
//
// What it is: the owner of one hold on a range, for blocking callers; what it has in common with
// the owner for coroutines is `held_range`.
// Thread safety: `lost`, `remaining`, `valid_until`, `why_lost`, `held`, `key`, `id`, `units` and
// `data` may be called from any thread while the guard lives; the others, moves and the destructor
// need external order, as on any object.
//
//   state      | how it gets there                  | remaining() | lost()      | release()
//   -----------|------------------------------------|-------------|-------------|-----------------
//   held       | hold, adopt                        | > 0         | not stopped | released, doubt
//   lost       | a loss, once and for all           | 0           | stopped     | `lost`
//   empty      | release, confirm, hand_over, a move| 0           | stopped     | `misuse`
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/range.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace holdfast {

namespace lock {
class session;
struct held_lease;
}  // namespace lock

namespace ranges {
class verbs;
}

/// What both owners of holds tell. Not used by itself.
class held_range {
public:
    /// @return The key under which it is held; empty for an empty guard.
    [[nodiscard]] const std::string& key() const noexcept { return what_.key; }
    /// @return Its id. A capability: who knows it can release the hold.
    [[nodiscard]] const std::string& id() const noexcept { return what_.id; }
    /// @return Where it starts.
    [[nodiscard]] std::int64_t start() const noexcept { return what_.start; }
    [[nodiscard]] std::int64_t end() const noexcept { return what_.end; }  ///< Not part of it.

    /// @return How much of the key's capacity it takes.
    [[nodiscard]] std::uint32_t units() const noexcept { return what_.units; }
    /// @return What was given with the call; a hold that was there already keeps what it had, which
    ///         `range_locker::get` tells.
    [[nodiscard]] const std::string& data() const noexcept { return what_.data; }
    /// @return A number that rises with each hold of the key and with each move, also after expiry,
    ///         restart or loss of the store's data. The table of bookings should refuse lower ones.
    [[nodiscard]] std::uint64_t fencing_token() const noexcept { return what_.fencing_token; }
    /// @return The instant past which the range must be taken for somebody else's: the start of the
    ///         last successful renewal + ttl - drift - 2 ms. The epoch for an empty guard.
    [[nodiscard]] time_point valid_until() const noexcept;
    /// @return `valid_until()` minus now, never below zero; zero once lost.
    [[nodiscard]] std::chrono::milliseconds remaining() const noexcept;
    /// @return A token on which a stop is requested when the hold is lost, `stop_margin` before
    ///         validity ends. Lost is final. See `guard::lost`.
    [[nodiscard]] std::stop_token lost() const noexcept;
    /// @return Why it was lost; `none` while it is held or was given up.
    [[nodiscard]] lost_reason why_lost() const noexcept;
    /// @return Whether it owns a hold that was neither lost nor given up.
    [[nodiscard]] bool held() const noexcept { return remaining().count() > 0; }

    /// Stops renewing without releasing, e.g. because another process, or a later request of the
    /// same customer, is to `adopt` or `confirm` the hold by its key and id. The guard is empty
    /// afterwards. Sends nothing: renew first if little time is left.
    /// @par Errors  `lost`, `misuse` (the guard is empty).
    [[nodiscard]] result<range_hold> hand_over();

    /// @cond  What follows is for the two owners alone.
protected:
    held_range() noexcept = default;
    held_range(std::shared_ptr<ranges::verbs> verbs, std::shared_ptr<lock::session> owner,
               std::shared_ptr<lock::held_lease> state, range_hold what) noexcept;
    held_range(held_range&& other) noexcept;
    held_range& operator=(held_range&& other) noexcept;
    ~held_range() { drop(); }

    void drop() noexcept;
    void clear() noexcept;
    [[nodiscard]] result<void> check() const;
    [[nodiscard]] failure note(failure why) const;
    void confirmed();

    std::shared_ptr<lock::session> session_;  // The last to go: the store is in verbs_, too.
    std::shared_ptr<ranges::verbs> verbs_;
    std::shared_ptr<lock::held_lease> state_;
    range_hold what_;
    /// @endcond
};

/// Owns one hold. Move-only; a moved-from guard is empty. The destructor starts a best-effort
/// release, never throws and never blocks. A hold with an id of the caller's own is left to its ttl
/// instead: another process may have asked for it again meanwhile, and that is the same hold.
///
/// A hold is exclusive *within its validity* only: give `fencing_token()` to whatever the work
/// writes to, or check the hold within the transaction that writes (docs/guides/booking.md).
class [[nodiscard]] range_guard : public held_range {
public:
    /// An empty guard.
    range_guard() noexcept = default;
    range_guard(range_guard&&) noexcept = default;
    range_guard& operator=(range_guard&&) noexcept = default;

    /// Renews now, and makes `ttl` the length of later renewals.
    ///
    /// @param ttl  [10 ms, 24 h].
    /// @par Errors  `lost` (final), `in_doubt` and `unreachable` (still held until
    ///              `valid_until()`), `denied`, `misuse`.
    /// @par Cost    One round trip.
    result<void> renew(std::chrono::milliseconds ttl);

    /// Moves the hold to [start, end), which may overlap where it is now. It has a new fencing
    /// token then, and the same expiry. The key's own capacity counts, not that of the hold.
    /// @par Errors  `contended`, with `failure::blockers`: it is still where it was. `lost`,
    ///              `unreachable`, `denied`, `misuse`; `in_doubt`: it may be here or there, or go
    ///              there yet, until a later `move` has succeeded: that one shuts it out.
    /// @par Cost    One round trip; one more after a move that was in doubt.
    result<void> move(std::int64_t start, std::int64_t end);

    /// Makes the hold permanent: it does not run out, and is ended by `range_locker::release`
    /// alone. The guard is empty afterwards.
    /// @return The hold, which has the id.
    /// @par Errors  `lost`: it has run out, or (`taken`) somebody else has moved it or has its id,
    ///              and nothing was changed. `in_doubt`: it may have become permanent;
    ///              `range_locker::get` and `confirm` tell. `unreachable`, `denied`, `misuse`. With
    ///              all but `lost` the guard owns what it owned.
    /// @par Cost    One round trip; one more after a move that was in doubt.
    [[nodiscard]] result<range_hold> confirm();

    /// Releases and says how it went; the guard is empty afterwards. As `guard::release`; what
    /// somebody else has confirmed by its id stays, and is `lost` (`taken`) to the guard.
    result<void> release();

private:
    friend class range_locker;
    using held_range::held_range;
};

}  // namespace holdfast
