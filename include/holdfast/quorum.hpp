// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes one store out of several independent ones.
// Thread safety: pure function.
#pragma once

#include <holdfast/locker.hpp>

#include <vector>

namespace holdfast {

/// A lock is held when more than half of the stores that `nodes` make say so.
///
/// It gives no fencing tokens: `acquire_options::fence` must be false, else `misuse`; tokens of
/// several counters do not rise together.
/// @param nodes  At least one, all of one kind; two that mean the same server defeat the purpose.
/// @par Errors   Its lockers add `no_quorum`: too few nodes answered, or the votes were split.
///               Nothing is held then: what was granted in part is given back.
/// @par Cost     One round trip to the fastest majority; each node gets every request.
/// @par Source   Redlock, redis.io "Distributed locks".
[[nodiscard]] store_factory quorum_of(std::vector<store_factory> nodes);

}  // namespace holdfast
