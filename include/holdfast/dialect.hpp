// SPDX-License-Identifier: BSL-1.0
//
// What it is: stores that keep their locks on a Redis server the way five Node packages do, so that
// both exclude each other. docs/compat/ has a page for each: keys, values, commands, quirks.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/locker.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// Whose locks.
enum class dialect : int {
    redlock,       ///< `redlock`: strings under the name as it is; several names at once.
    warlock,       ///< `node-redis-warlock`: strings under NAME:lock.
    dist_lock,     ///< `dist-lock` 2: hashes under lock:NAME.
    dist_lock_1,   ///< `dist-lock` 1: strings under lock:NAME, expiring at whole seconds.
    process_lock,  ///< `process-lock-node`: strings under the name, expiring at whole seconds.
};

/// @return The name for people and command lines: "redlock", "dist-lock-1" and so on.
[[nodiscard]] std::string_view to_string(dialect which) noexcept;
/// @return The dialect of that name, or nothing.
[[nodiscard]] std::optional<dialect> dialect_named(std::string_view name) noexcept;

/// Turns a lock's name into the key under which it stands.
using key_function = std::function<std::string(std::string_view)>;

/// @param url     As for `locker`: `redis://`, `rediss://` or `redis+unix://`.
/// @param key_of  Replaces the dialect's own rule, where the original lets its users do that.
/// @return What makes stores in that dialect. `list` answers `misuse` on them: such locks cannot be
///         told from other keys. Fencing tokens are given in all but `redlock`, from a counter of
///         our own beside the lock: they order those who ask for them, not the originals. The owner
///         label stands in a `dist_lock` only.
/// @par Errors    `misuse`, naming the rule of the url that is broken.
[[nodiscard]] result<store_factory> open_dialect(dialect which, std::string_view url,
                                                 key_function key_of = {});

/// Several names for one lock of the redlock dialect: all or none of them are taken.
/// @param names  Each 1 to 512 bytes without NUL; at most 64.
/// @return The name to acquire.
/// @par Errors   `misuse`, naming the rule.
[[nodiscard]] result<std::string> join_names(const std::vector<std::string>& names);

}  // namespace holdfast
