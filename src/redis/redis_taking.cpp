// SPDX-License-Identifier: BSL-1.0
//
// How locks are taken.
#include "core/fence_rule.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "redis/redis_shortcut.hpp"
#include "redis/redis_store.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::redis {
namespace {

/// The first error among the replies to a transaction tells the cause; the last, EXEC's own, only
/// says that there was one.
const resp::reply* first_error(std::span<const resp::reply> answers) {
    for (const resp::reply& answer : answers)
        if (answer.is(resp::kind::error)) return &answer;
    return nullptr;
}

}  // namespace

asio::awaitable<result<grant>> redis_store::acquire(const claim& wanted, attempt which,
                                                    time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (!lasts(wanted.ttl)) co_return too_long(wanted.ttl);
    if (wanted.mode == lock_mode::shared || wanted.permits > 0)
        co_return co_await acquire_share(wanted, deadline);
    if (which == attempt::repeated) co_return co_await acquire_again(wanted, deadline);
    batch commands;
    add_acquire(commands, wanted);
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    co_return co_await conclude_acquire(wanted, *answers, deadline);
}

// Not a script: a transaction of two plain commands costs the server a quarter less, and only a
// counter that was started anew needs a second conversation.
void redis_store::add_acquire(batch& into, const claim& wanted) const {
    key_texts keys(wanted.name);
    into.grants = true;
    if (wanted.fence) into.add("MULTI");
    into.add("SET", keys.lock(), wanted.value, "NX", "PX", wanted.ttl.count());
    if (!wanted.fence) return;
    into.add("INCR", keys.fence());
    into.add("EXEC");
}

std::optional<grant> plain_grant(bool fenced, std::span<const resp::reply> answers) {
    if (answers.empty()) return std::nullopt;
    const resp::reply& last = answers.back();
    if (!fenced) return last.is(resp::kind::text) ? std::optional(grant{}) : std::nullopt;
    if (!last.is(resp::kind::array) || last.items.size() != 2) return std::nullopt;
    const resp::reply& token = last.items[1];
    if (!last.items[0].is(resp::kind::text) || !token.is(resp::kind::integer)) return std::nullopt;
    const auto drawn = static_cast<std::uint64_t>(std::max<std::int64_t>(token.integer, 0));
    if (core::needs_floor(drawn)) return std::nullopt;
    return grant{.fencing_token = drawn};
}

asio::awaitable<result<grant>> redis_store::conclude_acquire(const claim& wanted,
                                                             std::span<const resp::reply> answers,
                                                             time_point deadline) {
    if (const auto given = plain_grant(wanted.fence, answers)) co_return *given;
    const resp::reply& done = answers.back();
    if (!wanted.fence) {
        if (done.is(resp::kind::error)) co_return refused(*client_, done);
        if (done.is(resp::kind::nil)) co_return co_await contended(wanted, deadline);
        co_return nonsense(*client_);
    }
    if (const resp::reply* error = first_error(answers)) {
        // Where MULTI was refused, what follows it was carried out.
        if (answers[1].text == "OK") co_await take_back(wanted, deadline);
        co_return refused(*client_, *error);
    }
    if (!done.is(resp::kind::array) || done.items.size() != 2) co_return nonsense(*client_);
    const resp::reply& set = done.items[0];
    const resp::reply& token = done.items[1];
    if (set.is(resp::kind::error)) co_return refused(*client_, set);
    const bool granted = !set.is(resp::kind::nil);
    if (!token.is(resp::kind::integer) || token.integer <= 0) {
        // A transaction does not roll back: the lock was taken, and must not stay without a token.
        if (granted) co_await take_back(wanted, deadline);
        co_return token.is(resp::kind::error) ? refused(*client_, token) : nonsense(*client_);
    }
    const auto drawn = static_cast<std::uint64_t>(token.integer);
    if (core::needs_floor(drawn)) co_return co_await seed(wanted, granted, deadline);
    if (!granted) co_return co_await contended(wanted, deadline);
    co_return grant{.fencing_token = drawn};
}

asio::awaitable<result<grant>> redis_store::seed(const claim& wanted, bool granted,
                                                 time_point deadline) {
    texts keys{lock_key(wanted.name), fence_key(wanted.name)};
    texts arguments{granted ? wanted.value : std::string(), std::to_string(core::fence_floor),
                    std::to_string(fence_seconds)};
    auto answer = co_await call_script(client_, scripts().seed_fence, std::move(keys),
                                       std::move(arguments), deadline);
    // Who was refused the lock seeds so that no counter stays for ever; whether it worked is not
    // what was asked for.
    if (!granted) co_return co_await contended(wanted, deadline);
    if (!answer) {
        failure why = answer.error();
        // The lock was taken by the first conversation, whatever became of this one.
        if (why.code == errc::unreachable) why.code = errc::in_doubt;
        if (why.code != errc::in_doubt && why.code != errc::cancelled)
            co_await take_back(wanted, deadline);
        co_return why;
    }
    if (answer->is(resp::kind::integer) && answer->integer == -1)
        co_return co_await contended(wanted, deadline);
    if (answer->is(resp::kind::integer) && answer->integer == -2)
        co_return failure{errc::unreachable,
                          address() + ": the lock was gone before its fencing token was drawn"};
    if (!answer->is(resp::kind::integer) || answer->integer == 0) {
        co_await take_back(wanted, deadline);
        co_return nonsense(*client_);
    }
    co_return grant{.fencing_token = static_cast<std::uint64_t>(answer->integer)};
}

