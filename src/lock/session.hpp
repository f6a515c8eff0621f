// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a locker and its guards share: the engine, and the way to it. A blocking session
// has a driver of its own; an asynchronous one runs on its user's executor.
// Thread safety: safe from any thread.
// Invariants: in a forked child it is dead: calls answer `misuse`, and nothing of the parent's
// (sockets, threads, timers) is touched, not even by the destructor.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>
#include <holdfast/range_store.hpp>

#include "lock/driver.hpp"
#include "lock/engine.hpp"
#include "lock/forwarded.hpp"
#include "port/fork_sentinel.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string_view>
#include <utility>

namespace holdfast {
class async_guard;
}

namespace holdfast::lock {

struct async_calls;

/// See the top of the file.
class session {
public:
    /// A session for blocking callers.
    [[nodiscard]] static result<std::shared_ptr<session>> open(const store_factory& make,
                                                               const locker_options& options);
    /// A session on `executor`, for coroutines.
    [[nodiscard]] static result<std::shared_ptr<session>> open_on(
        const asio::any_io_executor& executor, const store_factory& make,
        const locker_options& options);
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session();

    /// Runs what `verb(engine)` gives, to its end.
    template <class Verb>
    auto call(Verb verb) -> typename decltype(verb(std::declval<engine&>()))::value_type {
        if (!at_home()) return foreign();
        return run(verb(*engine_));
    }

    /// Runs `work`, which was made with `engine_here`, to its end.
    template <class T>
    T run(asio::awaitable<T> work) {
        if (!at_home()) return foreign();
        if (driver_) return driver_->run(std::move(work));
        return asio::co_spawn(executor_, std::move(work), asio::use_future).get();
    }
    /// For work that is then given to `run`, or spawned on `executor()`.
    [[nodiscard]] engine& engine_here() const noexcept { return *engine_; }
    /// @return What calls in a forked child are answered with.
    [[nodiscard]] static failure foreign();

    /// The same for a coroutine that runs anywhere, and that keeps the session alive meanwhile.
    /// `verb` is gone once it was called: what it gives owns what it needs.
    template <class Verb>
    auto call_async(Verb verb) -> decltype(verb(std::declval<engine&>())) {
        if (!at_home()) return refuse_async<decltype(verb(*engine_))>();
        // A blocking session's own thread takes part only when it is idle: it is woken by this.
        return forwarded(executor_, verb(*engine_));
    }

    /// The verbs of the hot path, which need no coroutine.
    [[nodiscard]] result<held_ptr> acquire(std::string_view name, const acquire_options& options);
    [[nodiscard]] result<held_ptr> acquire(std::string_view name, const acquire_plan& plan);
    [[nodiscard]] result<void> release(const held_ptr& held);
    /// The same for coroutines: src/lock/async_entrance.cpp.
    [[nodiscard]] static asio::awaitable<result<async_guard>> acquire_async(
        std::shared_ptr<session> owner, std::string name, acquire_options options);
    /// Empties `guard` once it is awaited.
    [[nodiscard]] static asio::awaitable<result<void>> release_async(async_guard& guard);

    [[nodiscard]] static result<async_guard> make_guard(const std::shared_ptr<session>& owner,
                                                        result<held_ptr> held);

    /// Gives `held` up without waiting for anything.
    void drop(const held_ptr& held) noexcept;
    /// `held` was handed over to another process.
    void let_go(const held_ptr& held);

    /// @return Whether this is the process that opened the session.
    [[nodiscard]] bool at_home() const noexcept { return home_.at_home(); }
    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
    /// @return Where the callbacks of users run that name no executor of their own.
    [[nodiscard]] asio::any_io_executor user_executor();
    [[nodiscard]] lock_statistics statistics() const;
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

private:
    session() = default;
    static asio::awaitable<result<async_guard>> acquire_slowly(std::shared_ptr<session> owner,
                                                               std::string name,
                                                               acquire_options options);
    template <class Start>
    static void enter(std::shared_ptr<session> owner, Start start);
    template <class Awaitable>
    static Awaitable refuse_async() {
        co_return foreign();
    }
    static std::shared_ptr<session> make_shared_session();
    void post(std::function<void()> work);
    [[nodiscard]] std::function<void(monitor::work)> delivery();
    result<void> start(const asio::any_io_executor& executor, const store_factory& make,
                       const locker_options& options);

    port::fork_sentinel home_;
    std::unique_ptr<driver> driver_;  // Null for an asynchronous session.
    asio::any_io_executor executor_;
    std::shared_ptr<async_calls> async_calls_;  // Made by the first.
    std::shared_ptr<monitor> monitor_;
    std::shared_ptr<engine> engine_;
    std::string address_;
};

/// @return What makes stores of `url`.
/// @par Errors  `misuse`: no known scheme, or a rule of the scheme is broken.
[[nodiscard]] result<store_factory> factory_for(std::string_view url);
/// The same for stores of holds.
[[nodiscard]] result<range_store_factory> range_factory_for(std::string_view url);

}  // namespace holdfast::lock
