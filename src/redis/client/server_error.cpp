// SPDX-License-Identifier: BSL-1.0
#include "redis/client/server_error.hpp"

#include <array>

namespace holdfast::redis {
namespace {

struct meaning {
    std::string_view start;
    errc code;
};

// By the first words. Source: the server's own texts, Redis 7.0, src/server.c and src/acl.c.
constexpr std::array meanings{
    meaning{"LOADING", errc::unreachable},
    meaning{"BUSY", errc::unreachable},
    meaning{"MASTERDOWN", errc::unreachable},
    meaning{"TRYAGAIN", errc::unreachable},
    meaning{"CLUSTERDOWN", errc::unreachable},
    meaning{"ERR max number of clients", errc::unreachable},
    meaning{"UNFINISHED", errc::in_doubt},  // Our own: see `client::look_for_redirection`.
    meaning{"READONLY", errc::denied},
    meaning{"OOM", errc::denied},
    meaning{"MISCONF", errc::denied},
    meaning{"NOREPLICAS", errc::denied},
    meaning{"NOAUTH", errc::denied},
    meaning{"WRONGPASS", errc::denied},
    meaning{"NOPERM", errc::denied},
    meaning{"DENIED", errc::denied},
    meaning{"ERR invalid password", errc::denied},
    meaning{"ERR Client sent AUTH", errc::denied},
    meaning{"ERR AUTH", errc::denied},
    meaning{"ERR DB index", errc::denied},
    meaning{"ERR The user executing the script", errc::denied},
    meaning{"ERR This instance has cluster support", errc::denied},
    meaning{"MOVED", errc::denied},
    meaning{"ASK", errc::denied},
    meaning{"CROSSSLOT", errc::denied},
    meaning{"WRONGTYPE", errc::wrong_type},
};

/// A queued command's error ends the transaction: this says so, and the cause is another reply ...
constexpr std::string_view transaction_ended = "EXECABORT";
/// ... unless it was EXEC itself that was refused.
constexpr std::string_view transaction_refused = "EXECABORT Transaction discarded because of: ";

/// Before version 7 an error within a script stands behind this, its place in the script, and, if
/// it is one of the server's own, a '-'.
constexpr std::string_view script_failed = "ERR Error running script";

bool holds_word(std::string_view text, std::string_view word) noexcept {
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if (at > 0 && (text[at - 1] == '-' || text[at - 1] == ' ')) return true;
    return false;
}

}  // namespace

errc classify(std::string_view text) noexcept {
    if (text.starts_with(transaction_refused)) text.remove_prefix(transaction_refused.size());
    for (const meaning& known : meanings)
        if (text.starts_with(known.start)) return known.code;
    if (text.starts_with(transaction_ended)) return errc::denied;
    if (!text.starts_with(script_failed)) return errc::protocol;
    for (const meaning& known : meanings)
        if (holds_word(text, known.start)) return known.code;
    return errc::protocol;
}

std::string tidy_text(std::string_view text) {
    constexpr std::size_t length_max = 200;
    if (const auto arguments = text.find(", with args"); arguments != std::string_view::npos)
        text = text.substr(0, arguments);
    std::string tidy(text.substr(0, length_max));
    for (char& c : tidy)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return tidy;
}

}  // namespace holdfast::redis