asio::awaitable<result<grant>> redis_store::acquire_again(const claim& wanted,
                                                          time_point deadline) {
    texts keys{lock_key(wanted.name), fence_key(wanted.name)};
    texts arguments{wanted.value, std::to_string(wanted.ttl.count()), wanted.fence ? "1" : "0",
                    std::to_string(core::fence_floor), std::to_string(fence_seconds)};
    auto answer = co_await call_script(client_, scripts().acquire_again, std::move(keys),
                                       std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    if (!answer->is(resp::kind::array) || answer->items.empty()) co_return nonsense(*client_);
    const std::int64_t verdict = answer->items[0].integer;
    if (verdict == 0) co_return co_await contended(wanted, deadline);
    if (answer->items.size() != 2) co_return nonsense(*client_);
    co_return grant{.fencing_token = static_cast<std::uint64_t>(answer->items[1].integer),
                    .taken_earlier = verdict == 2};
}

asio::awaitable<result<grant>> redis_store::acquire_share(const claim& wanted,
                                                          time_point deadline) {
    texts arguments{wanted.value,
                    std::to_string(wanted.ttl.count()),
                    wanted.permits > 0 ? "c" : "s",
                    std::to_string(wanted.permits),
                    wanted.fence ? "1" : "0",
                    std::to_string(core::fence_floor),
                    std::to_string(fence_seconds)};
    auto answer = co_await call_script(client_, scripts().take_share, all_keys(wanted.name),
                                       std::move(arguments), deadline);
    if (!answer && answer.error().code == errc::wrong_type)
        co_return co_await wrong_type_of(wanted.name, deadline);
    if (!answer) co_return answer.error();
    const auto& told = answer->items;
    if (told.size() == 3 && told[0].integer == 0) co_return held_by(told[1], told[2]);
    if (told.size() != 2 || told[0].integer < 1) co_return nonsense(*client_);
    co_return grant{.fencing_token = static_cast<std::uint64_t>(told[1].integer),
                    .taken_earlier = told[0].integer == 2};
}

asio::awaitable<result<std::vector<grant>>> redis_store::acquire_all(std::span<const claim> wanted,
                                                                     attempt which,
                                                                     time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts keys;
    texts arguments{std::to_string(core::fence_floor), std::to_string(fence_seconds),
                    which == attempt::repeated ? "1" : "0"};
    for (const claim& one : wanted) {
        if (!lasts(one.ttl)) co_return too_long(one.ttl);
        keys.push_back(lock_key(one.name));
        keys.push_back(fence_key(one.name));
        arguments.push_back(one.value);
        arguments.push_back(std::to_string(one.ttl.count()));
        arguments.emplace_back(one.fence ? "1" : "0");
    }
    auto answer = co_await call_script(client_, scripts().take_all, std::move(keys),
                                       std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    const auto& told = answer->items;
    if (told.size() == 2 && told[0].integer == 0) {
        const auto place = static_cast<std::uint64_t>(told[1].integer) - 1;
        if (place >= wanted.size()) co_return nonsense(*client_);
        failure why = co_await contended(wanted[place], deadline);
        why.name = wanted[place].name;
        co_return why;
    }
    if (told.size() != 1 + 2 * wanted.size()) co_return nonsense(*client_);
    std::vector<grant> all;
    for (std::size_t i = 1; i < told.size(); i += 2)
        all.push_back({.fencing_token = static_cast<std::uint64_t>(told[i + 1].integer),
                       .taken_earlier = told[i].integer == 2});
    co_return all;
}

asio::awaitable<result<void>> redis_store::raise_token(std::string_view name,
                                                       std::string_view value,
                                                       std::uint64_t at_least,
                                                       time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts keys{lock_key(name), fence_key(name)};
    texts arguments{std::string(value), std::to_string(at_least), std::to_string(fence_seconds)};
    auto answer = co_await call_script(client_, scripts().raise_token, std::move(keys),
                                       std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    co_return ownership(*answer, address());
}

failure redis_store::too_long(std::chrono::milliseconds ttl) const {
    return {errc::misuse, address() + ": with durability=strict a ttl is at most longest_ttl_ms=" +
                              std::to_string(client_->where().longest_ttl.count()) + ", not " +
                              std::to_string(ttl.count())};
}

// Best effort: what remains of it ends by its ttl.
asio::awaitable<void> redis_store::take_back(const claim& wanted, time_point deadline) {
    static_cast<void>(co_await release(wanted.name, wanted.value, deadline));
}

}  // namespace holdfast::redis
