// SPDX-License-Identifier: BSL-1.0
//
// What it is: replies as servers write them, one of each type at least, and the reading of streams.
// Thread safety: constants and pure functions.
#pragma once

#include "redis/resp/reply.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

using redis::resp::kind;
using redis::resp::reader;
using redis::resp::reply;

/// @return The reply as text, for comparing: a type's letter, then what it holds.
inline std::string shown(const reply& one) {
    switch (one.type) {
        case kind::nil: return "nil";
        case kind::text: return "t\"" + one.text + "\"";
        case kind::error: return "e\"" + one.text + "\"";
        case kind::integer: return std::to_string(one.integer);
        case kind::array:
        case kind::push: break;
    }
    std::string text = one.type == kind::array ? "[" : ">[";
    for (const reply& item : one.items) text += (text.ends_with('[') ? "" : " ") + shown(item);
    return text + "]";
}

/// What a stream holds: its replies as text, and how it ended.
struct reading {
    std::vector<std::string> replies;
    reader::state end{reader::state::incomplete};
    bool operator==(const reading&) const = default;
};

/// Reads `stream` in pieces of `piece` bytes, as they might arrive.
inline reading read_in_pieces(std::string_view stream, std::size_t piece) {
    reader from;
    reading found;
    reply one;  // Used again and again, as callers do.
    while (true) {
        found.end = from.next(one);
        if (found.end == reader::state::ready) {
            found.replies.push_back(shown(one));
        } else if (found.end == reader::state::broken || stream.empty()) {
            return found;
        } else {
            from.feed(stream.substr(0, piece));
            stream.remove_prefix(std::min(piece, stream.size()));
        }
    }
}

/// A stream, and its replies as `shown` shows them.
struct sample {
    std::string bytes;
    std::vector<std::string> replies;
};

/// @return Samples of every type of versions 2 and 3.
inline const std::vector<sample>& samples() {
    using namespace std::string_literals;
    static const std::vector<sample> all{
        {"+OK\r\n", {"t\"OK\""}},
        {"+\r\n", {"t\"\""}},
        {"-ERR no\r\n", {"e\"ERR no\""}},
        {":0\r\n:-9223372036854775808\r\n:9223372036854775807\r\n",
         {"0", "-9223372036854775808", "9223372036854775807"}},
        {"$5\r\na\r\nb\0\r\n"s, {"t\"a\r\nb\0\""s}},
        {"$0\r\n\r\n", {"t\"\""}},
        {"$-1\r\n", {"nil"}},
        {"*-1\r\n", {"nil"}},
        {"*0\r\n", {"[]"}},
        {"*3\r\n:1\r\n$1\r\na\r\n*1\r\n-E\r\n", {"[1 t\"a\" [e\"E\"]]"}},
        {"_\r\n", {"nil"}},
        {"#t\r\n#f\r\n", {"1", "0"}},
        {",3.14\r\n,inf\r\n", {"t\"3.14\"", "t\"inf\""}},
        {"(3492890328409238509324850943850943825024385\r\n",
         {"t\"3492890328409238509324850943850943825024385\""}},
        {"!21\r\nSYNTAX invalid syntax\r\n", {"e\"SYNTAX invalid syntax\""}},
        {"=15\r\ntxt:Some string\r\n", {"t\"Some string\""}},
        {"=2\r\nab\r\n", {"t\"\""}},
        {"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", {"[t\"a\" 1 t\"b\" 2]"}},
        {"~2\r\n:1\r\n:2\r\n", {"[1 2]"}},
        {">2\r\n+invalidate\r\n*1\r\n+k\r\n", {">[t\"invalidate\" [t\"k\"]]"}},
        {"|1\r\n+ttl\r\n:3\r\n*2\r\n:1\r\n|1\r\n+x\r\n+y\r\n:2\r\n", {"[1 2]"}},
        {"+a\r\n>1\r\n+push\r\n:7\r\n", {"t\"a\"", ">[t\"push\"]", "7"}},
        {"*5\r\n$9\r\nsubscribe\r\n_\r\n#t\r\n,1\r\n%0\r\n", {"[t\"subscribe\" nil 1 t\"1\" []]"}},
    };
    return all;
}

}  // namespace holdfast::test
