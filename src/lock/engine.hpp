// SPDX-License-Identifier: BSL-1.0
//
// What it is: the one algorithm behind all entrances: acquires over a store, keeps what is held
// renewed, tells holders in time, releases. Blocking and coroutine callers run the same coroutines.
// Thread safety: `statistics` and `hand_over` are; everything else belongs to the executor.
// Invariants: a lease is watched from its grant until it is given up or lost; whatever may have
// been granted and is not wanted is released in the background.
#pragma once

#include <holdfast/lease.hpp>
#include <holdfast/lock_change.hpp>
#include <holdfast/options.hpp>
#include <holdfast/store.hpp>

#include "core/retry_rule.hpp"
#include "lock/held_lease.hpp"
#include "lock/lease_pool.hpp"
#include "lock/meter.hpp"
#include "lock/monitor.hpp"
#include "lock/receiver.hpp"
#include "lock/waiting_line.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace holdfast::core {
enum class step;
class claim_steps;
struct claim_limits;
}  // namespace holdfast::core

namespace holdfast::lock {

struct lock_watch;

/// How a lock is acquired and kept, with what only the facades ask for.
struct acquire_plan {
    // Not explicit: whoever asks for nothing special passes the options.
    acquire_plan(acquire_options how)  // NOLINT(google-explicit-constructor)
        : options(std::move(how)) {}

    acquire_options options;
    /// Counted attempts at fixed distances, instead of waiting for a change.
    std::optional<core::retry_rule> retry{};
    /// Renew this long before validity ends, or at a third of the ttl if that is earlier.
    core::nanoseconds renew_ahead{0};
    /// Ids of the caller's own, one for each name; empty: they are drawn. What may have been
    /// granted to such an id is never taken back: the caller may have had it before, or ask again.
    std::vector<std::string> ids{};
    /// It is not handed on within the process, and does not wait in line there.
    bool alone{false};
};

/// What an engine is made of; it keeps them alive, and lets the store go first.
struct engine_parts {
    asio::any_io_executor executor;
    std::shared_ptr<timeline> time;
    std::shared_ptr<entropy> random;
    std::shared_ptr<monitor> watch{};  ///< Null: one is made that tells `options.on_event`.
    std::shared_ptr<store> where;
    locker_options options;
    std::string host;     ///< Goes into the holder's record.
    std::int64_t pid{0};  ///< Likewise.
    /// Requests a stop on the source of a lost lease; user code runs within.
    std::function<void(std::stop_source)> signal;
};

/// See the top of the file.
class engine : public std::enable_shared_from_this<engine> {
public:
    explicit engine(engine_parts parts);
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine();

    /// `acquire` and `release` for callers that are no coroutines; on the executor. `to` lives
    /// until it is told, on the executor, and maybe within the call.
    void start_acquire(std::string_view name, const acquire_options& options,
                       receiver<held_ptr>& to);
    void start_acquire(std::string_view name, const acquire_plan& plan, receiver<held_ptr>& to);
    void start_release(const held_ptr& held, receiver<void>& to);
    /// Rests for at most 32 ms; shorter if it is seldom that others were in the way.
    /// @param in_vain  How often in a row they were, from 1 on.
    [[nodiscard]] asio::awaitable<result<void>> give_way(unsigned in_vain);

    /// As `store::attend`; `lent` is its `turn`.
    [[nodiscard]] bool attend(std::mutex& lent);

    [[nodiscard]] asio::awaitable<result<held_ptr>> acquire(std::string name, acquire_plan plan);
    /// Several names, all or none.
    [[nodiscard]] asio::awaitable<result<std::vector<held_ptr>>> acquire_all(
        std::vector<std::string> names, acquire_plan plan);
    [[nodiscard]] asio::awaitable<result<held_ptr>> adopt(lease handed, acquire_plan plan);
    [[nodiscard]] asio::awaitable<result<void>> renew(held_ptr held, core::milliseconds ttl);
    [[nodiscard]] asio::awaitable<result<void>> release(held_ptr held);
    /// The guard is gone: releases in the background what it still held.
    void drop(const held_ptr& held);
    /// Thread-safe; `let_go` follows, on the executor.
    [[nodiscard]] static result<lease> hand_over(const held_ptr& held);
    /// `held` is not held here any more: those of this process who wait for it ask the store.
    void let_go(const held_ptr& held);

