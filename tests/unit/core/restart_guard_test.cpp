// SPDX-License-Identifier: BSL-1.0
#include "core/restart_guard.hpp"

#include <gtest/gtest.h>

namespace holdfast::core {
namespace {

using namespace std::chrono_literals;

TEST(quarantine, lasts_until_what_was_forgotten_has_run_out) {
    static_assert(quarantine_of({.up = 0ms}, 30s) == 30s);
    static_assert(quarantine_of({.up = 29'999ms}, 30s) == 1ms);
    static_assert(quarantine_of({.up = 30s}, 30s) == 0ms);
    static_assert(quarantine_of({.up = 24h}, 30s) == 0ms);
    EXPECT_EQ(quarantine_of({.up = 10s}, 0ms), 0ms);
}

// Why: a replica has been running for long when it is promoted, and has missed what the master
// granted a moment ago.
TEST(quarantine, of_a_promoted_server_is_whole_however_long_it_is_up) {
    static_assert(quarantine_of({.up = 24h, .promoted = true}, 30s) == 30s);
    EXPECT_EQ(quarantine_of({.up = 0ms, .promoted = true}, 30s), 30s);
}

}  // namespace
}  // namespace holdfast::core
