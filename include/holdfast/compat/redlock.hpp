// SPDX-License-Identifier: BSL-1.0
//
// What it is: the Node package `redlock` for C++: the same methods, options and defaults, and the
// same keys and values on the servers, so that both exclude each other. docs/compat/redlock.md has
// the mapping, the wire format, and what is deliberately different.
// Thread safety: a `redlock` may be used by any number of threads at once, and so may copies of one
// `held_lock`.
//
// Each verb comes twice: blocking, and with a completion token as its last argument (a callback,
// `asio::use_future`, `asio::use_awaitable`). A callback without an executor of its own runs on a
// thread of the facade's, on which blocking verbs may be called.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/compat/start.hpp>
#include <holdfast/errc.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace holdfast {
namespace lock {
struct held_lease;
}

namespace compat {

/// The options of `redlock`; the defaults are those of its README.
struct redlock_options {
    /// How far a server's clock may run faster than ours, as a fraction of the ttl, [0, 0.5].
    double drift_factor = 0.01;
    /// How often to try again after the first attempt; -1: without end.
    std::int64_t retry_count = 3;
    /// Between two attempts, [0, 24 h].
    std::chrono::milliseconds retry_delay{200};
    /// Each delay is up to this much longer or shorter, at random, [0, 24 h].
    std::chrono::milliseconds retry_jitter{100};
    /// `using_` extends its lock at the latest this long before it ends; it also does so at a third
    /// of the ttl.
    std::chrono::milliseconds automatic_extension_threshold{500};
    /// Bounds one conversation with one server, [1 ms, 1 h].
    std::chrono::milliseconds timeout{5000};
};

/// A lock of `redlock`. Copies mean the same lock. Destroying it releases nothing: a lock that is
/// not unlocked runs out, as in the original.
class redlock_lock {
public:
    /// Not a lock: every verb answers `misuse`.
    redlock_lock() = default;

    /// @return What it locks.
    [[nodiscard]] const std::vector<std::string>& resources() const noexcept;
    /// @return The random value that stands for it on the servers, 32 hex digits; a capability.
    [[nodiscard]] const std::string& value() const noexcept;
    /// @return The instant at which it ends unless it is extended; in the past once unlocked.
    [[nodiscard]] time_point expiration() const noexcept;
    /// @return How many attempts it took.
    [[nodiscard]] std::uint64_t attempts() const noexcept;

    /// Releases it on all servers. It counts as ended at once, whatever the servers answer.
    /// @par Errors  None if it had already run out or been taken: then there is nothing to release.
    ///              `no_quorum`, `in_doubt`: too few servers confirmed it; it runs out by itself,
    ///              or is unlocked by the next call.
    result<void> unlock();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<void>)> Token>
    auto unlock(Token&& token) {
        return detail::start(session_, unlock_task(*this), std::forward<Token>(token));
    }

    /// Counts it from now on again, for `ttl` in [10 ms, 24 h]. @return The same lock.
    /// @par Errors  `lost`: it has run out or is somebody else's; it is never brought back.
    ///              `no_quorum`, `in_doubt`: too few servers confirmed it; it is held until
    ///              `expiration()` as before.
    result<redlock_lock> extend(std::chrono::milliseconds ttl);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<redlock_lock>)> Token>
    auto extend(std::chrono::milliseconds ttl, Token&& token) {
        return detail::start(session_, extend_task(*this, ttl), std::forward<Token>(token));
    }

private:
    friend class redlock;
    struct state;
    static asio::awaitable<result<void>> unlock_task(redlock_lock which);
    static asio::awaitable<result<redlock_lock>> extend_task(redlock_lock which,
                                                             std::chrono::milliseconds ttl);
    detail::session_ptr session_;
    std::shared_ptr<state> state_;
};

/// What a routine under `redlock::using_` is handed.
class redlock_signal {
public:
    /// @return Whether the lock can no longer be relied upon: the routine must stop.
    [[nodiscard]] bool aborted() const noexcept;
    /// @return Fires when the lock can no longer be extended, before it ends.
    [[nodiscard]] const std::stop_token& token() const noexcept { return token_; }
    /// @return Why it fired; `none` before.
    [[nodiscard]] lost_reason reason() const noexcept;

private:
    friend class redlock;
    std::stop_token token_;
    std::shared_ptr<lock::held_lease> held_;
};

/// See the top of the file.
class redlock {
public:
    using options = redlock_options;  ///< Short for it.
    using held_lock = redlock_lock;   ///< Short for it.
    using signal = redlock_signal;    ///< Short for it.

    /// @param urls  One for each independent server, as for `locker`; at least one.
    /// @throws lock_error  `misuse`: no server, or a rule of a url or option is broken.
    explicit redlock(const std::vector<std::string>& urls, const options& how = {});

