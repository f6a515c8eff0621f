// SPDX-License-Identifier: BSL-1.0
#include "redis/redis_store.hpp"

#include <holdfast/redis.hpp>

#include "core/fence_rule.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

namespace holdfast::redis {

redis_store::redis_store(const store_environment& environment, settings where)
    : env_(environment),
      client_(std::make_shared<client>(environment, where)),
      notices_(std::make_shared<notices>(environment, std::move(where),
                                         draw_identity(env_.random, {}).id)) {}

void redis_store::stop() {
    client_->stop();
    notices_->stop();
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
    texts arguments{std::string(value), std::to_string(core::fence_floor),
                    std::to_string(fence_seconds)};
    auto answer = co_await call_script(client_, scripts().release, all_keys(name),
                                       std::move(arguments), deadline);
    if (!answer && answer.error().code == errc::wrong_type)
        co_return co_await wrong_type_of(name, deadline);
    if (!answer) co_return answer.error();
    co_return ownership(*answer, address());
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
