// SPDX-License-Identifier: BSL-1.0
#include "redis/redis_store.hpp"

#include <holdfast/redis.hpp>

#include "core/fence_rule.hpp"
#include "redis/client/server_error.hpp"
#include "redis/cluster/cluster_store.hpp"
#include "redis/dialect_id.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "redis/redis_bulletin.hpp"
#include "redis/redis_range_store.hpp"
#include "redis/redis_shortcut.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

namespace holdfast::redis {

redis_store::redis_store(const store_environment& environment, settings where)
    : env_(environment),
      client_(std::make_shared<client>(environment, std::move(where))),
      notices_(std::make_shared<notices>(environment, client_, hex_id(env_.random))) {}

bool plain_release(std::span<const resp::reply> answers) {
    if (answers.empty() || !answers[0].is(resp::kind::integer) || answers[0].integer != 1)
        return false;
    return answers.size() == 1 || (answers[1].is(resp::kind::integer) && answers[1].integer == 0);
}

// To whoever came between the native deletion and now is right behind those who waited before. How
// it went is nobody's answer: those who wait ask again by themselves.
asio::awaitable<void> redis_store::hand_over(std::string_view name, time_point deadline) {
    texts keys{lock_key(name)};
    texts arguments{"-.0", "leave", {}};
    const auto told = co_await call_script(client_, scripts().line, std::move(keys),
                                           std::move(arguments), deadline);
    static_cast<void>(told);
}

// What hands a lock over is the server, which knows nothing of a quarantine.
std::string_view redis_store::why_not(ability which) const noexcept {
    return which == ability::fair && strict() ? "with durability=strict no line is kept" : "";
}

std::unique_ptr<shortcut> redis_store::make_shortcut() {
    return std::make_unique<redis_shortcut>(*this, client_);
}

void redis_store::stop() {
    client_->stop();
    notices_->stop();
}

asio::awaitable<void> redis_store::renew(std::span<renewal> all, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (!strict()) co_return co_await renew_lasting(all, deadline);
    std::vector<renewal> lasting;
    for (const renewal& ask : all)
        if (lasts(ask.ttl)) lasting.push_back(ask);
    co_await renew_lasting(lasting, deadline);
    auto next = lasting.begin();
    for (renewal& ask : all)
        ask.outcome = lasts(ask.ttl) ? std::move(next++->outcome) : too_long(ask.ttl);
}

asio::awaitable<void> redis_store::renew_lasting(std::span<renewal> all, time_point deadline) {
    add_renewal add = [server = client_](batch& into, bool by_hash, const renewal& ask) {
        const key_texts keys(ask.name);
        const script& what = scripts().renew;
        const unsigned version = server->facts().version_major;
        into.add(by_hash ? "EVALSHA" : "EVAL", by_hash ? what.sha1(version) : what.text(version), 1,
                 keys.lock(), ask.value, ask.ttl.count());
    };
    co_await renew_all(client_, all, std::move(add), deadline);
}

asio::awaitable<result<void>> redis_store::release(std::string_view name, std::string_view value,
                                                   time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    batch commands;
    add_release(commands, name, value);
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    co_return co_await conclude_release(name, value, *answers, deadline);
}

void redis_store::add_release(batch& into, std::string_view name, std::string_view value) const {
    key_texts keys(name);
    switch (client_->facts().deletes) {
        case native_delete::none: break;
        case native_delete::delex:
            into.add("DELEX", keys.lock(), "IFEQ", value);
            into.add("EXISTS", keys.line());
            return;
        case native_delete::delifeq:
            into.add("DELIFEQ", keys.lock(), value);
            into.add("EXISTS", keys.line());
            return;
    }
    const std::string_view sha1 = scripts().release.sha1(client_->facts().version_major);
    into.add("EVALSHA", sha1, 1, keys.lock(), value);
}

asio::awaitable<result<void>> redis_store::conclude_release(std::string_view name,
                                                            std::string_view value,
                                                            std::span<const resp::reply> answers,
                                                            time_point deadline) {
    if (plain_release(answers)) co_return result<void>{};
    const resp::reply& answer = answers.front();
    const bool native = answers.size() > 1;
    if (native && answer.is(resp::kind::integer) && answer.integer == 1) {
        co_await hand_over(name, deadline);
        co_return result<void>{};
    }
    if (native && answer.is(resp::kind::error) && classify(answer.text) != errc::wrong_type)
        client_->forget_native_delete();
    // A native command does not tell who holds it, if we do not.
    if (native || unknown_script(answer)) {
        texts keys{lock_key(name)};
        texts arguments{std::string(value)};
        auto told = co_await call_script(client_, scripts().release, std::move(keys),
                                         std::move(arguments), deadline);
        if (!told && told.error().code == errc::wrong_type)
            co_return co_await wrong_type_of(name, deadline);
        if (!told) co_return told.error();
        co_return ownership(*told, address());
    }
    auto gone = ownership(answer, address());
    if (!gone && gone.error().code == errc::wrong_type)
        co_return co_await wrong_type_of(name, deadline);
    co_return gone;
}

}  // namespace holdfast::redis

namespace holdfast {

namespace {

result<store_factory> open_redis(std::string_view url) {
    auto where = redis::read_settings(url);
    if (!where) return where.error();
    if (where->in_cluster())
        return store_factory([where = std::move(*where)](
                                 const store_environment& env) -> result<std::shared_ptr<store>> {
            return std::shared_ptr<store>(std::make_shared<redis::cluster_store>(env, where));
        });
    return store_factory([where = std::move(*where)](
                             const store_environment& env) -> result<std::shared_ptr<store>> {
        return std::shared_ptr<store>(std::make_shared<redis::redis_store>(env, where));
    });
}

}  // namespace

bool register_redis_store() {
    bool known = true;
    for (const char* const scheme :
         {"redis", "rediss", "redis+unix", "redis-sentinel", "rediss-sentinel"})
        known = register_scheme(scheme, &open_redis) &&
                register_range_scheme(scheme, &redis::open_redis_ranges) &&
                port::register_bulletin_scheme(scheme, &redis::open_redis_bulletin) && known;
    for (const char* const scheme : {"redis-cluster", "rediss-cluster"})
        known = register_scheme(scheme, &open_redis) && known;
    return known;
}

}  // namespace holdfast
