// SPDX-License-Identifier: BSL-1.0
//
// What it is: the actions on the table of leases, each one atomic, none of which waits. It counts
// time by the machine's CLOCK_BOOTTIME, so a step of the wall clock moves no lease.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: functions give SQLite's result codes; on anything but SQLITE_OK the file stands as
// before and what they wrote to their arguments means nothing.
#pragma once

#include <holdfast/store.hpp>

#include "sqlite/machine.hpp"
#include "sqlite/share_table.hpp"
#include "sqlite/statement.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sqlite {

/// How an acquisition went.
struct taking {
    bool held{false};
    grant granted;                    ///< If held.
    std::optional<lock_info> holder;  ///< If not, where it is known.
    bool several{false};              ///< Several hold it, or hold others off: see `outlook`.
};

/// How an acquisition of several names went.
struct taking_all {
    bool held{false};
    std::vector<grant> granted;       ///< If held.
    std::size_t in_the_way{0};        ///< If not: the first name that somebody else holds.
    std::optional<lock_info> holder;  ///< And who that is.
};

/// What is to be expected of a name.
struct outlook {
    /// When it may be free on the timeline, if all goes on as it is; the past if it is.
    time_point free_at;
    /// Several hold it, or somebody waits who wants it alone: any change may be to somebody's good.
    bool several{false};
};

/// The leases in one open file.
class lease_table {
public:
    /// @param address  For the texts of failures.
    lease_table(timeline& time, machine where, std::string address);

    /// Prepares the statements.
    /// @param sweep_phase  Any number: lets processes that acquire once do their share of sweeping.
    [[nodiscard]] int prepare(const connection& db, std::uint64_t sweep_phase);

    [[nodiscard]] int acquire(const claim& wanted, attempt which, taking& out);
    [[nodiscard]] int acquire_all(std::span<const claim> wanted, attempt which, taking_all& out);
    /// @param shortened  Set if a lease now ends earlier than it would have.
    [[nodiscard]] int renew(std::span<renewal> batch, bool& shortened);
    /// @param value    Empty: whoever holds it, or nobody.
    /// @param outcome  Success, or `lost`.
    [[nodiscard]] int raise_token(std::string_view name, std::string_view value,
                                  std::uint64_t at_least, result<void>& outcome);
    /// @param outcome  Success, or `lost`.
    [[nodiscard]] int release(std::string_view name, std::string_view value, result<void>& outcome);
    /// @param lifted  Whether readers were kept out for one of this process.
    [[nodiscard]] int gave_up(std::string_view name, bool& lifted);
    /// @param id  Of several holders, tells of this one, if it is among them.
    [[nodiscard]] int read(std::string_view name, std::string_view id,
                           std::optional<lock_info>& holder);
    [[nodiscard]] int look(std::string_view name, outlook& ahead);
    [[nodiscard]] int list(std::string_view prefix, std::vector<lock_info>& held);
    [[nodiscard]] int take_away(std::string_view name, std::optional<lock_info>& holder);

private:
    [[nodiscard]] std::int64_t now_ns() const noexcept;
    /// The live row of a name in `lease`.
    struct row {
        std::string value;
        std::int64_t expires{0};
        std::int64_t fence{0};
    };
    using found_row = std::optional<row>;
    [[nodiscard]] int find(std::string_view name, std::int64_t now, found_row& held);
    [[nodiscard]] int take(const claim& wanted, std::string_view value, std::int64_t now,
                           taking& out);
    [[nodiscard]] int confirm(const claim& wanted, std::string_view value, std::int64_t now,
                              taking& out);
    [[nodiscard]] int refuse(const claim& wanted, taking& out);
    [[nodiscard]] int tell(std::string_view name, const row& held, std::string_view id,
                           std::int64_t now, std::optional<lock_info>& holder);
    [[nodiscard]] int first_in_the_way(std::span<const claim> wanted, attempt which,
                                       std::int64_t now, taking_all& out);
    [[nodiscard]] int give_all_back(std::span<const claim> wanted, const taking_all& out);

    // Among several holders, in several.cpp. All but `join` and `leave` run within a transaction.
    [[nodiscard]] int join(const claim& wanted, attempt which, taking& out);
    [[nodiscard]] int join_if_let(const claim& wanted, attempt which, taking& out);
    [[nodiscard]] int has_room(const claim& wanted, const found_row& held, std::int64_t now,
                               bool& room);
    [[nodiscard]] int enter(const claim& wanted, const found_row& held, std::int64_t now,
                            taking& out);
    [[nodiscard]] int leave(std::string_view name, std::string_view value, result<void>& outcome);
    [[nodiscard]] int renew_share(renewal& item, const row& held, std::int64_t now,
                                  bool& shortened);
    [[nodiscard]] int settle(std::string_view name, std::int64_t now);

    [[nodiscard]] int renew_one(renewal& item, bool& shortened);
    [[nodiscard]] int sweep();
    [[nodiscard]] failure lost(lost_reason why) const;

    timeline& time_;
    machine where_;
    std::string address_;
    std::uint64_t grants_{0};

    share_table shares_;
    transaction_statements transaction_;
    statement acquire_, confirm_, read_, list_, renew_, release_, free_, raise_held_, raise_any_;
    statement sweep_look_, sweep_note_, sweep_;
};

}  // namespace holdfast::sqlite
