// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the replies of the lock's commands and scripts mean.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>

#include "redis/resp/reply.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// @param token  The reply to GET on a fence key.
/// @return Whether the counter was started anew and is about to be lifted: nobody's token yet.
[[nodiscard]] bool is_being_lifted(const resp::reply& token);

/// @param value  The reply to GET on the lock key, @param remaining to PTTL, @param token to GET on
///               the fence key.
[[nodiscard]] lock_info describe(std::string_view name, const resp::reply& value,
                                 const resp::reply& remaining, const resp::reply& token);

/// @param value, remaining  Of a holder, as scripts tell them; no text: it is not known.
[[nodiscard]] failure held_by(const resp::reply& value, const resp::reply& remaining);

/// @param answer  The reply of renew.lua or release.lua.
[[nodiscard]] result<void> ownership(const resp::reply& answer, const std::string& address);

void sort_by_name(std::vector<lock_info>& found);

}  // namespace holdfast::redis