    [[nodiscard]] asio::awaitable<result<core::milliseconds>> renew_known(lease known);
    [[nodiscard]] asio::awaitable<result<void>> release_known(lease known);
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> inspect(std::string name);
    [[nodiscard]] asio::awaitable<result<std::vector<lock_info>>> list(std::string prefix);
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> break_lock(std::string name);

    [[nodiscard]] asio::awaitable<result<diagnosis>> diagnose();

    /// A watch is made and destroyed here, on the executor; `next_changes` waits for at least one.
    /// @par Errors  `cancelled`. At the first look also what the store says; later it goes on.
    [[nodiscard]] asio::awaitable<result<std::shared_ptr<lock_watch>>> start_watch(
        std::string prefix);
    [[nodiscard]] asio::awaitable<result<std::vector<lock_change>>> next_changes(
        std::shared_ptr<lock_watch> watch, std::stop_token stop);
    [[nodiscard]] asio::awaitable<result<void>> end_watch(std::shared_ptr<lock_watch> watch);
    /// All of it, until it is cancelled. @param tell  Called on the executor.
    [[nodiscard]] asio::awaitable<result<void>> watch(std::string prefix,
                                                      std::function<void(const lock_change&)> tell);

    /// Waits for background releases (at most the time-out of one, at most a second), then ends
    /// everything: afterwards no coroutine of this engine or its store waits any more.
    [[nodiscard]] asio::awaitable<void> wind_down();
    /// @return The counters. Thread-safe.
    [[nodiscard]] lock_statistics statistics() const;
    [[nodiscard]] const std::string& address() const noexcept { return parts_.where->address(); }

private:
    /// Where the end of a release is told that nobody waits for.
    class nobody final : public receiver<void> {
    public:
        explicit nobody(engine& owner) noexcept : owner_(owner) {}
        void receive(result<void> end) override;
        void fail(std::exception_ptr thrown) override;

    private:
        engine& owner_;
    };

    // acquire.cpp
    struct pursuit;
    template <class T>
    asio::awaitable<result<T>> until_stopped(std::stop_token stop, asio::awaitable<result<T>> work);
    struct first_try;
    asio::awaitable<result<held_ptr>> acquire_now(std::string name, acquire_plan plan,
                                                  std::optional<first_try> begun);
    asio::awaitable<std::optional<failure>> try_claim(pursuit& aim, result<grant>& answer);
    asio::awaitable<result<grant>> attempt_once(pursuit& aim);
    asio::awaitable<void> wait_for_turn(pursuit& aim, core::step next, unsigned failures);
    core::step judge(pursuit& aim, const result<grant>& answer);
    held_ptr make_granted(pursuit& aim, const grant& given, time_point started);

    // quick.cpp
    struct quick_call;
    [[nodiscard]] bool is_quick(std::string_view name, const acquire_options& options) const;
    quick_call* take_call();
    void put_back(quick_call& done) noexcept;
    bool send_acquire(quick_call& call, std::string_view name, receiver<held_ptr>& to);
    void on_acquired(quick_call& call);
    asio::awaitable<result<held_ptr>> conclude_acquire(quick_call& call);
    void on_released(quick_call& call);
    asio::awaitable<result<void>> conclude_release(quick_call& call);

    // watch.cpp
    asio::awaitable<result<std::vector<lock_change>>> watch_on(std::shared_ptr<lock_watch> watch);
    asio::awaitable<result<void>> look_again(lock_watch& watch);
    asio::awaitable<void> await_news(lock_watch& watch);

    // several.cpp
    struct bundle;
    asio::awaitable<result<std::vector<held_ptr>>> acquire_all_now(std::vector<std::string> names,
                                                                   acquire_plan plan);
    asio::awaitable<std::optional<failure>> try_bundle(bundle& aim, std::vector<grant>& grants);

