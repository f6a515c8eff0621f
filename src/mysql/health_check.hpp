// SPDX-License-Identifier: BSL-1.0
//
// What it is: asks a server what could break a lock or a hold there. Nothing is written: rights are
// tried by statements that touch no row.
// Thread safety: none; it belongs to the environment's executor.
#pragma once

#include <holdfast/store.hpp>

#include "mysql/store_access.hpp"

namespace holdfast::mysql {

/// @param access  Lives until the end.
/// @par Errors    `unreachable`, `denied`, `protocol`: there is no connection. `cancelled`.
[[nodiscard]] asio::awaitable<result<diagnosis>> check_health(const store_environment& env,
                                                              store_access& access,
                                                              time_point deadline);

}  // namespace holdfast::mysql
