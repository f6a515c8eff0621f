// SPDX-License-Identifier: BSL-1.0
//
// What it is: judges what clients did, given what was done to them: I1 to I6, I8, I9 and the
// clients' part of I11 and I12, as docs/internals/soak.md says.
// Thread safety: pure functions.
#pragma once

#include "chaos/soak/history.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace holdfast::soak {

/// A time in which a process stood still, or from which on it was dead.
struct standstill {
    int process{0};
    std::int64_t from{0};
    std::int64_t to{0};
};

/// A lock that somebody else deleted.
struct deletion {
    std::uint8_t lock{0};
    std::uint64_t holder{0};
    std::int64_t at{0};
};

/// What one client did; a process that was killed has left its clients' histories behind.
struct client_history {
    int process{0};
    std::string name;  ///< For messages.
    std::vector<record> records;
};

/// Everything that is known of a run.
struct case_file {
    std::vector<client_history> clients;
    std::vector<standstill> standstills;
    std::vector<deletion> deletions;
    std::int64_t call_ms{0};    ///< What one conversation may take.
    std::int64_t slack_ms{0};   ///< What a busy machine may add.
    std::int64_t wake_ms{0};    ///< How long a waiter may overlook a free lock.
    std::int64_t calm_from{0};  ///< From here on nothing was done to anybody.
};

/// What was found.
struct verdict {
    std::vector<std::string> violations;  ///< Each begins with the name of what was violated.
    std::uint64_t cycles{0};              ///< Locks taken and given back, or lost.
    std::uint64_t losses{0};
    std::uint64_t refusals{0};
    std::uint64_t errors{0};
    std::uint64_t unknown{0};
    std::uint64_t writes{0};
    std::uint64_t stale_writes{0};  ///< That the counter refused, for their tokens.
    std::uint64_t writes_unknown{0};
    std::int64_t latest_loss_ns{INT64_MIN};  ///< Behind the end of validity, of those that ran.
    std::string latest_loss;                 ///< Which one that was.
    std::int64_t longest_call_ns{0};         ///< Behind what it may take, likewise.
    std::map<int, std::uint64_t> losses_by_reason;
};

[[nodiscard]] verdict check(const case_file& all);

}  // namespace holdfast::soak
