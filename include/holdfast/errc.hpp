// SPDX-License-Identifier: BSL-1.0
//
// What it is: the closed set of reasons for which a lock operation does not succeed, and the record
// that travels with such a reason: what each node said and, where known, who holds the lock.
// Thread safety: plain values.
#pragma once

#include <holdfast/range.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace holdfast {

/// Why a lock operation did not succeed. Logged and sent over wires: append only.
/// What each value means for the caller, and what is held afterwards: docs/reference/errors.md.
enum class errc : int {
    contended = 1,     ///< Someone else holds it. Expected; not an incident.
    timed_out = 2,     ///< Still contended when the caller's wait was over.
    cancelled = 3,     ///< The caller ended the wait; nothing is held.
    no_quorum = 4,     ///< Too few of several nodes answered, or their votes were split.
    lost = 5,          ///< We held it and no longer do: stop the protected work now.
    in_doubt = 6,      ///< The reply was lost, so the effect is unknown; the ttl bounds it.
    unreachable = 7,   ///< The store did not answer in time, or could not be connected to.
    denied = 8,        ///< The store refuses: credentials, rights, read-only, out of memory.
    wrong_type = 9,    ///< The name is in use for something that is not a lock of this kind.
    protocol = 10,     ///< The store answered something that makes no sense.
    misuse = 11,       ///< The arguments break a documented rule; nothing was sent.
    quarantined = 12,  ///< The server came back, may have forgotten locks, and grants none yet.
};

/// Why a held lock was lost.
enum class lost_reason : int {
    none = 0,     ///< It was not lost.
    expired = 1,  ///< Its validity ended without a renewal (none was asked for, or none in time).
    taken = 2,    ///< The store says that somebody else holds it.
    deleted = 3,  ///< The store says that nobody holds it, although it should not have expired.
    unreachable = 4,  ///< The store could not be asked to renew it before its validity ended.
    max_hold = 5,     ///< `acquire_options::max_hold` has passed.
    forked = 6,       ///< This is the copy of a forked child; the parent still holds it.
};

/// @return The value's name as it stands in the source, e.g. "contended"; "unknown" otherwise.
[[nodiscard]] std::string_view to_string(errc code) noexcept;
/// @return The value's name as it stands in the source, e.g. "max_hold"; "unknown" otherwise.
[[nodiscard]] std::string_view to_string(lost_reason reason) noexcept;

/// @return The category of `errc` values, named "holdfast".
[[nodiscard]] const boost::system::error_category& error_category() noexcept;
/// @return `code` as a Boost error code of `error_category()`.
[[nodiscard]] boost::system::error_code make_error_code(errc code) noexcept;

/// Who holds a lock, as far as the store's record tells. Text that others wrote: untrusted.
struct holder_info {
    std::string owner;    ///< The holder's `acquire_options::owner`; may be empty.
    std::string host;     ///< Host name of the holder; empty if the record does not tell.
    std::int64_t pid{0};  ///< Process id on that host; 0 if the record does not tell.

    /// Time until it expires unless renewed, by the store's clock; below zero: unknown.
    std::chrono::milliseconds remaining{-1};
};

/// What one node of a store said when it did not accept.
struct node_error {
    std::size_t node{0};           ///< Index in the order of configuration, from 0.
    errc code{errc::unreachable};  ///< What it comes to.
    std::string text;  ///< For people: address and cause. Holds no password and no full id.
};

/// An `errc` plus what is known of its cause, so that one log line can name the culprit.
struct failure {
    errc code{errc::misuse};              ///< What happened.
    std::string text;                     ///< One line for people, without a full stop at its end.
    lost_reason reason{};                 ///< For `lost` only.
    std::optional<holder_info> holder{};  ///< For `contended` and `timed_out`, where known.
    std::vector<node_error> nodes{};      ///< Nodes that did not accept, in ascending index.
    std::string name{};                   ///< Which of several names was in the way; else empty.
    std::size_t index{0};                 ///< Which of several ranges was, in the order given.

    /// Of ranges that were `contended`: the holds in the way, the first 16 in their order, without
    /// their ids.
    std::vector<range_hold> blockers{};

    failure() = default;
    /// Not explicit, so that `return errc::cancelled;` works in functions that return a `result`.
    failure(errc c) : code(c) {}  // NOLINT(google-explicit-constructor)
    /// With a line of text, without a full stop at its end.
    failure(errc c, std::string what) : code(c), text(std::move(what)) {}
    /// A `lost` and its reason.
    failure(lost_reason why, std::string what)
        : code(errc::lost), text(std::move(what)), reason(why) {}

    /// @return "CODE: TEXT", one line, for people.
    [[nodiscard]] std::string message() const;
};

/// A value, or the `failure` that explains why there is none. `value()` throws `lock_error`.
template <class T>
using result = boost::system::result<T, failure>;

/// What `result::value()`, `locker`'s constructor and `mutex` throw. Its `code()` compares equal
/// to the `holdfast::errc` within.
class lock_error : public std::system_error {
public:
    /// Its text is that of `why.message()`.
    explicit lock_error(failure why);
    /// @return All that is known of the cause.
    [[nodiscard]] const failure& why() const noexcept { return why_; }

private:
    failure why_;
};

/// Found by `boost::system::result` through argument-dependent look-up.
[[noreturn]] void throw_exception_from_error(const failure& why, const boost::source_location& at);

}  // namespace holdfast

/// @cond
template <>
struct boost::system::is_error_code_enum<holdfast::errc> : std::true_type {};
/// @endcond
