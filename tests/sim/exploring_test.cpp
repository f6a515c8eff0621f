// SPDX-License-Identifier: BSL-1.0
//
// Why: the schedules that every run plays are the same, so they find a bug once or never. How: some
// more of each kind, from a seed that is another one with each commit: `./dev test` makes
// HOLDFAST_EXPLORE_SEED of the commit's hash, so whoever looks at a failure can do the same.
#include "sim/schedules.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace holdfast::sim {
namespace {

constexpr std::uint64_t schedules_of_a_kind = 200;

struct kind_of_schedules {
    const char* name;
    outcome (*run)(std::uint64_t);
};

TEST(exploring, breaks_no_promise) {
    const std::uint64_t first = from_environment("HOLDFAST_EXPLORE_SEED", 1);
    tally all;
    for (const kind_of_schedules& kind : {kind_of_schedules{"schedules", run_schedule},
                                          {"crowd_schedules", run_crowd_schedule},
                                          {"quorum_schedules", run_quorum_schedule},
                                          {"strict_schedules", run_strict_schedule}}) {
        for (std::uint64_t seed = first; seed < first + schedules_of_a_kind; ++seed) {
            const outcome end = kind.run(seed);
            all.add(end.done);
            ASSERT_TRUE(end.violations.empty())
                << end.violations.front() << "\nreplay: ./dev sim --schedules 1 --seed " << seed
                << " --only " << kind.name;
        }
    }
    all.print(first, 4 * schedules_of_a_kind, "four kinds");
}

}  // namespace
}  // namespace holdfast::sim
