// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the commands of `holdfast range` share: the two servers, and how a range that is
// held is printed.
// Thread safety: for one thread.
#pragma once

#include <holdfast/compat/range_lock.hpp>

#include "context.hpp"
#include "output.hpp"

#include <string>

namespace holdfast::cli {

/// The options that each command of the group has.
struct range_options {
    std::string key;
    std::string whose;  ///< `--dialect`
    std::string mutex;  ///< `--mutex`
};

/// Adds KEY, `--dialect` and `--mutex`.
void add_range_options(CLI::App& command, range_options& given);

/// @return The facade on the servers that the options and the environment name. Connects later.
/// @par Errors  `misuse`: one of them is missing or wrong.
[[nodiscard]] result<compat::range_lock> open_ranges(const context& ctx,
                                                     const range_options& given);

/// Whether an id is printed as it is, or only its beginning: whoever knows it can release it.
enum class shown_id { whole, beginning };

/// @return A lock's fields, and its row in JSON.
[[nodiscard]] fields to_fields(const compat::range_lock_lock& lock, shown_id how);
[[nodiscard]] boost::json::object to_json(const compat::range_lock_lock& lock, shown_id how);

/// Says that `key` has no such lock, also as JSON. @return The exit code.
int report_no_range(const context& ctx, std::string_view command, const std::string& key);

/// The commands of the group: each adds itself to `group`.
void add_range_hold(CLI::App& group, context& ctx);
void add_range_get(CLI::App& group, context& ctx);
void add_range_release(CLI::App& group, context& ctx);

}  // namespace holdfast::cli
