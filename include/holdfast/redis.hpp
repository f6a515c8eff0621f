// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes `redis://`, `rediss://` and `redis+unix://` URLs known to lockers: locks on one
// Redis server. docs/stores/redis.md says what it guarantees and lists the URL's options.
// Thread safety: safe from any thread.
#pragma once

namespace holdfast {

/// Makes the schemes `redis`, `rediss` and `redis+unix` known. Called by including this header.
/// @return true.
bool register_redis_store();

namespace detail {
inline const bool redis_store_registered = register_redis_store();
}  // namespace detail

}  // namespace holdfast
