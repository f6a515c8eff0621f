// SPDX-License-Identifier: BSL-1.0
//
// What it is: the Node package `node-redis-warlock` for C++: the same methods, and the same keys
// and values on the server, so that both exclude each other. docs/compat/warlock.md has the
// mapping, the wire format, and what is deliberately different.
// Thread safety: a `warlock` may be used by any number of threads at once.
//
// Each verb comes twice: blocking, and with a completion token as its last argument; see
// `compat/redlock.hpp` for where callbacks run.
#pragma once

#include <holdfast/compat/start.hpp>
#include <holdfast/dialect.hpp>
#include <holdfast/errc.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::compat {

/// What `warlock::lock` hands over: calling it unlocks, from any thread, at any time later.
/// Destroying it unlocks nothing: a lock that is not unlocked runs out.
class warlock_unlock {
public:
    /// Nothing was locked: converts to false.
    warlock_unlock() = default;
    /// @return Whether there is a lock to unlock.
    explicit operator bool() const noexcept { return session_ != nullptr; }

    /// @return 1 if it was unlocked, 0 if it had run out or was somebody else's.
    /// @par Errors  `misuse` if nothing was locked; else as `warlock::unlock`.
    result<int> operator()() const;
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<int>)> Token>
    auto operator()(Token&& token) const {
        return detail::start(session_, task(session_, key_, id_), std::forward<Token>(token));
    }

private:
    friend class warlock;
    static asio::awaitable<result<int>> task(detail::session_ptr where, std::string key,
                                             std::string id);
    detail::session_ptr session_;
    std::string key_;
    std::string id_;
};

/// What `warlock::lock` and `warlock::optimistic` answer.
struct warlock_answer {
    warlock_unlock unlock;  ///< False if somebody else has the lock.
    std::string id;         ///< The lock's id, for `warlock::unlock`; empty without a lock.

    /// @return Whether the lock is ours.
    explicit operator bool() const noexcept { return static_cast<bool>(unlock); }
};

/// See the top of the file.
class warlock {
public:
    /// Options beside those of the original.
    struct options {
        /// Replaces the rule for keys; by default the key is followed by ":lock". It is called in
        /// the middle of a verb, on any thread: it must not throw, and must not call the facade.
        key_function make_key{};
        /// Bounds one conversation with the server, [1 ms, 1 h].
        std::chrono::milliseconds timeout{5000};
    };
    using answer = warlock_answer;  ///< Short for it.

    /// @param url  As for `locker`.
    /// @throws lock_error  `misuse`, naming the rule that is broken.
    explicit warlock(std::string_view url) : warlock(url, options{}) {}
    /// As above, with options.
    warlock(std::string_view url, options how);

    /// @return The key on the server for `key`.
    [[nodiscard]] std::string make_key(std::string_view key) const { return make_key_(key); }

    /// Tries once.
    /// @param key  1 to 512 bytes. @param ttl  [10 ms, 24 h].
    /// @return An unlock function and the id; or neither, if somebody else has the lock.
    /// @par Errors  `unreachable`, `in_doubt`, `denied`, `wrong_type`, `misuse`: nothing is held,
    ///              but after `in_doubt` perhaps, for at most the ttl.
    /// @par Cost    One round trip.
    [[nodiscard]] result<answer> lock(std::string_view key, std::chrono::milliseconds ttl);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<warlock_answer>)> Token>
    auto lock(std::string_view key, std::chrono::milliseconds ttl, Token&& token) {
        return detail::start(session_, lock_task(session_, std::string(key), ttl),
                             std::forward<Token>(token));
    }

    /// Tries at most `max_attempts` times (at least once), `wait` apart.
    /// @param wait  [0, 24 h].
    /// @par Errors  `timed_out` (`contended` after a single attempt) with the text "unable to
    ///              obtain lock" and max attempts, key, ttl and wait; else as `lock`.
    [[nodiscard]] result<answer> optimistic(std::string_view key, std::chrono::milliseconds ttl,
                                            std::int64_t max_attempts,
                                            std::chrono::milliseconds wait);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<warlock_answer>)> Token>
    auto optimistic(std::string_view key, std::chrono::milliseconds ttl, std::int64_t max_attempts,
                    std::chrono::milliseconds wait, Token&& token) {
        auto work = optimistic_task(session_, std::string(key), ttl, max_attempts, wait);
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }

    /// Unlocks by id, from any process that knows it.
    /// @return 1 if it was unlocked, 0 if that id does not hold the lock.
    /// @par Errors  `unreachable`, `in_doubt`, `denied`, `misuse`.
    result<int> unlock(std::string_view key, std::string_view id);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<int>)> Token>
    auto unlock(std::string_view key, std::string_view id, Token&& token) {
        auto work = warlock_unlock::task(session_, std::string(key), std::string(id));
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }

    /// Counts a lock from now on again, by id.
    /// @return Whether that id held the lock; one that has run out is not brought back.
    result<bool> touch(std::string_view key, std::string_view id, std::chrono::milliseconds ttl);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto touch(std::string_view key, std::string_view id, std::chrono::milliseconds ttl,
               Token&& token) {
        auto work = touch_task(session_, std::string(key), std::string(id), ttl);
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }

private:
    static asio::awaitable<result<answer>> lock_task(detail::session_ptr where, std::string key,
                                                     std::chrono::milliseconds ttl);
    static asio::awaitable<result<answer>> optimistic_task(detail::session_ptr where,
                                                           std::string key,
                                                           std::chrono::milliseconds ttl,
                                                           std::int64_t max_attempts,
                                                           std::chrono::milliseconds wait);
    static asio::awaitable<result<bool>> touch_task(detail::session_ptr where, std::string key,
                                                    std::string id, std::chrono::milliseconds ttl);
    key_function make_key_;
    detail::session_ptr session_;
};

}  // namespace holdfast::compat
