// SPDX-License-Identifier: BSL-1.0
//
// What it is: where a Redis server is, and how one becomes its client; read from a URL.
// Thread safety: plain values.
#pragma once

#include <holdfast/errc.hpp>

#include "base/secret.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// See the top of the file.
struct settings {
    std::string host;  ///< Empty: `unix_path` counts.
    std::uint16_t port{6379};
    std::string unix_path;
    bool tls{false};
    std::string ca_file;        ///< PEM; empty: the system's.
    std::string cert_file;      ///< PEM, for a client certificate; empty: none.
    std::string key_file;       ///< PEM; goes with `cert_file`.
    std::string user;           ///< Empty: "default".
    base::secret password;      ///< Empty: none, unless `password_file` is given.
    std::string password_file;  ///< Read at each connect, so that it can be changed.
    unsigned database{0};
    /// With `durability=strict`: no lock is granted for longer, and a server that was restarted or
    /// promoted grants nothing for so long. 0: it is not asked.
    std::chrono::milliseconds longest_ttl{0};
    std::string address;  ///< For people, without password.
};

/// @return The password to use now; read from `password_file` if there is one.
/// @par Errors  `denied`: the file cannot be read.
[[nodiscard]] result<base::secret> current_password(const settings& where);

/// Reads `redis://`, `rediss://` and `redis+unix://` URLs.
/// @par Errors  `misuse`, naming the rule.
[[nodiscard]] result<settings> read_settings(std::string_view url);

}  // namespace holdfast::redis
