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
#include <holdfast/diagnosis.hpp>
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
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

class store_observer;

/// What a store is made with. All references outlive the store.
struct store_environment {
    asio::any_io_executor executor;  ///< On which all of it runs.
    timeline& time;                  ///< The present, and alarms.
    entropy& random;                 ///< Where ids and pauses come from.
    locker_options options;          ///< Of the locker that it is made for.
    /// Hears of the servers; null: nobody does. It outlives the store.
    store_observer* observer{nullptr};
};

/// What an acquisition asks for; the same for all attempts of it.
struct claim {
    std::string name;  ///< 1 to 512 bytes, any.

    /// Unique: the id, then what `holder_record` adds. Never used again after a release of it was
    /// sent: that release may arrive late.
    std::string value;
    std::chrono::milliseconds ttl{0};      ///< [10 ms, 24 h], by the store's clock.
    bool fence{true};                      ///< Draw a token.
    lock_mode mode{lock_mode::exclusive};  ///< Whom it keeps out.
    std::uint32_t permits{0};              ///< At most so many hold it at once; 0: not counted.
    bool waits{false};                     ///< Who is refused goes on waiting for it.
};

/// Who asks for a lock, for stores whose values tell of the holder.
struct claimant {
    std::string_view host;   ///< Host name.
    std::int64_t pid{0};     ///< Process id on that host.
    std::string_view owner;  ///< `acquire_options::owner`.
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
    /// For a lock that was handed over: on which `line_terms::beat` its lease counts.
    std::uint32_t beat{0};
};

/// On what terms one stands in a line.
struct line_terms {
    /// The place is kept for this long from each `ask` on; and for the rest of it a lock is held
    /// that was handed over, until it is renewed.
    std::chrono::milliseconds lease{0};
    /// How long the waiter has been waiting, if its place is to be where it came, and not at the
    /// end: strictly first come, first served.
    std::optional<std::chrono::microseconds> waited{};
    /// How many tokens in a row a grant draws, if it draws any; `grant` tells the first.
    std::uint32_t tokens{1};
    /// Which request of this seat it is, from 1 on. The place keeps the number of the request that
    /// set its lease, and a hand-over tells it: only one that answers the last request counts.
    std::uint32_t beat{1};
};

/// One who stands, or is going to stand, in the line of those who wait for a name. Whoever gives
/// the lock up hands it to the first of the line whose place has not run out, in the same step.
///
/// A seat is for one claim: all its verbs get the same `wanted`, with the same value.
/// It must not be destroyed while one of its verbs is awaited.
/// Destroying it changes nothing at the server: there the place ends with its lease, or by `leave`.
/// The rules of `store`'s verbs hold for these, too. One verb at a time.
class seat {
public:
    seat() = default;
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;
    virtual ~seat() = default;

    /// Takes the lock if it is to be had and nobody is before us, or stands in line for it; who
    /// stands there already stays where it is, with a new lease and for `wanted` as it is now.
    /// Who holds it already (it was handed over, or an answer was lost) holds it for the whole
    /// `wanted.ttl` from now on, if that is longer, with a new token.
    /// @par Errors  `contended`: in line now, with the holder where known.
    [[nodiscard]] virtual asio::awaitable<result<grant>> ask(const claim& wanted,
                                                             const line_terms& terms,
                                                             time_point deadline) = 0;
    /// Waits until the lock is handed over, which then is held for what is left of the lease that
    /// the request `grant::beat` gave, on a count from before that was sent. Nothing: it is time
    /// to ask again, because of a change, because of `until`, or for no reason.
    [[nodiscard]] virtual asio::awaitable<std::optional<grant>> await_turn(time_point until) = 0;
    /// Releases `name` if `held` holds it, and stands in line for `wanted`, in one step.
    /// May be repeated after `in_doubt`, as `ask` may.
    /// @return A grant, if nobody else was waiting; nothing: in line now.
    /// @par Errors  `lost`, as `store::release`; then it does not stand in line.
    [[nodiscard]] virtual asio::awaitable<result<std::optional<grant>>> pass_on(
        std::string_view held, const claim& wanted, const line_terms& terms,
        time_point deadline) = 0;
    /// Leaves the line, and releases the lock if `value` holds it. Idempotent.
    [[nodiscard]] virtual asio::awaitable<result<void>> leave(std::string_view value,
                                                              time_point deadline) = 0;
};

/// What a store can do beyond exclusive locks on one name.
struct store_abilities {
    bool modes{false};     ///< Shared and counted locks.
    bool several{false};   ///< `acquire_all`, ...
    bool stepwise{false};  ///< ... which takes one name after the other.
    bool lines{false};     ///< `take_seat`.

    /// `raise_token`. A quorum of such stores has fencing tokens, and lets nodes that have missed a
    /// lock take it later.
    bool raises{false};
    /// Callers choose values. So `taken` does not say that a release before it took effect.
    bool chosen_values{false};
};

