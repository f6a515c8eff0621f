// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/settings.hpp"

#include "base/store_url.hpp"

#include <charconv>
#include <utility>

namespace holdfast::mysql {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds connect_timeout_max = std::chrono::hours{1};

failure bad_url(std::string rule) { return {errc::misuse, "store URL: " + std::move(rule)}; }

std::string take(base::store_url& url, std::string_view key) {
    const auto found = url.query.find(key);
    return found == url.query.end() ? std::string() : std::move(found->second);
}

result<milliseconds> read_timeout(std::string_view text) {
    std::int64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    const bool known = unit == "ms" || unit == "s";
    // Compared before it is multiplied, so that nothing overflows.
    if (error != std::errc{} || !known || count < 1 || count > connect_timeout_max.count())
        return bad_url("connect_timeout has the form 500ms or 5s, from 1ms to 3600s");
    const milliseconds limit(unit == "s" ? count * 1000 : count);
    if (limit > connect_timeout_max)
        return bad_url("connect_timeout has the form 500ms or 5s, from 1ms to 3600s");
    return limit;
}

result<void> read_database(std::string name, settings& into) {
    if (name.empty()) return bad_url("it names no database");
    if (name.size() > 256 || name.find('\0') != std::string::npos ||
        name.find('/') != std::string::npos)
        return bad_url("a database has at most 256 bytes, without NUL and without '/'");
    into.database = std::move(name);
    return {};
}

/// What stores know, and the table of the Node package does not.
result<void> read_store_options(base::store_url& url, settings& into) {
    if (url.query.contains("notify")) {
        into.notify = take(url, "notify");
        url.query.erase("notify");
        if (into.notify.empty()) return bad_url("notify is the URL of a Redis server");
    }
    if (!url.query.contains("galera")) return {};
    const std::string said = take(url, "galera");
    url.query.erase("galera");
    if (said != "allow") return bad_url("galera is allow, or left out");
    into.galera_allowed = true;
    return {};
}

result<void> check_options(const base::store_url& url, url_use use) {
    std::vector<std::string_view> known{"db", "user", "password_file", "connect_timeout"};
    if (url.scheme == "mysql") known = {"password_file", "tls", "ca", "connect_timeout"};
    if (use == url_use::store) known.insert(known.end(), {"galera", "notify"});
    if (auto wrong = base::check_query(url, known)) return *wrong;
    return {};
}

result<void> read_unix(base::store_url& url, settings& into) {
    if (!url.host.empty() || url.port != 0 || url.path.empty())
        return bad_url("mysql+unix: has the form mysql+unix:///PATH?db=NAME");
    if (url.path.size() > 100) return bad_url("the path of a unix socket has at most 100 bytes");
    into.unix_path = url.path;
    if (url.query.contains("user")) {
        if (!into.user.empty()) return bad_url("a user stands either before '@' or in user");
        into.user = take(url, "user");
    }
    return read_database(take(url, "db"), into);
}

result<void> read_tcp(base::store_url& url, settings& into) {
    if (url.host.empty()) return bad_url("mysql: needs a host, as in mysql://host/database");
    into.host = url.host;
    if (url.port != 0) into.port = url.port;
    into.ca_file = take(url, "ca");
    const std::string mode = take(url, "tls");
    if (mode == "on")
        into.tls = tls_mode::on;
    else if (mode == "verify")
        into.tls = tls_mode::verify;
    else if (mode != "off" && (!mode.empty() || url.query.contains("tls")))
        return bad_url("tls is off, on or verify");
    if (!into.ca_file.empty() && into.tls != tls_mode::verify)
        return bad_url("ca goes with tls=verify");
    return read_database(url.path.empty() ? std::string() : url.path.substr(1), into);
}

}  // namespace

result<base::secret> current_password(const settings& where) {
    return base::stored_password(where.password, where.password_file);
}

result<settings> read_settings(std::string_view text, url_use use) {
    auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (url->scheme != "mysql" && url->scheme != "mysql+unix")
        return bad_url("its scheme is mysql or mysql+unix");
    settings into;
    into.address = url->redacted();
    into.user = url->user;
    into.password = url->password;
    result<void> read;
    if (use == url_use::store) read = read_store_options(*url, into);
    if (read) read = check_options(*url, use);
    if (read) read = url->scheme == "mysql+unix" ? read_unix(*url, into) : read_tcp(*url, into);
    if (!read) return read.error();
    if (into.user.empty()) return bad_url("it names no user");
    if (into.user.find('\0') != std::string::npos ||
        into.password.reveal().find('\0') != std::string_view::npos)
        return bad_url("neither a user nor a password may hold a NUL byte");
    into.password_file = take(*url, "password_file");
    if (!into.password_file.empty() && !into.password.empty())
        return bad_url("a password stands either in it or in password_file, not in both");
    if (url->query.contains("connect_timeout")) {
        const auto limit = read_timeout(take(*url, "connect_timeout"));
        if (!limit) return limit.error();
        into.connect_timeout = *limit;
    }
    return into;
}

}  // namespace holdfast::mysql
