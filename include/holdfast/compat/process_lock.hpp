// SPDX-License-Identifier: BSL-1.0
//
// What it is: the Node package `process-lock-node` for C++: the same methods and defaults, and the
// same keys and values on the server, so that both exclude each other. docs/compat/process_lock.md
// has the mapping, the wire format, and what is deliberately different.
// Thread safety: a `process_lock` may be used by any number of threads at once; they are one owner.
//
// Each verb comes twice: blocking, and with a completion token as its last argument; see
// `compat/redlock.hpp` for where callbacks run.
#pragma once

#include <holdfast/compat/start.hpp>
#include <holdfast/errc.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::compat {

/// What `process_lock::state` answers.
enum class process_lock_state : int { open, locked };

/// @return "open" or "locked".
[[nodiscard]] std::string_view to_string(process_lock_state state) noexcept;

/// See the top of the file.
class process_lock {
public:
    /// @param name     1 to 512 bytes.
    /// @param timeout  How long the lock lasts after `lock` and after each `update`; [1 s, 24 h].
    /// @param url      As for `locker`; if empty, the environment's REDIS_URL, read now.
    /// @throws lock_error  `misuse`: a rule is broken, or there is neither a url nor a REDIS_URL.
    explicit process_lock(std::string_view name,
                          std::chrono::seconds timeout = std::chrono::seconds{10},
                          std::string_view url = {});

    /// Tries once. Calling it again as the owner does not prolong the lock.
    /// @return Whether we are the owner now; the server is asked each time.
    /// @par Errors  `unreachable`, `in_doubt`, `denied`, `wrong_type`, `misuse`.
    result<bool> lock();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto lock(Token&& token) {
        return detail::start(session(), lock_task(state_), std::forward<Token>(token));
    }

    /// Counts the lock from now on again. @return Whether we are still the owner.
    /// @par Errors  As `lock`.
    result<bool> update();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto update(Token&& token) {
        return detail::start(session(), update_task(state_), std::forward<Token>(token));
    }

    /// Clears the lock if it is ours; with `force`, whoever has it.
    /// @return true: it was cleared; false: somebody else has it; nothing: there was no lock.
    /// @par Errors  As `lock`.
    result<std::optional<bool>> clear(bool force = false);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<bool>>)> Token>
    auto clear(bool force, Token&& token) {
        return detail::start(session(), clear_task(state_, force), std::forward<Token>(token));
    }
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<bool>>)> Token>
    auto clear(Token&& token) {
        return clear(false, std::forward<Token>(token));
    }

    /// @return Whether anybody has it.
    /// @par Errors  As `lock`.
    [[nodiscard]] result<process_lock_state> state();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<process_lock_state>)> Token>
    auto state(Token&& token) {
        return detail::start(session(), state_task(state_), std::forward<Token>(token));
    }

private:
    struct shared;
    class counted;
    class turns;
    using shared_ptr = std::shared_ptr<shared>;
    [[nodiscard]] const detail::session_ptr& session() const noexcept;
    static asio::awaitable<result<bool>> lock_once(shared_ptr mine);
    static asio::awaitable<result<bool>> lock_task(shared_ptr mine);
    static asio::awaitable<result<bool>> update_task(shared_ptr mine);
    static asio::awaitable<result<std::optional<bool>>> clear_by_force(shared_ptr mine);
    static asio::awaitable<result<std::optional<bool>>> clear_task(shared_ptr mine, bool force);
    static asio::awaitable<result<process_lock_state>> state_task(shared_ptr mine);

    shared_ptr state_;
};

}  // namespace holdfast::compat
