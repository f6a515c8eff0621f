// SPDX-License-Identifier: BSL-1.0
#include "redis/health_check.hpp"

#include "port/wall_clock.hpp"
#include "redis/client/client.hpp"
#include "redis/client/server_error.hpp"
#include "redis/health_rules.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace holdfast::redis {
namespace {

using std::chrono::microseconds;

constexpr int health_pings = 3;
/// EXEC and MULTI, which are tried by themselves.
constexpr std::size_t own_trials = 2;
constexpr std::array config_names{"appendfsync",
                                  "save",
                                  "maxclients",
                                  "stop-writes-on-bgsave-error",
                                  "min-replicas-to-write",
                                  "tracking-table-max-keys"};

/// A connection of our own, closed when it goes.
class health_visit {
public:
    health_visit(const store_environment& env, const settings& where)
        : line_(std::make_shared<client>(env, where)) {}
    health_visit(const health_visit&) = delete;
    health_visit& operator=(const health_visit&) = delete;
    ~health_visit() { line_->stop(); }
    [[nodiscard]] client& line() const noexcept { return *line_; }

private:
    std::shared_ptr<client> line_;
};

// No questions of a restart guard: what it wants to know is looked at here.
settings unguarded(settings where) {
    where.longest_ttl = {};
    where.replicas = 0;
    return where;
}

std::int64_t whole_in(const resp::reply& text) {
    std::int64_t value = 0;
    std::from_chars(text.text.data(), text.text.data() + text.text.size(), value);
    return value;
}

asio::awaitable<result<void>> measure_road(store_environment env, client& line,
                                           server_account& into, time_point deadline) {
    for (int i = 0; i < health_pings; ++i) {
        batch ping;
        ping.add("PING");
        const time_point sent = env.time.now();
        const auto answer = co_await line.exchange(std::move(ping), deadline);
        if (!answer) co_return answer.error();
        const auto took = std::chrono::duration_cast<microseconds>(env.time.now() - sent);
        // The first one connects.
        into.round_trip = i <= 1 ? took : std::min(into.round_trip, took);
    }
    batch ask;
    ask.add("TIME");
    const microseconds before = port::wall_now();
    const auto answer = co_await line.exchange(std::move(ask), deadline);
    const microseconds after = port::wall_now();
    if (!answer) co_return answer.error();
    const resp::reply& time = answer->front();
    if (time.items.size() != 2) co_return result<void>{};
    const microseconds told =
        std::chrono::seconds(whole_in(time.items[0])) + microseconds(whole_in(time.items[1]));
    into.clock_doubt = (after - before) / 2;
    into.clock_ahead = told - (before + into.clock_doubt);
    co_return result<void>{};
}

asio::awaitable<result<void>> read_account(client& line, server_account& into,
                                           time_point deadline) {
    batch ask;
    ask.add("INFO");
    for (const char* const name : config_names) ask.add("CONFIG", "GET", name);
    const auto answers = co_await line.exchange(std::move(ask), deadline);
    if (!answers) co_return answers.error();
    into.resp3 = line.facts().resp3;
    const resp::reply& info = answers->front();
    if (info.is(resp::kind::error))
        into.info_refused = tidy_text(info.text);
    else
        into.info.add_lines(info.text);
    into.config_read = true;
    for (std::size_t i = 1; i < answers->size(); ++i) {
        const resp::reply& pair = (*answers)[i];
        into.config_read = into.config_read && !pair.is(resp::kind::error);
        into.info.add_pairs(pair);
    }
    co_return result<void>{};
}

std::vector<std::string> words_of(const right& which, const std::string& key) {
    std::vector<std::string> words;
    std::string text(which.command);
    std::replace(text.begin(), text.end(), '|', ' ');
    text.append(" ").append(which.trial);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        std::string word = text.substr(at, end - at);
        if (word == "KEY") word = key;
        if (word == "CHANNEL") word = "hf:doctor";
        if (!word.empty()) words.push_back(std::move(word));
        at = end + 1;
    }
    return words;
}

