// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes `sqlite:PATH` URLs known to lockers: locks in a file that the processes of one
// machine share. docs/stores/sqlite.md says what it guarantees.
// Thread safety: safe from any thread.
#pragma once

namespace holdfast {

/// Makes the scheme `sqlite` known. Called by including this header. @return true.
bool register_sqlite_store();

namespace detail {
inline const bool sqlite_store_registered = register_sqlite_store();
}  // namespace detail

}  // namespace holdfast
