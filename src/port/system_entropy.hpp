// SPDX-License-Identifier: BSL-1.0
//
// What it is: the real source of randomness: getrandom(2).
// Thread safety: safe from any thread, also after fork: nothing is buffered.
#pragma once

#include <holdfast/entropy.hpp>

namespace holdfast {

/// Randomness as the kernel gives it.
class system_entropy final : public entropy {
public:
    [[nodiscard]] std::array<std::byte, 16> id_bits() override;
    [[nodiscard]] std::uint64_t jitter_bits() override;
};

}  // namespace holdfast
