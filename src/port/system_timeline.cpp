// SPDX-License-Identifier: BSL-1.0
#include "port/system_timeline.hpp"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace holdfast {
namespace {

itimerspec alarm_at(time_point when) noexcept {
    // A zero time would disarm the timer.
    const auto since_boot = std::max<std::int64_t>(when.time_since_epoch().count(), 1);
    itimerspec setting{};
    setting.it_value.tv_sec = since_boot / 1'000'000'000;
    setting.it_value.tv_nsec = since_boot % 1'000'000'000;
    return setting;
}

int open_timer() {
    const int timer = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    return timer;
}

}  // namespace

boot_clock::time_point boot_clock::now() noexcept {
    timespec present{};
    ::clock_gettime(CLOCK_BOOTTIME, &present);
    return time_point(std::chrono::seconds(present.tv_sec) +
                      std::chrono::nanoseconds(present.tv_nsec));
}

struct system_timeline::clockwork {
    clockwork(const asio::any_io_executor& executor, system_timeline* timeline)
        : timer(executor, open_timer()), owner(timeline) {}

    asio::posix::stream_descriptor timer;
    system_timeline* owner;  // Null once the timeline is gone.
    time_point set_for{};    // When the timer will ring; the epoch: not set.
};

system_timeline::system_timeline(const asio::any_io_executor& executor)
    : clockwork_(std::make_shared<clockwork>(executor, this)) {
    listen();
}

system_timeline::~system_timeline() {
    stop();
    abandon();
}

void system_timeline::stop() noexcept {
    clockwork_->owner = nullptr;
    boost::system::error_code ignored;  // Closing a timer cannot lose anything.
    clockwork_->timer.close(ignored);
}

void system_timeline::reschedule() noexcept {
    if (waiting_.empty() || clockwork_->owner == nullptr) return;
    const time_point when = waiting_.begin()->first;
    if (when == time_point::max()) return;
    // It may ring too early for whoever is the first now, and is set for that one then: most alarms
    // are given up before their time, and a system call for each would cost more.
    if (clockwork_->set_for != time_point{} && clockwork_->set_for <= when) return;
    clockwork_->set_for = when;
    const itimerspec setting = alarm_at(when);
    ::timerfd_settime(clockwork_->timer.native_handle(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

void system_timeline::listen() {
    auto rung = [self = clockwork_](const boost::system::error_code& failed) {
        if (failed || self->owner == nullptr) return;
        std::uint64_t expirations = 0;
        // Only drains the descriptor: a short read would just ring once more.
        [[maybe_unused]] const auto drained =
            ::read(self->timer.native_handle(), &expirations, sizeof expirations);
        self->set_for = {};
        self->owner->ring_due(boot_clock::now());
        self->owner->reschedule();
        self->owner->listen();
    };
    clockwork_->timer.async_wait(asio::posix::stream_descriptor::wait_read, std::move(rung));
}

}  // namespace holdfast
