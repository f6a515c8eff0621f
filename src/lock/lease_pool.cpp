// SPDX-License-Identifier: BSL-1.0
#include "lock/lease_pool.hpp"

#include <utility>

namespace holdfast::lock {

/// Allocates the counters of a lease's owners within the lease. What it frees last is the lease:
/// neither owners nor observers are left then.
template <class T>
struct lease_pool::within {
    using value_type = T;

    within(std::shared_ptr<lease_pool> from, held_lease* which) noexcept
        : pool(std::move(from)), lease(which) {}
    template <class Other>
    explicit within(const within<Other>& other) noexcept : pool(other.pool), lease(other.lease) {}

    T* allocate(std::size_t /*count*/) noexcept {
        static_assert(sizeof(T) <= sizeof(held_lease::shared_counters));
        static_assert(alignof(T) <= alignof(std::max_align_t));
        return reinterpret_cast<T*>(lease->shared_counters);
    }
    void deallocate(T* /*room*/, std::size_t /*count*/) noexcept { pool->put_back(lease); }
    template <class Other>
    bool operator==(const within<Other>& other) const noexcept {
        return lease == other.lease;
    }

    std::shared_ptr<lease_pool> pool;
    held_lease* lease;
};

lease_pool::~lease_pool() {
    for (held_lease* const one : spare_) delete one;
}

held_ptr lease_pool::take() {
    held_lease* one = nullptr;
    {
        const std::scoped_lock lock(mutex_);
        if (!spare_.empty()) {
            one = spare_.back();
            spare_.pop_back();
        }
    }
    if (one)
        one->renew_life();
    else
        one = new held_lease;
    const auto nothing = [](held_lease*) noexcept {};
    return {one, nothing, within<held_lease>(shared_from_this(), one)};
}

void lease_pool::put_back(held_lease* last) noexcept {
    {
        const std::scoped_lock lock(mutex_);
        if (spare_.size() < spare_max) {
            spare_.push_back(last);
            return;
        }
    }
    delete last;
}

}  // namespace holdfast::lock
