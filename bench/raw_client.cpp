// SPDX-License-Identifier: BSL-1.0
#include "raw_client.hpp"

#include "measure.hpp"
#include "redis/resp/command.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

namespace holdfast::bench {
namespace {

using redis::resp::append_command;

constexpr std::string_view release_script =
    "local holder = redis.call('GET', KEYS[1]) if not holder then return -1 end "
    "if holder ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])";

}  // namespace

raw_client::raw_client(std::string_view url, const std::string& prefix, std::size_t window,
                       bool fenced)
    // The replies: +OK; or +OK +QUEUED +QUEUED *2 +OK :n
    : wire_(url), acquire_lines_(fenced ? 6 : 1), names_(window) {
    const std::string sha = load_release_script();
    const std::string value = "0123456789abcdef0123456789abcdef|12345@host|";
    for (std::size_t i = 0; i < window; ++i) {
        const std::string key = "{raw:" + prefix + std::to_string(i) + "}";
        std::string& acquire = names_[i].acquire;
        if (fenced) append_command(acquire, "MULTI");
        append_command(acquire, "SET", key, value, "NX", "PX", 30000);
        if (fenced) append_command(acquire, "INCR", key + ":f");
        if (fenced) append_command(acquire, "EXEC");
        append_command(names_[i].release, "EVALSHA", sha, 1, key, value);
    }
}

std::string raw_client::load_release_script() {
    std::string load;
    append_command(load, "SCRIPT", "LOAD", release_script);
    wire_.send(load);
    std::array<char, 256> reply{};
    if (wire_.receive(reply) < 45 || reply[0] != '$')
        throw std::runtime_error("raw client: no script hash");
    return std::string(reply.data() + 5, 40);
}

void raw_client::start(name& one, std::string& bytes) const {
    bytes += one.acquiring ? one.acquire : one.release;
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
