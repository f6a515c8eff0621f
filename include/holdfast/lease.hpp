// SPDX-License-Identifier: BSL-1.0
//
// What it is: a lease as a plain value, to hand to another process, and what a store tells of a
// lock.
// Thread safety: plain values.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/options.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace holdfast {

/// What another process needs in order to carry on a lock: see `guard::hand_over`.
/// The id is a capability: who knows it can renew and release the lock.
struct lease {
    std::string name;                ///< 1 to 512 bytes.
    std::string id;                  ///< 32 lower-case hexadecimal digits.
    std::uint64_t fencing_token{0};  ///< 0: none was drawn, or it is not known.
    std::chrono::milliseconds ttl{std::chrono::seconds{30}};  ///< Used by renewals, [10 ms, 24 h].
};

/// What a store tells of one lock that is held.
struct lock_info {
    std::string name;    ///< As it was acquired.
    std::string id;      ///< The holder's id, a capability: do not log it in full.
    holder_info holder;  ///< Who it is, as far as the record tells.

    /// The highest token given out for this name so far: the holder's own or, on Redis, a later
    /// one that a refused attempt drew. 0: none.
    std::uint64_t fencing_token{0};
    std::string value;  ///< The holder's whole record, as it stands in the store.
    lock_mode mode{lock_mode::exclusive};  ///< Alone, or shared.
    bool counted{false};                   ///< Held with `acquire_options::permits`.
    std::uint32_t holders{1};  ///< How many hold it; the fields above tell of one of them.
    std::uint32_t waiters{0};  ///< How many stand in line for it, processes or waiters.
};

}  // namespace holdfast
