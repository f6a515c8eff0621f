// SPDX-License-Identifier: BSL-1.0
//
// What it is: random work under random faults, by seed, with the real engine; an oracle checks the
// promises at every step.
// Thread safety: none.
#pragma once

#include "sim/worker.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::sim {

/// What became of a schedule, or of a scenario. It ends with the first promise that is broken.
struct outcome {
    tally done;
    std::vector<std::string> violations;
};

/// One server.
[[nodiscard]] outcome run_schedule(std::uint64_t seed);
/// One server, and workers who want the same in the same way: so that within a process a lock goes
/// from hand to hand. And connections that end.
[[nodiscard]] outcome run_crowd_schedule(std::uint64_t seed);
/// Three to five of them, with the real quorum store on the clients.
[[nodiscard]] outcome run_quorum_schedule(std::uint64_t seed);
/// The same with `durability=strict`, and any number of servers that come back empty.
[[nodiscard]] outcome run_strict_schedule(std::uint64_t seed);

}  // namespace holdfast::sim
