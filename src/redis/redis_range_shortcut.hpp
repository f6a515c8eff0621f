// SPDX-License-Identifier: BSL-1.0
//
// What it is: plain holds and their releases on one Redis server without a coroutine: calls of the
// scripts are written straight into the exchange that sends them, and its room is used again.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/range_store.hpp>

#include "redis/client/client.hpp"
#include "redis/redis_range_store.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace holdfast::redis {

/// @return The grant, if the answer to `redis_range_store::add_hold` is a plain yes.
[[nodiscard]] std::optional<range_grant> plain_hold(const resp::reply& answer) noexcept;

/// @return Whether so much had run out that the script did nothing but put it away.
[[nodiscard]] bool is_untidy(const resp::reply& answer) noexcept;

/// @return Whether the answer to `redis_range_store::add_release` is a plain yes.
[[nodiscard]] bool is_plain_release(const resp::reply& answer) noexcept;

/// See the top of the file. The store outlives it.
class redis_range_shortcut final : public range_shortcut, private client::request {
public:
    redis_range_shortcut(redis_range_store& where, std::shared_ptr<client> through)
        : store_(where), client_(std::move(through)) {}
    ~redis_range_shortcut() override { client_->forget(*this); }

    bool start_hold(const range_claim& wanted, time_point deadline,
                    shortcut::caller& tell) override {
        caller_ = &tell;
        clear();
        store_.add_hold(commands, wanted);
        return client_->start(*this, deadline);
    }
    std::optional<range_grant> granted() override {
        return answered() ? plain_hold(answers().front()) : std::nullopt;
    }
    asio::awaitable<result<range_grant>> conclude_hold(const range_claim& wanted,
                                                       time_point deadline) override {
        if (!answered()) co_return why_not();
        co_return co_await store_.conclude_hold(wanted, answers().front(), deadline);
    }

    bool start_release(std::string_view key, std::string_view id, released_hold which,
                       time_point deadline, shortcut::caller& tell) override {
        caller_ = &tell;
        clear();
        store_.add_release(commands, key, id, which);
        return client_->start(*this, deadline);
    }
    bool released() override { return answered() && is_plain_release(answers().front()); }
    asio::awaitable<result<void>> conclude_release(std::string_view key, std::string_view id,
                                                   released_hold which,
                                                   time_point deadline) override {
        if (!answered()) co_return why_not();
        co_return co_await store_.conclude_release(key, id, which, answers().front(), deadline);
    }

private:
    void resume() override { caller_->on_answer(); }

    redis_range_store& store_;
    std::shared_ptr<client> client_;
    shortcut::caller* caller_{nullptr};
};

}  // namespace holdfast::redis
