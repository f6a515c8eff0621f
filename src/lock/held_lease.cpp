// SPDX-License-Identifier: BSL-1.0
#include "lock/held_lease.hpp"

#include "core/renew_plan.hpp"

#include <algorithm>

namespace holdfast::lock {

void held_lease::extend(time_point from, core::milliseconds length) noexcept {
    sent = from;
    counted = length;
    valid_until = core::valid_until(from, std::min(length, doubtful_ttl), drift_factor);
}

time_point held_lease::renew_at() const noexcept {
    const time_point usual = core::renew_at(sent, std::min(ttl.load(), counted));
    if (renew_ahead.count() == 0) return usual;
    return std::max(sent, std::min(usual, valid_until.load() - renew_ahead));
}

time_point held_lease::stop_by() const noexcept { return valid_until.load() - stop_margin; }

bool held_lease::held() const noexcept { return status_.load() == held_status; }

lost_reason held_lease::why_lost() const noexcept {
    const int status = status_.load();
    return status > 0 ? static_cast<lost_reason>(status) : lost_reason::none;
}

bool held_lease::give_up() noexcept {
    int expected = held_status;
    return status_.compare_exchange_strong(expected, given_up_status);
}

bool held_lease::lose(lost_reason why) noexcept {
    int expected = held_status;
    return status_.compare_exchange_strong(expected, static_cast<int>(why));
}

void held_lease::lose_and_tell(lost_reason why) noexcept {
    lose(why);
    if (why_lost() == lost_reason::none) return;
    if (auto source = lost_source()) source->request_stop();
}

void held_lease::lose_if_over(time_point now) noexcept {
    if (held() && now >= stop_by()) lose(lost_reason::expired);
    // Whoever marked the loss: the signal for it may still be on its way from another thread.
    if (why_lost() == lost_reason::none) return;
    if (auto source = lost_source()) source->request_stop();
}

std::stop_token held_lease::lost_signal() {
    std::stop_token token;
    {
        const std::scoped_lock lock(mutex_);
        if (!lost_.stop_possible()) lost_ = std::stop_source();
        token = lost_.get_token();
    }
    // Lost before there was anybody to tell; or between the two, when two tell, which is harmless.
    if (why_lost() != lost_reason::none)
        if (auto source = lost_source()) source->request_stop();
    return token;
}

std::optional<std::stop_source> held_lease::lost_source() {
    const std::scoped_lock lock(mutex_);
    return lost_.stop_possible() ? std::optional(lost_) : std::nullopt;
}

void held_lease::renew_life() noexcept {
    attempts = 0;
    waited = {};
    renew_ahead = {};
    id_was_told = false;
    valid_until = time_point{};
    sent = {};
    counted = {};
    next_attempt = {};
    granted_at = {};
    ended = false;
    failures = 0;
    renewing = false;
    doubtful_ttl = core::milliseconds::max();
    status_ = held_status;
    lost_ = std::stop_source(std::nostopstate);
}

}  // namespace holdfast::lock
