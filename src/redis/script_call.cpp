// SPDX-License-Identifier: BSL-1.0
#include "redis/script_call.hpp"

#include "redis/client/server_error.hpp"
#include "redis/lock_reply.hpp"

#include <array>

namespace holdfast::redis {

void add_call(batch& into, const script& what, unsigned version, bool by_hash, const texts& keys,
              const texts& arguments) {
    const std::size_t words = 3 + keys.size() + arguments.size();
    resp::detail::append_number(into.bytes, '*', words);
    resp::detail::append_argument(into.bytes, by_hash ? "EVALSHA" : "EVAL");
    resp::detail::append_argument(into.bytes, by_hash ? what.sha1(version) : what.text(version));
    resp::detail::append_argument(into.bytes, keys.size());
    for (const std::string& key : keys) resp::detail::append_argument(into.bytes, key);
    for (const std::string& text : arguments) resp::detail::append_argument(into.bytes, text);
    ++into.count;
}

bool unknown_script(const resp::reply& answer) {
    return answer.is(resp::kind::error) && answer.text.starts_with("NOSCRIPT");
}

asio::awaitable<result<resp::reply>> call_script(std::shared_ptr<client> server, const script& what,
                                                 texts keys, texts arguments, time_point deadline) {
    for (const bool by_hash : {true, false}) {
        batch commands;
        add_call(commands, what, server->facts().version_major, by_hash, keys, arguments);
        commands.grants = what.grants();
        commands.lasts = what.lasts();
        auto answers = co_await server->exchange(std::move(commands), deadline);
        if (!answers) co_return answers.error();
        if (by_hash && unknown_script(answers->front())) continue;
        if (answers->front().is(resp::kind::error)) co_return refused(*server, answers->front());
        co_return std::move(answers->front());
    }
    co_return nonsense(*server);
}

asio::awaitable<void> renew_all(std::shared_ptr<client> server, std::span<renewal> asks,
                                add_renewal add, time_point deadline) {
    std::vector<renewal*> open;
    for (renewal& ask : asks) open.push_back(&ask);
    for (const bool by_hash : {true, false}) {
        if (open.empty()) co_return;
        batch commands;
        commands.lasts = true;
        for (const renewal* ask : open) add(commands, by_hash, *ask);
        auto answers = co_await server->exchange(std::move(commands), deadline);
        std::vector<renewal*> unknown;
        for (std::size_t i = 0; i < open.size(); ++i) {
            if (!answers)
                open[i]->outcome = answers.error();
            else if (by_hash && unknown_script((*answers)[i]))
                unknown.push_back(open[i]);
            else
                open[i]->outcome = ownership((*answers)[i], server->where().address);
        }
        open = std::move(unknown);
    }
}

// Of the keys of a lock, the first that is none of ours.
asio::awaitable<failure> wrong_type(std::shared_ptr<client> server, std::string key,
                                    time_point deadline) {
    struct part {
        const char* behind;
        std::array<std::string_view, 2> types;
        const char* what;
    };
    static constexpr std::array<part, 4> parts{
        part{"", {"string", "zset"}, "a lock is a string or a sorted set"},
        part{":f", {"string", "string"}, "the counter of a lock's tokens is a string"},
        part{":q", {"zset", "zset"}, "the line of a lock is a sorted set"},
        part{":w", {"hash", "hash"}, "what those in a lock's line want is a hash"}};
    batch commands;
    for (const part& one : parts) commands.add("TYPE", key + one.behind);
    const auto answers = co_await server->exchange(std::move(commands), deadline);
    failure why{errc::wrong_type, server->where().address + ": the key " + key +
                                      ", or one that belongs to it, is not of a lock"};
    for (std::size_t i = 0; answers && i < parts.size(); ++i) {
        const resp::reply& type = (*answers)[i];
        const auto& ours = parts.at(i).types;
        if (!type.is(resp::kind::text) || type.text == "none" || type.text == ours[0] ||
            type.text == ours[1])
            continue;
        why.text = server->where().address + ": the key " + key + parts.at(i).behind + " is a " +
                   tidy_text(type.text) + ", where " + parts.at(i).what;
        break;
    }
    co_return why;
}

failure refused(const client& server, const resp::reply& error) {
    return {classify(error.text), server.where().address + ": " + tidy_text(error.text)};
}

failure nonsense(const client& server) {
    return {errc::protocol, server.where().address + ": an answer that does not fit its command"};
}

}  // namespace holdfast::redis
