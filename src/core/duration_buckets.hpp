// SPDX-License-Identifier: BSL-1.0
//
// What it is: under which bound of a `duration_histogram` a duration is counted. Pure.
// Thread safety: pure functions.
#pragma once

#include <holdfast/statistics.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace holdfast::core {

/// The first bound that is not below the least duration of so many bits: as each bound is at least
/// twice the one before, at most one lies among the durations of as many bits.
inline constexpr std::array<std::uint8_t, 65> first_bound_of_bits = [] {
    std::array<std::uint8_t, 65> all{};
    for (unsigned bits = 1; bits < all.size(); ++bits) {
        const std::uint64_t least = std::uint64_t{1} << (bits - 1);
        std::uint8_t index = 0;
        for (const std::chrono::nanoseconds bound : duration_histogram::bounds)
            if (static_cast<std::uint64_t>(bound.count()) < least) ++index;
        all[bits] = index;
    }
    return all;
}();

/// @return The index in `duration_histogram::counts`.
[[nodiscard]] constexpr std::size_t bucket_of(std::chrono::nanoseconds took) noexcept {
    constexpr auto& bounds = duration_histogram::bounds;
    if (took.count() <= 0) return 0;
    const auto bits = std::bit_width(static_cast<std::uint64_t>(took.count()));
    const std::size_t first = first_bound_of_bits[static_cast<std::size_t>(bits)];
    return first + (first < bounds.size() && took > bounds[first] ? 1 : 0);
}

}  // namespace holdfast::core
