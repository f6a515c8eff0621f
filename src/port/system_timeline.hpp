// SPDX-License-Identifier: BSL-1.0
//
// What it is: the real timeline: CLOCK_BOOTTIME, and one timerfd on it for all alarms. A timerfd on
// that clock rings as soon as the machine wakes up, where Asio's own timers would oversleep.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/timeline.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace holdfast {

/// Time as the kernel tells it.
class system_timeline final : public timeline {
public:
    /// @throws std::system_error  If the kernel has no timer to give.
    explicit system_timeline(const asio::any_io_executor& executor);
    ~system_timeline() override;

    [[nodiscard]] time_point now() const noexcept override { return boot_clock::now(); }
    /// Stops listening to the timer: afterwards no alarm rings by time.
    void stop() noexcept;

private:
    struct clockwork;
    void reschedule() noexcept override;
    void listen();

    std::shared_ptr<clockwork> clockwork_;
};

}  // namespace holdfast
