// SPDX-License-Identifier: BSL-1.0
//
// What it is: the Node package `dist-lock` for C++: the same methods, options and defaults, and the
// same keys and values on the server, so that both exclude each other. It speaks the wire of
// version 2 (a hash) or of version 1 (a string). docs/compat/dist_lock.md has the mapping, the wire
// format, and what is deliberately different.
// Thread safety: a `dist_lock` may be used by any number of threads at once, and so may copies of
// one `dist_lock_lock`.
//
// Each verb comes twice: blocking, and with a completion token as its last argument; see
// `compat/redlock.hpp` for where callbacks run.
#pragma once

#include <holdfast/compat/start.hpp>
#include <holdfast/errc.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::compat {

/// Which version's locks.
enum class dist_lock_wire : int {
    one = 1,  ///< A string; expiries in whole seconds.
    two = 2   ///< A hash with id and owner; expiries in milliseconds.
};

/// The options of `dist_lock`; the defaults are those of its README.
struct dist_lock_options {
    std::chrono::milliseconds ttl{30'000};      ///< [10 ms, 24 h].
    std::chrono::milliseconds retry_delay{50};  ///< Between two attempts, [0, 24 h].
    std::int64_t max_retries = -1;              ///< Attempts after the first; -1: without end.
    std::string key_prefix = "lock:";           ///< Stands before the name.
    dist_lock_wire wire = dist_lock_wire::two;  ///< How the lock is stored.

    /// Bounds one conversation with the server, [1 ms, 1 h].
    std::chrono::milliseconds timeout{5000};
};

/// A lock of `dist_lock`: ours, or that of the present holder. Copies mean the same lock.
/// Destroying it releases nothing: a lock that is not released runs out.
class dist_lock_lock {
public:
    /// Not a lock: every verb answers `misuse`.
    dist_lock_lock() = default;

    [[nodiscard]] const std::string& id() const noexcept { return id_; }        ///< A capability.
    [[nodiscard]] const std::string& key() const noexcept { return key_; }      ///< On the server.
    [[nodiscard]] const std::string& owner() const noexcept { return owner_; }  ///< Wire 2 only.

    /// @return The attempt that got it, from 1; 0 if it was not acquired here.
    [[nodiscard]] std::uint64_t acquired_on_attempt() const noexcept { return attempts_; }
    /// @return How long acquiring it took, measured.
    [[nodiscard]] std::chrono::milliseconds acquire_delay() const noexcept { return delay_; }

    /// @return Whether it was released: false if its id does not hold it any more.
    result<bool> release();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto release(Token&& token) {
        return detail::start(session_, release_task(session_, name_, id_),
                             std::forward<Token>(token));
    }

    /// Counts it from now on again, for `length` in [10 ms, 24 h]; wire 1 rounds up to seconds.
    /// @return Whether it was extended: false if its id does not hold it any more.
    result<bool> extend(std::chrono::milliseconds length);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto extend(std::chrono::milliseconds length, Token&& token) {
        return detail::start(session_, extend_task(session_, name_, id_, length),
                             std::forward<Token>(token));
    }

private:
    friend class dist_lock;
    static asio::awaitable<result<bool>> release_task(detail::session_ptr where, std::string name,
                                                      std::string id);
    static asio::awaitable<result<bool>> extend_task(detail::session_ptr where, std::string name,
                                                     std::string id,
                                                     std::chrono::milliseconds length);
    detail::session_ptr session_;
    std::string name_, id_, key_, owner_;
    std::uint64_t attempts_{0};
    std::chrono::milliseconds delay_{0};
};

/// See the top of the file.
class dist_lock {
public:
    using options = dist_lock_options;  ///< Short for it.
    using lock = dist_lock_lock;        ///< Short for it.

    /// @param url  As for `locker`.
    /// @throws lock_error  `misuse`, naming the rule that is broken.
    explicit dist_lock(std::string_view url, options how = {});

    /// Acquires `name`, trying again as the options say.
    /// @param name   1 to 512 bytes. @param owner  A label for people; wire 2 keeps it.
    /// @return The lock; nothing if the retries were used up.
    /// @par Errors  `unreachable`, `in_doubt`, `denied`, `misuse`. `wrong_type`, naming both types:
    ///              the key is of another kind, such as the other wire's; it counts as held.
    /// @par Cost    One round trip for each attempt.
    [[nodiscard]] result<std::optional<lock>> acquire(std::string_view name,
                                                      std::string_view owner = {});
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<dist_lock_lock>>)> Token>
    auto acquire(std::string_view name, std::string_view owner, Token&& token) {
        auto work = acquire_task(session_, how_, std::string(name), std::string(owner));
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<dist_lock_lock>>)> Token>
    auto acquire(std::string_view name, Token&& token) {
        return acquire(name, std::string_view{}, std::forward<Token>(token));
    }

    /// @return The lock of the present holder, whoever that is; nothing if nobody holds `name`.
    [[nodiscard]] result<std::optional<lock>> get_acquired_lock(std::string_view name);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<dist_lock_lock>>)> Token>
    auto get_acquired_lock(std::string_view name, Token&& token) {
        return detail::start(session_, get_task(session_, how_, std::string(name)),
                             std::forward<Token>(token));
    }

    /// @return Whether it was released: false if that id does not hold `name`.
    result<bool> release_lock(std::string_view name, std::string_view id);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto release_lock(std::string_view name, std::string_view id, Token&& token) {
        auto work = lock::release_task(session_, std::string(name), std::string(id));
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }

    /// As `dist_lock_lock::extend`, by id.
    result<bool> extend_lock(std::string_view name, std::string_view id,
                             std::chrono::milliseconds length);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto extend_lock(std::string_view name, std::string_view id, std::chrono::milliseconds length,
                     Token&& token) {
        auto work = lock::extend_task(session_, std::string(name), std::string(id), length);
        return detail::start(session_, std::move(work), std::forward<Token>(token));
    }

private:
    static asio::awaitable<result<std::optional<lock>>> acquire_task(detail::session_ptr where,
                                                                     options how, std::string name,
                                                                     std::string owner);
    static asio::awaitable<result<std::optional<lock>>> get_task(detail::session_ptr where,
                                                                 options how, std::string name);
    options how_;
    detail::session_ptr session_;
};

}  // namespace holdfast::compat
