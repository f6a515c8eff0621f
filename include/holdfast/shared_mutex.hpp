// SPDX-License-Identifier: BSL-1.0
//
// What it is: a lock for readers and writers in the shape of `std::shared_timed_mutex`, so that
// `std::shared_lock`, `std::unique_lock` and `std::scoped_lock` work.
// Thread safety: as `std::shared_timed_mutex`: any thread may lock, the thread that locked unlocks.
// Invariants: a thread holds it once at most, to write or to read.
#pragma once

#include <holdfast/mutex.hpp>

#include <chrono>
#include <string>

namespace holdfast {

/// A readers-writer mutex across processes. Satisfies SharedTimedLockable; not recursive, and who
/// reads cannot become who writes without unlocking first.
///
/// Any number of readers hold it at once, each with a lease of its own, so a reader that dies keeps
/// a writer waiting for its ttl only. While a writer waits, no more readers are let in.
/// As with `mutex`, it can be lost while it is held: see `lost()`.
/// @par Lifetime  The locker must outlive it.
class shared_mutex : private mutex {
public:
    /// @param where    Takes the locks. Its store has to have shared locks: a single Redis server,
    ///                 `sqlite:` or `memory:`; else the lock functions throw `misuse`.
    /// @param name     1 to 512 bytes.
    /// @param options  `wait`, `stop` and `mode` do not count here: the lock functions say it.
    ///                 `permits` must be 0.
    /// @throws lock_error  `misuse`, if a rule of `acquire_options` is broken.
    shared_mutex(locker& where, std::string name, acquire_options options = {});

    /// @name For who writes: alone. As in `mutex`.
    /// @{
    using mutex::lock;
    using mutex::try_lock;
    using mutex::try_lock_for;
    using mutex::try_lock_until;
    using mutex::unlock;
    /// @}

    /// Waits until it is held, together with others who read.
    /// @throws lock_error  For every outcome but held.
    void lock_shared() { lock_as(lock_mode::shared); }
    /// Tries once. @return false if somebody writes, or waits to write.
    /// @throws lock_error  For every other outcome.
    [[nodiscard]] bool try_lock_shared() {
        return lock_within(lock_mode::shared, std::chrono::milliseconds{0});
    }
    /// Waits at most `limit`, [0, 24 h]; longer counts as 24 h. @return As `try_lock_shared`.
    /// @throws lock_error  For every other outcome.
    template <class Rep, class Period>
    [[nodiscard]] bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& limit) {
        return lock_within(lock_mode::shared, wait_of(limit));
    }
    /// Waits at most until `limit`, on whichever clock that is.
    template <class Clock, class Duration>
    [[nodiscard]] bool try_lock_shared_until(
        const std::chrono::time_point<Clock, Duration>& limit) {
        return lock_within(lock_mode::shared, wait_until(limit));
    }
    /// As `unlock`, for who reads.
    void unlock_shared() noexcept { unlock(); }

    /// @name What this thread holds, to write or to read. As in `mutex`.
    /// @{
    using mutex::fencing_token;
    using mutex::lost;
    using mutex::remaining;
    /// @}
};

}  // namespace holdfast
