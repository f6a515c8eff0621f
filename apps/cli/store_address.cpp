// SPDX-License-Identifier: BSL-1.0
#include "store_address.hpp"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string.h>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";
constexpr std::string_view sqlite_scheme = "sqlite:";

// `exact` follows RFC 3986: a password ends before the first '/'. `cautious` takes one with a '/'
// in it too, which is wrong there, and yet not to be shown.
enum class reading { exact, cautious };

// Where the password of the first URL in `text`, from `from` on, begins and ends.
std::optional<std::pair<std::size_t, std::size_t>> find_password(std::string_view text,
                                                                 std::size_t from, reading how) {
    const auto stops = std::string{white_space} + (how == reading::exact ? "?#/" : "?#");
    for (auto at = text.find("://", from); at != text.npos; at = text.find("://", at + 3)) {
        const auto begin = at + 3;
        const auto sign = text.substr(0, text.find_first_of(stops, begin)).rfind('@');
        const auto colon = text.find(':', begin);
        if (sign == text.npos || sign < begin || colon >= sign || text[begin] == '/') continue;
        return std::pair{colon + 1, sign};
    }
    return std::nullopt;
}

// Where the value of the first option `notify` of a URL, from `from` on, begins and ends, if it may
// hold a password, percent-encoded or not.
std::optional<std::pair<std::size_t, std::size_t>> find_notify(std::string_view text,
                                                               std::size_t from) {
    constexpr std::string_view option = "notify=";
    const auto ends = std::string{white_space} + "&#";
    for (auto at = text.find(option, from); at != text.npos; at = text.find(option, at + 1)) {
        if (at == 0 || (text[at - 1] != '?' && text[at - 1] != '&')) continue;
        const auto begin = at + option.size();
        const auto end = std::min(text.find_first_of(ends, begin), text.size());
        const auto value = text.substr(begin, end - begin);
        if (value.find('@') != value.npos || value.find("%40") != value.npos)
            return std::pair{begin, end};
    }
    return std::nullopt;
}

std::string percent_encoded(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > ' ' && byte != 127 && c != '%' && c != '?' && c != '#') {
            text += c;
        } else {
            text += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return text;
}

// XDG Base Directory Specification: a relative path in the variable is to be ignored.
std::optional<std::string> state_directory() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
        return state;
    }
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home != '/') {
        const auto* user = ::getpwuid(::getuid());
        home = user != nullptr ? user->pw_dir : nullptr;
    }
    if (home == nullptr || *home != '/') return std::nullopt;
    return std::string{home} + "/.local/state";
}

result<std::string> default_store() {
    const auto state = state_directory();
    if (!state)
        return failure{errc::misuse, "no store: give --store, or set HOLDFAST_STORE or HOME"};
    const auto directory = *state + "/holdfast";
    for (auto slash = directory.find('/', 1);; slash = directory.find('/', slash + 1)) {
        const auto step = directory.substr(0, slash);
        if (::mkdir(step.c_str(), 0700) != 0 && errno != EEXIST) {
            return failure{errc::denied, "cannot make " + step + ": " + ::strerror(errno)};
        }
        if (slash == std::string::npos) break;
    }
    return std::string{sqlite_scheme} + percent_encoded(directory + "/locks.db");
}

std::vector<std::string> environment_stores() {
    const char* text = std::getenv("HOLDFAST_STORE");
    std::istringstream words{text != nullptr ? text : ""};
    std::vector<std::string> found;
    for (std::string one; words >> one;) found.push_back(one);
    return found;
}

}  // namespace

result<std::vector<std::string>> choose_stores(const std::vector<std::string>& given,
                                               store_count allowed) {
    const bool one = allowed == store_count::one;
    if (one && given.size() > 1) return failure{errc::misuse, "--store can be given once only"};
    if (!given.empty()) return given;
    auto found = environment_stores();
    if (one && found.size() > 1)
        return failure{errc::misuse, "HOLDFAST_STORE names more than one store"};
    if (!found.empty()) return found;
    auto file = default_store();
    if (!file) return file.error();
    return std::vector<std::string>{std::move(*file)};
}

std::string url_for_children(std::string_view url) {
    std::string text{url};
    // It is there for speed alone: without it the child looks.
    while (const auto found = find_notify(text, 0)) {
        const auto option = text.rfind("notify=", found->first);
        const bool last = found->second == text.size() || text[found->second] == '#';
        const auto begin = last ? option - 1 : option;
        text.erase(begin, found->second + (last ? 0 : 1) - begin);
    }
    if (const auto found = find_password(text, 0, reading::exact)) {
        const auto [begin, end] = *found;
        const bool has_user = begin >= 2 && text[begin - 2] != '/';
        // "user:pw@host" becomes "user@host", and ":pw@host" becomes "host".
        text.erase(begin - 1, end - begin + (has_user ? 1 : 2));
    }
    const auto path = sqlite_scheme.size();
    if (text.starts_with(sqlite_scheme) && text.size() > path && text[path] != '/') {
        std::error_code error;
        const auto here = std::filesystem::current_path(error);
        if (!error) text.insert(path, percent_encoded(here.string()) + "/");
    }
    return text;
}

std::string hide_passwords(std::string_view text) {
    std::string hidden{text};
    for (std::size_t from = 0;;) {
        const auto found = find_notify(hidden, from);
        if (!found) break;
        hidden.replace(found->first, found->second - found->first, "***");
        from = found->first;
    }
    for (std::size_t from = 0;;) {
        const auto found = find_password(hidden, from, reading::cautious);
        if (!found) return hidden;
        hidden.replace(found->first, found->second - found->first, "***");
        from = found->first + 3;
    }
}

void wipe_passwords(int argc, char** argv) noexcept {
    for (int i = 1; i < argc; ++i) {
        const std::string_view text{argv[i]};
        for (std::size_t from = 0; const auto found = find_notify(text, from);) {
            std::fill(argv[i] + found->first, argv[i] + found->second, '*');
            from = found->second;
        }
        std::size_t from = 0;
        while (const auto found = find_password(text, from, reading::cautious)) {
            std::fill(argv[i] + found->first, argv[i] + found->second, '*');
            from = found->second;
        }
    }
}

}  // namespace holdfast::cli
