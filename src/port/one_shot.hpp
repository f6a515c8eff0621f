// SPDX-License-Identifier: BSL-1.0
//
// What it is: an event that one coroutine awaits once: the end of something that others bring
// about. It allocates nothing of its own.
// Thread safety: none; it belongs to one executor.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace holdfast::port {

namespace asio = boost::asio;

/// See the top of the file.
class one_shot {
public:
    one_shot() = default;
    one_shot(const one_shot&) = delete;
    one_shot& operator=(const one_shot&) = delete;

    /// Waits for `fire`. @return false if the coroutine was cancelled first.
    [[nodiscard]] asio::awaitable<bool> wait();

    /// Ends the wait. Repeating it changes nothing.
    void fire() {
        fired_ = true;
        resume();
    }

private:
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    void resume() {
        if (!waiter_) return;
        handler next = std::move(*waiter_);
        waiter_.reset();
        if (auto slot = asio::get_associated_cancellation_slot(next); slot.is_connected())
            slot.clear();
        // Posted, so that whoever fires is not re-entered by the one that it wakes.
        asio::post(std::move(next));
    }

    std::optional<handler> waiter_;
    bool fired_{false};
};

}  // namespace holdfast::port
