// SPDX-License-Identifier: BSL-1.0
//
// What it is: the port behind which every store of holds stands. The engine decides and waits; a
// store does a handful of verbs, each one atomic on its server. `memory` is the executable
// specification; `tests/conformance` runs the same suite against every store.
// Thread safety: none; a store belongs to the executor that it was made for.
//
// The rules of `store`'s verbs hold for these, too: a bounded end, no exceptions, `unreachable` for
// certainly without effect and `in_doubt` for perhaps, prompt cancellation.
//
// What a hold is: it is live from when it was made until its expiry by the store's clock, which
// never goes back for a key; an expired hold is no hold, at once, whether it was swept or not. At
// no instant and in no point of a key do the units of live holds add up to more than the capacity
// that each of them was granted under. With capacity 1 that is: no two overlap.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/range.hpp>
#include <holdfast/range_locker.hpp>
#include <holdfast/store.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// A failure tells of at most so many holds that were in the way, the first ones in their order.
inline constexpr std::size_t blockers_max = 16;

/// What a hold is asked for with; the same for all attempts of it.
struct range_claim {
    std::string key;  ///< 1 to 512 bytes, any; compared byte by byte.

    /// 1 to 255 bytes, any; unique within the key, and never used again after its release was sent.
    std::string id;
    std::int64_t start{0};   ///< Where it begins.
    std::int64_t end{0};     ///< Not part of it; above `start`.
    std::uint32_t units{1};  ///< [1, 1,000,000].

    /// Counts against this capacity; 0: against the key's own.
    std::uint32_t capacity{0};
    std::chrono::milliseconds ttl{0};  ///< [10 ms, 24 h], by the store's clock.
    std::string owner{};               ///< A label for people; may be empty.
    std::string data{};                ///< The caller's own, at most 64 KiB.
};

/// The store says yes.
struct range_grant {
    /// Higher than all before for this key, also after it was forgotten; of a hold that was there
    /// already, the one that it has.
    std::uint64_t fencing_token{0};
};

/// One of several renewals in one conversation.
struct range_renewal {
    std::string_view key;              ///< As in the claim.
    std::string_view id;               ///< As in the claim.
    std::chrono::milliseconds ttl{0};  ///< [10 ms, 24 h], by the store's clock.

    /// The hold that is meant, of those that had this id one after the other; 0: whichever has it.
    std::uint64_t fencing_token{0};
    /// Set by the store: success: expires `ttl` from when the server handled it, be it later or
    /// earlier than before; a permanent hold stays permanent. `lost` with `deleted`: no such live
    /// hold; with `taken`: the live hold with this id has another token, and was left alone. Else
    /// an error as above.
    result<void> outcome{};
};

/// Where in a list of holds, ordered by start and then by token, the last page ended.
struct range_cursor {
    std::int64_t start{0};   ///< The last one's start.
    std::uint64_t token{0};  ///< And its token.
};

/// Part of a list of holds.
struct range_page {
    std::vector<range_hold> holds{};  ///< In order of start, then of token.
    bool more{false};                 ///< There may be more behind the last one.
    std::uint32_t capacity{1};        ///< The key's own.
};

/// Which changes a waiter waits for.
enum class range_change : std::uint8_t {
    freed,  ///< Something was released, moved away, shortened, has run out; or the room changed.
    any,    ///< Or something was taken.
};

/// Which holds a release ends.
struct released_hold {
    bool permanent{true};            ///< Also one that is permanent.
    std::uint64_t fencing_token{0};  ///< Only the one with this token; 0: whichever has the id.

    static const released_hold any;      ///< Whichever has the id.
    static const released_hold passing;  ///< Those that are not permanent.

    /// The hold that was granted with this token, as long as it is not permanent.
    [[nodiscard]] static constexpr released_hold granted(std::uint64_t token) noexcept {
        return {.permanent = false, .fencing_token = token};
    }
};
inline constexpr released_hold released_hold::any{};
inline constexpr released_hold released_hold::passing{.permanent = false};

/// One hold or one release of a hold at a time without a coroutine, over and over: as `shortcut` is
/// for locks, with the same rules.
class range_shortcut {
public:
    range_shortcut() = default;
    range_shortcut(const range_shortcut&) = delete;
    range_shortcut& operator=(const range_shortcut&) = delete;
    /// What is under way is not told any more; it may still take effect.
    virtual ~range_shortcut() = default;

    /// @param wanted  Lives until `conclude_hold`'s end, or until `granted` told a grant.
    /// @return false if it has to be done by `range_store::hold_all`: nothing was done.
    [[nodiscard]] virtual bool start_hold(const range_claim& wanted, time_point deadline,
                                          shortcut::caller& tell) = 0;
    /// @return The grant, if the answer is a plain yes.
    [[nodiscard]] virtual std::optional<range_grant> granted() = 0;
    /// What `range_store::hold_all` would have answered, whatever else it takes to know it.
    [[nodiscard]] virtual asio::awaitable<result<range_grant>> conclude_hold(
        const range_claim& wanted, time_point deadline) = 0;

    /// @return false if it has to be done by `range_store::release`: nothing was done.
    [[nodiscard]] virtual bool start_release(std::string_view key, std::string_view id,
                                             released_hold which, time_point deadline,
                                             shortcut::caller& tell) = 0;
    /// @return Whether the answer is a plain yes.
    [[nodiscard]] virtual bool released() = 0;
    /// What `range_store::release` would have answered.
    [[nodiscard]] virtual asio::awaitable<result<void>> conclude_release(std::string_view key,
                                                                         std::string_view id,
                                                                         released_hold which,
                                                                         time_point deadline) = 0;
};