/// What a store may be asked for and not be able to do.
enum class ability : std::uint8_t { shared, counted, fair, several };

/// One acquisition or release at a time without a coroutine, over and over: the way of who takes
/// and releases many locks that nobody else wants. It allocates nothing once it is warm. What is
/// no plain yes is left to a coroutine, so that what follows is decided in one place.
/// The rules of `store`'s verbs hold for these, too.
class shortcut {
public:
    /// Who is told.
    class caller {
    public:
        /// The answer is there. Called on the executor, and never within what started it.
        virtual void on_answer() = 0;

    protected:
        ~caller() = default;
    };

    shortcut() = default;
    shortcut(const shortcut&) = delete;
    shortcut& operator=(const shortcut&) = delete;
    /// What is under way is not told any more; it may still take effect.
    virtual ~shortcut() = default;

    /// Starts a `first` attempt for an exclusive lock that is not counted.
    /// @param wanted  Lives until `conclude`'s end, or until `granted` told a grant.
    /// @return false if it has to be done by `store::acquire`: nothing was done.
    [[nodiscard]] virtual bool start_acquire(const claim& wanted, time_point deadline,
                                             caller& tell) = 0;
    /// @return The grant, if the answer is a plain yes.
    [[nodiscard]] virtual std::optional<grant> granted() = 0;
    /// What `store::acquire` would have answered, whatever else it takes to know it.
    [[nodiscard]] virtual asio::awaitable<result<grant>> conclude_acquire(const claim& wanted,
                                                                          time_point deadline) = 0;

    /// @return false if it has to be done by `store::release`: nothing was done.
    /// @param fencing_token  As for `store::release_granted`.
    [[nodiscard]] virtual bool start_release(std::string_view name, std::string_view value,
                                             std::uint64_t fencing_token, time_point deadline,
                                             caller& tell) = 0;
    /// @return Whether the answer is a plain yes.
    [[nodiscard]] virtual bool released() = 0;
    /// What `store::release` would have answered.
    [[nodiscard]] virtual asio::awaitable<result<void>> conclude_release(
        std::string_view name, std::string_view value, std::uint64_t fencing_token,
        time_point deadline) = 0;
};

/// One of several renewals in one conversation.
struct renewal {
    std::string_view name;             ///< As in the claim.
    std::string_view value;            ///< As in the claim.
    std::chrono::milliseconds ttl{0};  ///< [10 ms, 24 h], by the store's clock.

    /// The token of the grant, for stores that are made of several and for holds on ranges, whose
    /// ids may come back; 0: none, or not known.
    std::uint64_t fencing_token{0};
    /// Set by the store: success: now held for `ttl` again, counted on the store's clock from when
    /// the server handled it. `lost` with `taken` (another value holds it) or `deleted` (nobody
    /// holds it; expired or removed). Else an error as above.
    result<void> outcome{};
    /// Set by the store with success: it counts for no longer than this, as another renewal, for
    /// less time, may yet arrive behind it.
    std::chrono::milliseconds at_most{std::chrono::milliseconds::max()};
};

/// What was noticed of changes.
struct change_news {
    std::vector<std::string> names{};   ///< These may have changed ...
    std::vector<std::string> broken{};  ///< ... and these were taken away from their holders.
    bool all{false};                    ///< Any may have: they have to be listed.
};

/// Hears of changes of all locks of a store. Hints: a name too many does no harm, one that is
/// missing does. What happens before the first `next` ends need not be heard, if that says `all`.
class change_feed {
public:
    change_feed() = default;
    change_feed(const change_feed&) = delete;
    change_feed& operator=(const change_feed&) = delete;
    virtual ~change_feed() = default;

    /// Waits for something to tell, until `until`; it may end early without reason. Never spins.
    /// Ends on cancellation.
    [[nodiscard]] virtual asio::awaitable<result<change_news>> next(time_point until) = 0;
};

/// A place where locks are kept.
class store {
public:
    store() = default;
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    virtual ~store() = default;

    /// Draws an identity that was never used before, of the form that this store's locks have.
    /// By default 32 hex digits, in a value that tells of the holder.
    /// @param into  What room it has is used again.
    virtual void draw_identity(entropy& random, const claimant& who, identity& into) const;
    /// @return The value of the lock with that id, where the id alone tells it; by default it does
    ///         not, and who knows only the id has to read the value first.
    [[nodiscard]] virtual std::optional<std::string> value_of(std::string_view id) const;
    /// @return What people are told instead of `name`; valid as long as that.
    [[nodiscard]] virtual std::string_view shown_name(std::string_view name) const noexcept {
        return name;
    }
    /// @return How many bytes a name may have at most.
    [[nodiscard]] virtual std::size_t name_limit() const noexcept { return name_bytes_max; }

