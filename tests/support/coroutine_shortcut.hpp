// SPDX-License-Identifier: BSL-1.0
//
// What it is: a shortcut for stores that have none of their own, made of their coroutines: so the
// engine's quick way runs over every store, and through a simulation's faults.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "lock/engine.hpp"
#include "port/one_shot.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::test {

/// See the top of the file. The store outlives it.
class coroutine_shortcut final : public shortcut {
public:
    coroutine_shortcut(store& where, asio::any_io_executor executor)
        : store_(where), executor_(std::move(executor)) {}
    ~coroutine_shortcut() override { forget(); }

    bool start_acquire(const claim& wanted, time_point deadline, caller& tell) override {
        begin(tell);
        asio::co_spawn(
            executor_, store_.acquire(wanted, attempt::first, deadline),
            [now = now_, executor = executor_](std::exception_ptr thrown, result<grant> answer) {
                if (thrown) std::rethrow_exception(thrown);
                now->acquired = std::move(answer);
                asio::post(executor, [now] { now->tell(); });
            });
        return true;
    }
    std::optional<grant> granted() override {
        return now_->acquired && *now_->acquired ? std::optional(**now_->acquired) : std::nullopt;
    }
    asio::awaitable<result<grant>> conclude_acquire(const claim& /*wanted*/,
                                                    time_point /*deadline*/) override {
        co_return *now_->acquired;
    }

    bool start_release(std::string_view name, std::string_view value, std::uint64_t fencing_token,
                       time_point deadline, caller& tell) override {
        begin(tell);
        asio::co_spawn(
            executor_, store_.release_granted(name, value, fencing_token, deadline),
            [now = now_, executor = executor_](std::exception_ptr thrown, result<void> answer) {
                if (thrown) std::rethrow_exception(thrown);
                now->released = std::move(answer);
                asio::post(executor, [now] { now->tell(); });
            });
        return true;
    }
    bool released() override { return now_->released && now_->released->has_value(); }
    asio::awaitable<result<void>> conclude_release(std::string_view /*name*/,
                                                   std::string_view /*value*/,
                                                   std::uint64_t /*fencing_token*/,
                                                   time_point /*deadline*/) override {
        co_return *now_->released;
    }

private:
    struct call {
        caller* to{nullptr};  // Null once nobody listens.
        std::optional<result<grant>> acquired{};
        std::optional<result<void>> released{};

        void tell() const {
            if (to) to->on_answer();
        }
    };

    void forget() const {
        if (now_) now_->to = nullptr;
    }
    void begin(caller& tell) {
        forget();
        now_ = std::make_shared<call>();
        now_->to = &tell;
    }

    store& store_;
    asio::any_io_executor executor_;
    std::shared_ptr<call> now_;
};

/// Waits for what the engine tells.
template <class T>
struct told final : lock::receiver<T> {
    void receive(result<T> what) override {
        end = std::move(what);
        done.fire();
    }
    void fail(std::exception_ptr why) override { std::rethrow_exception(why); }

    port::one_shot done;
    std::optional<result<T>> end;
};

/// `engine::acquire`, by the way of callers that are no coroutines.
inline asio::awaitable<result<lock::held_ptr>> acquire_told(std::shared_ptr<lock::engine> by,
                                                            std::string name,
                                                            acquire_options options) {
    told<lock::held_ptr> to;
    by->start_acquire(name, options, to);
    static_cast<void>(co_await to.done.wait());
    co_return std::move(*to.end);
}

/// `engine::release`, likewise.
inline asio::awaitable<result<void>> release_told(std::shared_ptr<lock::engine> by,
                                                  lock::held_ptr held) {
    told<void> to;
    by->start_release(held, to);
    static_cast<void>(co_await to.done.wait());
    co_return *to.end;
}

}  // namespace holdfast::test
