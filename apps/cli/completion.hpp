// SPDX-License-Identifier: BSL-1.0
//
// What it is: completion scripts for shells, made from the very options that the program parses, so
// that they cannot differ from them.
// Thread safety: pure functions.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace holdfast::cli {

[[nodiscard]] std::string bash_completion(const CLI::App& app);
[[nodiscard]] std::string zsh_completion(const CLI::App& app);
[[nodiscard]] std::string fish_completion(const CLI::App& app);

}  // namespace holdfast::cli
