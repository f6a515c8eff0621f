// SPDX-License-Identifier: BSL-1.0
//
// The question: how many locks a second can one blocking caller acquire and release with hiredis,
// the C client of Redis? Prints a JSON object. One operation is SET NX PX, and a script that
// compares and deletes; hiredis formats the commands and reads the replies.
#include "arguments.hpp"
#include "measure.hpp"
#include "raw_client.hpp"
#include "redis/client/settings.hpp"

#include <hiredis/hiredis.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace holdfast::bench;

struct closer {
    void operator()(redisContext* connection) const noexcept { redisFree(connection); }
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using connection = std::unique_ptr<redisContext, closer>;
using reply = std::unique_ptr<redisReply, closer>;

constexpr const char* key = "hiredis";
constexpr const char* value = "0123456789abcdef0123456789abcdef|12345@host|";

connection connect(const std::string& url) {
    const auto where = holdfast::redis::read_settings(url);
    if (!where) throw std::runtime_error("not a Redis URL");
    connection made{where->unix_path.empty() ? redisConnect(where->host.c_str(), where->port)
                                             : redisConnectUnix(where->unix_path.c_str())};
    if (!made || made->err != 0) throw std::runtime_error("cannot connect");
    return made;
}

template <class... Words>
reply ask(const connection& server, const char* format, const Words&... words) {
    reply answer{static_cast<redisReply*>(redisCommand(server.get(), format, words...))};
    if (!answer || answer->type == REDIS_REPLY_ERROR) throw std::runtime_error("refused");
    return answer;
}

void measure(const std::string& url, double seconds) {
    const connection server = connect(url);
    const std::string script(raw_release_script);
    const reply loaded = ask(server, "SCRIPT LOAD %s", script.c_str());
    const std::string hash(loaded->str, loaded->len);
    const std::int64_t begin = nanoseconds_now();
    const std::int64_t until = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t pairs = 0;
    while (nanoseconds_now() < until) {
        const reply taken = ask(server, "SET %s %s NX PX 30000", key, value);
        const reply gone = ask(server, "EVALSHA %s 1 %s %s", hash.c_str(), key, value);
        if (gone->integer != 1) throw std::runtime_error("not released");
        ++pairs;
    }
    const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
    std::printf("{\"who\":\"hiredis\",\"ops_per_s\":%.0f}\n", static_cast<double>(pairs) / passed);
}

}  // namespace

int main(int count, char** values) {
    arguments given(count, values, "hiredis_caller --store URL [--seconds S]");
    const std::string url = given.text("--store");
    const double seconds = given.number("--seconds", 5);
    given.all_read();
    try {
        measure(url, seconds);
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "hiredis_caller: %s\n", problem.what());
        return 1;
    }
}
