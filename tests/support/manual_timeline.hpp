// SPDX-License-Identifier: BSL-1.0
//
// What it is: a timeline whose time passes only when the test says so.
// Thread safety: none.
#pragma once

#include <holdfast/timeline.hpp>

namespace holdfast::test {

/// Starts well after the boot, so that "a while ago" exists.
class manual_timeline final : public timeline {
public:
    [[nodiscard]] time_point now() const noexcept override { return now_; }
    /// Lets time pass, and rings what is due.
    void advance(boot_clock::duration step) {
        now_ += step;
        ring_due(now_);
    }

private:
    void reschedule() noexcept override {}
    time_point now_{std::chrono::hours{100}};
};

}  // namespace holdfast::test
