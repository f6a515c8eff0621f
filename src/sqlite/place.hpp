// SPDX-License-Identifier: BSL-1.0
//
// What it is: looks at the place where a database file is or is to be, and makes the file.
// Thread safety: safe from any thread.
// Invariants: a database file that exists is never opened here: closing it again would drop the
// locks that SQLite holds on it anywhere in this process.
#pragma once

#include <holdfast/errc.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::sqlite {

/// @return Why no database can live at `path` (a directory, no way there, hard links, NFS or
///         SMB), or why this process may not use the one that does, or nothing. The text names the
///         cause only.
[[nodiscard]] std::optional<failure> check_place(const std::string& path);

/// @return The directory that `path` names something in.
[[nodiscard]] std::string directory_of(const std::string& path);

/// @return `path` without symbolic links, whether its last part exists or not. The log of SQLite
///         lies beside that, so all that belongs to a file does.
/// @par Errors  `contended`: it has just changed; `denied`, with the cause only.
[[nodiscard]] result<std::string> true_path(const std::string& path);

/// Which file it is, by whatever name.
struct file_identity {
    std::uint64_t device{0};
    std::uint64_t inode{0};
    bool operator==(const file_identity&) const = default;
};
/// @return What `path` leads to; nothing if it leads nowhere.
[[nodiscard]] std::optional<file_identity> identity_of(const std::string& path) noexcept;

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
