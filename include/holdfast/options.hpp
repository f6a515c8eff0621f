// SPDX-License-Identifier: BSL-1.0
//
// What it is: the options of lockers and of acquisitions, with their domains and defaults.
// Thread safety: plain values.
#pragma once

#include <holdfast/event.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace holdfast {

/// As a wait: until it is free. As a `max_hold`: without limit.
inline constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();

/// The shortest ttl: below it, drift and margin leave no time to work in.
inline constexpr std::chrono::milliseconds ttl_min{10};
/// The longest ttl.
inline constexpr std::chrono::milliseconds ttl_max = std::chrono::hours{24};
/// The longest wait other than `forever`.
inline constexpr std::chrono::milliseconds wait_max = std::chrono::hours{24};
/// A name has at least 1 and at most this many bytes.
inline constexpr std::size_t name_bytes_max = 512;
/// An owner label has at most this many bytes.
inline constexpr std::size_t owner_bytes_max = 256;

/// At most so many may hold a counted lock at once.
inline constexpr std::uint32_t permits_max = 100'000;

/// Whom a lock keeps out.
enum class lock_mode : std::uint8_t {
    exclusive,  ///< Everybody else.
    shared,     ///< Those who want it exclusively. While one of them waits, no more are let in.
};

/// How one lock is acquired and kept.
struct acquire_options {
    /// Lease length, [10 ms, 24 h]. A holder that dies blocks the others for at most this long.
    std::chrono::milliseconds ttl = std::chrono::seconds{30};
    /// Longest wait while someone else holds it: 0 tries exactly once, up to 24 h, or `forever`.
    std::chrono::milliseconds wait{0};
    /// Ends the wait early; the result is `cancelled` and nothing is left behind.
    std::stop_token stop{};
    /// Renews in the background at a third of the ttl, until released, lost, or `max_hold`.
    bool auto_renew = true;
    /// After this long the lock counts as lost (`lost_reason::max_hold`) and is renewed no more;
    /// above 0, or `forever`.
    std::chrono::milliseconds max_hold = forever;
    /// `lost()` fires this long before validity ends: the time that the work needs to stop.
    /// [0, ttl / 2 + ttl / 10]; by default a tenth of the ttl, at most 1 s.
    std::optional<std::chrono::milliseconds> stop_margin{};
    /// Draw a fencing token. Without one, a Redis store saves a counter; the token is then 0.
    bool fence = true;
    /// A label for people, shown by `inspect`: at most 256 bytes, no control characters.
    std::string owner{};
    /// Alone, or together with others that share.
    lock_mode mode = lock_mode::exclusive;
    /// A counted lock: up to so many hold the name at once, 1 to 100,000, each with a lease of its
    /// own. All who use a name should give the same number; where they differ, each keeps to its
    /// own. 0: not counted.
    std::uint32_t permits = 0;
    /// Strictly first come, first served, across processes too, among those who ask for it. Costs a
    /// script where the lock is free. Redis and memory: stores.
    bool fair = false;
    /// For `acquire_all`: only where the store takes all names in one step. Else a store that takes
    /// them one after the other, such as a Redis Cluster, is good enough.
    bool atomic = false;
};

/// How a locker speaks with its store.
struct locker_options {
    /// Bounds one conversation with the store (connect, send, reply), [1 ms, 1 h]. It does not
    /// bound the wait for a lock that someone else holds.
    std::chrono::milliseconds timeout = std::chrono::seconds{5};
    /// How far the store's clock may run faster than ours, as a fraction of the ttl, [0, 0.5].
    /// The default is the one of the Redlock description, redis.io "Distributed locks".
    double drift_factor = 0.01;
    /// Is told what happens: connections, losses, slow acquisitions; see `event_kind`. One event
    /// after the other, in their order. A blocking locker calls it on a thread that it has for
    /// users' code, which may call the locker; an `async_locker` on its strand, where it must not
    /// block. At most 256 events wait: further ones are dropped, and counted in
    /// `lock_statistics::events_dropped`. An exception of its is caught, and counted in
    /// `events_refused`. What it refers to lives as long as the locker and its guards.
    std::function<void(const event&)> on_event{};
    /// An acquisition that takes so long or longer is told as `event_kind::slow_acquire`, whether
    /// it had the lock in the end or not; [0, 24 h], 0: none is.
    std::chrono::milliseconds slow_acquire = std::chrono::seconds{1};
};

}  // namespace holdfast
