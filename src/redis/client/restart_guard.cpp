// SPDX-License-Identifier: BSL-1.0
//
// How a connection learns whether its server may have forgotten locks: with `durability=strict`.
#include "core/restart_guard.hpp"

#include "redis/client/client.hpp"
#include "redis/client/server_error.hpp"
#include "redis/script.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace holdfast::redis {
namespace {

/// Where the run is kept, but in a cluster; no name's lock key, and among the keys that access
/// rules allow.
constexpr const char* usual_guard_key = "{hf:}guard";

}  // namespace

// The server takes the difference of two times that it has cut down to seconds, so it may tell
// nearly a second more than there were. A replication id is drawn anew whenever a server becomes a
// master, so that a run that was a replica for a while is another one.
result<server_run> read_server_run(std::string_view info) {
    const auto value_of = [info](std::string_view name) {
        const std::string line = "\n" + std::string(name) + ":";
        const auto at = info.find(line);
        if (at == info.npos) return std::string_view{};
        const auto rest = info.substr(at + line.size());
        return rest.substr(0, rest.find_first_of("\r\n"));
    };
    server_run run;
    const std::string_view process = value_of("run_id");
    const std::string_view history = value_of("master_replid");
    const std::string_view up = value_of("uptime_in_seconds");
    std::int64_t seconds = -1;
    std::from_chars(up.data(), up.data() + up.size(), seconds);
    const auto is_id = [](std::string_view text) {
        return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == text.npos;
    };
    for (const auto& [told, field] :
         {std::pair(is_id(process), "run_id"), std::pair(is_id(history), "master_replid"),
          std::pair(seconds >= 0, "uptime_in_seconds")})
        if (!told)
            return failure{errc::protocol,
                           std::string("durability=strict: INFO tells no ") + field};
    run.id.append(process).append(history);
    if (value_of("role") != "master")
        return failure{errc::denied, "durability=strict: it is a replica"};
    run.life.up = std::chrono::seconds(std::max<std::int64_t>(seconds - 1, 0));
    run.life.promoted = value_of("second_repl_offset") != "-1";
    return run;
}

// On every connection, as each may be to another run. What is sent on it goes to that one, until it
// is refused as to a replica.
asio::awaitable<result<void>> client::meet_server() {
    batch command;
    command.add("INFO");
    auto info = co_await ask(std::move(command));
    if (!info) co_return info.error();
    if (info->is(resp::kind::error))
        co_return failure{classify(info->text), "durability=strict: " + tidy_text(info->text)};
    const auto run = read_server_run("\n" + info->text);
    if (!run && run.error().code == errc::denied && follows_a_master())
        co_return failure{errc::unreachable, run.error().text};
    if (!run) co_return run.error();
    if (auto counted = co_await check_counting(); !counted) co_return counted;
    const auto longest = where_.longest_ttl;
    const std::string guard_key = where_.guard_key ? where_.guard_key() : usual_guard_key;
    batch guard;
    guard.add("EVAL", scripts().guard.text(facts_.version_major), 1, guard_key, run->id,
              core::quarantine_of(run->life, longest).count(), longest.count());
    auto left = co_await ask(std::move(guard));
    if (!left) co_return left.error();
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    if (left->is(resp::kind::error) && follows_a_master()) look_for_demotion(*left);
    if (left->is(resp::kind::error) && where_.in_cluster()) look_for_redirection(*left);
    if (left->is(resp::kind::error))
        co_return failure{classify(left->text), "durability=strict: " + tidy_text(left->text)};
    if (!left->is(resp::kind::integer) || left->integer < 0)
        co_return failure{errc::protocol, "an answer that does not fit its command"};
    // Counted from when it is known: the server's own count began before.
    grants_from_ = env_.time.now() + std::chrono::milliseconds(left->integer);
    co_return result<void>{};
}

// Who may not ask how many replicas have something is told so at once, and not by a grant that
// nobody knows anything of.
asio::awaitable<result<void>> client::check_counting() {
    if (where_.replicas == 0) co_return result<void>{};
    batch command;
    command.add("WAIT", 0, 0);
    const auto answer = co_await ask(std::move(command));
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::error))
        co_return failure{classify(answer->text),
                          "durability=replicated: " + tidy_text(answer->text)};
    co_return result<void>{};
}

// What is taken in a quarantine is not sent at all; what renews and releases is.
void client::refuse_grants() {
    const time_point now = env_.time.now();
    if (now >= grants_from_) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(grants_from_ - now);
    const failure why{errc::quarantined, where_.address + ": quarantine, " +
                                             std::to_string(left.count()) +
                                             " ms left: it was restarted or promoted, and may "
                                             "have forgotten locks that are held"};
    const auto grants = [](const request* one) { return one->commands.grants; };
    const auto first = std::stable_partition(queued_.begin(), queued_.end(),
                                             [&](const request* one) { return !grants(one); });
    const std::vector<request*> refused(first, queued_.end());
    queued_.erase(first, queued_.end());
    for (request* const one : refused) finish(*one, why);
}

}  // namespace holdfast::redis
