// SPDX-License-Identifier: BSL-1.0
#include "lock/watch.hpp"

#include "core/backoff.hpp"
#include "lock/engine.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::lock {
namespace {

using namespace std::chrono_literals;

/// Between two looks at all locks, where the store tells of nothing: at least this, at most the
/// other, and so long that no more than a twentieth of the time goes by looking.
constexpr std::chrono::nanoseconds look_soon = 100ms;
constexpr std::chrono::nanoseconds look_late = 5s;
constexpr int rest_to_looking = 20;
/// Behind the end of a lock, so that the store has noticed it.
constexpr std::chrono::nanoseconds behind_the_end = 2ms;
/// Between two attempts at a store that does not answer.
constexpr std::chrono::nanoseconds retry_soon = 50ms;
constexpr std::chrono::nanoseconds retry_late = 2s;

failure ended() { return {errc::cancelled, "the watch was ended"}; }

}  // namespace

asio::awaitable<result<std::shared_ptr<lock_watch>>> engine::start_watch(std::string prefix) {
    if (prefix.size() > name_bytes_max)
        co_return failure{errc::misuse, "a prefix has at most 512 bytes, this one has " +
                                            std::to_string(prefix.size())};
    auto watch = std::make_shared<lock_watch>();
    watch->prefix = std::move(prefix);
    watch->feed = parts_.where->watch(watch->prefix);
    co_return watch;
}

asio::awaitable<result<void>> engine::end_watch(std::shared_ptr<lock_watch> watch) {
    watch.reset();
    co_return result<void>{};
}

// Waits until there is something to tell.
asio::awaitable<result<std::vector<lock_change>>> engine::next_changes(
    std::shared_ptr<lock_watch> watch, std::stop_token stop) {
    if (stop.stop_requested()) co_return ended();
    auto work = watch_on(std::move(watch));
    if (!stop.stop_possible()) co_return co_await std::move(work);
    co_return co_await until_stopped(std::move(stop), std::move(work));
}

asio::awaitable<result<std::vector<lock_change>>> engine::watch_on(
    std::shared_ptr<lock_watch> watch) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto state = co_await asio::this_coro::cancellation_state;
    while (watch->told.empty()) {  // Ends when something is to be told, or by cancellation.
        auto looked = co_await look_again(*watch);
        if (state.cancelled() != asio::cancellation_type::none || stopped_) co_return ended();
        if (!looked && (!watch->begun || looked.error().code == errc::cancelled))
            co_return looked.error();
        if (!looked) {
            if (++watch->failures == 1) watch->told.push_back({change_kind::interrupted, {}});
            watch->look_at_all = true;
        }
        if (!watch->told.empty()) break;
        co_await await_news(*watch);
        if (state.cancelled() != asio::cancellation_type::none || stopped_) co_return ended();
    }
    co_return std::exchange(watch->told, {});
}

asio::awaitable<result<void>> engine::look_again(lock_watch& watch) {
    if (watch.look_at_all) {
        const time_point began = now();
        auto held = co_await parts_.where->list(watch.prefix, op_deadline());
        if (!held) co_return held.error();
        watch.looking_took = now() - began;
        auto changes = watch.begun ? watch.diary.look_at_all(std::move(*held), now(), watch.broken)
                                   : watch.diary.begin(std::move(*held), now());
        for (lock_change& one : changes) watch.told.push_back(std::move(one));
        watch.look_at_all = false;
        watch.changed.clear();
        watch.broken.clear();
        watch.begun = true;
    }
    while (!watch.changed.empty()) {
        const std::string name = *watch.changed.begin();
        auto found = co_await parts_.where->inspect(name, {}, op_deadline());
        if (!found && found.error().code != errc::wrong_type) co_return found.error();
        watch.changed.erase(name);
        const bool taken_away = watch.broken.erase(name) > 0;
        auto change = watch.diary.look(
            name, found ? std::move(*found) : std::nullopt, now(),
            taken_away ? core::lock_diary::end::broken : core::lock_diary::end::not_known);
        if (change) watch.told.push_back(std::move(*change));
    }
    if (std::exchange(watch.failures, 0) > 0) watch.told.push_back({change_kind::resumed, {}});
    co_return result<void>{};
}

// Until something may have changed, or a lock should have ended.
asio::awaitable<void> engine::await_news(lock_watch& watch) {
    const std::uint64_t jitter = parts_.random->jitter_bits();
    if (watch.failures > 0) {  // It is looked at all of them again.
        const auto pause = core::backoff_pause(watch.failures, retry_soon, retry_late, jitter);
        static_cast<void>(co_await nap(now() + pause));
        co_return;
    }
    const time_point first_end = watch.diary.next_end();
    const time_point end = first_end == time_point::max() ? first_end : first_end + behind_the_end;
    if (watch.feed) {
        const auto news = co_await watch.feed->next(end);
        if (!news) {
            watch.look_at_all = true;
            co_return;
        }
        watch.look_at_all = news->all;
        watch.changed.insert(news->names.begin(), news->names.end());
        watch.broken.insert(news->broken.begin(), news->broken.end());
        watch.changed.insert(news->broken.begin(), news->broken.end());
    } else {
        const auto pause = std::clamp(watch.looking_took * rest_to_looking, look_soon, look_late);
        const time_point next = now() + core::backoff_pause(1, pause, pause, jitter);
        static_cast<void>(co_await nap(std::min(next, end)));
        watch.look_at_all = true;
    }
    for (std::string& name : watch.diary.ended(now())) watch.changed.insert(std::move(name));
}

asio::awaitable<result<void>> engine::watch(std::string prefix,
                                            std::function<void(const lock_change&)> tell) {
    auto watching = co_await start_watch(std::move(prefix));
    if (!watching) co_return watching.error();
    for (;;) {  // Ends by cancellation.
        auto news = co_await watch_on(*watching);
        if (!news) co_return news.error();
        for (const lock_change& one : *news) tell(one);
    }
}

}  // namespace holdfast::lock
