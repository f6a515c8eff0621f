// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a locker tells of its work, for a log. `locker_options::on_event` is told.
// Thread safety: plain values.
// Invariants: no event holds a password or a fencing token, and no more than 8 characters of an id.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

/// How much an event matters.
enum class event_level : std::uint8_t {
    info,     ///< Nothing to do.
    warning,  ///< Something got worse; work goes on.
    error,    ///< Work is in danger: a lock was lost.
};

/// What happened. Logged: append only.
enum class event_kind : std::uint8_t {
    connected = 1,         ///< The first connection to a server, or the first after an end.
    disconnected = 2,      ///< A connection ended that was not ended from here.
    connect_failed = 3,    ///< A server could not be connected to. Repeated once a minute.
    lost = 4,              ///< A lock that was held is lost.
    slow_acquire = 5,      ///< An acquisition took `locker_options::slow_acquire` or longer.
    release_in_doubt = 6,  ///< It is not known whether a release took effect; the ttl bounds it.
    renewal_late = 7,      ///< Confirmed with less than half of the validity that it begins with.
    quarantined = 8,       ///< A server grants nothing yet. Repeated once a minute.
    node_skipped = 9,      ///< A server of a quorum does not answer, and is asked seldom now.
    node_back = 10,        ///< A server of a quorum that was skipped has answered.
};

/// @return "info", "warning" or "error".
[[nodiscard]] std::string_view to_string(event_level level) noexcept;
/// @return The value's name with hyphens, e.g. "connect-failed"; "unknown" otherwise.
[[nodiscard]] std::string_view to_string(event_kind kind) noexcept;

/// Something that happened. What does not belong to its kind is empty.
struct event {
    event_level level{event_level::info};    ///< How much it matters.
    event_kind kind{event_kind::connected};  ///< What happened.
    time_point at{};                         ///< When; it is told a little later.
    /// The name of the lock, or the key of the range: bytes that others chose.
    std::string name{};
    /// The server's address, without password; of `lost` and the like the store's.
    std::string node{};
    /// The first characters of the lock's id, at most 8 and at most half of it.
    std::string id{};
    /// Why; of `slow_acquire`: what it ended with, nothing if the lock was granted.
    std::optional<errc> code{};
    lost_reason reason{lost_reason::none};  ///< Of `lost`.
    /// Of `slow_acquire`: how long it took. Of `lost`: how long it was held. Of `renewal_late`:
    /// what was left of its validity. Of `connect_failed`: the pause before the next attempt.
    std::chrono::nanoseconds duration{0};
    /// How many of this kind, or of the connections of this server, were not told before this one.
    std::uint64_t suppressed{0};
    std::string text{};  ///< For people: one line, without a full stop at its end.
};

/// @return One line of printable ASCII, `KIND key=value ...` with those that the event has; texts
///         are quoted, and bytes in them that are not printable are written as `\xNN`.
[[nodiscard]] std::string to_string(const event& what);

}  // namespace holdfast
