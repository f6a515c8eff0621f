// SPDX-License-Identifier: BSL-1.0
//
// What it is: operator new that counts. Each thread counts in a slot of its own, so that counting
// costs next to nothing.
#include "measure.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

namespace holdfast::bench {
namespace {

struct alignas(64) slot {
    std::atomic<std::uint64_t> count{0};
};
std::array<slot, 256> slots;  // Threads share one when there are more of them.
std::atomic<unsigned> threads{0};

slot& mine() noexcept {
    thread_local slot* const own = &slots[threads++ % slots.size()];
    return *own;
}

}  // namespace

std::uint64_t allocations() noexcept {
    std::uint64_t sum = 0;
    for (const slot& one : slots) sum += one.count.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace holdfast::bench

void* operator new(std::size_t bytes) {
    holdfast::bench::mine().count.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    holdfast::bench::mine().count.fetch_add(1, std::memory_order_relaxed);
    const auto step = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(step, (bytes + step - 1) / step * step))
        return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}
