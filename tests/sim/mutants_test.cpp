// SPDX-License-Identifier: BSL-1.0
//
// Why: a simulation that finds nothing may be blind. How: bugs are planted one at a time
// (mutants.toml), each in a process of its own, and what is said there to find it has to.
// HOLDFAST_SIM_MUTANT names one that is to be looked at alone.
#include "mutants/planted.hpp"
#include "sim/scenarios.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <thread>

namespace holdfast::sim {
namespace {

/// A mutant that has not been found by then is taken for one that lives.
constexpr std::uint64_t schedules_max = 4000;
constexpr std::uint64_t plays_max = 5;
/// Nor may one run for ever: seconds of the processor's time.
constexpr ::rlim_t seconds_max = 30;

struct hunt {
    std::uint64_t tries{0};
    std::string found;  ///< What was violated, or nothing.
};

outcome run_once(std::string_view by, std::uint64_t seed) {
    if (by == "one server") return run_schedule(seed);
    if (by == "a crowd") return run_crowd_schedule(seed);
    if (by == "a quorum") return run_quorum_schedule(seed);
    if (by == "a strict quorum") return run_strict_schedule(seed);
    for (const scenario& one : scenarios())
        if (one.name == by) return one.play(seed);
    throw std::runtime_error("there is no scenario of this name");
}

hunt look_for(const mutants::mutant& one) {
    const auto played = scenarios();
    const bool random = std::none_of(played.begin(), played.end(), [&](const scenario& known) {
        return known.name == one.found_by;
    });
    hunt so_far;
    while (so_far.found.empty() && so_far.tries < (random ? schedules_max : plays_max)) {
        ++so_far.tries;
        const outcome end = run_once(one.found_by, so_far.tries);
        if (!end.violations.empty()) so_far.found = end.violations.front();
    }
    // What is broken without it, too, tells nothing of it.
    mutants::chosen = mutants::none;
    if (!so_far.found.empty() && !run_once(one.found_by, so_far.tries).violations.empty())
        so_far.found.clear();
    return so_far;
}

// In a process of its own: a bug may let it crash, or run for ever.
void hunt_in_child(std::size_t which, int to) {
    const ::rlimit limit{seconds_max, seconds_max};
    static_cast<void>(::setrlimit(RLIMIT_CPU, &limit));
    mutants::chosen = which;
    hunt end;
    try {
        end = look_for(mutants::all[which]);
    } catch (const std::exception& thrown) {
        end.found = thrown.what();
    }
    const std::string line = std::to_string(end.tries) + ' ' + end.found;
    static_cast<void>(::write(to, line.data(), line.size()));
    ::_exit(0);
}

struct running {
    std::size_t which{0};
    int from{-1};
    std::chrono::steady_clock::time_point since;
};

pid_t start(std::size_t which, running& into) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("no pipe");
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) hunt_in_child(which, pipe[1]);
    ::close(pipe[1]);
    into = {which, pipe[0], std::chrono::steady_clock::now()};
    return child;
}

std::string read_all(int from) {
    std::string text;
    std::array<char, 4096> some{};
    for (ssize_t got = 0; (got = ::read(from, some.data(), some.size())) > 0;)
        text.append(some.data(), static_cast<std::size_t>(got));
    ::close(from);
    return text;
}

// @return Whether it was found.
bool report(const running& done, int status) {
    const mutants::mutant& one = mutants::all[done.which];
    const std::string line = read_all(done.from);
    const auto blank = line.find(' ');
    std::string tries = blank == line.npos ? "?" : line.substr(0, blank);
    std::string found = blank == line.npos ? "" : line.substr(blank + 1);
    if (WIFSIGNALED(status)) found = WTERMSIG(status) == SIGALRM ? "it never ended" : "it crashed";
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - done.since;
    std::printf("%-8s %-32.*s %s\n         %5.2f s, %s of %.*s: %s\n",
                found.empty() ? "SURVIVED" : "killed", static_cast<int>(one.name.size()),
                one.name.data(), std::string(one.breaks).c_str(), took.count(), tries.c_str(),
                static_cast<int>(one.found_by.size()), one.found_by.data(),
                found.empty() ? "nothing" : found.c_str());
    return !found.empty();
}

TEST(mutants, are_all_killed) {
    const char* const only = std::getenv("HOLDFAST_SIM_MUTANT");
    const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
    const auto began = std::chrono::steady_clock::now();
    std::map<pid_t, running> open;
    std::size_t next = 0;
    std::size_t killed = 0;
    std::size_t planted = 0;
    while (next < mutants::all.size() || !open.empty()) {
        if (next < mutants::all.size() && open.size() < at_once) {
            const std::size_t which = next++;
            if (only && mutants::all[which].name != only) continue;
            ++planted;
            running one;
            const pid_t child = start(which, one);
            open[child] = one;
            continue;
        }
        int status = 0;
        const pid_t ended = ::wait(&status);
        const auto place = open.find(ended);
        ASSERT_NE(place, open.end());
        const bool found = report(place->second, status);
        EXPECT_TRUE(found) << mutants::all[place->second.which].name << " lives";
        if (found) ++killed;
        open.erase(place);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%zu of %zu mutants killed in %.1f s\n", killed, planted, took.count());
    EXPECT_GT(planted, 0U);
}

// Why: a mutant of a place that is not reached says nothing. Nor does a simulation say much of
// branches that it hardly takes.
// How: some schedules of each kind, and how often each place was met.
TEST(coverage, each_fault_and_each_branch_is_met_often) {
    constexpr std::uint64_t floor = 100;
    const std::uint64_t first = from_environment("HOLDFAST_SIM_SEED", 1);
    const std::uint64_t count = from_environment("HOLDFAST_SIM_SCHEDULES", 400);
    tally all;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        for (const auto run :
             {run_schedule, run_crowd_schedule, run_quorum_schedule, run_strict_schedule}) {
            const outcome end = run(seed);
            all.add(end.done);
            ASSERT_TRUE(end.violations.empty()) << end.violations.front() << "; seed " << seed;
        }
    }
    for (const auto& [what, times] : all.faults)
        std::printf("%9lu x %s\n", static_cast<unsigned long>(times), what.c_str());
    for (std::size_t i = 0; i < mutants::branches.size(); ++i) {
        const std::string name(mutants::branches[i]);
        const std::uint64_t times = mutants::seen_branches[i];
        std::printf("%9lu x %s\n", static_cast<unsigned long>(times), name.c_str());
        EXPECT_TRUE(times >= floor || count < 400) << name;
    }
    for (std::size_t i = 0; i < mutants::all.size(); ++i) {
        const bool often = mutants::reached[i] >= floor;
        EXPECT_TRUE(often || count < 400) << mutants::all[i].name << " is not reached";
    }
    if (count < 400) return;
    for (const char* const what : {"cancel",
                                   "crash",
                                   "delay",
                                   "handed over",
                                   "notice lost",
                                   "partition",
                                   "partition of a client",
                                   "pause",
                                   "reply lost",
                                   "request lost",
                                   "reset",
                                   "several names",
                                   "wipe",
                                   "quarantine",
                                   "token raised",
                                   "filled in",
                                   "answer: granted",
                                   "answer: contended",
                                   "answer: timed_out",
                                   "answer: cancelled",
                                   "answer: in_doubt",
                                   "answer: unreachable",
                                   "answer: no_quorum",
                                   "lost: deleted",
                                   "lost: taken",
                                   "lost: unreachable",
                                   "lost: expired",
                                   "lost: max_hold"})
        EXPECT_GE(all.faults[what], floor) << what;
}

}  // namespace
}  // namespace holdfast::sim
