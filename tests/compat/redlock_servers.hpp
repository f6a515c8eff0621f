// SPDX-License-Identifier: BSL-1.0
//
// What it is: a few servers of a test's own, for redlocks, and a look at each.
// Thread safety: none.
#pragma once

#include <holdfast/compat/redlock.hpp>

#include "compat/on_server.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace holdfast::test {

using compat::redlock;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// See the top of the file.
class redlock_servers : public testing::Test {
protected:
    explicit redlock_servers(int count) {
        for (int i = 0; i < count; ++i) seen_.emplace_back(servers_.emplace_back());
    }
    [[nodiscard]] std::vector<std::string> urls() const {
        std::vector<std::string> all;
        for (const redis_server& one : servers_) all.push_back(one.url());
        return all;
    }
    /// The only server, or the first.
    [[nodiscard]] on_server& there() { return seen_.front(); }
    /// @return Whether `look` comes true on every server: the last answers once a verb has ended.
    template <class Look>
    [[nodiscard]] bool all(Look look) {
        for (on_server& one : seen_)
            if (!poll_until([&] { return look(one); })) return false;
        return true;
    }

    std::deque<redis_server> servers_;
    std::deque<on_server> seen_;
};

}  // namespace holdfast::test
