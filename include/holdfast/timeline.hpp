// SPDX-License-Identifier: BSL-1.0
//
// What it is: the port through which time comes in: the present, and alarms that coroutines await.
// `system_timeline` is the real one; a simulation brings its own, and the same code runs on it.
// Thread safety: none; a timeline and its alarms belong to one executor.
#pragma once

#include <holdfast/clock.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <optional>

namespace holdfast {

namespace asio = boost::asio;

class alarm;

/// Where the present and the alarms come from.
class timeline {
public:
    timeline() = default;
    timeline(const timeline&) = delete;
    timeline& operator=(const timeline&) = delete;
    virtual ~timeline() = default;  // Derived destructors call `abandon` first.

    /// @return The present, never earlier than any value returned before.
    [[nodiscard]] virtual time_point now() const noexcept = 0;

protected:
    friend class alarm;
    /// Who waits, by the time for which it waits.
    using queue = std::multimap<time_point, alarm*>;

    /// Called whenever the earliest alarm may have changed.
    virtual void reschedule() noexcept = 0;
    /// Rings every alarm that is due. @return The next one's time, if there is one.
    std::optional<time_point> ring_due(time_point present);
    /// Destroys the coroutines that still wait, for a timeline that goes away before them.
    void abandon() noexcept;

    queue waiting_;  ///< Alarms without a time stand at the end.
};

/// Why a wait ended.
enum class wake_reason {
    reached,    ///< The time came.
    woken,      ///< `wake()` was called.
    cancelled,  ///< The awaiting coroutine was cancelled (any cancellation type).
};

/// A wait that ends at a time, by `wake()`, or by cancellation, whichever is first.
/// One coroutine at a time may wait on it.
class alarm {
public:
    /// @param time  Outlives the alarm.
    explicit alarm(timeline& time) noexcept : time_(time) {}
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;
    ~alarm();

    /// Waits until `when`; `time_point::max()` waits for `wake()` alone.
    [[nodiscard]] asio::awaitable<wake_reason> wait_until(time_point when);
    /// Ends the present wait; without one, the next wait ends at once.
    void wake();

private:
    friend class timeline;
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    void ring(wake_reason why);
    void leave_queue() noexcept;

    timeline& time_;
    std::optional<handler> waiter_;
    std::optional<timeline::queue::iterator> place_;
    wake_reason why_{wake_reason::reached};
    bool woken_{false};
};

/// Waits until `when`. @return false if the coroutine was cancelled first.
[[nodiscard]] asio::awaitable<bool> sleep_until(timeline& time, time_point when);

}  // namespace holdfast
