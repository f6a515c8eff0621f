// SPDX-License-Identifier: BSL-1.0
//
// What it is: store URLs, taken apart, and made fit for people to see.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include "base/secret.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::base {

/// A server's place in a network.
struct server_place {
    std::string host;       ///< Without the brackets of an IPv6 address; may be empty.
    std::uint16_t port{0};  ///< 0: none given.

    friend bool operator==(const server_place&, const server_place&) = default;
};

/// @return `HOST:PORT` or `HOST`, with the brackets of an IPv6 address.
[[nodiscard]] std::string to_string(const server_place& place);

/// A store URL, taken apart. All parts but the scheme are percent-decoded.
struct store_url {
    std::string scheme;     ///< Lower case, e.g. "redis+unix".
    std::string user;       ///< May be empty.
    secret password;        ///< May be empty.
    std::string host;       ///< Without the brackets of an IPv6 address; may be empty.
    std::uint16_t port{0};  ///< 0: none given.
    /// Of a scheme that ends in `-sentinel` or `-cluster`: the servers behind the first, which a
    /// comma precedes.
    std::vector<server_place> others;
    /// For `sqlite:` and `memory:` all behind the colon, with one leading slash for three or more;
    /// else from its slash.
    std::string path;
    std::map<std::string, std::string, std::less<>> query;

    /// @return The URL without its password and the values of its query, for people and logs.
    [[nodiscard]] std::string redacted() const;
};

/// Takes `text` apart.
/// @par Errors  `misuse`, with a text that names the rule and never quotes what may be a password.
[[nodiscard]] result<store_url> parse_store_url(std::string_view text);

/// @return Why `url` has a query option that is not in `known`, or nothing.
[[nodiscard]] std::optional<failure> check_query(const store_url& url,
                                                 const std::vector<std::string_view>& known);

}  // namespace holdfast::base
