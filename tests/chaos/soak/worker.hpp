// SPDX-License-Identifier: BSL-1.0
//
// What it is: a process of the soak that takes, keeps, loses and gives back locks until SIGTERM:
// one client, with a thread and a locker of its own, for each store.
// Thread safety: `run_worker` is all that a process does.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::soak {

/// Locks on each store; lock `n` is the name `n % names_a_store` on store `n / names_a_store`.
inline constexpr unsigned names_a_store = 4;
/// Bounds one conversation with a store.
inline constexpr std::int64_t call_ms = 400;
/// The leases that are drawn.
inline constexpr std::array<std::uint32_t, 3> ttls_ms{400, 1000, 3000};

/// @return The name of a lock on its store.
[[nodiscard]] std::string lock_name(unsigned lock);

/// What a worker is told.
struct worker_orders {
    unsigned process{0};  ///< Which one, and ...
    unsigned life{0};     ///< ... how often it was started before.
    std::uint64_t seed{0};
    std::string directory;            ///< Where histories go, and the counters' socket is.
    std::vector<std::string> stores;  ///< URLs; spaces separate the nodes of a quorum.
};

/// @return The words that start this worker, behind the program.
[[nodiscard]] std::vector<std::string> words_of(const worker_orders& orders);
/// @return The opposite.
[[nodiscard]] worker_orders orders_of(const std::vector<std::string>& words);
/// @return Where a client's history is.
[[nodiscard]] std::string history_path(const worker_orders& orders, unsigned store);
/// @return Under what number a client's writes are counted.
[[nodiscard]] std::uint32_t client_number(const worker_orders& orders, unsigned store);

/// @return The exit code.
int run_worker(const worker_orders& orders);

}  // namespace holdfast::soak
