// SPDX-License-Identifier: BSL-1.0
//
// What is told of locks, and how one is taken away.
#include "core/fence_rule.hpp"
#include "redis/client/server_error.hpp"
#include "redis/health_check.hpp"
#include "redis/key_feed.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "redis/redis_store.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// How many replies `add_look` leads to: GET, PTTL, GET and ZCARD.
constexpr std::size_t look_replies = 4;

/// Who takes a name for the first time lifts its counter by a second conversation; who asks about
/// the lock in between waits for that, with so many looks. The taker may have died meanwhile.
constexpr int lifting_looks = 20;
constexpr auto lifting_pause = 5ms;

void add_look(batch& into, const std::string& key) {
    into.add("GET", key);
    into.add("PTTL", key);
    into.add("GET", key + ":f");
    into.add("ZCARD", key + ":q");
}

/// @return Whether somebody holds it, with a token that is not there yet.
bool waits_for_its_token(const resp::reply* row) {
    return !row[0].is(resp::kind::nil) && is_being_lifted(row[2]);
}

/// @param kind  'x', 's' or 'c', as scripts tell it.
void tell_sharing(lock_info& info, const resp::reply& kind, const resp::reply& holders) {
    info.counted = kind.text == "c";
    info.mode = kind.text == "s" ? lock_mode::shared : lock_mode::exclusive;
    info.holders = static_cast<std::uint32_t>(holders.integer);
}

}  // namespace

// Who has it? Not asked for where it cannot be told in time: contended is the answer all the same.
asio::awaitable<failure> redis_store::contended(const claim& wanted, time_point deadline) {
    failure busy(errc::contended, "somebody else holds it");
    const auto answers = co_await ask_about(wanted.name, deadline);
    if (!answers && answers.error().code == errc::cancelled) co_return answers.error();
    if (!answers) co_return busy;
    auto found = co_await look(wanted.name, {}, answers->data(), deadline);
    if (found && *found) busy.holder = (*found)->holder;
    if (!found && found.error().code == errc::wrong_type) co_return found.error();
    if (!found && found.error().code == errc::cancelled) co_return found.error();
    co_return busy;
}

asio::awaitable<failure> redis_store::wrong_type_of(std::string_view name, time_point deadline) {
    return wrong_type(client_, lock_key(name), deadline);
}

asio::awaitable<redis_store::found_lock> redis_store::inspect(std::string_view name,
                                                              std::string_view id,
                                                              time_point deadline) {
    int looks_left = lifting_looks;
    co_return co_await inspect_patiently(name, id, looks_left, deadline);
}

asio::awaitable<redis_store::found_lock> redis_store::inspect_patiently(std::string_view name,
                                                                        std::string_view id,
                                                                        int& looks_left,
                                                                        time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    alarm pause(env_.time);
    for (;;) {
        const auto answers = co_await ask_about(name, deadline);
        if (!answers) co_return answers.error();
        const time_point next = now() + lifting_pause;
        if (!waits_for_its_token(answers->data()) || next >= deadline || --looks_left <= 0)
            co_return co_await look(name, id, answers->data(), deadline);
        if (co_await pause.wait_until(next) == wake_reason::cancelled)
            co_return failure{errc::cancelled, "the question was cancelled"};
    }
}

// No transaction: a server that is out of memory refuses to queue even what only reads.
asio::awaitable<result<replies>> redis_store::ask_about(std::string_view name,
                                                        time_point deadline) {
    batch commands;
    add_look(commands, lock_key(name));
    return client_->exchange(std::move(commands), deadline);
}

