// SPDX-License-Identifier: BSL-1.0
//
// What it is: ids as the Node package "range-lock" makes them: two groups of five digits from the
// time, and a random UUID, as in `03464-52391-3f2b8c1e-...`.
// Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::mysql {

/// @param epoch_ms  Milliseconds since 1970, from 0: its last five digits, then the five before.
/// @param random    128 random bits; six of them give way to the UUID's version and variant.
/// @par Source      range-lock 0.3; RFC 9562, section 5.4.
[[nodiscard]] std::string make_seed_id(std::int64_t epoch_ms,
                                       const std::array<std::byte, 16>& random);

}  // namespace holdfast::mysql
