// SPDX-License-Identifier: BSL-1.0
//
// What it is: the words that the program was given, before and after they are parsed: which of them
// are CMD's, and what is said of those that have no place.
// Thread safety: pure functions.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace holdfast::cli {

/// The program's own words, and what `run` is to run.
struct command_line {
    std::vector<std::string> words;
    std::vector<std::string> command;
};

/// Cuts CMD's words off, so that no rule of the parser ever touches them. They stand behind the
/// first `--` after NAME; an earlier `--` ends the options, as in other commands. An option that
/// takes a value takes the next word, also `--`.
/// @param app  What is to parse the rest, with all its commands.
[[nodiscard]] command_line split(const CLI::App& app, std::vector<std::string> words);

/// @return What is wrong with words that `app` has refused as `error` says, for people.
[[nodiscard]] std::string explain(const CLI::App& app, const CLI::ParseError& error,
                                  const std::vector<std::string>& command);

}  // namespace holdfast::cli