/// A place where holds are kept.
class range_store {
public:
    range_store() = default;
    range_store(const range_store&) = delete;
    range_store& operator=(const range_store&) = delete;
    virtual ~range_store() = default;

    /// Makes all of these holds, or none.
    ///
    /// A claim whose id is a live hold of its key already, with the same range and units, is that
    /// hold: it now lasts for at least `ttl` from now on, and keeps its token, owner and data.
    /// One that is permanent already is no hold to be had again.
    /// @param wanted  1 to 64; those of one key do not overlap.
    /// @return A grant for each.
    /// @par Errors  `contended`: `failure::blockers` are the live holds that overlap the first
    ///              claim that is refused, without their ids; `failure::name` is its key, and
    ///              `failure::index` its place in `wanted`.
    ///              `misuse`: the id is another hold of the key, or a permanent one, or more units
    ///              are wanted than the key has. Nothing was changed.
    [[nodiscard]] virtual asio::awaitable<result<std::vector<range_grant>>> hold_all(
        std::span<const range_claim> wanted, time_point deadline) = 0;

    /// @return A way for plain holds and releases; null where the store has none.
    [[nodiscard]] virtual std::unique_ptr<range_shortcut> make_shortcut() { return nullptr; }

    /// Renews each hold of `batch` that is live, in one conversation. Never brings back one that
    /// has run out.
    [[nodiscard]] virtual asio::awaitable<void> renew(std::span<range_renewal> batch,
                                                      time_point deadline) = 0;

    /// Ends a hold.
    /// @par Errors  `lost` with `deleted`: no such live hold; with `taken`: it is permanent, or
    ///              has another token, and `which` does not mean such.
    [[nodiscard]] virtual asio::awaitable<result<void>> release(std::string_view key,
                                                                std::string_view id,
                                                                released_hold which,
                                                                time_point deadline) = 0;

    /// @return The hold, if it is live.
    [[nodiscard]] virtual asio::awaitable<result<std::optional<range_hold>>> get(
        std::string_view key, std::string_view id, time_point deadline) = 0;

    /// Makes a live hold permanent. Idempotent.
    /// @param fencing_token  The hold that is meant, of those that had this id one after the other;
    ///                       0: whichever has it.
    /// @par Errors  `lost` with `deleted`: no such live hold; it may have run out; with `taken`: it
    ///              has another token, and was left alone.
    [[nodiscard]] virtual asio::awaitable<result<range_hold>> confirm(std::string_view key,
                                                                      std::string_view id,
                                                                      std::uint64_t fencing_token,
                                                                      time_point deadline) = 0;

    /// Moves a live hold to another range, which may overlap its own, or leaves it where it is.
    /// It has a new token then, and its old expiry. Moving it to where it is changes nothing,
    /// whatever token it has: so a move can be repeated.
    /// The key's own capacity counts, whatever it was granted under: those who are there may rely
    /// on that.
    /// @param fencing_token  As for `confirm`: a move that arrives late finds another one by then.
    /// @par Errors  `contended`, with blockers; `lost`, as for `confirm`; `misuse`: it has more
    ///              units than the key has now. Nothing was changed.
    [[nodiscard]] virtual asio::awaitable<result<range_hold>> move(std::string_view key,
                                                                   std::string_view id,
                                                                   std::uint64_t fencing_token,
                                                                   range to,
                                                                   time_point deadline) = 0;

    /// @param window  Holds that overlap it.
    /// @param after   Those behind it.
    /// @param limit   1 to 1,000.
    [[nodiscard]] virtual asio::awaitable<result<range_page>> list(
        std::string_view key, range window, std::optional<range_cursor> after, std::size_t limit,
        time_point deadline) = 0;

    /// Sets the key's own capacity, 1 to 1,000,000, for what is asked for from now on. It is kept
    /// until it is set to 1.
    [[nodiscard]] virtual asio::awaitable<result<void>> set_capacity(std::string_view key,
                                                                     std::uint32_t units,
                                                                     time_point deadline) = 0;

    /// Waits until something that overlaps `wanted` may have changed, or until `until`; it may end
    /// early without reason, but a change elsewhere does not end it. For `freed`: at once if
    /// `wanted` can be had already, or not at all, and no later than when the first hold in the way
    /// runs out. Never fails: when the store cannot tell, it waits a bounded, jittered while. Ends
    /// on cancellation.
    [[nodiscard]] virtual asio::awaitable<void> await_change(const range_claim& wanted,
                                                             range_change which,
                                                             time_point until) = 0;

    /// @return As `store::busy`.
    [[nodiscard]] virtual bool busy() const noexcept { return false; }

    /// For who drives the executor alone: as `store::attend`.
    [[nodiscard]] virtual bool attend(std::mutex& /*turn*/) { return false; }

    /// Ends all background work and open conversations, so that every coroutine in the store ends.
    /// What is called afterwards answers `cancelled`.
    virtual void stop() = 0;

    /// @return The address for people, without password.
    [[nodiscard]] virtual const std::string& address() const noexcept = 0;
};

/// Makes a store of holds from a URL of the scheme that it was registered for.
using range_scheme_opener = result<range_store_factory> (*)(std::string_view url);

/// As `register_scheme`, for range lockers.
bool register_range_scheme(std::string_view scheme, range_scheme_opener open);

}  // namespace holdfast
