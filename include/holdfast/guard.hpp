// SPDX-License-Identifier: BSL-1.0
//
// What it is: the owner of one held lock, for blocking callers.
// Thread safety: the observers (`lost`, `remaining`, `valid_until`, `why_lost`, `name`, `id`,
// `fencing_token`) may be called from any thread while the guard lives; the others, moves and the
// destructor need external order, as on any object.
//
//   state      | how it gets there            | remaining() | lost()      | release()
//   -----------|------------------------------|-------------|-------------|----------------------
//   held       | acquire, adopt               | > 0         | not stopped | released, or in doubt
//   lost       | a loss, once and for all     | 0           | stopped     | `lost`
//   empty      | release, hand_over, a move   | 0           | stopped     | `misuse`
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>

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

class async_guard;

/// Owns one held lock. Move-only; a moved-from guard is empty.
///
/// A lock is exclusive *within its validity* only: a process that is paused past `valid_until()`
/// does not hold it any more and cannot know. Check `lost()` before each step of the work, and give
/// `fencing_token()` to whatever the work writes to.
class [[nodiscard]] guard {
public:
    /// An empty guard.
    guard() noexcept = default;
    guard(guard&& other) noexcept;
    guard& operator=(guard&& other) noexcept;
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    /// Starts a best-effort release. Never throws, never blocks; if it does not get through, the
    /// lock expires by its ttl. In a forked child: does nothing.
    ~guard();

    /// @return The name under which it was acquired; empty for an empty guard.
    [[nodiscard]] const std::string& name() const noexcept;
    /// @return The holder's id, 32 hexadecimal digits. A capability: who knows it can release.
    [[nodiscard]] const std::string& id() const noexcept;
    /// @return A number that strictly rises from holder to holder of a name, also after expiry,
    ///         restart or loss of the store's data (docs/concepts/guarantees.md has the limits).
    ///         0 if none was asked for.
    [[nodiscard]] std::uint64_t fencing_token() const noexcept;
    /// @return The instant past which the lock must be taken for somebody else's: the start of the
    ///         last successful renewal + ttl - drift - 2 ms. The epoch for an empty guard.
    [[nodiscard]] time_point valid_until() const noexcept;
    /// @return `valid_until()` minus now, never below zero; zero once lost.
    [[nodiscard]] std::chrono::milliseconds remaining() const noexcept;
    /// @return A token on which a stop is requested when the lock is lost, `stop_margin` before
    ///         validity ends. Lost is final. Callbacks on it run on a thread of the locker, or on
    ///         one that asks this guard after its time, and should be short: a slow one delays
    ///         other such signals, though never a renewal.
    [[nodiscard]] std::stop_token lost() const noexcept;
    /// @return Why it was lost; `none` while it is held or was released.
    [[nodiscard]] lost_reason why_lost() const noexcept;

    /// Renews now, and makes `ttl` the lease length of later renewals.
    ///
    /// @param ttl  [10 ms, 24 h].
    /// @par Errors  `lost` (final), `in_doubt` and `unreachable` (still held until
    ///              `valid_until()`, and the background goes on trying), `denied`, `misuse`.
    /// @par Cost    One round trip.
    result<void> renew(std::chrono::milliseconds ttl);

    /// Releases and says how it went; the guard is empty afterwards.
    ///
    /// @par Errors  `lost`: it was not ours any more (nothing of anybody else's is touched).
    ///              `in_doubt`, `unreachable`, `denied`: not confirmed; it ends by its ttl.
    ///              `misuse`: the guard is empty.
    /// @par Cost    One round trip; at most `locker_options::timeout`.
    result<void> release();

    /// Stops renewing without releasing, so that another process can `adopt` the lease.
    /// The guard is empty afterwards. Sends nothing: renew first if little time is left.
    ///
    /// @par Errors  `lost`, `misuse` (the guard is empty).
    [[nodiscard]] result<lease> hand_over();

    /// @return Whether it owns a lock that was neither lost nor given away.
    [[nodiscard]] bool held() const noexcept;

private:
    friend class locker;
    friend class async_guard;
    friend class mutex;
    guard(std::shared_ptr<lock::session> owner, std::shared_ptr<lock::held_lease> state) noexcept;
    void drop() noexcept;

    std::shared_ptr<lock::session> session_;
    std::shared_ptr<lock::held_lease> state_;
};

}  // namespace holdfast
