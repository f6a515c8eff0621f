// SPDX-License-Identifier: BSL-1.0
//
// What it is: what `show` and `break` print: who holds a lock, or held it. And what `renew` and
// `release` print if the lock is not held by the id that was given.
// Thread safety: writes on stdout and stderr.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>

#include "context.hpp"

#include <optional>
#include <string_view>

namespace holdfast::cli {

/// Prints what `command` found about the lock `name`. @return The exit code.
int report_holder(const context& ctx, std::string_view command, std::string_view name,
                  const result<std::optional<lock_info>>& found);

/// Says why `command` did not succeed with the lock `name`; as JSON, `done` is false where the lock
/// is not held by the id that was given. @return The exit code.
int report_not_mine(const context& ctx, std::string_view command, std::string_view name,
                    std::string_view done, const failure& why);

}  // namespace holdfast::cli
