// SPDX-License-Identifier: BSL-1.0
//
// What it is: a shortcut for stores of holds that have none of their own, made of their coroutines:
// so the engine's quick way runs over them, and through their faults.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/range_store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::test {

/// See the top of the file. The store outlives it.
class coroutine_range_shortcut final : public range_shortcut {
public:
    coroutine_range_shortcut(range_store& where, asio::any_io_executor executor)
        : store_(where), executor_(std::move(executor)) {}
    ~coroutine_range_shortcut() override { forget(); }

    bool start_hold(const range_claim& wanted, time_point deadline,
                    shortcut::caller& tell) override {
        begin(tell);
        spawn(store_.hold_all(std::span(&wanted, 1), deadline), now_->held);
        return true;
    }
    std::optional<range_grant> granted() override {
        if (!now_->held || !*now_->held) return std::nullopt;
        return (*now_->held)->front();
    }
    asio::awaitable<result<range_grant>> conclude_hold(const range_claim& /*wanted*/,
                                                       time_point /*deadline*/) override {
        if (!*now_->held) co_return now_->held->error();
        co_return (*now_->held)->front();
    }

    bool start_release(std::string_view key, std::string_view id, released_hold which,
                       time_point deadline, shortcut::caller& tell) override {
        begin(tell);
        spawn(store_.release(key, id, which, deadline), now_->released);
        return true;
    }
    bool released() override { return now_->released && now_->released->has_value(); }
    asio::awaitable<result<void>> conclude_release(std::string_view /*key*/,
                                                   std::string_view /*id*/, released_hold /*which*/,
                                                   time_point /*deadline*/) override {
        co_return *now_->released;
    }

private:
    struct call {
        shortcut::caller* to{nullptr};  // Null once nobody listens.
        std::optional<result<std::vector<range_grant>>> held{};
        std::optional<result<void>> released{};
    };

    void forget() const {
        if (now_) now_->to = nullptr;
    }
    void begin(shortcut::caller& tell) {
        forget();
        now_ = std::make_shared<call>();
        now_->to = &tell;
    }
    template <class T>
    void spawn(asio::awaitable<result<T>> work, std::optional<result<T>>& into) {
        asio::co_spawn(
            executor_, std::move(work),
            [&into, now = now_, executor = executor_](std::exception_ptr thrown, result<T> answer) {
                if (thrown) std::rethrow_exception(thrown);
                into = std::move(answer);
                asio::post(executor, [now] {
                    if (now->to) now->to->on_answer();
                });
            });
    }

    range_store& store_;
    asio::any_io_executor executor_;
    std::shared_ptr<call> now_;
};

}  // namespace holdfast::test
