// SPDX-License-Identifier: BSL-1.0
//
// What it is: the one place where a failure becomes an exit code and a line for people.
// Thread safety: pure functions, but for `fail`, which writes.
#pragma once

#include <holdfast/errc.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// @return The exit code for `code`; `run` alone makes 76 of a loss.
[[nodiscard]] int exit_code_of(errc code) noexcept;

/// @return Who holds it and for how long, as far as `holder` tells; a part of a sentence.
[[nodiscard]] std::string describe(const holder_info& holder);

/// Says why `command` did not succeed. @return The exit code.
int fail(std::string_view command, const failure& why);
/// The same for a command about the lock `name`.
int fail(std::string_view command, std::string_view name, const failure& why);

}  // namespace holdfast::cli
