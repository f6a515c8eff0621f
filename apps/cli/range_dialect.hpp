// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast range hold|get|release --dialect range-lock`: the same commands on the
// table and the mutexes of the Node package range-lock.
// Thread safety: for one thread.
#pragma once

#include "context.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::cli {

/// The options that say that it is the package's table.
struct range_dialect {
    std::optional<std::string> whose;  ///< `--dialect`; without it: holdfast's own ranges.
    std::string mutex;                 ///< `--mutex`
};

/// What `hold` is to hold in that table.
struct dialect_range {
    std::string key;
    std::int64_t from{0};
    std::int64_t to{0};
    std::optional<std::string> data;
    std::chrono::milliseconds ttl{0};
};

/// Adds `--dialect` and `--mutex`. The options of `command` that the package has nothing for have
/// to be there already: they exclude it.
void add_range_dialect(CLI::App& command, range_dialect& given);

/// The commands; `id` may be `-`. @return The exit code.
int hold_in_dialect(const context& ctx, const range_dialect& servers, const dialect_range& wanted);
int get_in_dialect(const context& ctx, const range_dialect& servers, const std::string& key,
                   const std::string& id);
int release_in_dialect(const context& ctx, const range_dialect& servers, const std::string& key,
                       const std::string& id);

}  // namespace holdfast::cli
