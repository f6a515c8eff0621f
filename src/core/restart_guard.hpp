// SPDX-License-Identifier: BSL-1.0
//
// What it is: for how long a server that has been restarted, or was made a master, grants nothing:
// it may have forgotten a lock that is still held. Pure.
// Thread safety: plain values and pure functions.
#pragma once

#include "core/lease_math.hpp"

#include <algorithm>

namespace holdfast::core {

/// What a server tells of its present run.
struct server_life {
    milliseconds up{0};    ///< For how long it has been running, at least.
    bool promoted{false};  ///< It was a replica before, which may have missed the last locks.
};

/// @param longest_ttl  No lock was granted for longer, nor renewed.
/// @return For how long a run that nobody has met before grants nothing from now on: until each
///         lock that it may have forgotten has run out.
[[nodiscard]] constexpr milliseconds quarantine_of(const server_life& life,
                                                   milliseconds longest_ttl) noexcept {
    // What a promoted one has missed may have been granted a moment ago, however long it runs.
    if (life.promoted) return longest_ttl;
    return std::max(longest_ttl - life.up, milliseconds{0});
}

}  // namespace holdfast::core
