// SPDX-License-Identifier: BSL-1.0
//
// What it is: a lock in the shape of `std::timed_mutex`, so that `std::unique_lock`,
// `std::lock_guard` and `std::scoped_lock` work.
// Thread safety: as `std::timed_mutex`: any thread may lock, the thread that locked unlocks.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/guard.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace holdfast {

/// A mutex across processes. Satisfies Lockable and TimedLockable; not recursive.
///
/// `acquire_options::mode` and `permits` count: with `permits` it is a semaphore, of which a thread
/// may have several; it gives back the last one first, and `lost` and the others tell of that. For
/// readers and writers there is `shared_mutex`.
///
/// `std::scoped_lock` over several takes them without a deadlock, but by trial and error: where
/// many want the same ones, `locker::acquire_all` is many times faster.
///
/// Unlike a mutex within one process it can be lost while it is held: long critical sections ask
/// `lost()` and give `fencing_token()` to what they write to.
/// @par Lifetime  The locker must outlive it.
class mutex {
public:
    /// @param where    Takes the locks.
    /// @param name     1 to 512 bytes.
    /// @param options  `wait` and `stop` do not count here: the lock functions say how long.
    /// @throws lock_error  `misuse`, if a rule of `acquire_options` is broken.
    mutex(locker& where, std::string name, acquire_options options = {});
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    ~mutex();

    /// Waits until it is held.
    /// @throws lock_error  For every outcome but held.
    void lock();
    /// Tries once. @return false if somebody else holds it.
    /// @throws lock_error  For every other outcome.
    [[nodiscard]] bool try_lock();
    /// Waits at most `limit`, [0, 24 h]; longer counts as 24 h. @return false if it is still taken.
    /// @throws lock_error  For every other outcome.
    template <class Rep, class Period>
    [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& limit) {
        return lock_within(options_.mode, wait_of(limit));
    }
    /// Waits at most until `limit`, on whichever clock that is.
    template <class Clock, class Duration>
    [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& limit) {
        return lock_within(options_.mode, wait_until(limit));
    }
    /// Starts the release of what this thread holds. Never throws and never waits, because
    /// destructors call it. A thread that holds nothing unlocks nothing.
    void unlock() noexcept;

    /// @return As `guard::lost`, for what this thread holds; a stopped token if it holds nothing.
    [[nodiscard]] std::stop_token lost() const;
    /// @return As `guard::fencing_token`, for what this thread holds; 0 if it holds nothing.
    [[nodiscard]] std::uint64_t fencing_token() const;
    /// @return As `guard::remaining`, for what this thread holds; 0 if it holds nothing.
    [[nodiscard]] std::chrono::milliseconds remaining() const;

private:
    friend class shared_mutex;
    template <class Rep, class Period>
    [[nodiscard]] static std::chrono::milliseconds wait_of(
        const std::chrono::duration<Rep, Period>& limit) {
        // In these nothing overflows; what is no number is no time.
        const std::chrono::duration<long double> seconds(limit);
        if (!(seconds > seconds.zero())) return std::chrono::milliseconds{0};
        if (seconds >= std::chrono::duration<long double>(wait_max)) return wait_max;
        return std::chrono::ceil<std::chrono::milliseconds>(limit);
    }
    template <class Clock, class Duration>
    [[nodiscard]] static std::chrono::milliseconds wait_until(
        const std::chrono::time_point<Clock, Duration>& limit) {
        using seconds = std::chrono::duration<long double>;
        return wait_of(seconds(limit.time_since_epoch()) -
                       seconds(Clock::now().time_since_epoch()));
    }
    void lock_as(lock_mode mode);
    [[nodiscard]] bool lock_within(lock_mode mode, std::chrono::milliseconds limit);
    void keep(guard held);
    using holding = std::multimap<std::thread::id, guard>::const_iterator;
    [[nodiscard]] holding last_of_this_thread() const;

    locker* where_;
    std::string name_;
    acquire_options options_;
    mutable std::mutex mutex_;
    std::multimap<std::thread::id, guard> held_;  // Guarded by mutex_; the last comes last.
};

}  // namespace holdfast
