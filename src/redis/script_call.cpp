// SPDX-License-Identifier: BSL-1.0
#include "redis/script_call.hpp"

#include "redis/client/server_error.hpp"
#include "redis/lock_reply.hpp"

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

asio::awaitable<failure> wrong_type(std::shared_ptr<client> server, std::string key,
                                    time_point deadline) {
    batch commands;
    commands.add("TYPE", key);
    auto answers = co_await server->exchange(std::move(commands), deadline);
    const bool told = answers && answers->front().is(resp::kind::text);
    co_return failure{errc::wrong_type,
                      server->where().address + ": the key " + key + " is a " +
                          (told ? tidy_text(answers->front().text) : "non-string") +
                          ", where a lock is a string or a sorted set"};
}

failure refused(const client& server, const resp::reply& error) {
    return {classify(error.text), server.where().address + ": " + tidy_text(error.text)};
}

failure nonsense(const client& server) {
    return {errc::protocol, server.where().address + ": an answer that does not fit its command"};
}

}  // namespace holdfast::redis