void add_words(batch& into, const std::vector<std::string>& words) {
    resp::detail::append_number(into.bytes, '*', words.size());
    for (const std::string& word : words) resp::detail::append_argument(into.bytes, word);
    ++into.count;
}

std::string error_in(const resp::reply& answer) {
    return answer.is(resp::kind::error) ? tidy_text(answer.text) : std::string();
}

const right* right_named(std::string_view command) {
    for (const right& each : all_rights())
        if (each.command == command) return &each;
    return nullptr;
}

// A server looks at rights when it queues a command; EXEC, outside of a transaction, does nothing.
// What was queued is forgotten when the connection ends.
asio::awaitable<result<void>> try_rights(client& line, const health_question& about,
                                         std::vector<tried_right>& tried, time_point deadline) {
    batch begin;
    begin.add("EXEC");
    begin.add("MULTI");
    const auto begun = co_await line.exchange(std::move(begin), deadline);
    if (!begun) co_return begun.error();
    if (has(about.uses, purpose::locks)) {
        tried.push_back({right_named("exec"), error_in((*begun)[0])});
        tried.push_back({right_named("multi"), error_in((*begun)[1])});
    }
    if ((*begun)[1].is(resp::kind::error)) co_return result<void>{};
    batch trial;
    std::vector<const right*> asked;
    for (const right& each : all_rights()) {
        if ((each.needed_by & about.uses) == 0 || each.trial == "-") continue;
        add_words(trial, words_of(each, about.key));
        asked.push_back(&each);
    }
    const auto answers = co_await line.exchange(std::move(trial), deadline);
    if (!answers) co_return answers.error();
    for (std::size_t i = 0; i < asked.size(); ++i)
        tried.push_back({asked[i], error_in((*answers)[i])});
    co_return result<void>{};
}

// One process of a server, whatever addresses lead to it.
examined_server as_examined(const server_account& account, const std::string& address) {
    examined_server server{.address = address,
                           .version = version_text(account.info),
                           .id = std::string(account.info.text("run_id"))};
    server.clock_ahead = account.clock_ahead;
    server.round_trip = account.round_trip;
    return server;
}

}  // namespace

asio::awaitable<result<diagnosis>> check_health(store_environment env, settings where,
                                                health_question about, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const settings plain = unguarded(where);
    server_account account;
    const health_visit first(env, plain);
    auto asked = co_await measure_road(env, first.line(), account, deadline);
    if (!asked) co_return asked.error();
    asked = co_await read_account(first.line(), account, deadline);
    if (!asked) co_return asked.error();
    const health_visit second(env, plain);
    std::vector<tried_right> tried;
    asked = co_await try_rights(second.line(), about, tried, deadline);
    if (!asked && asked.error().code == errc::cancelled) co_return asked.error();
    diagnosis found;
    found.findings = judge_server(account, where);
    if (!asked)
        found.findings.push_back({severity::warning, "second-connection", where.address,
                                  "a second connection cannot be had: who waits needs one to be "
                                  "told when the wait is over (" +
                                      asked.error().text + ")",
                                  "CONFIG SET maxclients to more; or look at the network"});
    const std::string user = where.user.empty() ? "default" : where.user;
    if (asked && tried.size() <= own_trials)
        found.findings.push_back({severity::note, "rights-untried", where.address,
                                  "which rights the user " + user +
                                      " lacks is not known, as it may not run MULTI, with which "
                                      "they are tried",
                                  "compare them with holdfast doctor --acl " + user});
    auto missing = judge_rights(tried, user, where.address, about.key_pattern);
    found.findings.insert(found.findings.end(), std::make_move_iterator(missing.begin()),
                          std::make_move_iterator(missing.end()));
    found.servers.push_back(as_examined(account, where.address));
    co_return found;
}

}  // namespace holdfast::redis