    // queueing.cpp
    enum class turn { compete, handed, over, cancelled };
    [[nodiscard]] std::optional<failure> check_abilities(const acquire_options& options) const;
    [[nodiscard]] failure cannot(std::string_view what, ability which) const;
    std::shared_ptr<waiting_line> line_for(const std::string& name);
    [[nodiscard]] std::shared_ptr<waiting_line> line_of(const held_lease& held) const;
    void forget_if_idle(const std::string& name);
    [[nodiscard]] bool lately_contended(const pursuit& aim) const;
    void join_line(pursuit& aim);
    [[nodiscard]] failure busy_here(const waiting_line::waiter& me) const;
    asio::awaitable<turn> stand_in_line(pursuit& aim);
    void use_prepared(pursuit& aim);
    void forget_doubt(pursuit& aim);
    void leave_behind(waiting_line::waiter& me);
    asio::awaitable<void> await_turn(pursuit& aim);
    void take_place(pursuit& aim);
    void leave_in_background(std::unique_ptr<seat> place, std::string value);
    bool pass_to_next(const held_ptr& held, waiting_line& line);
    asio::awaitable<result<void>> pass_through_store(held_ptr held,
                                                     std::shared_ptr<waiting_line> line);
    [[nodiscard]] line_terms terms_for(const acquire_options& options, time_point since,
                                       bool several) const;
    identity make_identity(const acquire_plan& plan, std::size_t index);
    identity draw_identity(std::string_view owner);
    void draw_identity(std::string_view owner, identity& into);
    held_ptr make_first(const std::string& name, const identity& who, const acquire_plan& plan,
                        const core::claim_steps& steps, std::uint64_t token, time_point started);
    [[nodiscard]] core::claim_limits limits_of(const acquire_plan& plan, time_point started) const;
    asio::awaitable<result<std::string>> value_of(const lease& known, time_point deadline);
    asio::awaitable<bool> pause(unsigned failures, time_point until);
    asio::awaitable<bool> nap(time_point until);
    held_ptr make_held(const std::string& name, const identity& who, std::uint64_t token,
                       const acquire_plan& plan);
    [[nodiscard]] std::size_t name_limit() const noexcept { return parts_.where->name_limit(); }

    // keeper.cpp
    void keep(const held_ptr& held);
    void unwatch(held_lease& held);
    void watch(const held_ptr& held);
    asio::awaitable<void> keep_all();
    void look_after_due(time_point now);
    void look_after(const held_ptr& held, time_point now, std::vector<held_ptr>& due);
    void renew_in_groups(std::vector<held_ptr> due);
    asio::awaitable<void> renew_group(std::vector<held_ptr> group);
    void settle(const held_ptr& held, time_point sent, const renewal& ask);
    void lose(const held_ptr& held, lost_reason why);

    // release.cpp
    /// How far a release got.
    struct release_begun {
        bool in_doubt{false};                  ///< An earlier attempt's answer was lost.
        std::optional<result<void>> answer{};  ///< Of the first attempt, if it was made already.
        std::optional<time_point> until{};     ///< When it ends, if it was begun already.
        std::uint64_t fencing_token{0};        ///< As for `store::release_granted`.
    };
    asio::awaitable<result<void>> after_release(held_ptr held, release_begun begun);
    asio::awaitable<result<void>> release_held(held_ptr held, release_begun begun);
    asio::awaitable<result<void>> release_value(std::string name, std::string value,
                                                time_point valid_until);
    asio::awaitable<result<void>> release_value(std::string name, std::string value,
                                                time_point valid_until, release_begun begun);
    void background_work_ended();
    void release_in_background(std::string name, std::string value);
    void give_up_waiting(std::span<const claim> wanted);
    void note_gone(std::string_view name, std::string_view value);
    void in_background(std::function<asio::awaitable<void>()> work);

    // telling.cpp
    void note_grant(const held_lease& held);
    failure in_vain(const std::string& name, time_point started, failure why);
    void note_renewal(const held_lease& held, time_point present);
    void note_end(held_lease& held, time_point present);
    void note_doubt(const std::string& name, const std::string& value, const failure& why);
    void count_error(const failure& why);
    [[nodiscard]] event about(const held_lease& held, event_level level, event_kind kind) const;

    [[nodiscard]] time_point now() const noexcept { return parts_.time->now(); }
    [[nodiscard]] time_point op_deadline() const noexcept { return now() + parts_.options.timeout; }

    engine_parts parts_;
    meter counted_;
    core::nanoseconds slow_;  // From then on an acquisition is told of.
    watch_list watched_;
    alarm keeper_alarm_;
    time_point keeper_wakes_{time_point::min()};  // When the keeper will; while it runs: past.
    alarm idle_alarm_;                            // Woken when the last background release ends.
    std::set<alarm*> naps_;  // Of coroutines that pause; woken when the engine winds down.
    std::map<std::string, std::shared_ptr<waiting_line>, std::less<>> lines_;
    bool keeping_{false};
    bool stopped_{false};
    std::size_t background_{0};
    nobody nobody_{*this};
    std::shared_ptr<lease_pool> leases_{std::make_shared<lease_pool>()};
    std::list<quick_call> calls_;        // Under way.
    std::list<quick_call> spare_calls_;  // For later: with what room they have.
    bool has_shortcuts_{true};           // As far as is known.
};

}  // namespace holdfast::lock
