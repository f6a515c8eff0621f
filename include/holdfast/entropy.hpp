// SPDX-License-Identifier: BSL-1.0
//
// What it is: the port through which randomness comes in: ids and jitter.
// Thread safety: none; an entropy source belongs to one executor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast {

/// A source of random bits. `system_entropy` asks the kernel; a simulation draws from its seed.
class entropy {
public:
    entropy() = default;
    entropy(const entropy&) = delete;
    entropy& operator=(const entropy&) = delete;
    virtual ~entropy() = default;

    /// @return 128 bits that nobody can guess: a lock's id is a capability.
    [[nodiscard]] virtual std::array<std::byte, 16> id_bits() = 0;
    /// @return 64 evenly distributed bits, for jitter.
    [[nodiscard]] virtual std::uint64_t jitter_bits() = 0;
};

}  // namespace holdfast
