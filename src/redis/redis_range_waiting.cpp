// SPDX-License-Identifier: BSL-1.0
//
// How a change is waited for. Who waits follows the channels of the key before it looks, so that
// nothing is missed in between, and looks again where something may have been missed.
#include "core/backoff.hpp"
#include "redis/keys.hpp"
#include "redis/range_record.hpp"
#include "redis/redis_range_store.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// The longest wait without a look, should the server not tell what it ought to.
constexpr auto look_again_after = 1600ms;
/// Who is told nothing looks so often, and then less and less often.
constexpr auto poll_least = 10ms;
constexpr auto poll_most = 250ms;

/// Waits for changes of one range.
class range_listener final : private notices::listener {
public:
    range_listener(timeline& time, std::shared_ptr<notices> told, const range_claim& wanted,
                   range_change which)
        : time_(time), told_(std::move(told)), extent_{wanted.start, wanted.end}, bell_(time) {
        channels_.push_back(range_key(wanted.key) + ":f");
        if (which == range_change::any) channels_.push_back(range_key(wanted.key) + ":t");
        for (const std::string& channel : channels_) told_->follow(channel, *this);
    }
    range_listener(const range_listener&) = delete;
    range_listener& operator=(const range_listener&) = delete;
    ~range_listener() {
        for (const std::string& channel : channels_) told_->unfollow(channel, *this);
    }

    /// @return Whether everything is heard from now on.
    asio::awaitable<bool> hears(time_point until) {
        bool all = true;
        for (const std::string& channel : channels_) {
            if (all) all = co_await told_->following(channel, until);
        }
        missed_ = false;
        co_return all;
    }
    /// @return Whether there was a change that concerns us.
    [[nodiscard]] bool changed() const noexcept { return changed_; }
    /// Until then, a change, or something that may have been missed. @return false if cancelled.
    asio::awaitable<bool> wait(time_point until) {
        while (!changed_ && !missed_ && time_.now() < until) {
            const wake_reason why = co_await bell_.wait_until(until);
            if (why == wake_reason::cancelled) co_return false;
        }
        co_return true;
    }

private:
    void on_message(std::string_view words) override {
        if (words.size() != 2 * bound_bytes) return;
        const bool overlaps = read_bound(words) < extent_.end &&
                              read_bound(words.substr(bound_bytes)) > extent_.start;
        if (!overlaps) return;
        changed_ = true;
        bell_.wake();
    }
    void on_left(std::int64_t /*left_ms*/) override {}
    void on_restart() override {
        missed_ = true;
        bell_.wake();
    }

    timeline& time_;
    std::shared_ptr<notices> told_;
    range extent_;
    std::vector<std::string> channels_{};
    alarm bell_;
    bool changed_{false};
    bool missed_{false};
};

}  // namespace

asio::awaitable<result<redis_range_store::obstacles>> redis_range_store::look(
    const range_claim& wanted, time_point deadline) {
    texts arguments{write_bound(wanted.start), write_bound(wanted.end), write_id(wanted.id),
                    std::to_string(wanted.units), std::to_string(wanted.capacity)};
    auto answer =
        co_await call_until_tidy(scripts().range_look, wanted.key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    const auto& told = answer->items;
    if (told.size() != 4) co_return nonsense(*client_);
    obstacles found{.can_be_had = told[0].integer == 1,
                    .count = told[2].integer,
                    .last_token = told[3].integer};
    if (told[1].integer >= 0) found.first_end = milliseconds(told[1].integer);
    co_return found;
}

asio::awaitable<void> redis_range_store::await_change(const range_claim& wanted, range_change which,
                                                      time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    range_listener mine(env_.time, notices_, wanted, which);
    std::optional<obstacles> before;
    unsigned untold = 0;
    while (now() < until) {
        const bool hears = co_await mine.hears(std::min(until, now() + env_.options.timeout));
        const auto found = co_await look(wanted, now() + env_.options.timeout);
        if (mine.changed() || (!found && found.error().code == errc::cancelled)) co_return;
        if (found && which == range_change::freed && found->can_be_had) co_return;
        if (found && before) {
            if (found->count < before->count) co_return;
            if (which == range_change::any && found->last_token != before->last_token) co_return;
        }
        if (found) before = *found;
        const std::uint64_t jitter = env_.random.jitter_bits();
        const auto pause = hears
                               ? core::backoff_pause(1, look_again_after, look_again_after, jitter)
                               : core::backoff_pause(++untold, poll_least, poll_most, jitter);
        const bool ends = found && found->first_end;
        const time_point first_end = ends ? now() + *found->first_end + 1ms : time_point::max();
        const time_point next = std::min(now() + pause, first_end);
        const bool waited = co_await mine.wait(std::min(until, next));
        // Where we could not look, our caller is going to be told why.
        if (!waited || mine.changed() || !found || now() >= first_end) co_return;
    }
}

}  // namespace holdfast::redis
