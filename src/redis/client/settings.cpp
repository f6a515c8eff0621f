// SPDX-License-Identifier: BSL-1.0
#include "redis/client/settings.hpp"

#include "base/store_url.hpp"

#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

failure bad(std::string rule) { return {errc::misuse, "store URL: " + std::move(rule)}; }

result<unsigned> read_database(std::string_view digits) {
    unsigned number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || error != std::errc{} || stop != end || number > 65535)
        return bad("a database is a number from 0 to 65535");
    return number;
}

std::string take(base::store_url& url, std::string_view key) {
    const auto found = url.query.find(key);
    return found == url.query.end() ? std::string() : std::move(found->second);
}

// A minute unless it says otherwise: twice the default ttl.
result<void> read_durability(base::store_url& url, settings& into) {
    const bool strict = url.query.contains("durability");
    if (strict && take(url, "durability") != "strict")
        return bad("durability is strict, or is left out");
    if (strict) into.longest_ttl = std::chrono::minutes(1);
    if (!url.query.contains("longest_ttl_ms")) return {};
    if (!strict) return bad("longest_ttl_ms goes with durability=strict");
    const std::string digits = take(url, "longest_ttl_ms");
    std::uint32_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || error != std::errc{} || stop != end || number < 10 || number > 86'400'000)
        return bad("longest_ttl_ms is a number from 10 to 86400000");
    into.longest_ttl = std::chrono::milliseconds(number);
    return {};
}

result<void> read_unix(base::store_url& url, settings& into) {
    if (auto wrong =
            base::check_query(url, {"db", "password_file", "durability", "longest_ttl_ms"}))
        return *wrong;
    if (!url.host.empty() || url.port != 0 || url.path.empty())
        return bad("redis+unix: has the form redis+unix:///PATH?db=N");
    if (url.path.size() > 100) return bad("the path of a unix socket has at most 100 bytes");
    into.unix_path = url.path;
    if (!url.query.contains("db")) return {};
    const auto number = read_database(take(url, "db"));
    if (!number) return number.error();
    into.database = *number;
    return {};
}

result<void> read_tcp(base::store_url& url, settings& into) {
    auto wrong = into.tls
                     ? base::check_query(url, {"ca_file", "cert_file", "key_file", "password_file",
                                               "durability", "longest_ttl_ms"})
                     : base::check_query(url, {"password_file", "durability", "longest_ttl_ms"});
    if (wrong) return *wrong;
    if (url.host.empty())
        return bad(url.scheme + ": needs a host, as in " + url.scheme + "://host");
    into.host = url.host;
    if (url.port != 0) into.port = url.port;
    into.ca_file = take(url, "ca_file");
    into.cert_file = take(url, "cert_file");
    into.key_file = take(url, "key_file");
    if (into.cert_file.empty() != into.key_file.empty())
        return bad("cert_file and key_file go together");
    if (url.path.empty() || url.path == "/") return {};
    const auto number = read_database(std::string_view(url.path).substr(1));
    if (!number) return number.error();
    into.database = *number;
    return {};
}

}  // namespace

result<base::secret> current_password(const settings& where) {
    return base::stored_password(where.password, where.password_file);
}

result<settings> read_settings(std::string_view text) {
    auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (url->scheme != "redis" && url->scheme != "rediss" && url->scheme != "redis+unix")
        return bad("a Redis server is redis://, rediss:// or redis+unix://, not " + url->scheme);
    settings into;
    into.address = url->redacted();
    into.tls = url->scheme == "rediss";
    into.user = url->user;
    into.password = url->password;
    auto read = url->scheme == "redis+unix" ? read_unix(*url, into) : read_tcp(*url, into);
    if (!read) return read.error();
    if (auto guarded = read_durability(*url, into); !guarded) return guarded.error();
    into.password_file = take(*url, "password_file");
    if (!into.password_file.empty() && !into.password.empty())
        return bad("a password stands either in it or in password_file, not in both");
    if (!into.user.empty() && into.password.empty() && into.password_file.empty())
        return bad("a user without a password, which may also stand in password_file");
    return into;
}

}  // namespace holdfast::redis
