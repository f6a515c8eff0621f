// SPDX-License-Identifier: BSL-1.0
//
// The hot path of coroutines: from the awaiter's executor to the engine and back, without a
// coroutine between the two.
#include <holdfast/async_locker.hpp>

#include "lock/async_call.hpp"
#include "lock/observe.hpp"
#include "lock/session.hpp"

#include <boost/asio/strand.hpp>

#include <utility>

namespace holdfast::lock {
namespace {

using acquiring = async_call<held_ptr, result<async_guard>>;
using releasing = async_call<void, result<void>>;
using bare_strand = asio::strand<asio::io_context::executor_type>;

bool runs_on(const asio::any_io_executor& executor) noexcept {
    if (const auto* const strand = executor.target<bare_strand>())
        return strand->running_in_this_thread();
    const auto* const context = executor.target<asio::io_context::executor_type>();
    return context && context->running_in_this_thread();
}

template <class Answer>
void refuse(resumption<Answer> awaiter, failure why) {
    const asio::any_io_executor executor = asio::get_associated_executor(awaiter);
    asio::post(executor, [awaiter = std::move(awaiter), why = std::move(why)]() mutable {
        awaiter(std::exception_ptr(), Answer(std::move(why)));
    });
}

/// Whoever may be cancelled goes the way of the coroutines, which listen from the first moment on.
template <class Awaiter>
bool is_cancellable(const Awaiter& awaiter) {
    return asio::get_associated_cancellation_slot(awaiter).is_connected();
}

}  // namespace

struct async_calls {
    acquiring::spares acquiring_ones;
    releasing::spares releasing_ones;
};

result<async_guard> session::make_guard(const std::shared_ptr<session>& owner,
                                        result<held_ptr> held) {
    if (!held) return std::move(held).error();
    return async_guard(owner, std::move(*held));
}

template <>
result<async_guard> acquiring::make_answer(const std::shared_ptr<session>& owner,
                                           result<held_ptr> end) {
    return session::make_guard(owner, std::move(end));
}

template <>
result<void> releasing::make_answer(const std::shared_ptr<session>& /*owner*/, result<void> end) {
    return end;
}

/// Calls `start(session)` on its executor: at once, if that is where it is called.
template <class Start>
void session::enter(std::shared_ptr<session> owner, Start start) {
    const asio::any_io_executor& home = owner->executor_;
    auto go = [owner = std::move(owner), start = std::move(start)]() mutable {
        if (!owner->async_calls_) owner->async_calls_ = std::make_shared<async_calls>();
        start(std::move(owner));
    };
    if (runs_on(home)) return go();
    asio::dispatch(home, std::move(go));
}

asio::awaitable<result<async_guard>> session::acquire_slowly(std::shared_ptr<session> owner,
                                                             std::string name,
                                                             acquire_options options) {
    auto held = co_await owner->engine_->acquire(std::move(name), std::move(options));
    co_return make_guard(owner, std::move(held));
}

asio::awaitable<result<async_guard>> session::acquire_async(std::shared_ptr<session> owner,
                                                            std::string name,
                                                            acquire_options options) {
    auto begin = [](resumption<result<async_guard>> awaiter, std::shared_ptr<session> where,
                    std::string wanted, acquire_options how) {
        if (!where->at_home()) return refuse<result<async_guard>>(std::move(awaiter), foreign());
        if (is_cancellable(awaiter)) {
            auto work = acquire_slowly(where, std::move(wanted), std::move(how));
            const asio::any_io_executor& home = where->executor_;
            return spawn_forwarded<result<async_guard>>(std::move(awaiter), home, std::move(work),
                                                        where);
        }
        auto start = [awaiter = std::move(awaiter), wanted = std::move(wanted),
                      how = std::move(how)](std::shared_ptr<session> home) mutable {
            session& here = *home;
            acquiring::begin(std::move(home), here.async_calls_->acquiring_ones, std::move(awaiter),
                             here.executor_, [&](receiver<held_ptr>& to) {
                                 here.engine_->start_acquire(wanted, how, to);
                             });
        };
        enter(std::move(where), std::move(start));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>,
                                void(std::exception_ptr, result<async_guard>)>(
        std::move(begin), asio::use_awaitable, std::move(owner), std::move(name),
        std::move(options));
}

asio::awaitable<result<void>> session::release_async(async_guard& guard) {
    // Only who awaits it empties the guard.
    auto begin = [](resumption<result<void>> awaiter, async_guard* held) {
        held_ptr mine = std::exchange(held->state_, nullptr);
        std::shared_ptr<session> where = std::exchange(held->session_, nullptr);
        if (!mine) return refuse<result<void>>(std::move(awaiter), empty_guard());
        if (!where->at_home()) return refuse<result<void>>(std::move(awaiter), foreign());
        if (is_cancellable(awaiter)) {
            auto work = where->engine_->release(std::move(mine));
            const asio::any_io_executor& home = where->executor_;
            return spawn_forwarded<result<void>>(std::move(awaiter), home, std::move(work), where);
        }
        auto start = [awaiter = std::move(awaiter),
                      mine = std::move(mine)](std::shared_ptr<session> home) mutable {
            session& here = *home;
            releasing::begin(std::move(home), here.async_calls_->releasing_ones, std::move(awaiter),
                             here.executor_,
                             [&](receiver<void>& to) { here.engine_->start_release(mine, to); });
        };
        enter(std::move(where), std::move(start));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>,
                                void(std::exception_ptr, result<void>)>(
        std::move(begin), asio::use_awaitable, &guard);
}

}  // namespace holdfast::lock
