// SPDX-License-Identifier: BSL-1.0
//
// What it is: looks at the place where a database file is or is to be, and makes the file.
// Thread safety: safe from any thread.
// Invariants: a database file that exists is never opened here: closing it again would drop the
// locks that SQLite holds on it anywhere in this process.
#pragma once

#include <holdfast/errc.hpp>

#include <optional>
#include <string>

namespace holdfast::sqlite {

/// @return Why no database can live at `path` (a directory, no way there, hard links, NFS or
///         SMB), or why this process may not use the one that does, or nothing. The text names the
///         cause only.
[[nodiscard]] std::optional<failure> check_place(const std::string& path);

/// @return The errno that says why this process may not both read and write the file at `path`; 0
///         if it may, and if nobody can tell. Asks for the effective user, as opening would, and
///         opens nothing.
[[nodiscard]] int why_barred(const std::string& path) noexcept;

/// Whether a file was there, or was made.
enum class file_origin { existed, made };

/// Makes an empty file with mode 0600 if there is none, after removing what a former one has left
/// behind. `guard_fd` is open on a file beside it; a lock on that keeps other processes out.
/// @par Errors  `denied`. `contended`: another process is just making it.
[[nodiscard]] result<file_origin> make_file(const std::string& path, int guard_fd);

/// @return "CAUSE (errno's text)".
[[nodiscard]] std::string with_errno(std::string cause, int error);

}  // namespace holdfast::sqlite
