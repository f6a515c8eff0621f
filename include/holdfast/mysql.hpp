// SPDX-License-Identifier: BSL-1.0
//
// What it is: makes `mysql://` and `mysql+unix://` URLs known: locks and holds in tables of a MySQL
// or MariaDB server. docs/stores/mysql.md says what it guarantees and lists the URL's options.
// Thread safety: safe from any thread.
#pragma once

namespace holdfast {

/// Makes the schemes `mysql` and `mysql+unix` known. Called by including this header.
/// @return true.
bool register_mysql_store();

namespace detail {
inline const bool mysql_store_registered = register_mysql_store();
}  // namespace detail

}  // namespace holdfast