    /// Locks all of `resources`, or none. Attempts are `retry_count` + 1.
    /// @param resources  Each 1 to 512 bytes without NUL; at most 64.
    /// @param ttl        [10 ms, 24 h].
    /// @par Errors  "Exceeded N attempts to lock the resource …" with `timed_out` (`contended`
    ///              where one attempt was asked for): somebody else has it. `no_quorum`: too few
    ///              servers answered. `wrong_type`, `denied`, `misuse`. Nothing stays
    ///              behind, but where a server answers more than a `timeout` after the attempt: a
    ///              key may stay there for at most the ttl, or until the name is asked for again.
    /// @par Cost    One round trip to the fastest majority for each attempt.
    [[nodiscard]] result<held_lock> lock(const std::vector<std::string>& resources,
                                         std::chrono::milliseconds ttl);
    /// As above, for one resource.
    [[nodiscard]] result<held_lock> lock(std::string_view resource, std::chrono::milliseconds ttl);
    /// `{"a", "b"}` could be a `std::string_view`, too.
    [[nodiscard]] result<held_lock> lock(std::initializer_list<std::string> resources,
                                         std::chrono::milliseconds ttl) {
        return lock(std::vector<std::string>(resources), ttl);
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<redlock_lock>)> Token>
    auto lock(std::vector<std::string> resources, std::chrono::milliseconds ttl, Token&& token) {
        auto work = lock_task(session_, how_, std::move(resources), ttl);
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<redlock_lock>)> Token>
    auto lock(std::string_view resource, std::chrono::milliseconds ttl, Token&& token) {
        return lock(std::vector<std::string>{std::string(resource)}, ttl,
                    std::forward<Token>(token));
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<redlock_lock>)> Token>
    auto lock(std::initializer_list<std::string> resources, std::chrono::milliseconds ttl,
              Token&& token) {
        return lock(std::vector<std::string>(resources), ttl, std::forward<Token>(token));
    }

    /// As `held_lock::unlock`.
    result<void> unlock(held_lock which) { return which.unlock(); }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<void>)> Token>
    auto unlock(held_lock which, Token&& token) {
        return which.unlock(std::forward<Token>(token));
    }

    /// As `held_lock::extend`.
    result<held_lock> extend(held_lock which, std::chrono::milliseconds ttl) {
        return which.extend(ttl);
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<redlock_lock>)> Token>
    auto extend(held_lock which, std::chrono::milliseconds ttl, Token&& token) {
        return which.extend(ttl, std::forward<Token>(token));
    }

    /// Runs `routine(signal)` on the caller's thread while `resources` are locked and extended in
    /// the background; then unlocks them. What `routine` throws passes through, after the unlock.
    /// @return What `routine` returned.
    /// @par Errors  As `lock`, before `routine` runs. `lost`: it ran, but the lock could not be
    ///              kept until its end. `misuse`: `automatic_extension_threshold` leaves less than
    ///              100 ms of `ttl`.
    template <class Routine>
    auto using_(const std::vector<std::string>& resources, std::chrono::milliseconds ttl,
                Routine routine) -> result<std::invoke_result_t<Routine, const signal&>> {
        auto begun = begin_using(resources, ttl);
        if (!begun) return begun.error();
        const ending last{*this, *begun};
        using value = std::invoke_result_t<Routine, const signal&>;
        if constexpr (std::is_void_v<value>) {
            routine(std::as_const(*begun));
            if (auto lost = kept(*begun); !lost) return lost.error();
            return {};
        } else {
            value got = routine(std::as_const(*begun));
            if (auto lost = kept(*begun); !lost) return lost.error();
            return got;
        }
    }

    /// The same with a completion token: `routine(signal)` gives an `asio::awaitable<T>`, which
    /// runs on the facade's thread for callbacks. The token's signature is
    /// `void(std::exception_ptr, result<T>)`; what `routine` throws is its first argument.
    template <class Routine, class Token>
    auto using_(std::vector<std::string> resources, std::chrono::milliseconds ttl, Routine routine,
                Token&& token) {
        using value = typename std::invoke_result_t<Routine, signal>::value_type;
        auto work =
            using_task<value>(session_, how_, std::move(resources), ttl, std::move(routine));
        return detail::start_throwing<value>(session_, std::move(work), std::forward<Token>(token));
    }

private:
    struct ending {
        const redlock& owner;
        const signal& begun;
        ~ending() { owner.end_using(begun); }
    };
    static asio::awaitable<result<held_lock>> lock_task(detail::session_ptr where, options how,
                                                        std::vector<std::string> resources,
                                                        std::chrono::milliseconds ttl);
    template <class T, class Routine>
    static asio::awaitable<result<T>> using_task(detail::session_ptr where, options how,
                                                 std::vector<std::string> resources,
                                                 std::chrono::milliseconds ttl, Routine routine) {
        auto begun = co_await begin_task(where, how, std::move(resources), ttl);
        if (!begun) co_return begun.error();
        std::exception_ptr thrown;
        result<T> got = failure{};
        try {
            auto work = routine(*begun);
            const auto where_it_runs = detail::callback_executor(where);
            if constexpr (std::is_void_v<T>) {
                co_await asio::co_spawn(where_it_runs, std::move(work), asio::use_awaitable);
                got = result<T>();
            } else {
                got = co_await asio::co_spawn(where_it_runs, std::move(work), asio::use_awaitable);
            }
        } catch (...) {
            thrown = std::current_exception();
        }
        const auto lost = kept(*begun);
        co_await end_task(where, *begun);
        if (thrown) std::rethrow_exception(thrown);
        if (!lost) co_return lost.error();
        co_return got;
    }
    static asio::awaitable<result<signal>> begin_task(detail::session_ptr where, options how,
                                                      std::vector<std::string> resources,
                                                      std::chrono::milliseconds ttl);
    static asio::awaitable<void> end_task(detail::session_ptr where, signal begun);
    result<signal> begin_using(const std::vector<std::string>& resources,
                               std::chrono::milliseconds ttl) const;
    [[nodiscard]] static result<void> kept(const signal& begun);
    void end_using(const signal& begun) const noexcept;

    options how_;
    detail::session_ptr session_;
};

}  // namespace compat
}  // namespace holdfast
