// SPDX-License-Identifier: BSL-1.0
#include "redis/client/settings.hpp"

#include "base/store_url.hpp"

#include <algorithm>
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

// The option `key`, if it is there, for who asks for a durability of that kind.
result<void> read_number(base::store_url& url, std::string_view key, std::string_view goes_with,
                         bool asked, std::uint32_t least, std::uint32_t most, auto& into) {
    if (!url.query.contains(key)) return {};
    const std::string name(key);
    if (!asked) return bad(name + " goes with durability=" + std::string(goes_with));
    const std::string digits = take(url, key);
    std::uint32_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || error != std::errc{} || stop != end || number < least || number > most)
        return bad(name + " is a number from " + std::to_string(least) + " to " +
                   std::to_string(most));
    into = std::remove_reference_t<decltype(into)>(number);
    return {};
}

// A minute unless it says otherwise: twice the default ttl.
result<void> read_durability(base::store_url& url, settings& into) {
    const bool asked = url.query.contains("durability");
    const std::string kind = take(url, "durability");
    const bool replicated = kind == "replicated";
    if (asked && kind != "strict" && !replicated)
        return bad("durability is strict or replicated, or is left out");
    if (asked) into.longest_ttl = std::chrono::minutes(1);
    if (replicated) into.replicas = 1;
    auto read =
        read_number(url, "longest_ttl_ms", "strict", asked, 10, 86'400'000, into.longest_ttl);
    if (read) read = read_number(url, "replicas", "replicated", replicated, 1, 9, into.replicas);
    return read;
}

result<void> read_unix(base::store_url& url, settings& into) {
    if (auto wrong = base::check_query(
            url, {"db", "password_file", "durability", "longest_ttl_ms", "replicas"}))
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

result<void> read_certificates(base::store_url& url, settings& into) {
    into.ca_file = take(url, "ca_file");
    into.cert_file = take(url, "cert_file");
    into.key_file = take(url, "key_file");
    if (into.cert_file.empty() != into.key_file.empty())
        return bad("cert_file and key_file go together");
    return {};
}

// The places that stand in `url`, each with a port.
std::vector<base::server_place> places_in(const base::store_url& url, std::uint16_t usual_port) {
    std::vector<base::server_place> all{{url.host, url.port}};
    all.insert(all.end(), url.others.begin(), url.others.end());
    std::vector<base::server_place> places;
    for (base::server_place& each : all) {
        if (each.port == 0) each.port = usual_port;
        // One that is named twice has one vote.
        if (std::find(places.begin(), places.end(), each) == places.end()) places.push_back(each);
    }
    return places;
}

result<void> read_cluster(base::store_url& url, settings& into) {
    auto wrong =
        into.tls
            ? base::check_query(url, {"ca_file", "cert_file", "key_file", "password_file",
                                      "durability", "longest_ttl_ms", "replicas"})
            : base::check_query(url, {"password_file", "durability", "longest_ttl_ms", "replicas"});
    if (wrong) return *wrong;
    if (url.host.empty() || (!url.path.empty() && url.path != "/"))
        return bad(url.scheme + ": has the form " + url.scheme +
                   "://SERVER,SERVER; a cluster has one database");
    into.seeds = places_in(url, into.port);
    return read_certificates(url, into);
}

result<void> read_sentinel(base::store_url& url, settings& into) {
    constexpr std::uint16_t usual_port = 26379;
    auto wrong =
        into.tls
            ? base::check_query(
                  url, {"ca_file", "cert_file", "key_file", "password_file", "sentinel_user",
                        "sentinel_password_file", "db", "durability", "longest_ttl_ms", "replicas"})
            : base::check_query(url, {"password_file", "sentinel_user", "sentinel_password_file",
                                      "db", "durability", "longest_ttl_ms", "replicas"});
    if (wrong) return *wrong;
    const std::string_view master = std::string_view(url.path).substr(url.path.empty() ? 0 : 1);
    if (url.host.empty() || master.empty() || master.find('/') != master.npos)
        return bad(url.scheme + ": has the form " + url.scheme + "://SENTINEL,SENTINEL/MASTER");
    // sentinel.c: only [A-Za-z0-9.-_].
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    };
    if (!std::all_of(master.begin(), master.end(), allowed))
        return bad("the name of a master has letters, digits, '.', '-' and '_' alone");
    into.sentinels = places_in(url, usual_port);
    into.master_name = master;
    into.sentinel_user = take(url, "sentinel_user");
    into.sentinel_password_file = take(url, "sentinel_password_file");
    if (!into.sentinel_user.empty() && into.sentinel_password_file.empty())
        return bad("sentinel_user goes with sentinel_password_file");
    if (auto read = read_certificates(url, into); !read) return read.error();
    if (!url.query.contains("db")) return {};
    const auto number = read_database(take(url, "db"));
    if (!number) return number.error();
    into.database = *number;
    return {};
}

