// SPDX-License-Identifier: BSL-1.0
//
// What it is: how the facades' verbs accept completion tokens: a callback, `asio::use_future`,
// `asio::use_awaitable`, and any other. For the facades' own headers.
// Thread safety: safe from any thread.
#pragma once

#include <holdfast/errc.hpp>

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
#include <boost/asio/system_executor.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace holdfast {

namespace asio = boost::asio;

namespace lock {
class session;
}

namespace compat::detail {

using session_ptr = std::shared_ptr<lock::session>;

/// @return Where the work of a session runs; nothing without a session, and in a forked child,
///         where it is dead.
[[nodiscard]] asio::any_io_executor work_executor(const session_ptr& owner);
/// @return Where callbacks run that name no executor of their own: one thread of the session's, on
///         which they may call the facade's blocking verbs.
[[nodiscard]] asio::any_io_executor callback_executor(const session_ptr& owner);
/// @return What is answered where nothing can run.
[[nodiscard]] failure nowhere_to_run(const session_ptr& owner);

/// Lets `slot` emit `stop` on the session's executor, as long as there is a session.
template <class Slot>
void pass_on(Slot slot, const session_ptr& where,
             const std::shared_ptr<asio::cancellation_signal>& stop) {
    const std::weak_ptr<asio::cancellation_signal> signal = stop;
    const std::weak_ptr<lock::session> session = where;
    slot.assign([signal, session](asio::cancellation_type type) {
        const auto alive = session.lock();
        const auto wanted = signal.lock();
        if (!alive || !wanted) return;
        asio::post(work_executor(alive), [wanted, type] { wanted->emit(type); });
    });
}

/// Runs `todo` on the session's executor, and then `tell(exception, outcome)`, once, on that of
/// `handler`, which `tell` holds.
template <class T, class Handler, class Tell>
void launch(session_ptr where, asio::awaitable<result<T>> todo, const Handler& handler, Tell tell) {
    const asio::any_io_executor runs = work_executor(where);
    if (!runs) {
        const auto here = asio::get_associated_executor(handler, asio::system_executor());
        asio::dispatch(here, [tell = std::move(tell), where = std::move(where)]() mutable {
            tell(std::exception_ptr(), result<T>(nowhere_to_run(where)));
        });
        return;
    }
    const asio::any_io_executor tells =
        asio::get_associated_executor(handler, callback_executor(where));
    // The user's slot belongs to the user's thread, the work to the session's: what is cancelled
    // travels by a signal of our own, which lives as long as either may touch it.
    auto slot = asio::get_associated_cancellation_slot(handler);
    const auto stop = std::make_shared<asio::cancellation_signal>();
    if (slot.is_connected()) pass_on(slot, where, stop);
    // Work for the user's context; it ends there, with the handler: once the handler has run, the
    // context may be gone, and this thread must not touch it any more.
    auto busy = asio::prefer(tells, asio::execution::outstanding_work.tracked);
    auto finish = [tell = std::move(tell), tells, busy = std::move(busy), slot, stop,
                   where = std::move(where)](std::exception_ptr thrown, result<T> outcome) mutable {
        asio::dispatch(
            tells, [tell = std::move(tell), busy = std::move(busy), slot, where = std::move(where),
                    thrown = std::move(thrown), outcome = std::move(outcome)]() mutable {
                if (slot.is_connected()) slot.clear();
                where.reset();  // So that who waits for the handler can be the last owner.
                tell(std::move(thrown), std::move(outcome));
            });
    };
    asio::co_spawn(runs, std::move(todo),
                   asio::bind_cancellation_slot(stop->slot(), std::move(finish)));
}

/// Starts `work` on the session's executor and completes `token` with `void(result<T>)`. What
/// `work` throws, for want of memory, is thrown where the handler would have run.
template <class T, class Token>
auto start(session_ptr owner, asio::awaitable<result<T>> work, Token&& token) {
    auto initiate = [](auto handler, session_ptr where, asio::awaitable<result<T>> todo) {
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        auto tell = [kept](std::exception_ptr thrown, result<T> outcome) {
            if (thrown) std::rethrow_exception(thrown);
            auto last = std::move(*kept);
            std::move(last)(std::move(outcome));
        };
        launch<T>(std::move(where), std::move(todo), *kept, std::move(tell));
    };
    return asio::async_initiate<Token, void(result<T>)>(std::move(initiate), token,
                                                        std::move(owner), std::move(work));
}

/// The same for work that runs users' code: completes with `void(std::exception_ptr, result<T>)`.
template <class T, class Token>
auto start_throwing(session_ptr owner, asio::awaitable<result<T>> work, Token&& token) {
    auto initiate = [](auto handler, session_ptr where, asio::awaitable<result<T>> todo) {
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        auto tell = [kept](std::exception_ptr thrown, result<T> outcome) {
            auto last = std::move(*kept);
            std::move(last)(std::move(thrown), std::move(outcome));
        };
        launch<T>(std::move(where), std::move(todo), *kept, std::move(tell));
    };
    return asio::async_initiate<Token, void(std::exception_ptr, result<T>)>(
        std::move(initiate), token, std::move(owner), std::move(work));
}

}  // namespace compat::detail
}  // namespace holdfast
