// SPDX-License-Identifier: BSL-1.0
//
// What it is: awaits a coroutine that runs on another executor. As asio::co_spawn with
// use_awaitable, but safe where both run on different threads: there, Boost 1.81 lets a
// cancellation that is under way find its signal gone when the coroutine ends first.
// Thread safety: the awaiter's executor and the coroutine's may be anywhere.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace holdfast::lock {

namespace asio = boost::asio;

/// What resumes a coroutine that awaits a `T`.
template <class T>
using resumption =
    typename asio::async_result<asio::use_awaitable_t<>, void(std::exception_ptr, T)>::handler_type;

/// Runs `work` on `home`, and resumes `awaiter` on its executor. Called on the latter.
/// @param keep  Lives until then.
template <class T, class Keep>
void spawn_forwarded(resumption<T> awaiter, const asio::any_io_executor& home,
                     asio::awaitable<T> work, Keep keep) {
    auto slot = asio::get_associated_cancellation_slot(awaiter);
    auto executor = asio::prefer(asio::get_associated_executor(awaiter),
                                 asio::execution::outstanding_work.tracked);
    const auto signal = std::make_shared<asio::cancellation_signal>();
    if (slot.is_connected())
        slot.assign([signal, home](asio::cancellation_type type) {
            asio::post(home, [signal, type] { signal->emit(type); });
        });
    auto done = [awaiter = std::move(awaiter), executor, signal, keep = std::move(keep)](
                    std::exception_ptr thrown, T value) mutable {
        asio::dispatch(executor, [awaiter = std::move(awaiter), thrown = std::move(thrown),
                                  value = std::move(value)]() mutable {
            awaiter(std::move(thrown), std::move(value));
        });
    };
    asio::co_spawn(home, std::move(work),
                   asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

/// Awaits `work`, which runs on `home`.
template <class T>
asio::awaitable<T> forwarded(asio::any_io_executor home, asio::awaitable<T> work) {
    auto begin = [](resumption<T> awaiter, const asio::any_io_executor& where,
                    asio::awaitable<T> what) {
        spawn_forwarded<T>(std::move(awaiter), where, std::move(what), 0);
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, T)>(
        std::move(begin), asio::use_awaitable, std::move(home), std::move(work));
}

}  // namespace holdfast::lock
