// SPDX-License-Identifier: BSL-1.0
//
// What it is: notes when a guard says that its lock is lost.
// Thread safety: safe from any thread.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/guard.hpp>

#include "support/poll.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>

namespace holdfast::test {

/// See the top of the file.
class loss_watch {
public:
    explicit loss_watch(const guard& held)
        : on_loss_(held.lost(), [this] { told_ = boot_clock::now(); }) {}
    [[nodiscard]] bool told_within(std::chrono::nanoseconds limit) const {
        return poll_until([&] { return told_.load() != time_point{}; }, limit);
    }
    [[nodiscard]] time_point told_at() const { return told_; }

private:
    std::atomic<time_point> told_{time_point{}};
    std::stop_callback<std::function<void()>> on_loss_;
};

}  // namespace holdfast::test
