// SPDX-License-Identifier: BSL-1.0
//
// What it is: the port behind which every store stands. The engine decides and waits; a store does
// a handful of verbs, each one atomic on its server. `memory_store` is the executable
// specification; `tests/conformance` runs the same suite against every store.
// Thread safety: none; a store belongs to the executor that it was made for.
//
// Rules that hold for every verb:
// - It completes by its `deadline` (plus scheduling), whatever the server does.
// - It never throws; what goes wrong is a `failure`, whose text names the store's address and the
//   cause, and never a password or a full id.
// - `unreachable` means: certainly without effect. `in_doubt` means: it may have taken effect, or
//   may still do so. `denied`, `wrong_type`, `protocol`: the server answered; without effect.
// - Cancellation (any type) makes it complete promptly with `cancelled`; the effect is then as
//   unknown as with `in_doubt`, and a verb of the same name that follows comes after it.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/entropy.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>
#include <holdfast/timeline.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// What a store is made with. All references outlive the store.
struct store_environment {
    asio::any_io_executor executor;
    timeline& time;
    entropy& random;
    locker_options options;
};

/// What an acquisition asks for; the same for all attempts of it.
struct claim {
    std::string name;  ///< 1 to 512 bytes, any.
    /// Unique: the id, then what `holder_record` adds. Never used again after a release of it was
    /// sent: that release may arrive late.
    std::string value;
    std::chrono::milliseconds ttl{0};  ///< [10 ms, 24 h], by the store's clock.
    bool fence{true};                  ///< Draw a token.
};

/// Who asks for a lock, for stores whose values tell of the holder.
struct claimant {
    std::string host;     ///< Host name.
    std::int64_t pid{0};  ///< Process id on that host.
    std::string owner;    ///< `acquire_options::owner`.
};

/// How one acquisition is known.
struct identity {
    std::string id;     ///< Told to callers; a capability: at least 120 random bits.
    std::string value;  ///< Stands for the lock in the store: `claim::value`.
};

/// Whether an earlier attempt of the same claim may have taken effect.
enum class attempt { first, repeated };

/// The store says yes.
struct grant {
    /// Higher than all before for this name; 0 if none was asked for.
    std::uint64_t fencing_token{0};
    /// A `repeated` attempt found that an earlier one had taken effect; its expiry was not changed,
    /// so validity counts from before the first attempt.
    bool taken_earlier{false};
};

/// One of several renewals in one conversation.
struct renewal {
    std::string_view name;
    std::string_view value;
    std::chrono::milliseconds ttl{0};
    /// Set by the store: success: now held for `ttl` again, counted on the store's clock from when
    /// the server handled it. `lost` with `taken` (another value holds it) or `deleted` (nobody
    /// holds it; expired or removed). Else an error as above.
    result<void> outcome{};
};

/// A place where locks are kept.
class store {
public:
    store() = default;
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    virtual ~store() = default;

    /// @return An identity that was never used before, of the form that this store's locks have.
    ///         By default 32 hex digits, in a value that tells of the holder.
    [[nodiscard]] virtual identity draw_identity(entropy& random, const claimant& who) const;
    /// @return The value of the lock with that id, where the id alone tells it; by default it does
    ///         not, and who knows only the id has to read the value first.
    [[nodiscard]] virtual std::optional<std::string> value_of(std::string_view id) const;
    /// @return How many bytes a name may have at most.
    [[nodiscard]] virtual std::size_t name_limit() const noexcept { return name_bytes_max; }

    /// Takes `wanted.name` for `wanted.value` if nobody holds it.
    ///
    /// A `first` attempt may assume that the value was never seen. A `repeated` one says yes also
    /// if the value already holds the name, without changing its expiry, but with a new token.
    /// @par Errors  `contended`, with the holder where that can be told in time.
    [[nodiscard]] virtual asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                                                 time_point deadline) = 0;

    /// Renews each lease of `batch` that is still held by its value, in one conversation.
    /// Never brings back a lease that has run out. Idempotent. `wrong_type`: the name is in use for
    /// something else by now.
    [[nodiscard]] virtual asio::awaitable<void> renew(std::span<renewal> batch,
                                                      time_point deadline) = 0;

    /// Releases `name` if `value` holds it. Idempotent, but for the answer.
    /// @par Errors  `lost` with `taken` or `deleted`: not held by that value. `wrong_type`: the
    ///              name is in use for something else; nothing was touched.
    [[nodiscard]] virtual asio::awaitable<result<void>> release(std::string_view name,
                                                                std::string_view value,
                                                                time_point deadline) = 0;

    /// @return Who holds `name`, or nothing.
    [[nodiscard]] virtual asio::awaitable<result<std::optional<lock_info>>> inspect(
        std::string_view name, time_point deadline) = 0;

    /// @return All locks held whose names start with `prefix`, sorted by name.
    [[nodiscard]] virtual asio::awaitable<result<std::vector<lock_info>>> list(
        std::string_view prefix, time_point deadline) = 0;

    /// Takes `name` away from whoever holds it. @return Who that was, or nothing.
    [[nodiscard]] virtual asio::awaitable<result<std::optional<lock_info>>> take_away(
        std::string_view name, time_point deadline) = 0;

    /// Waits until `name` may have become free, or until `until`; it may end early without reason.
    /// Never fails: when the store cannot tell, it waits a bounded, jittered while. At once when
    /// the name is free already. Ends on cancellation.
    [[nodiscard]] virtual asio::awaitable<void> await_change(std::string_view name,
                                                             time_point until) = 0;

    /// @return Whether something is under way that nobody waits for any more, such as a release on
    ///         a slow node. Who winds down gives it a moment.
    [[nodiscard]] virtual bool busy() const noexcept { return false; }

    /// Ends all background work and open conversations, so that every coroutine in the store ends.
    /// What is called afterwards answers `cancelled`.
    virtual void stop() = 0;

    /// @return The address for people, without password.
    [[nodiscard]] virtual const std::string& address() const noexcept = 0;
};

/// Makes a store from a URL of the scheme that it was registered for.
using scheme_opener = result<store_factory> (*)(std::string_view url);

/// Makes `scheme` ("redis", "sqlite") known to `locker`. Including a store's header does it.
/// @par Thread safety  Any thread, also during static initialisation. Repeating it changes nothing.
bool register_scheme(std::string_view scheme, scheme_opener open);

}  // namespace holdfast
