// SPDX-License-Identifier: BSL-1.0
//
// What it is: which store a command speaks with, and its URL as others may see it.
// Thread safety: for a process with one thread (it reads the environment).
#pragma once

#include <holdfast/errc.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// @param given  The values of `--store`.
/// @return The URL of the store: the option, else HOLDFAST_STORE, else the user's own SQLite file,
///         whose directory is then made.
/// @par Errors  `misuse`: more than one store; none, and no home to keep a file in.
[[nodiscard]] result<std::string> choose_store(const std::vector<std::string>& given);

/// @return `url` without its password but with all the rest; a relative SQLite path is made
///         absolute. For CMD, which may change its directory and call us again.
[[nodiscard]] std::string url_for_children(std::string_view url);

/// @return `text` with the password of each URL within it replaced by `***`.
[[nodiscard]] std::string hide_passwords(std::string_view text);

/// Overwrites the passwords of URLs in the program's own arguments, which every user of the machine
/// can read in /proc. To be called when they were copied.
void wipe_passwords(int argc, char** argv) noexcept;

}  // namespace holdfast::cli
