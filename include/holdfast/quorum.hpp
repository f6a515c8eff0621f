// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes one store out of several independent ones.
// Thread safety: pure functions.
#pragma once

#include <holdfast/locker.hpp>

#include <string>
#include <vector>

namespace holdfast {

/// A lock is held when more than half of the stores that `nodes` make say so.
///
/// Exclusive locks only: shared, counted and fair ones and `acquire_all` are `misuse`, and the text
/// says why. Fencing tokens rise while a minority of the nodes is dead, behind, or restarted
/// without its data; nodes of a dialect have none, so that `acquire_options::fence` must be false.
/// A node that does not answer three times in a row is skipped for 50 ms to 5 s, unless it is
/// needed for a majority. A node that has missed a lock, or forgotten it, takes it at its next
/// renewal, those of a dialect excepted.
/// @param nodes  At least one, all of one kind; two that mean the same server defeat the purpose.
/// @par Errors   Its lockers add `no_quorum`: too few nodes answered, or the votes were split.
///               Nothing is held then: what was granted in part is given back. `failure::nodes`
///               tells what each node said, and which were skipped.
/// @par Cost     One round trip to the fastest majority; each node gets every request. With a
///               token one more where the nodes' counters differ, as after a contended attempt.
/// @par Source   Redlock, redis.io "Distributed locks"; docs/internals/quorum.md.
[[nodiscard]] store_factory quorum_of(std::vector<store_factory> nodes);

/// The same for the stores at `urls`, as `locker` understands them:
/// `locker locks(open_quorum({"redis://r1", "redis://r2", "redis://r3"}).value());`
/// @return A factory; or `misuse` if there is no URL, or one breaks a rule; the text names it.
[[nodiscard]] result<store_factory> open_quorum(const std::vector<std::string>& urls);

}  // namespace holdfast
