// SPDX-License-Identifier: BSL-1.0
//
// What it is: the blocking entrance: takes locks on one store.
// Thread safety: one locker may be used by any number of threads at once; they share one
// connection, and whoever waits for a reply drives it.
// Invariants: a copy of a locker in a forked child is dead: every call answers `misuse`.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/diagnosis.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/guard.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/lock_change.hpp>
#include <holdfast/options.hpp>
#include <holdfast/statistics.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

class store;
struct store_environment;

/// Makes the store of a locker. `store_environment` is in `store.hpp`.
using store_factory = std::function<result<std::shared_ptr<store>>(const store_environment&)>;

/// Takes locks on one store, for blocking callers.
class locker {
public:
    /// Opens `url`. Connects at the first call, not here.
    ///
    /// @param url  `redis://user:pass@host:port/db`, `rediss://…`, `redis+unix:///path?db=N`,
    ///             `sqlite:PATH`, `memory:` or `memory:NAME`; see docs/stores/.
    /// @throws lock_error  `misuse` if the url or the options break a rule; the text names it.
    explicit locker(std::string_view url, const locker_options& options = {});
    /// Uses a store that `make` makes.
    explicit locker(const store_factory& make, const locker_options& options = {});
    /// As the constructor, for callers that want no exceptions.
    [[nodiscard]] static result<locker> open(std::string_view url,
                                             const locker_options& options = {});
    /// As above, with a store that `make` makes.
    [[nodiscard]] static result<locker> open(const store_factory& make,
                                             const locker_options& options = {});

    locker(locker&&) noexcept;
    locker& operator=(locker&&) noexcept;
    locker(const locker&) = delete;
    locker& operator=(const locker&) = delete;
    /// Waits up to `locker_options::timeout`, at most 1 s, for releases that guards have started.
    /// Guards that are still held outlive their locker and stay renewed.
    ~locker();

    /// Acquires `name` exclusively; waits at most `options.wait` while someone else holds it.
    ///
    /// @param name     1 to 512 bytes, any; compared byte by byte.
    /// @param options  See `acquire_options`; a value outside its domain is `misuse`.
    /// @return A guard, renewed in the background.
    /// @par Errors        `contended` (only if wait is 0), `timed_out`, `cancelled`, `unreachable`,
    ///                    `denied`, `wrong_type`, `in_doubt`, `protocol`, `misuse`. Nothing is
    ///                    held after any of them but `in_doubt`, which the ttl bounds.
    /// @par Cancellation  `options.stop`: ends at once, and what was asked for is taken back.
    /// @par Cost          One round trip for each attempt.
    /// @par Thread safety Safe to call concurrently on one locker.
    [[nodiscard]] result<guard> acquire(std::string_view name, const acquire_options& options = {});

    /// Tries exactly once: `acquire` with a wait of zero.
    [[nodiscard]] result<guard> try_acquire(std::string_view name, acquire_options options = {});

    /// Acquires all of `names`, or none; nobody waits for one of them while holding another, so
    /// callers that name them in different orders cannot block each other for good.
    ///
    /// @param names    1 to 64, distinct.
    /// @param options  As `acquire`; exclusive, and not `fair`. Who waits has no place in line, so
    ///                 single names that are in demand may keep it waiting.
    /// @return A guard for each, in the order of `names`; each is released by itself.
    /// @par Errors     As `acquire`; `failure::name` tells which name was in the way. `misuse` also
    ///                 where the store takes one name at a time (a quorum, a dialect), or one
    ///                 after the other and `atomic` was asked for (a Redis Cluster).
    /// @par Cost       A round trip for each attempt; one for each name in a Redis Cluster.
    [[nodiscard]] result<std::vector<guard>> acquire_all(const std::vector<std::string>& names,
                                                         const acquire_options& options = {});

    /// Carries on a lease that another process gave up with `guard::hand_over`, or that
    /// `holdfast acquire` printed. Valid only because its first renewal, made here, succeeded.
    ///
    /// @param handed   Name, id and ttl count; the token is carried over.
    /// @param options  `auto_renew`, `max_hold` and `stop_margin` count; the rest does not.
    /// @par Errors     `lost`: it is not held by that id any more. Else as `acquire`.
    [[nodiscard]] result<guard> adopt(const lease& handed, const acquire_options& options = {});

    /// Renews a lock of which only the lease is known, once.
    /// @return The validity that the renewal gave it, counted from now.
    /// @par Errors  `lost`, `in_doubt`, `unreachable`, `denied`, `wrong_type`, `misuse`.
    result<std::chrono::milliseconds> renew(const lease& known);

    /// Releases a lock of which only the lease is known.
    /// @par Errors  `lost`: not held by that id, nothing was touched; else as `renew`.
    result<void> release(const lease& known);

    /// @return Who holds `name`; nothing if nobody does.
    [[nodiscard]] result<std::optional<lock_info>> inspect(std::string_view name);

    /// @return All locks whose names start with `prefix`, sorted by name. Reads the whole key
    ///         space of the server on Redis, in steps: for people, not for programs.
    [[nodiscard]] result<std::vector<lock_info>> list(std::string_view prefix = {});

    /// Takes `name` away from whoever holds it, who learns of it at the next renewal.
    /// @return Who that was; nothing if nobody held it.
    result<std::optional<lock_info>> break_lock(std::string_view name);

    /// Tells of each change of locks whose names start with `prefix`, as it happens, until `stop`.
    ///
    /// It begins with those that are held. A Redis server tells of changes by itself; other stores,
    /// and quorums, are looked at about ten times a second, and less often where a look takes
    /// long. What comes and goes between two looks is not seen. When the store cannot be asked any
    /// more it is tried again, and what is different by then is told.
    /// @param tell  Called on this thread, one change at a time; may use this locker. What it
    ///              throws ends the watch and comes out of this call.
    /// @return Success, once `stop` was requested.
    /// @par Errors  What `list` says at the first look. `misuse` also for locks of a dialect.
    /// @par Cost    Memory for each lock that is held, of at most 100,000; a connection of its own
    ///              on Redis.
    result<void> watch(std::string_view prefix, const std::function<void(const lock_change&)>& tell,
                       std::stop_token stop);

    /// Looks for what could break a lock on this store: how it is configured, its state, its clock,
    /// our rights, and of a quorum whether its nodes are what they should be.
    ///
    /// Changes nothing that others could see: rights are tried in a transaction that is not carried
    /// out, or by statements that touch no row.
    /// @return What was found, worst first; a store that is well has notes at most.
    /// @par Errors  `unreachable`, `denied`, `protocol`: no server could be looked at. A node of a
    ///              quorum that cannot be is a finding while another one can.
    /// @par Cost    Up to some ten round trips, for at most `locker_options::timeout`: for people
    ///              and for checks before a start, not for every lock.
    [[nodiscard]] result<diagnosis> diagnose();

    /// @return What was counted so far; see `lock_statistics` for what fits together. Never waits
    ///         for the store. In a forked child: nothing but zeros.
    /// @par Cost  Some hundred loads, and an allocation for each server.
    [[nodiscard]] lock_statistics statistics() const;
    /// @return The store's address for people, without password.
    [[nodiscard]] const std::string& address() const noexcept;

private:
    friend class mutex;
    explicit locker(std::shared_ptr<lock::session> opened) noexcept;
    std::shared_ptr<lock::session> session_;
};

}  // namespace holdfast
