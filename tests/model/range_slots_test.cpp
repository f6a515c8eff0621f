// SPDX-License-Identifier: BSL-1.0
//
// Why: the one thing that holds are for: nobody books what somebody else has.
// How: 16 clients in four processes (on the memory store: in this one) fight for the slots of one
// key, in orders of their own; then each slot was had by exactly one of them.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

#ifdef NDEBUG
constexpr std::int64_t all_slots = 2'000;
#else
constexpr std::int64_t all_slots = 500;  // The sanitizers see a few.
#endif
constexpr std::int64_t slot_length = 15;
constexpr unsigned clients_of_a_process = 4;

/// Tries each slot once. Most are taken by then, some of them by neighbours that reach into two.
/// @return How many it got, or nothing if something went wrong.
std::optional<int> fight(const std::string& url, std::int64_t slots, unsigned seed) {
    range_locker ranges{url};
    std::vector<std::int64_t> order(static_cast<std::size_t>(slots));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    range_options how;
    how.ttl = 10min;
    how.owner = "client " + std::to_string(seed);
    int got = 0;
    for (const std::int64_t slot : order) {
        auto held = ranges.hold("room", slot * slot_length, (slot + 1) * slot_length, how);
        if (!held && held.error().code == errc::contended) continue;
        if (!held || !held->hand_over()) return std::nullopt;
        ++got;
    }
    return got;
}

/// @return Whether all clients of a process went right; appends what they got to a file.
bool fight_in_threads(const std::string& url, std::int64_t slots, unsigned process,
                      const std::string& wins) {
    std::vector<std::optional<int>> got(clients_of_a_process);
    {
        std::vector<std::jthread> clients;
        for (unsigned i = 0; i < clients_of_a_process; ++i)
            clients.emplace_back(
                [&, i] { got[i] = fight(url, slots, process * clients_of_a_process + i + 1); });
    }
    std::ofstream out(wins, std::ios::app);
    for (const auto& each : got) out << each.value_or(-1) << '\n';
    return std::all_of(got.begin(), got.end(), [](const auto& each) { return each.has_value(); });
}

class range_slots : public testing::TestWithParam<store_kind> {};

TEST_P(range_slots, are_each_had_by_exactly_one) {
    const auto place = GetParam().make_place();
    const std::string url = place->url();
    const std::int64_t slots = all_slots;
    const temp_dir directory;
    const std::string wins = directory / "wins";
    std::optional<range_locker> keeper;  // What is in memory stays as long as somebody has it.
    if (GetParam().name == "memory") {
        keeper.emplace(url);
        std::vector<std::jthread> processes;
        for (unsigned i = 0; i < 4; ++i)
            processes.emplace_back([&, i] { EXPECT_TRUE(fight_in_threads(url, slots, i, wins)); });
    } else {
        std::vector<std::unique_ptr<child_process>> children;
        for (unsigned i = 0; i < 4; ++i)
            children.push_back(std::make_unique<child_process>(
                [&, i](const auto&) { return fight_in_threads(url, slots, i, wins) ? 0 : 1; }));
        for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
    }
    range_locker ranges{url};
    const auto held = ranges.list("room", everything, 10'000).value();
    ASSERT_EQ(held.size(), static_cast<std::size_t>(slots));
    for (std::size_t i = 0; i < held.size(); ++i)
        ASSERT_EQ(held[i].start, static_cast<std::int64_t>(i) * slot_length);
    std::ifstream all(wins);
    int total = 0;
    for (int one = 0; all >> one;) total += one;
    EXPECT_EQ(total, slots) << "somebody was told of a hold that is not there, or was not told";
}

INSTANTIATE_TEST_SUITE_P(every_store, range_slots, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
