// SPDX-License-Identifier: BSL-1.0
//
// What it is: randomness that a test can repeat from a printed seed.
// Thread safety: none.
#pragma once

#include <holdfast/entropy.hpp>

#include <cstring>
#include <random>

namespace holdfast::test {

/// The same bits for the same seed.
class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) : engine_(seed) {}
    [[nodiscard]] std::array<std::byte, 16> id_bits() override {
        const std::array<std::uint64_t, 2> words{engine_(), engine_()};
        std::array<std::byte, 16> bits{};
        std::memcpy(bits.data(), words.data(), bits.size());
        return bits;
    }
    [[nodiscard]] std::uint64_t jitter_bits() override { return engine_(); }

private:
    std::mt19937_64 engine_;
};

}  // namespace holdfast::test
