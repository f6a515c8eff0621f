// SPDX-License-Identifier: BSL-1.0
//
// What it is: the rights that a user of a Redis server needs for what holdfast sends there, and no
// more. `holdfast doctor --acl USER` prints them, and the tests log in with them.
// Thread safety: pure functions.
#pragma once

#include <holdfast/dialect.hpp>

#include <string>
#include <vector>

namespace holdfast {

/// What a user is to be able to do.
struct redis_acl_scope {
    bool locks{true};   ///< Our own locks: keys and channels that begin with `{hf:` and `hf:`.
    bool ranges{true};  ///< Holds on ranges: keys and channels that begin with `{hr:`.
    /// `INFO`, for `locker::diagnose` and `durability=strict`. It tells much of the server, and
    /// nothing of what is stored there.
    bool info{true};
    bool sentinel{false};    ///< For a server that sentinels watch.
    bool replicated{false};  ///< For `durability=replicated`.
    bool cluster{false};     ///< For the servers of a cluster.
    /// The locks of other packages. Those of redlock and process-lock stand under their bare names,
    /// so that these two need all keys; narrow that to the names that you use.
    std::vector<dialect> dialects{};
};

/// @return What stands behind `ACL SETUSER NAME reset on >PASSWORD`, a word each: the patterns of
///         keys and channels, `-@all`, and the commands.
[[nodiscard]] std::vector<std::string> redis_acl_rules(const redis_acl_scope& scope);

}  // namespace holdfast
