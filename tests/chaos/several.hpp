// SPDX-License-Identifier: BSL-1.0
//
// What it is: what tests of faults start from: several private servers, and lockers over them.
// Thread safety: none.
#pragma once

#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>

#include "lock/session.hpp"
#include "redis/keys.hpp"
#include "support/redis_server.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// @return A locker over the servers at `urls`, of which more than half have to agree.
inline locker open_quorum(const std::vector<std::string>& urls, milliseconds timeout = 1s) {
    std::vector<store_factory> nodes;
    for (const std::string& url : urls) nodes.push_back(lock::factory_for(url).value());
    return locker(quorum_of(std::move(nodes)), {.timeout = timeout});
}

/// @return Whether somebody holds `name` there.
inline bool taken(const redis_server& where, const std::string& name) {
    return where.command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
}

}  // namespace holdfast::test
