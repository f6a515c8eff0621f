// SPDX-License-Identifier: BSL-1.0
//
// What it is: how a counter that may be forgotten still hands out rising numbers. Pure.
// Thread safety: pure functions.
//
// A counter that a server starts anew begins at 1. Tokens begin at the server's clock in
// microseconds instead: however fast a counter rose before it was forgotten (up to a million grants
// a second), the clock has since moved further. So a number below any clock value says "forgotten".
#pragma once

#include <cstdint>

namespace holdfast::core {

/// Below it no token lies: 2001-09-09 in microseconds since 1970.
inline constexpr std::uint64_t fence_floor = 1'000'000'000'000'000;

/// @return Whether a counter's answer shows that it was started anew and needs a floor.
[[nodiscard]] constexpr bool needs_floor(std::uint64_t counter) noexcept {
    return counter < fence_floor;
}

}  // namespace holdfast::core
