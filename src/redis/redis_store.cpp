// SPDX-License-Identifier: BSL-1.0
#include "redis/redis_store.hpp"

#include <holdfast/redis.hpp>

#include "core/fence_rule.hpp"
#include "redis/client/server_error.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::redis {
namespace {

using std::chrono::milliseconds;

/// The first error among the replies to a transaction tells the cause; the last, EXEC's own, only
/// says that there was one.
const resp::reply* first_error(const replies& answers) {
    for (const resp::reply& answer : answers)
        if (answer.is(resp::kind::error)) return &answer;
    return nullptr;
}

}  // namespace

redis_store::redis_store(const store_environment& environment, settings where)
    : env_(environment), client_(std::make_shared<client>(environment, std::move(where))) {}

void redis_store::stop() { client_->stop(); }

asio::awaitable<result<grant>> redis_store::acquire(const claim& wanted, attempt which,
                                                    time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (which == attempt::repeated) co_return co_await acquire_again(wanted, deadline);
    if (wanted.fence) co_return co_await acquire_fenced(wanted, deadline);
    co_return co_await acquire_plain(wanted, deadline);
}

asio::awaitable<result<grant>> redis_store::acquire_plain(const claim& wanted,
                                                          time_point deadline) {
    batch commands;
    commands.add("SET", lock_key(wanted.name), wanted.value, "NX", "PX", wanted.ttl.count());
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    const resp::reply& set = answers->front();
    if (set.is(resp::kind::error)) co_return refused(*client_, set);
    if (set.is(resp::kind::nil)) co_return co_await contended(wanted, deadline);
    co_return grant{};
}

// Not a script: a transaction of two plain commands costs the server a quarter less, and only a
// counter that was started anew needs a second conversation.
asio::awaitable<result<grant>> redis_store::acquire_fenced(const claim& wanted,
                                                           time_point deadline) {
    batch commands;
    commands.add("MULTI");
    commands.add("SET", lock_key(wanted.name), wanted.value, "NX", "PX", wanted.ttl.count());
    commands.add("INCR", fence_key(wanted.name));
    commands.add("EXEC");
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    if (const resp::reply* error = first_error(*answers)) {
        // Where MULTI was refused, what follows it was carried out.
        if ((*answers)[1].text == "OK") co_await take_back(wanted, deadline);
        co_return refused(*client_, *error);
    }
    const resp::reply& done = answers->back();
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
    if (answer->is(resp::kind::integer) && answer->integer < 0)
        co_return co_await contended(wanted, deadline);
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
    if (!answer) {
        if (answer.error().code == errc::wrong_type)
            co_return co_await wrong_type(wanted.name, deadline);
        co_return answer.error();
    }
    if (!answer->is(resp::kind::array) || answer->items.empty()) co_return nonsense(*client_);
    const std::int64_t verdict = answer->items[0].integer;
    if (verdict == 0) co_return co_await contended(wanted, deadline);
    if (answer->items.size() != 2) co_return nonsense(*client_);
    co_return grant{.fencing_token = static_cast<std::uint64_t>(answer->items[1].integer),
                    .taken_earlier = verdict == 2};
}

// Best effort: what remains of it ends by its ttl.
asio::awaitable<void> redis_store::take_back(const claim& wanted, time_point deadline) {
    static_cast<void>(co_await release(wanted.name, wanted.value, deadline));
}

// Who has it? Not asked for where it cannot be told in time: contended is the answer all the same.
asio::awaitable<failure> redis_store::contended(const claim& wanted, time_point deadline) {
    failure busy(errc::contended, "somebody else holds it");
    auto found = co_await inspect(wanted.name, deadline);
    if (found && *found) busy.holder = (*found)->holder;
    if (!found && found.error().code == errc::wrong_type) co_return found.error();
    if (!found && found.error().code == errc::cancelled) co_return found.error();
    co_return busy;
}

asio::awaitable<failure> redis_store::wrong_type(std::string_view name, time_point deadline) {
    const std::string key = lock_key(name);
    batch commands;
    commands.add("TYPE", key);
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    const bool told = answers && answers->front().is(resp::kind::text);
    co_return failure{errc::wrong_type,
                      address() + ": the key " + key + " is a " +
                          (told ? tidy_text(answers->front().text) : "non-string") +
                          ", where a lock is a string"};
}

asio::awaitable<void> redis_store::renew(std::span<renewal> all, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto call = [](const renewal& ask) -> renewal_call {
        return {{lock_key(ask.name)}, {std::string(ask.value), std::to_string(ask.ttl.count())}};
    };
    co_await renew_all(client_, scripts().renew, all, call, deadline);
}

