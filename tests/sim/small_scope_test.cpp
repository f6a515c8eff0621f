// SPDX-License-Identifier: BSL-1.0
//
// Why: random schedules miss what takes a rare order of a few messages. How: all orders of all
// messages of two clients and three servers, with few faults, up to a depth.
// HOLDFAST_SIM_DEPTH looks further, HOLDFAST_SIM_SECONDS for longer.
#include "sim/small_scope.hpp"

#include "sim/worker.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>

namespace holdfast::sim {
namespace {

struct search_case {
    const char* name;
    search_scope scope;
    bool by_hand{false};  ///< It takes minutes: only where it is said for how long to look.
};

void PrintTo(const search_case& one, std::ostream* out) { *out << one.name; }

struct small_scope : testing::TestWithParam<search_case> {};

TEST_P(small_scope, breaks_no_promise) {
    if (GetParam().by_hand && from_environment("HOLDFAST_SIM_SECONDS", 0) == 0)
        GTEST_SKIP() << "takes minutes: ./dev sim --search";
    search_scope scope = GetParam().scope;
    scope.depth = from_environment("HOLDFAST_SIM_DEPTH", scope.depth);
    const auto began = std::chrono::steady_clock::now();
    const std::chrono::seconds limit(from_environment("HOLDFAST_SIM_SECONDS", 480));
    const search_result seen = search(scope, limit);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf(
        "%s, to %zu steps: %lu states, %lu paths, %lu ends, %lu cut, %lu grants, %.1f s%s\n",
        GetParam().name, scope.depth, static_cast<unsigned long>(seen.states),
        static_cast<unsigned long>(seen.paths), static_cast<unsigned long>(seen.ends),
        static_cast<unsigned long>(seen.cut), static_cast<unsigned long>(seen.grants), took.count(),
        seen.complete ? "" : ", not all of them");
    EXPECT_EQ(seen.violation, "");
    EXPECT_TRUE(seen.complete) << "the time was over first";
    EXPECT_GT(seen.grants, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    sim, small_scope,
    testing::Values(
        search_case{"all_orders", {.depth = 24}},
        search_case{"all_orders_one_loss", {.losses = 1, .depth = 12}},
        search_case{"all_orders_one_crash", {.crashes = 1, .depth = 12}},
        search_case{"all_orders_one_pause", {.pauses = 1, .depth = 12}},
        search_case{"all_orders_one_of_each", {.losses = 1, .crashes = 1, .pauses = 1, .depth = 6}},
        search_case{"to_the_end", {.swaps = 4, .depth = 1000}},
        search_case{"to_the_end_one_loss", {.losses = 1, .swaps = 1, .depth = 1000}},
        search_case{"to_the_end_one_crash", {.crashes = 1, .swaps = 1, .depth = 1000}},
        search_case{"to_the_end_one_pause", {.pauses = 1, .swaps = 1, .depth = 1000}},
        search_case{"to_the_end_loss_and_crash",
                    {.losses = 1, .crashes = 1, .swaps = 0, .depth = 1000},
                    true},
        search_case{"to_the_end_loss_and_pause",
                    {.losses = 1, .pauses = 1, .swaps = 0, .depth = 1000},
                    true},
        search_case{"to_the_end_crash_and_pause",
                    {.crashes = 1, .pauses = 1, .swaps = 0, .depth = 1000},
                    true},
        search_case{"to_the_end_one_of_each",
                    {.losses = 1, .crashes = 1, .pauses = 1, .swaps = 0, .depth = 1000},
                    true},
        search_case{"to_the_end_wiped_with_the_guard",
                    {.crashes = 1, .wipes = true, .strict = true, .swaps = 0, .depth = 1000}}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace holdfast::sim