// Makes sense of the replies to `add_look`; what several hold is asked about again.
asio::awaitable<redis_store::found_lock> redis_store::look(std::string_view name,
                                                           std::string_view id,
                                                           const resp::reply* row,
                                                           time_point deadline) {
    for (std::size_t i = 0; i < look_replies; ++i)
        if (row[i].is(resp::kind::error) && classify(row[i].text) != errc::wrong_type)
            co_return refused(*client_, row[i]);
    if (row[0].is(resp::kind::nil)) co_return std::optional<lock_info>();
    lock_info info;
    if (row[0].is(resp::kind::text)) {
        info = describe(name, row[0], row[1], row[2]);
    } else if (row[0].is(resp::kind::error)) {
        texts keys{lock_key(name)};
        texts arguments{std::string(id)};
        auto told = co_await call_script(client_, scripts().look, std::move(keys),
                                         std::move(arguments), deadline);
        if (!told && told.error().code == errc::wrong_type)
            co_return co_await wrong_type_of(name, deadline);
        if (!told) co_return told.error();
        if (told->is(resp::kind::nil)) co_return std::optional<lock_info>();
        if (told->items.size() != 4) co_return nonsense(*client_);
        info = describe(name, told->items[0], told->items[1], row[2]);
        tell_sharing(info, told->items[2], told->items[3]);
    } else {
        co_return nonsense(*client_);
    }
    info.waiters = static_cast<std::uint32_t>(row[3].integer);
    co_return std::optional<lock_info>(std::move(info));
}

asio::awaitable<result<std::vector<lock_info>>> redis_store::list(std::string_view prefix,
                                                                  time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string pattern = lock_key_pattern(prefix);
    std::vector<lock_info> found;
    std::string cursor = "0";
    int looks_left = lifting_looks;
    do {  // Ends with the server's key space, or the deadline.
        batch scan;
        scan.add("SCAN", cursor, "MATCH", pattern, "COUNT", 500);
        auto page = co_await client_->exchange(std::move(scan), deadline);
        if (!page) co_return page.error();
        const resp::reply& reply = page->front();
        if (reply.is(resp::kind::error)) co_return refused(*client_, reply);
        if (reply.items.size() != 2) co_return nonsense(*client_);
        cursor = reply.items[0].text;
        batch details;
        std::vector<std::string> names;
        for (const resp::reply& key : reply.items[1].items) {
            auto name = name_of_key(key.text);
            if (!name) continue;
            add_look(details, key.text);
            names.push_back(std::move(*name));
        }
        if (names.empty()) continue;
        auto answers = co_await client_->exchange(std::move(details), deadline);
        if (!answers) co_return answers.error();
        for (std::size_t i = 0; i < names.size(); ++i) {
            const resp::reply* const row = answers->data() + look_replies * i;
            auto held = co_await look(names[i], {}, row, deadline);
            if (looks_left > 0 && waits_for_its_token(row))
                held = co_await inspect_patiently(names[i], {}, looks_left, deadline);
            if (!held && held.error().code != errc::wrong_type) co_return held.error();
            // Gone since, or not a lock: neither belongs in the list.
            if (held && *held) found.push_back(std::move(**held));
        }
    } while (cursor != "0");
    sort_by_name(found);
    co_return found;
}

asio::awaitable<redis_store::found_lock> redis_store::take_away(std::string_view name,
                                                                time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{std::to_string(core::fence_floor), std::to_string(fence_seconds),
                    std::string(broken_channel)};
    auto answer = co_await call_script(client_, scripts().take_away, all_keys(name),
                                       std::move(arguments), deadline);
    if (!answer && answer.error().code == errc::wrong_type)
        co_return co_await wrong_type_of(name, deadline);
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::nil)) co_return std::optional<lock_info>();
    const auto& told = answer->items;
    if (told.size() != 6) co_return nonsense(*client_);
    lock_info info = describe(name, told[0], told[1], told[2]);
    tell_sharing(info, told[3], told[4]);
    info.waiters = static_cast<std::uint32_t>(told[5].integer);
    co_return std::optional<lock_info>(std::move(info));
}

std::unique_ptr<change_feed> redis_store::watch(std::string_view prefix) {
    return std::make_unique<key_feed>(env_, client_->where(), prefix);
}

// A user of locks may use the same server for ranges; whether this one does is not known.
asio::awaitable<result<diagnosis>> redis_store::diagnose(time_point deadline) {
    health_question about{purpose::locks | purpose::info, lock_key("doctor"), "{hf:*"};
    const settings& where = client_->where();
    if (!where.sentinels.empty()) about.uses = about.uses | purpose::failover;
    if (where.replicas > 0) about.uses = about.uses | purpose::replicated;
    co_return co_await check_health(env_, client_->where(), std::move(about), deadline);
}

}  // namespace holdfast::redis
