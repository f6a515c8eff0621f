// SPDX-License-Identifier: BSL-1.0
//
// What it is: what `locker::diagnose` finds in a store that could break a lock, or will one day.
// docs/reference/findings.md lists all codes.
// Thread safety: plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// How much a finding matters.
enum class severity : std::uint8_t {
    note,     ///< Worth knowing; nothing has to be done.
    warning,  ///< Locks work now, and may break or fail once something else happens.
    problem,  ///< Locks fail, or two may hold one.
};

/// @return The value's name as it stands in the source; "unknown" otherwise.
[[nodiscard]] std::string_view to_string(severity level) noexcept;

/// One thing that was found. Texts hold no password, no token and no full id of a lock.
struct finding {
    severity level{severity::note};  ///< How much it matters.
    std::string code;                ///< Stable, lower case with hyphens: `eviction-policy`.
    std::string subject;  ///< The address of the node, without password; of a quorum all of them.
    std::string text;     ///< What it is and what it leads to: one line, without a full stop.
    std::string remedy;   ///< A command or a line of a configuration; what to do otherwise.
};

/// A server that was looked at.
struct examined_server {
    std::string address;  ///< Without password.
    std::string version;  ///< For people: `Redis 7.0.15`; empty if it was not told.
    /// What no other server has, to tell whether two addresses lead to one; empty if not known.
    std::string id;
    /// How far its wall clock is ahead of ours, as far as can be told; nothing: not known.
    std::optional<std::chrono::microseconds> clock_ahead{};
    /// The shortest of a few round trips; nothing: not measured.
    std::optional<std::chrono::microseconds> round_trip{};
};

/// What a look at a store brought.
struct diagnosis {
    std::vector<finding> findings;         ///< Problems first, then warnings, then notes.
    std::vector<examined_server> servers;  ///< Those that answered, in the order of configuration.

    /// @return The highest level among the findings; nothing if there are none.
    [[nodiscard]] std::optional<severity> worst() const noexcept;
};

}  // namespace holdfast
