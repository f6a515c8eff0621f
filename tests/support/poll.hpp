// SPDX-License-Identifier: BSL-1.0
//
// What it is: waits for what nothing tells of, with a limit: the one place where tests sleep.
// Thread safety: safe from any thread.
#pragma once

#include <chrono>
#include <thread>

namespace holdfast::test {

/// Asks `done()` again and again. @return false if it did not come true within `limit`.
template <class Done>
[[nodiscard]] bool poll_until(Done done,
                              std::chrono::nanoseconds limit = std::chrono::seconds(30)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace holdfast::test
