// SPDX-License-Identifier: BSL-1.0
#include "port/fork_sentinel.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace holdfast::port {
namespace {

// The generation of this process: above 0, and another number after each fork.
struct generation_page {
    std::atomic<std::uint64_t>* wiped_in_children{nullptr};
    std::atomic<std::uint64_t> latest{0};  // Survives a fork, so that numbers are not used twice.

    generation_page() noexcept {
        const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        void* page =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return;
        if (::madvise(page, bytes, MADV_WIPEONFORK) != 0) return;
        wiped_in_children = ::new (page) std::atomic<std::uint64_t>(0);
    }

    std::uint64_t current() noexcept {
        // Without such a page (kernels before 4.14) the pid has to do.
        if (wiped_in_children == nullptr) return static_cast<std::uint64_t>(::getpid());
        std::uint64_t number = wiped_in_children->load(std::memory_order_relaxed);
        if (number != 0) return number;
        const std::uint64_t fresh = latest.fetch_add(1, std::memory_order_relaxed) + 1;
        if (wiped_in_children->compare_exchange_strong(number, fresh, std::memory_order_relaxed))
            return fresh;
        return number;
    }
};

generation_page& generation() noexcept {
    static generation_page page;
    return page;
}

}  // namespace

fork_sentinel::fork_sentinel() noexcept : born_in_(generation().current()) {}

bool fork_sentinel::at_home() const noexcept { return born_in_ == generation().current(); }

}  // namespace holdfast::port
