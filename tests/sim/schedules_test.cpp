// SPDX-License-Identifier: BSL-1.0
//
// Why: no test written by hand finds the schedule that breaks a lock; and a quorum is where locks
// go wrong in ways that nobody thinks of: a vote that comes late, a server that comes back empty, a
// token that was drawn elsewhere. How: random schedules, with one server and with several.
// HOLDFAST_SIM_SCHEDULES and HOLDFAST_SIM_SEED choose how many and where they begin.
#include "sim/schedules.hpp"

#include <gtest/gtest.h>

#include <array>
#include <iostream>

namespace holdfast::sim {
namespace {

#ifdef NDEBUG
constexpr std::uint64_t schedules_by_default = 150;
constexpr std::uint64_t crowd_schedules_by_default = 100;
constexpr std::uint64_t quorum_schedules_by_default = 300;
#else
// Sanitizers: 40 times slower. test_sim_mutants, which has none, runs 400 of each and looks at the
// faults; these are to see that memory is kept in order.
constexpr std::uint64_t schedules_by_default = 60;
constexpr std::uint64_t crowd_schedules_by_default = 40;
constexpr std::uint64_t quorum_schedules_by_default = 15;
#endif

// A generator that stopped causing faults would find nothing for ever.
void expect_faults(tally& all, std::uint64_t count, std::initializer_list<const char*> faults) {
    for (const char* fault : faults) EXPECT_GE(all.faults[fault], count / 10) << fault;
}

tally run_all(const std::string& test, const std::string& of, std::uint64_t count,
              outcome (*run)(std::uint64_t)) {
    const std::uint64_t first = from_environment("HOLDFAST_SIM_SEED", 1);
    tally all;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const outcome end = run(seed);
        all.add(end.done);
        if (end.violations.empty()) continue;
        ADD_FAILURE() << end.violations.front() << "\nreplay: ./dev sim --schedules 1 --seed "
                      << seed << " --only " << test;
        break;
    }
    all.print(first, count, of);
    return all;
}

TEST(schedules, break_no_promise) {
    const std::uint64_t count = from_environment("HOLDFAST_SIM_SCHEDULES", schedules_by_default);
    tally all = run_all("schedules", "one server", count, run_schedule);
    if (count < 100 || HasFailure()) return;
    EXPECT_GT(all.losses, count);
    expect_faults(
        all, count,
        {"cancel", "crash", "delay", "partition", "pause", "reply lost", "request lost", "wipe"});
}

TEST(crowd_schedules, break_no_promise) {
    const std::uint64_t count =
        from_environment("HOLDFAST_SIM_SCHEDULES", crowd_schedules_by_default);
    tally all = run_all("crowd_schedules", "a crowd", count, run_crowd_schedule);
    if (count < 100 || HasFailure()) return;
    expect_faults(all, count, {"cancel", "crash", "delay", "partition", "pause", "reset", "wipe"});
}

TEST(quorum_schedules, break_no_promise) {
    const std::uint64_t count =
        from_environment("HOLDFAST_SIM_SCHEDULES", quorum_schedules_by_default);
    tally all = run_all("quorum_schedules", "a quorum", count, run_quorum_schedule);
    if (count < 100 || HasFailure()) return;
    EXPECT_GT(all.losses, count / 4);
    EXPECT_GT(all.grants, count * 10);
    expect_faults(all, count,
                  {"cancel", "crash", "delay", "partition", "pause", "reply lost", "request lost",
                   "wipe", "token raised", "filled in"});
}

TEST(strict_schedules, break_no_promise) {
    const std::uint64_t count =
        from_environment("HOLDFAST_SIM_SCHEDULES", quorum_schedules_by_default);
    tally all =
        run_all("strict_schedules", "a quorum with the restart guard", count, run_strict_schedule);
    if (count < 100 || HasFailure()) return;
    EXPECT_GT(all.grants, count * 10);
    expect_faults(all, count, {"crash", "wipe", "quarantine"});
}

}  // namespace
}  // namespace holdfast::sim
