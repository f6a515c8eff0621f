// SPDX-License-Identifier: BSL-1.0
#include <holdfast/timeline.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace holdfast {

std::optional<time_point> timeline::ring_due(time_point present) {
    while (!waiting_.empty() && waiting_.begin()->first <= present)
        waiting_.begin()->second->ring(wake_reason::reached);
    if (waiting_.empty() || waiting_.begin()->first == time_point::max()) return std::nullopt;
    return waiting_.begin()->first;
}

void timeline::abandon() noexcept {
    while (!waiting_.empty()) {
        alarm* const last = waiting_.begin()->second;
        last->leave_queue();
        // Destroying the handler destroys the coroutine, and with it, most often, the alarm.
        const auto coroutine = std::move(last->waiter_);
        last->waiter_.reset();
    }
}

alarm::~alarm() { leave_queue(); }

void alarm::leave_queue() noexcept {
    if (!place_) return;
    time_.waiting_.erase(*place_);
    place_.reset();
}

void alarm::ring(wake_reason why) {
    leave_queue();
    if (!waiter_) return;
    why_ = why;
    handler resume = std::move(*waiter_);
    waiter_.reset();
    if (auto slot = asio::get_associated_cancellation_slot(resume); slot.is_connected())
        slot.clear();
    // Posted, so that whoever rings is not re-entered by the one that it wakes.
    asio::post(std::move(resume));
}

void alarm::wake() {
    if (waiter_)
        ring(wake_reason::woken);
    else
        woken_ = true;
}

asio::awaitable<wake_reason> alarm::wait_until(time_point when) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return wake_reason::cancelled;
    if (woken_) {
        woken_ = false;
        co_return wake_reason::woken;
    }
    if (when <= time_.now()) co_return wake_reason::reached;
    auto start = [this, when](auto&& resume) {
        if (auto slot = asio::get_associated_cancellation_slot(resume); slot.is_connected())
            slot.assign([this](asio::cancellation_type) { ring(wake_reason::cancelled); });
        waiter_.emplace(std::forward<decltype(resume)>(resume));
        place_ = time_.waiting_.emplace(when, this);
        if (*place_ == time_.waiting_.begin() && when != time_point::max()) time_.reschedule();
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                         asio::use_awaitable);
    co_return why_;
}

asio::awaitable<bool> sleep_until(timeline& time, time_point when) {
    alarm pause(time);
    const wake_reason why = co_await pause.wait_until(when);
    co_return why == wake_reason::reached;
}

}  // namespace holdfast
