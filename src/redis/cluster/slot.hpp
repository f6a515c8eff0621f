// SPDX-License-Identifier: BSL-1.0
//
// What it is: where the keys of a Redis Cluster are: each lies in one of 16,384 slots, and each
// slot is served by one master. Source: "Redis cluster specification", key distribution model, hash
// tags, and redirection.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include "base/store_url.hpp"
#include "redis/resp/reply.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace holdfast::redis {

inline constexpr std::uint16_t slots_of_a_cluster = 16'384;

/// @return The slot of `key`: that of what stands between its first braces, if that is not empty.
[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

/// Slots from `first` to `last`, and who serves them.
struct slot_range {
    std::uint16_t first{0};
    std::uint16_t last{0};
    base::server_place master;
};

/// Reads the reply to CLUSTER SLOTS.
/// @param asked  Who answered: stands for a master that has no host in its own answer.
/// @par Errors  `protocol`, or what the error reply means.
[[nodiscard]] result<std::vector<slot_range>> read_slots(const resp::reply& answer,
                                                         const base::server_place& asked);

/// Where another server says that a slot is.
struct redirection {
    std::uint16_t slot{0};
    base::server_place master;
    bool lasting{false};  ///< MOVED; else ASK: for what is not here any more, this time.
};

/// Reads an error reply that begins with MOVED or ASK.
/// @param asked  As for `read_slots`.
[[nodiscard]] std::optional<redirection> read_redirection(std::string_view error,
                                                          const base::server_place& asked);

/// @return Whether `error`, of a server in a cluster, says that the key is elsewhere, or is about
///         to be, or that the cluster does not serve it for now: it passes by itself.
[[nodiscard]] bool is_elsewhere(std::string_view error) noexcept;

}  // namespace holdfast::redis
