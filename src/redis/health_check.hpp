// SPDX-License-Identifier: BSL-1.0
//
// What it is: asks a server what could break a lock there, on connections of its own. Nothing that
// others could see is changed: rights are tried in a transaction that is never carried out.
// Thread safety: none; it belongs to the environment's executor.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/settings.hpp"
#include "redis/rights.hpp"

#include <string>

namespace holdfast::redis {

/// What is looked for on behalf of a store.
struct health_question {
    purposes uses{0};         ///< What it uses the server for.
    std::string key;          ///< A key that one of its locks could have.
    std::string key_pattern;  ///< What all of them match, for people.
};

/// @par Errors  `unreachable`, `denied`, `protocol`: there is no connection. `cancelled`.
[[nodiscard]] asio::awaitable<result<diagnosis>> check_health(store_environment env, settings where,
                                                              health_question about,
                                                              time_point deadline);

}  // namespace holdfast::redis
