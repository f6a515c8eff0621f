// SPDX-License-Identifier: BSL-1.0
//
// What it is: what clients of a simulated world do all day, and what is shared by the tests that
// let them do it.
// Thread safety: none.
#pragma once

#include "sim/oracle.hpp"
#include "sim/world.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::sim {

inline constexpr std::chrono::seconds longest_ttl{3};

/// What one schedule has done, or several.
struct tally {
    std::uint64_t grants{0};
    std::uint64_t losses{0};
    std::map<std::string, std::uint64_t> faults;

    void add(const tally& other);
    /// One line for people.
    void print(std::uint64_t first, std::uint64_t count, const std::string& of) const;
};

/// Random work of one client until `end`. Where there are several servers, only what a quorum has.
class worker {
public:
    worker(world& w, oracle& o, client& me, time_point end)
        : world_(w), oracle_(o), me_(me), end_(end) {}

    asio::awaitable<void> work();

private:
    asio::awaitable<void> one_round();
    std::string draw_name(acquire_options& options);
    asio::awaitable<void> several(acquire_options options);
    asio::awaitable<void> work_with(result<lock::held_ptr>& held);
    asio::awaitable<void> end(lock::held_ptr held);
    [[nodiscard]] time_point limit_of(milliseconds wait) const;

    world& world_;
    oracle& oracle_;
    client& me_;
    time_point end_;
    bool pauses_{world_.faults.pauses};  // Healing clears the plan.
    bool alike_{world_.faults.alike};
};

/// Starts one to three workers for each client; two more where they are alike.
void start_workers(world& w, oracle& o, time_point end);

/// I10: after healing the lock can be had.
void check_acquirable(world& w, oracle& o);

/// @return A number from the environment.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise);

}  // namespace holdfast::sim
