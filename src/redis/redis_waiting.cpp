// SPDX-License-Identifier: BSL-1.0
//
// How a change is waited for by those who do not stand in line.
#include "core/backoff.hpp"
#include "redis/keys.hpp"
#include "redis/line_seat.hpp"
#include "redis/redis_store.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// The longest wait without a look, should the server not tell what it ought to.
constexpr auto look_after = 1600ms;

/// Waits for a change of one key.
class change_listener final : private notices::listener {
public:
    change_listener(timeline& time, std::shared_ptr<notices> told, std::string key)
        : time_(time), told_(std::move(told)), key_(std::move(key)), bell_(time) {
        told_->watch(key_, *this, notices::also::nothing);
    }
    change_listener(const change_listener&) = delete;
    change_listener& operator=(const change_listener&) = delete;
    ~change_listener() { told_->unwatch(key_, *this, notices::also::nothing); }

    asio::awaitable<void> wait(time_point until) {
        while (!over_ && time_.now() < std::min(until, free_at_)) {
            const wake_reason why = co_await bell_.wait_until(std::min(until, free_at_));
            if (why == wake_reason::cancelled) co_return;
        }
    }

private:
    void on_message(std::string_view /*words*/) override {}
    void on_left(std::int64_t left_ms) override {
        over_ = over_ || left_ms == -2;
        free_at_ = time_point::max();
        if (left_ms >= 0) free_at_ = time_.now() + milliseconds(left_ms + 1);
        bell_.wake();
    }
    void on_restart() override {
        over_ = true;
        bell_.wake();
    }

    timeline& time_;
    std::shared_ptr<notices> told_;
    std::string key_;
    alarm bell_;
    time_point free_at_{time_point::max()};
    bool over_{false};
};

}  // namespace

std::unique_ptr<seat> redis_store::take_seat(std::string_view name) {
    if (strict()) return nullptr;
    return make_seat(name);
}

std::unique_ptr<line_seat> redis_store::make_seat(std::string_view name) {
    return std::make_unique<line_seat>(env_, client_, notices_, name);
}

asio::awaitable<void> redis_store::await_change(std::string_view name, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    change_listener mine(env_.time, notices_, lock_key(name));
    if (!co_await notices_->ready(std::min(until, now() + env_.options.timeout)))
        co_return co_await poll_change(name, until);
    const auto pause = core::backoff_pause(1, look_after, look_after, env_.random.jitter_bits());
    co_await mine.wait(std::min(until, now() + pause));
}

// Where the server tells us nothing: asks now and then, 5 to 35 ms apart, and when the lease ends.
asio::awaitable<void> redis_store::poll_change(std::string_view name, time_point until) {
    const std::string key = lock_key(name);
    for (;;) {  // Ends at `until`.
        batch ask;
        ask.add("PTTL", key);
        const time_point deadline = now() + env_.options.timeout;
        auto answers = co_await client_->exchange(std::move(ask), deadline);
        const bool told = answers && answers->front().is(resp::kind::integer);
        const std::int64_t left = told ? answers->front().integer : -1;
        if (left == -2) co_return;
        time_point next = now() + poll_pause(env_.random);
        if (left >= 0) next = std::min(next, now() + milliseconds(left) + 1ms);
        if (!co_await sleep_until(env_.time, std::min(next, until))) co_return;
        if (!told || now() >= until) co_return;
    }
}

}  // namespace holdfast::redis
