// SPDX-License-Identifier: BSL-1.0
#include "port/system_entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace holdfast {
namespace {

void fill(void* bytes, std::size_t count) {
    auto* next = static_cast<std::byte*>(bytes);
    while (count > 0) {
        const ssize_t got = ::getrandom(next, count, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            std::abort();  // Without randomness ids could be guessed: there is no safe way on.
        }
        next += got;
        count -= static_cast<std::size_t>(got);
    }
}

}  // namespace

std::array<std::byte, 16> system_entropy::id_bits() {
    std::array<std::byte, 16> bits{};
    fill(bits.data(), bits.size());
    return bits;
}

std::uint64_t system_entropy::jitter_bits() {
    std::uint64_t bits = 0;
    fill(&bits, sizeof bits);
    return bits;
}

}  // namespace holdfast
