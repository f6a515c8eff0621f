// SPDX-License-Identifier: BSL-1.0
//
// What it is: the course of `holdfast run`: guardian, lock, CMD, release.
// Thread safety: for the main thread, before any other exists.
#pragma once

#include <holdfast/options.hpp>

#include "context.hpp"
#include "exit_codes.hpp"
#include "stop_plan.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace holdfast::cli {

/// The options of `run`.
struct run_arguments {
    std::string name;
    std::vector<std::string> command;     ///< CMD and its arguments; not empty.
    acquire_options options;              ///< ttl, wait, max_hold, owner, mode, permits, fair.
    std::chrono::milliseconds grace{-1};  ///< Below 0: the default.
    std::chrono::milliseconds min_hold{0};
    int conflict_code{exit_taken};
};

/// Runs CMD under the lock. @return The exit code.
[[nodiscard]] int run_under_lock(const context& ctx, const run_arguments& given);

}  // namespace holdfast::cli
