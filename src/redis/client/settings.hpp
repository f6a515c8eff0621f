// SPDX-License-Identifier: BSL-1.0
//
// What it is: where a Redis server is, and how one becomes its client; read from a URL.
// Thread safety: plain values.
#pragma once

#include <holdfast/errc.hpp>

#include "base/secret.hpp"
#include "base/store_url.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// See the top of the file.
struct settings {
    /// Who tell where the master is, which then stands for host and port; empty: nobody.
    std::vector<base::server_place> sentinels;
    std::string master_name;  ///< As the sentinels call it.
    /// How one becomes a client of the sentinels; empty: without a password.
    std::string sentinel_user;
    std::string sentinel_password_file;
    /// Some servers of a cluster, who tell where the others are; empty: it is no cluster.
    std::vector<base::server_place> seeds;
    /// Of a server in a cluster: a key that it serves, for the restart guard. Else empty.
    std::function<std::string()> guard_key;
    [[nodiscard]] bool in_cluster() const noexcept { return !seeds.empty(); }
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
    /// With `durability=replicated`: how many replicas must have a grant or a renewal before it
    /// counts. 0: they are not asked.
    unsigned replicas{0};
    /// With `durability=strict` and `replicated`: no lock is granted for longer, and a server that
    /// was restarted or promoted grants nothing for so long. 0: it is not asked.
    std::chrono::milliseconds longest_ttl{0};
    std::string address;  ///< For people, without password.
};

/// @return The password to use now; read from `password_file` if there is one.
/// @par Errors  `denied`: the file cannot be read.
[[nodiscard]] result<base::secret> current_password(const settings& where);

/// @return How a sentinel is reached: `where`'s way, at another place.
[[nodiscard]] settings sentinel_settings(const settings& where, const base::server_place& place);

/// Reads `redis://`, `rediss://` and `redis+unix://` URLs, and those whose schemes end in
/// `-sentinel` or `-cluster`.
/// @par Errors  `misuse`, naming the rule.
[[nodiscard]] result<settings> read_settings(std::string_view url);

}  // namespace holdfast::redis
