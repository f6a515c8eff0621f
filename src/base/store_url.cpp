// SPDX-License-Identifier: BSL-1.0
#include "base/store_url.hpp"

#include "base/name.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace holdfast::base {
namespace {

// What it quotes of the URL may hold anything, the escapes of a terminal too.
failure bad(std::string rule) {
    std::replace_if(rule.begin(), rule.end(), is_control, '?');
    return {errc::misuse, "store URL: " + std::move(rule)};
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

/// RFC 3986, section 3.1.
std::optional<std::string> read_scheme(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string scheme;
    for (const char c : text.substr(0, colon)) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool letter = lower >= 'a' && lower <= 'z';
        const bool other =
            (lower >= '0' && lower <= '9') || lower == '+' || lower == '-' || lower == '.';
        if (!letter && (scheme.empty() || !other)) return std::nullopt;
        scheme += lower;
    }
    return scheme;
}

// Of what stands behind the colon of a local store's scheme. No host can stand there: two slashes
// come from the habit of other schemes, and would lead to a file in the root directory. Three are
// RFC 8089's way, an empty host before an absolute path.
result<std::string_view> local_path(std::string_view scheme, std::string_view rest) {
    if (!rest.starts_with("//")) return rest;
    if (scheme == "memory") return bad("no '//' stands in it: write memory:NAME");
    if (!rest.starts_with("///"))
        return bad("no '//' stands in it: write sqlite:PATH, or sqlite:/DIR/FILE from the root on");
    return rest.substr(std::min(rest.find_first_not_of('/'), rest.size()) - 1);
}

std::optional<failure> read_query(std::string_view text, store_url& url) {
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return bad("an option behind '?' has the form name=value");
        auto key = percent_decode(pair.substr(0, equals));
        auto value = percent_decode(pair.substr(equals + 1));
        if (!key || !value) return bad("'%' in an option stands before two hexadecimal digits");
        if (!url.query.emplace(std::move(*key), std::move(*value)).second)
            return bad("an option stands in it twice");
    }
    return std::nullopt;
}

std::optional<failure> read_port(std::string_view text, server_place& place) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || port == 0 ||
        port > 65535)
        return bad("a port is a number from 1 to 65535");
    place.port = static_cast<std::uint16_t>(port);
    return std::nullopt;
}

std::optional<failure> read_user(std::string_view text, store_url& url) {
    const auto colon = text.find(':');
    auto user = percent_decode(text.substr(0, colon));
    if (!user) return bad("'%' in the user stands before two hexadecimal digits");
    url.user = std::move(*user);
    if (colon == std::string_view::npos) return std::nullopt;
    auto password = percent_decode(text.substr(colon + 1));
    if (!password) return bad("'%' in the password stands before two hexadecimal digits");
    url.password = secret(std::move(*password));
    return std::nullopt;
}

std::optional<failure> read_place(std::string_view text, server_place& place) {
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return bad("'[' before an address lacks its ']'");
        place.host = text.substr(1, close - 1);
        text = text.substr(close + 1);
        if (!text.empty() && text.front() != ':') return bad("behind ']' stands ':' and a port");
        has_port = !text.empty();
        if (has_port) port = text.substr(1);
    } else {
        const auto colon = text.find(':');
        auto host = percent_decode(text.substr(0, colon));
        if (!host) return bad("'%' in the host stands before two hexadecimal digits");
        place.host = std::move(*host);
        has_port = colon != std::string_view::npos;
        if (has_port) port = text.substr(colon + 1);
    }
    return has_port ? read_port(port, place) : std::nullopt;
}

bool names_several(std::string_view scheme) {
    return scheme.ends_with("-sentinel") || scheme.ends_with("-cluster");
}

std::optional<failure> read_authority(std::string_view text, store_url& url) {
    const auto at = text.rfind('@');
    const bool several = names_several(url.scheme);
    if (at != std::string_view::npos) {
        if (several && text.find('@') != at)
            return bad("user and password stand once, before the first server; '@' in them is %40");
        if (auto wrong = read_user(text.substr(0, at), url)) return wrong;
        text = text.substr(at + 1);
    }
    const auto end = several ? text.find(',') : text.npos;
    server_place first;
    if (auto wrong = read_place(text.substr(0, end), first)) return wrong;
    url.host = std::move(first.host);
    url.port = first.port;
    if (end == text.npos) return std::nullopt;
    for (std::string_view rest = text.substr(end); !rest.empty();) {  // Begins with a comma.
        const auto next = rest.find(',', 1);
        auto& place = url.others.emplace_back();
        if (auto wrong = read_place(rest.substr(1, next - 1), place)) return wrong;
        if (place.host.empty()) return bad("before and behind a comma stands a host");
        rest = next == rest.npos ? std::string_view{} : rest.substr(next);
    }
    if (url.host.empty()) return bad("before and behind a comma stands a host");
    return std::nullopt;
}

}  // namespace

result<store_url> parse_store_url(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return bad("it holds a NUL byte");
    auto scheme = read_scheme(text);
    if (!scheme) return bad("it begins with a scheme and ':', as in redis://host or sqlite:PATH");
    store_url url;
    url.scheme = std::move(*scheme);
    std::string_view rest = text.substr(url.scheme.size() + 1);
    if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
        if (auto wrong = read_query(rest.substr(mark + 1), url)) return *wrong;
        rest = rest.substr(0, mark);
    }
    if (url.scheme == "sqlite" || url.scheme == "memory") {
        const auto local = local_path(url.scheme, rest);
        if (!local) return local.error();
        rest = *local;
    } else if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const auto slash = rest.find('/');
        if (auto wrong = read_authority(rest.substr(0, slash), url)) return *wrong;
        rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
    }
    auto path = percent_decode(rest);
    if (!path) return bad("'%' in the path stands before two hexadecimal digits");
    const auto has_nul = [](const std::string& part) { return part.find('\0') != part.npos; };
    if (has_nul(*path) || has_nul(url.host) ||
        std::any_of(url.others.begin(), url.others.end(),
                    [&](const server_place& other) { return has_nul(other.host); }))
        return bad("its host or path holds a NUL byte");
    url.path = std::move(*path);
    return url;
}

std::string to_string(const server_place& place) {
    std::string text =
        place.host.find(':') == std::string::npos ? place.host : "[" + place.host + "]";
    if (place.port != 0) text += ":" + std::to_string(place.port);
    return text;
}

std::string store_url::redacted() const {
    std::string text = scheme + ":";
    const bool local = scheme == "sqlite" || scheme == "memory";
    if (!local) text += "//";
    if (!user.empty()) text += user + "@";
    text += to_string(server_place{host, port});
    for (const server_place& other : others) text += "," + to_string(other);
    text += path;
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

std::optional<failure> check_query(const store_url& url,
                                   const std::vector<std::string_view>& known) {
    for (const auto& [key, value] : url.query) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        std::string rule = "'" + key + "' is no option of " + url.scheme + " (known:";
        for (const std::string_view name : known) rule.append(" ").append(name);
        return bad(known.empty() ? "'" + key + "': " + url.scheme + " has no options" : rule + ")");
    }
    return std::nullopt;
}

}  // namespace holdfast::base
