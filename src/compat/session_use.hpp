// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the facades share of the engine: a session in a dialect, and the verbs by id.
// Thread safety: sessions are safe from any thread; coroutines belong to a session's executor.
#pragma once

#include <holdfast/compat/start.hpp>
#include <holdfast/dialect.hpp>

#include "lock/session.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace holdfast::compat {

using detail::session_ptr;

template <class T>
using task = asio::awaitable<result<T>>;

/// @throws lock_error  `misuse`, naming the rule that is broken.
[[nodiscard]] session_ptr open_session(const store_factory& make, const locker_options& options);

/// @return Whether the lock was released: false if that id does not hold it.
[[nodiscard]] task<bool> release_by_id(session_ptr where, std::string name, std::string id);
/// @return Whether the lock was renewed: false if that id does not hold it.
[[nodiscard]] task<bool> renew_by_id(session_ptr where, std::string name, std::string id,
                                     std::chrono::milliseconds ttl);

/// @return `key` as errors name it: control bytes are question marks.
[[nodiscard]] std::string shown(std::string key);

/// @return `ttl` as whole attempts of a retrying acquisition; `retries` below 0: without end.
[[nodiscard]] lock::acquire_plan retrying(std::chrono::milliseconds ttl, std::int64_t retries,
                                          std::chrono::milliseconds delay,
                                          std::chrono::milliseconds jitter);

}  // namespace holdfast::compat
