// SPDX-License-Identifier: BSL-1.0
//
// What it is: the Node package `range-lock` for C++: the same methods, on the same table in MySQL
// or MariaDB and under the same mutex in Redis, so that both respect each other's locks. Two of
// ours never hold overlapping ranges, whatever becomes of the mutex. docs/compat/range_lock.md has
// the mapping, the table, and what an original beside us can still do wrong.
// Thread safety: a `range_lock` may be used by any number of threads at once, and so may copies of
// one `range_lock_lock`.
//
// Each verb comes twice: blocking, and with a completion token as its last argument; see
// `compat/redlock.hpp` for where callbacks run.
#pragma once

#include <holdfast/compat/start.hpp>
#include <holdfast/errc.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::compat {

class range_lock_lock;
struct range_lock_answer;

namespace detail {
struct range_lock_state;
using range_lock_ptr = std::shared_ptr<range_lock_state>;
[[nodiscard]] const session_ptr& session_of(const range_lock_ptr& state) noexcept;
[[nodiscard]] asio::awaitable<result<bool>> clear_range(range_lock_ptr state, std::string key,
                                                        std::string id);
}  // namespace detail

/// A row of the table: a range of a key that somebody holds. Copies mean the same lock. Destroying
/// it releases nothing: a lock that is not cleared runs out.
class range_lock_lock {
public:
    /// Not a lock: `release` answers `misuse`.
    range_lock_lock() = default;

    [[nodiscard]] const std::string& id() const noexcept { return id_; }    ///< A capability.
    [[nodiscard]] const std::string& key() const noexcept { return key_; }  ///< What has ranges.
    [[nodiscard]] std::int64_t from() const noexcept { return from_; }  ///< In the caller's unit.
    [[nodiscard]] std::int64_t to() const noexcept { return to_; }      ///< Not part of the range.

    /// @return When it runs out, in milliseconds since 1970; by the database's clock, or, for a row
    ///         that an original wrote, by that process's.
    [[nodiscard]] std::int64_t expiry() const noexcept { return expiry_; }
    /// @return What `set` was given.
    [[nodiscard]] const std::optional<std::string>& data() const noexcept { return data_; }

    /// As `range_lock::clear` on it. Whoever has the lock can do that, as with the original.
    result<bool> release();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto release(Token&& token) {
        auto work = detail::clear_range(state_, key_, id_);
        return detail::start(detail::session_of(state_), std::move(work),
                             std::forward<Token>(token));
    }

private:
    friend struct detail::range_lock_state;
    detail::range_lock_ptr state_;
    std::string id_, key_;
    std::int64_t from_{0}, to_{0}, expiry_{0};
    std::optional<std::string> data_;
};

/// What `range_lock::set` answers.
struct range_lock_answer {
    bool success{false};   ///< Whether the range is ours.
    range_lock_lock lock;  ///< Ours; without success, the one that overlaps (the lowest start).

    /// @return `success`.
    explicit operator bool() const noexcept { return success; }
};

/// The options of `range_lock`. The original has none.
struct range_lock_options {
    /// Bounds one conversation with each server, [1 ms, 1 h].
    std::chrono::milliseconds timeout{5000};
};

/// See the top of the file.
class range_lock {
public:
    using options = range_lock_options;  ///< Short for it.
    using lock = range_lock_lock;        ///< Short for it.
    using answer = range_lock_answer;    ///< Short for it.

    /// @param redis_url  Where the mutex is, as for `locker`.
    /// @param mysql_url  `mysql://user:password@host:port/database`, or
    ///                   `mysql+unix://user:password@/path/to/socket?db=database`. The table `lock`
    ///                   is made there when it is first used, and beside it `lock_key`.
    /// @throws lock_error  `misuse`, naming the rule that is broken.
    range_lock(std::string_view redis_url, std::string_view mysql_url, const options& how = {});

    /// Holds [from, to) of `key`, if no live lock overlaps it; touching ranges do not.
    /// @param key   1 to 255 characters; compared as the table's collation says.
    /// @param from, to  Whole numbers in a unit of the caller's, from < to, within ±2^53: originals
    ///                  compare them as doubles.
    /// @param data  At most 255 characters.
    /// @param ttl   [10 ms, 24 h], by the database's clock.
    /// @return Success and the lock; or no success and a lock that overlaps.
    /// @par Errors  `timed_out`: "unable to obtain lock", the mutex was taken for 2 s, or it ran
    ///              out before the row could be written; `misuse`, `unreachable`, `denied`,
    ///              `wrong_type`: nothing is held. `in_doubt`: the row may stand until its ttl has
    ///              passed; the text names its id.
    /// @par Cost    A round trip to Redis and 4 to the database, 2 where a lock overlaps; two more
    ///              where the database is MySQL, or MariaDB before 10.6.
    [[nodiscard]] result<answer> set(std::string_view key, std::int64_t from, std::int64_t to,
                                     std::optional<std::string> data,
                                     std::chrono::milliseconds ttl);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<range_lock_answer>)> Token>
    auto set(std::string_view key, std::int64_t from, std::int64_t to,
             std::optional<std::string> data, std::chrono::milliseconds ttl, Token&& token) {
        auto work = set_task(state_, std::string(key), from, to, std::move(data), ttl);
        return detail::start(session(), std::move(work), std::forward<Token>(token));
    }

    /// @return The lock with that id, or nothing if it is gone or has run out.
    [[nodiscard]] result<std::optional<lock>> get(std::string_view key, std::string_view id);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<std::optional<range_lock_lock>>)> Token>
    auto get(std::string_view key, std::string_view id, Token&& token) {
        auto work = get_task(state_, std::string(key), std::string(id));
        return detail::start(session(), std::move(work), std::forward<Token>(token));
    }

    /// Clears a lock. @return Whether it was there.
    result<bool> clear(std::string_view key, std::string_view id);
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<bool>)> Token>
    auto clear(std::string_view key, std::string_view id, Token&& token) {
        auto work = detail::clear_range(state_, std::string(key), std::string(id));
        return detail::start(session(), std::move(work), std::forward<Token>(token));
    }

    /// Lets the database itself refuse overlapping rows, whoever writes them: unmodified originals
    /// stop double-booking, and get an error instead. Adds invisible columns, an index and a
    /// trigger to the table; needs the right TRIGGER. Idempotent.
    /// @par Errors  `denied`, naming the missing right: then nothing was changed.
    result<void> install_guard();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<void>)> Token>
    auto install_guard(Token&& token) {
        return detail::start(session(), guard_task(state_, true), std::forward<Token>(token));
    }
    /// Takes the guard away again. Idempotent.
    result<void> remove_guard();
    /// The same without blocking; `token` is a completion token.
    template <asio::completion_token_for<void(result<void>)> Token>
    auto remove_guard(Token&& token) {
        return detail::start(session(), guard_task(state_, false), std::forward<Token>(token));
    }

private:
    using state_ptr = detail::range_lock_ptr;
    [[nodiscard]] const detail::session_ptr& session() const noexcept {
        return detail::session_of(state_);
    }
    static asio::awaitable<result<answer>> set_task(state_ptr state, std::string key,
                                                    std::int64_t from, std::int64_t to,
                                                    std::optional<std::string> data,
                                                    std::chrono::milliseconds ttl);
    static asio::awaitable<result<std::optional<lock>>> get_task(state_ptr state, std::string key,
                                                                 std::string id);
    static asio::awaitable<result<void>> guard_task(state_ptr state, bool install);

    state_ptr state_;
};

}  // namespace holdfast::compat
