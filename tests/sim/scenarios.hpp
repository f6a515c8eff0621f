// SPDX-License-Identifier: BSL-1.0
//
// What it is: what random schedules show too rarely, or not at all, because it ends by its ttl
// anyway: that what is nobody's is given back at once, that who waits is served at once, that a
// lock is kept for as long as it can be. One after the other, each with its own world.
// Thread safety: none.
#pragma once

#include "sim/schedules.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::sim {

/// See the top of the file.
struct scenario {
    std::string_view name;
    outcome (*play)(std::uint64_t seed);
};

[[nodiscard]] std::span<const scenario> scenarios();

}  // namespace holdfast::sim
