// SPDX-License-Identifier: BSL-1.0
#include "port/system_entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

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

// What a parent has in store its forked child has too: neither may give out what the other does.
void system_entropy::draw(void* into, std::size_t count) {
    if (ahead_.size() - used_ < count || !home_.at_home()) {
        home_ = {};
        fill(ahead_.data(), ahead_.size());
        used_ = 0;
    }
    std::memcpy(into, ahead_.data() + used_, count);
    std::memset(ahead_.data() + used_, 0, count);
    used_ += count;
}

std::array<std::byte, 16> system_entropy::id_bits() {
    std::array<std::byte, 16> bits{};
    draw(bits.data(), bits.size());
    return bits;
}

std::uint64_t system_entropy::jitter_bits() {
    std::uint64_t bits = 0;
    draw(&bits, sizeof bits);
    return bits;
}

}  // namespace holdfast
