// SPDX-License-Identifier: BSL-1.0
//
// What it is: a dialect as data: how its keys are spelled, what stands in them, how it counts time.
// Thread safety: plain values.
#pragma once

#include <holdfast/dialect.hpp>
#include <holdfast/entropy.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// One dialect, as one store speaks it.
struct profile {
    dialect which{};
    bool hash{false};                          ///< A hash with id and owner; else a string.
    bool tokens{true};                         ///< Whether fencing tokens may be asked for.
    bool several_names{false};                 ///< Names are what `join_names` gives.
    std::chrono::milliseconds granularity{1};  ///< Expiries are whole multiples of it.
    std::size_t name_limit{0};
    std::string (*draw_id)(entropy& random){nullptr};
    key_function key_of{};
};

[[nodiscard]] profile profile_of(dialect which, key_function key_of);

/// @return The Redis keys of a lock.
[[nodiscard]] std::vector<std::string> keys_of(const profile& how, std::string_view name);

/// @return A key for the fence counter of the lock under `key`, which a cluster puts into the same
///         slot; nothing where no key can be found that it would.
/// @par Source  Redis cluster specification, "Hash tags".
[[nodiscard]] std::optional<std::string> fence_key_beside(std::string_view key);

/// @return `ttl`, rounded up to what the dialect can express.
[[nodiscard]] std::chrono::milliseconds round_up(const profile& how, std::chrono::milliseconds ttl);

}  // namespace holdfast::redis
