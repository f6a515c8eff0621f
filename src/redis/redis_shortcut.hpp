// SPDX-License-Identifier: BSL-1.0
//
// What it is: plain acquisitions and releases on one Redis server without a coroutine: commands are
// written straight into the exchange that sends them, and its room is used again.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/redis_store.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast::redis {

/// @return The grant, if the answers to `redis_store::add_acquire` are a plain yes.
[[nodiscard]] std::optional<grant> plain_grant(bool fenced, std::span<const resp::reply> answers);

/// @return Whether the answers to `redis_store::add_release` are a plain yes.
[[nodiscard]] bool plain_release(std::span<const resp::reply> answers);

/// See the top of the file. The store outlives it.
class redis_shortcut final : public shortcut, private client::request {
public:
    redis_shortcut(redis_store& where, std::shared_ptr<client> through)
        : store_(where), client_(std::move(through)) {}
    ~redis_shortcut() override { client_->forget(*this); }

    bool start_acquire(const claim& wanted, time_point deadline, caller& tell) override {
        if (!store_.lasts(wanted.ttl)) return false;
        caller_ = &tell;
        fenced_ = wanted.fence;
        clear();
        store_.add_acquire(commands, wanted);
        return client_->start(*this, deadline);
    }
    std::optional<grant> granted() override {
        return answered() ? plain_grant(fenced_, answers()) : std::nullopt;
    }
    asio::awaitable<result<grant>> conclude_acquire(const claim& wanted,
                                                    time_point deadline) override {
        if (!answered()) co_return why_not();
        co_return co_await store_.conclude_acquire(wanted, answers(), deadline);
    }

    bool start_release(std::string_view name, std::string_view value,
                       std::uint64_t /*fencing_token*/, time_point deadline,
                       caller& tell) override {
        caller_ = &tell;
        clear();
        store_.add_release(commands, name, value);
        return client_->start(*this, deadline);
    }
    bool released() override { return answered() && plain_release(answers()); }
    asio::awaitable<result<void>> conclude_release(std::string_view name, std::string_view value,
                                                   std::uint64_t /*fencing_token*/,
                                                   time_point deadline) override {
        if (!answered()) co_return why_not();
        co_return co_await store_.conclude_release(name, value, answers(), deadline);
    }

private:
    void resume() override { caller_->on_answer(); }

    redis_store& store_;
    std::shared_ptr<client> client_;
    caller* caller_{nullptr};
    bool fenced_{false};
};

}  // namespace holdfast::redis
