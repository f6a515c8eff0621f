// SPDX-License-Identifier: BSL-1.0
//
// What it is: where a MySQL or MariaDB server is, and how one becomes its client; read from a URL.
// Thread safety: plain values.
#pragma once

#include <holdfast/errc.hpp>

#include "base/secret.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::mysql {

/// How a TCP connection is protected.
enum class tls_mode {
    off,     ///< Not at all.
    on,      ///< Encrypted, or refused; whose certificate it is is not asked.
    verify,  ///< Encrypted, and the certificate's chain and host name are checked.
};

/// See the top of the file.
struct settings {
    std::string host;  ///< Empty: `unix_path` counts.
    std::uint16_t port{3306};
    std::string unix_path;
    std::string database;
    std::string user;
    base::secret password;      ///< Empty: none, unless `password_file` is given.
    std::string password_file;  ///< Read at each connect, so that it can be changed.
    tls_mode tls{tls_mode::off};
    std::string ca_file;  ///< PEM; empty: the system's.
    std::chrono::milliseconds connect_timeout{5000};
    bool galera_allowed{false};  ///< A store may be on a node of a Galera cluster.
    std::string notify;          ///< URL of what carries notices of changes; empty: nothing does.
    std::string address;         ///< For people, without password.
};

/// @return The password to use now; read from `password_file` if there is one.
/// @par Errors  `denied`: the file cannot be read.
[[nodiscard]] result<base::secret> current_password(const settings& where);

/// What a URL is for.
enum class url_use {
    seed_table,  ///< The table of the Node package.
    store,       ///< A store of locks or holds, which knows `galera=allow` and `notify` too.
};

/// Reads `mysql://USER:PASSWORD@HOST:PORT/DATABASE` with the options `password_file`, `tls`
/// (`off`, `on`, `verify`), `ca` and `connect_timeout` (as `500ms` or `5s`), and
/// `mysql+unix://USER:PASSWORD@/PATH?db=NAME` with `db`, `user`, `password_file` and
/// `connect_timeout`.
/// @par Errors  `misuse`, naming the rule and never quoting what may be a password.
[[nodiscard]] result<settings> read_settings(std::string_view url,
                                             url_use use = url_use::seed_table);

}  // namespace holdfast::mysql
