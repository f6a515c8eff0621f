// SPDX-License-Identifier: BSL-1.0
#include "port/one_shot.hpp"

#include <boost/asio/this_coro.hpp>

namespace holdfast::port {

asio::awaitable<bool> one_shot::wait() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
    if (fired_) co_return true;
    auto start = [this](auto&& resume) {
        if (auto slot = asio::get_associated_cancellation_slot(resume); slot.is_connected())
            slot.assign([this](asio::cancellation_type) { this->resume(); });
        waiter_.emplace(std::forward<decltype(resume)>(resume));
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                         asio::use_awaitable);
    co_return fired_;
}

}  // namespace holdfast::port
