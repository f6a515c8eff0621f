// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the place and the rights of a database file mean for locks.
// Thread safety: safe from any thread. Opens nothing, changes nothing.
#pragma once

#include <holdfast/diagnosis.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sqlite {

/// @param path  Absolute. @param address  As findings call it.
[[nodiscard]] std::vector<finding> check_file(const std::string& path, const std::string& address);

/// @param mode  What the file is in, as SQLite tells it.
[[nodiscard]] std::vector<finding> check_journal(std::string_view mode, const std::string& path,
                                                 const std::string& address);

/// @return The library's version: `SQLite 3.40.1`.
[[nodiscard]] std::string library_version();

}  // namespace holdfast::sqlite