result<void> read_tcp(base::store_url& url, settings& into) {
    auto wrong =
        into.tls
            ? base::check_query(url, {"ca_file", "cert_file", "key_file", "password_file",
                                      "durability", "longest_ttl_ms", "replicas"})
            : base::check_query(url, {"password_file", "durability", "longest_ttl_ms", "replicas"});
    if (wrong) return *wrong;
    if (url.host.empty())
        return bad(url.scheme + ": needs a host, as in " + url.scheme + "://host");
    if (url.host.find(',') != url.host.npos)
        return bad(url.scheme + ": names one server; a quorum is several URLs");
    into.host = url.host;
    if (url.port != 0) into.port = url.port;
    if (auto read = read_certificates(url, into); !read) return read.error();
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

settings sentinel_settings(const settings& where, const base::server_place& place) {
    settings into = where;
    into.sentinels.clear();
    into.host = place.host;
    into.port = place.port;
    into.user = where.sentinel_user;
    into.password = {};
    into.password_file = where.sentinel_password_file;
    into.database = 0;
    into.replicas = 0;
    into.longest_ttl = {};
    into.address = "sentinel " + to_string(place);
    return into;
}

result<settings> read_settings(std::string_view text) {
    auto url = base::parse_store_url(text);
    if (!url) return url.error();
    const bool sentinels = url->scheme.ends_with("-sentinel");
    const bool cluster = url->scheme.ends_with("-cluster");
    const auto end = sentinels || cluster ? url->scheme.rfind('-') : url->scheme.npos;
    const std::string_view scheme = std::string_view(url->scheme).substr(0, end);
    const bool unix_socket = scheme == "redis+unix" && end == url->scheme.npos;
    if (scheme != "redis" && scheme != "rediss" && !unix_socket)
        return bad(
            "a Redis server is redis://, rediss:// or redis+unix://, what sentinels watch "
            "is redis-sentinel://, and a cluster redis-cluster:// (or rediss-), not " +
            url->scheme);
    settings into;
    into.address = url->redacted();
    into.tls = scheme == "rediss";
    into.user = url->user;
    into.password = url->password;
    auto* const reader = sentinels     ? &read_sentinel
                         : cluster     ? &read_cluster
                         : unix_socket ? &read_unix
                                       : &read_tcp;
    if (auto read = reader(*url, into); !read) return read.error();
    if (auto guarded = read_durability(*url, into); !guarded) return guarded.error();
    if (const auto file = url->query.find("password_file");
        file != url->query.end() && file->second.empty())
        return bad("password_file names a file");
    into.password_file = take(*url, "password_file");
    if (!into.password_file.empty() && !into.password.empty())
        return bad("a password stands either in it or in password_file, not in both");
    if (!into.user.empty() && into.password.empty() && into.password_file.empty())
        return bad("a user without a password, which may also stand in password_file");
    return into;
}

}  // namespace holdfast::redis
