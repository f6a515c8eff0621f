// SPDX-License-Identifier: BSL-1.0
#include "raw_client.hpp"

#include "measure.hpp"
#include "redis/resp/command.hpp"

#include <array>
#include <cstring>

namespace holdfast::bench {

using redis::resp::append_command;

raw_pair make_raw_pair(const wire& server, const std::string& name, bool fenced) {
    const std::string sha = server.load_script(raw_release_script);
    const std::string value = "0123456789abcdef0123456789abcdef|12345@host|";
    const std::string key = "{raw:" + name + "}";
    raw_pair made;
    if (fenced) append_command(made.acquire, "MULTI");
    append_command(made.acquire, "SET", key, value, "NX", "PX", 30000);
    if (fenced) append_command(made.acquire, "INCR", key + ":f");
    if (fenced) append_command(made.acquire, "EXEC");
    append_command(made.release, "EVALSHA", sha, 1, key, value);
    return made;
}

raw_client::raw_client(std::string_view url, const std::string& prefix, std::size_t window,
                       bool fenced)
    // The replies: +OK; or +OK +QUEUED +QUEUED *2 +OK :n
    : wire_(url), acquire_lines_(fenced ? 6 : 1), names_(window) {
    for (std::size_t i = 0; i < window; ++i)
        names_[i].bytes = make_raw_pair(wire_, prefix + std::to_string(i), fenced);
}

void raw_client::start(name& one, std::string& bytes) const {
    bytes += one.acquiring ? one.bytes.acquire : one.bytes.release;
    one.missing = one.acquiring ? acquire_lines_ : 1;
}

// Replies come in the order in which commands were sent, so the names go round in a fixed order.
std::uint64_t raw_client::pairs_until(std::int64_t nanoseconds) {
    std::array<char, 65536> chunk{};
    std::string bytes;
    for (name& one : names_) start(one, bytes);
    std::size_t next = 0;
    std::size_t running = names_.size();
    std::uint64_t pairs = 0;
    bool over = false;
    while (running > 0) {
        if (!bytes.empty()) wire_.send(bytes);
        bytes.clear();
        const char* at = chunk.data();
        const char* const end = at + wire_.receive(chunk);
        over = over || nanoseconds_now() >= nanoseconds;
        while ((at = static_cast<const char*>(
                    std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
            ++at;
            while (names_[next].missing == 0) next = (next + 1) % names_.size();
            name& one = names_[next];
            if (--one.missing > 0) continue;
            next = (next + 1) % names_.size();
            if (!one.acquiring) ++pairs;
            one.acquiring = !one.acquiring;
            if (over && one.acquiring)
                --running;  // Nothing of it is held any more.
            else
                start(one, bytes);
        }
    }
    return pairs;
}

}  // namespace holdfast::bench
