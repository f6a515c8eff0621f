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

/// How many stores a command can speak with.
enum class store_count { one, several };

/// @param given  The values of `--store`.
/// @return The URLs of the stores: the options, else HOLDFAST_STORE, else the user's own SQLite
///         file, whose directory is then made. At least one.
/// @par Errors  `misuse`: more than one store where only one can be; none, and no home to keep a
///              file in.
[[nodiscard]] result<std::vector<std::string>> choose_stores(const std::vector<std::string>& given,
                                                             store_count allowed);

/// @return `url` without its password but with all the rest; a relative SQLite path is made
///         absolute. For CMD, which may change its directory and call us again.
[[nodiscard]] std::string url_for_children(std::string_view url);

/// @return `text` with the password of each URL within it replaced by `***`.
[[nodiscard]] std::string hide_passwords(std::string_view text);

/// Overwrites the passwords of URLs in the program's own arguments, which every user of the machine
/// can read in /proc. To be called when they were copied.
/// @param argc  How many there are; without CMD's.
void wipe_passwords(int argc, char** argv) noexcept;

}  // namespace holdfast::cli
