// SPDX-License-Identifier: BSL-1.0
//
// What it is: the real source of randomness: getrandom(2), which is asked for some in advance.
// Thread safety: none; it belongs to its executor. After a fork the child draws afresh.
#pragma once

#include <holdfast/entropy.hpp>

#include "port/fork_sentinel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast {

/// Randomness as the kernel gives it.
class system_entropy final : public entropy {
public:
    [[nodiscard]] std::array<std::byte, 16> id_bits() override;
    [[nodiscard]] std::uint64_t jitter_bits() override;

private:
    void draw(void* into, std::size_t count);

    port::fork_sentinel home_;
    std::array<std::byte, 256> ahead_{};  // As much as the kernel gives without interruption.
    std::size_t used_{sizeof(ahead_)};    // What was given out is wiped.
};

}  // namespace holdfast
