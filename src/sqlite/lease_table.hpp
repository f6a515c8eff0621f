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
#include "sqlite/statement.hpp"

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
    /// @param shortened  Set if a lease now ends earlier than it would have.
    [[nodiscard]] int renew(std::span<renewal> batch, bool& shortened);
    /// @param outcome  Success, or `lost`.
    [[nodiscard]] int release(std::string_view name, std::string_view value, result<void>& outcome);
    [[nodiscard]] int read(std::string_view name, std::optional<lock_info>& holder);
    /// @param when  When the name is free on the timeline, unless it is renewed; the past if it is.
    [[nodiscard]] int free_at(std::string_view name, time_point& when);
    [[nodiscard]] int list(std::string_view prefix, std::vector<lock_info>& held);
    [[nodiscard]] int take_away(std::string_view name, std::optional<lock_info>& holder);

private:
    [[nodiscard]] std::int64_t now_ns() const noexcept;
    [[nodiscard]] int confirm(const claim& wanted, taking& out);
    [[nodiscard]] int renew_one(renewal& item, bool& shortened);
    [[nodiscard]] int sweep();
    [[nodiscard]] failure lost(lost_reason why) const;

    timeline& time_;
    machine where_;
    std::string address_;
    std::uint64_t grants_{0};

    transaction_statements transaction_;
    statement acquire_, confirm_, read_, list_, renew_, release_, free_;
    statement sweep_look_, sweep_note_, sweep_;
};

}  // namespace holdfast::sqlite