    /// Takes `wanted.name` for `wanted.value` if nobody holds it.
    ///
    /// A `first` attempt may assume that the value was never seen. A `repeated` one says yes also
    /// if the value already holds the name, without changing its expiry, but with a new token.
    /// @par Errors  `contended`, with the holder where that can be told in time.
    [[nodiscard]] virtual asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                                                 time_point deadline) = 0;

    /// Takes all of the names, or none, each for its own value.
    /// @param wanted  1 to 64 claims, exclusive, with distinct names.
    /// @return A grant for each. As with `acquire`, a `repeated` attempt recognises its values.
    /// @par Errors  `contended`, with the holder of the first name in the way, and that name as
    ///              `failure::name`. `misuse`: see `abilities`.
    [[nodiscard]] virtual asio::awaitable<result<std::vector<grant>>> acquire_all(
        std::span<const claim> wanted, attempt which, time_point deadline);

    /// @return A way for plain acquisitions and releases; null where the store has none.
    [[nodiscard]] virtual std::unique_ptr<shortcut> make_shortcut();

    /// For who drives the executor alone: waits for answers without it, on the calling thread, for
    /// at most 10 ms, and carries out what they bring about.
    /// @param turn  Locked by the caller, as long as whose it is all of this may be used. Unlocked
    ///              while it only waits, so that others use the store meanwhile.
    /// @return false if there was nothing to wait for, or nothing came: the executor has to run.
    [[nodiscard]] virtual bool attend(std::mutex& turn);

    /// @return A place in the line for `name`, not yet taken; null where the store keeps no lines.
    [[nodiscard]] virtual std::unique_ptr<seat> take_seat(std::string_view name);

    /// @return What this store can do.
    [[nodiscard]] virtual store_abilities abilities() const noexcept { return {}; }
    /// @return Why it cannot do what `abilities` says it cannot, for people; by default nothing.
    [[nodiscard]] virtual std::string_view why_not(ability which) const noexcept;

    /// Renews each lease of `batch` that is still held by its value, in one conversation.
    /// Never brings back a lease that has run out. Idempotent. `wrong_type`: the name is in use for
    /// something else by now.
    [[nodiscard]] virtual asio::awaitable<void> renew(std::span<renewal> batch,
                                                      time_point deadline) = 0;

    /// Raises the counter of `name` to `at_least`; one that is there already stays where it is.
    /// From then on every token that is drawn for the name is above `at_least`. Idempotent.
    /// @param value     Only if this holds the name; empty: whoever holds it, or nobody.
    /// @param at_least  A token that some store of this kind has drawn.
    /// @par Errors  As `release`; by default, and where `abilities` says so, `misuse`.
    [[nodiscard]] virtual asio::awaitable<result<void>> raise_token(std::string_view name,
                                                                    std::string_view value,
                                                                    std::uint64_t at_least,
                                                                    time_point deadline);

    /// Releases `name` if `value` holds it. Idempotent, but for the answer.
    /// @par Errors  `lost` with `taken` or `deleted`: not held by that value. `wrong_type`: the
    ///              name is in use for something else; nothing was touched.
    [[nodiscard]] virtual asio::awaitable<result<void>> release(std::string_view name,
                                                                std::string_view value,
                                                                time_point deadline) = 0;

    /// As `release`, for who knows its token: of use where a value may be granted again, as the ids
    /// of holds on ranges, which callers choose.
    /// @param fencing_token  0: it has none, or that is not to be looked at.
    [[nodiscard]] virtual asio::awaitable<result<void>> release_granted(
        std::string_view name, std::string_view value, [[maybe_unused]] std::uint64_t fencing_token,
        time_point deadline) {
        return release(name, value, deadline);
    }

    /// Who asked for `name` with `claim::waits` and was refused does not wait any more: those whom
    /// that kept out may go on. By default nobody is kept out.
    [[nodiscard]] virtual asio::awaitable<void> gave_up(std::string_view name, time_point deadline);

    /// @return Who holds `name`, or nothing. Of several holders the one with that `id`, if it is
    ///         among them; else any.
    [[nodiscard]] virtual asio::awaitable<result<std::optional<lock_info>>> inspect(
        std::string_view name, std::string_view id, time_point deadline) = 0;

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

    /// @return What hears of changes of locks whose names start with `prefix`; null where nothing
    ///         does, and they have to be listed. It is destroyed before the store.
    [[nodiscard]] virtual std::unique_ptr<change_feed> watch(std::string_view prefix);

    /// Looks for what could break a lock here; see `locker::diagnose`. Changes nothing. By default
    /// it says what the store is called, and has found nothing.
    /// @par Errors  `unreachable`, `cancelled`: nothing can be told. What a server refuses is a
    ///              finding.
    [[nodiscard]] virtual asio::awaitable<result<diagnosis>> diagnose(time_point deadline);

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