asio::awaitable<result<void>> redis_store::release(std::string_view name, std::string_view value,
                                                   time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts keys{lock_key(name)};
    texts arguments{std::string(value)};
    auto answer = co_await call_script(client_, scripts().release, std::move(keys),
                                       std::move(arguments), deadline);
    if (!answer && answer.error().code == errc::wrong_type)
        co_return co_await wrong_type(name, deadline);
    if (!answer) co_return answer.error();
    co_return ownership(*answer, address());
}

asio::awaitable<result<std::optional<lock_info>>> redis_store::inspect(std::string_view name,
                                                                       time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string key = lock_key(name);
    // No transaction: a server that is out of memory refuses to queue even what only reads.
    batch commands;
    commands.add("GET", key);
    commands.add("PTTL", key);
    commands.add("GET", fence_key(name));
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    const resp::reply& held = answers->front();
    if (held.is(resp::kind::error) && classify(held.text) == errc::wrong_type)
        co_return co_await wrong_type(name, deadline);
    for (const resp::reply& answer : *answers)
        if (answer.is(resp::kind::error) && classify(answer.text) != errc::wrong_type)
            co_return refused(*client_, answer);
    if (held.is(resp::kind::nil)) co_return std::optional<lock_info>();
    if (!held.is(resp::kind::text)) co_return nonsense(*client_);
    co_return std::optional<lock_info>(describe(name, held, (*answers)[1], (*answers)[2]));
}

asio::awaitable<result<std::vector<lock_info>>> redis_store::list(std::string_view prefix,
                                                                  time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string pattern = lock_key_pattern(prefix);
    std::vector<lock_info> found;
    std::string cursor = "0";
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
            details.add("GET", key.text);
            details.add("PTTL", key.text);
            details.add("GET", fence_key(*name));
            names.push_back(std::move(*name));
        }
        if (names.empty()) continue;
        auto answers = co_await client_->exchange(std::move(details), deadline);
        if (!answers) co_return answers.error();
        for (std::size_t i = 0; i < names.size(); ++i) {
            const resp::reply* const row = &(*answers)[3 * i];
            if (row[0].is(resp::kind::error) && classify(row[0].text) != errc::wrong_type)
                co_return refused(*client_, row[0]);
            // Gone since, or not a lock: neither belongs in the list.
            if (row[0].is(resp::kind::text))
                found.push_back(describe(names[i], row[0], row[1], row[2]));
        }
    } while (cursor != "0");
    sort_by_name(found);
    co_return found;
}

asio::awaitable<result<std::optional<lock_info>>> redis_store::take_away(std::string_view name,
                                                                         time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts keys{lock_key(name), fence_key(name)};
    auto answer = co_await call_script(client_, scripts().take_away, std::move(keys), {}, deadline);
    if (!answer && answer.error().code == errc::wrong_type)
        co_return co_await wrong_type(name, deadline);
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::nil)) co_return std::optional<lock_info>();
    if (answer->items.size() < 2) co_return nonsense(*client_);
    answer->items.resize(3);
    co_return std::optional<lock_info>(
        describe(name, answer->items[0], answer->items[1], answer->items[2]));
}

// Asks now and then, 5 to 35 ms apart, and when the lease ends.
asio::awaitable<void> redis_store::await_change(std::string_view name, time_point until) {
    using namespace std::chrono_literals;
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string key = lock_key(name);
    for (;;) {  // Ends at `until`.
        batch ask;
        ask.add("PTTL", key);
        const time_point deadline = now() + env_.options.timeout;
        auto answers = co_await client_->exchange(std::move(ask), deadline);
        const bool told = answers && answers->front().is(resp::kind::integer);
        const std::int64_t left = told ? answers->front().integer : -1;
        if (left == -2) co_return;
        const auto jitter = std::chrono::microseconds(5'000 + env_.random.jitter_bits() % 30'000);
        time_point next = now() + jitter;
        if (left >= 0) next = std::min(next, now() + milliseconds(left) + 1ms);
        if (!co_await sleep_until(env_.time, std::min(next, until))) co_return;
        if (!told || now() >= until) co_return;
    }
}

}  // namespace holdfast::redis

namespace holdfast {

namespace {

result<store_factory> open_redis(std::string_view url) {
    auto where = redis::read_settings(url);
    if (!where) return where.error();
    return store_factory([where = std::move(*where)](
                             const store_environment& env) -> result<std::shared_ptr<store>> {
        return std::shared_ptr<store>(std::make_shared<redis::redis_store>(env, where));
    });
}

}  // namespace

bool register_redis_store() {
    return register_scheme("redis", &open_redis) && register_scheme("rediss", &open_redis) &&
           register_scheme("redis+unix", &open_redis);
}

}  // namespace holdfast
