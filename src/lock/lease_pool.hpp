// SPDX-License-Identifier: BSL-1.0
//
// What it is: where held leases come from and go to, so that who takes and releases locks over and
// over allocates nothing: the texts of a lease keep their room, and the counters of those who share
// it lie within it.
// Thread safety: safe from any thread: the last owner of a lease may be anywhere.
#pragma once

#include "lock/held_lease.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace holdfast::lock {

/// See the top of the file.
class lease_pool : public std::enable_shared_from_this<lease_pool> {
public:
    lease_pool() { spare_.reserve(spare_max); }
    lease_pool(const lease_pool&) = delete;
    lease_pool& operator=(const lease_pool&) = delete;
    ~lease_pool();

    /// @return A lease that is held. The pool may go away before it.
    [[nodiscard]] held_ptr take();

private:
    /// How many are kept for later.
    static constexpr std::size_t spare_max = 1024;

    template <class T>
    struct within;
    void put_back(held_lease* last) noexcept;

    std::mutex mutex_;
    std::vector<held_lease*> spare_;  // Guarded by mutex_.
};

}  // namespace holdfast::lock
