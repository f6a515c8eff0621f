// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes `memory:` URLs known to lockers and range lockers: locks and holds within this
// process, for tests and for code that is to run without any store. `memory:` is private to its
// locker; lockers of `memory:NAME` share one store, and so do range lockers.
// Thread safety: safe from any thread.
#pragma once

namespace holdfast {

/// Makes the scheme `memory` known. Called by including this header. @return true.
bool register_memory_store();
/// The same for range lockers.
bool register_memory_range_store();

namespace detail {
inline const bool memory_store_registered =
    register_memory_store() && register_memory_range_store();
}  // namespace detail

}  // namespace holdfast
