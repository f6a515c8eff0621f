// SPDX-License-Identifier: BSL-1.0
#include "redis/key_feed.hpp"

#include "core/backoff.hpp"
#include "redis/keys.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// What changes more often is looked at this often: 100 times a second.
constexpr auto between_news = 10ms;
/// More names than that at once are as good as all.
constexpr std::size_t feed_names_max = 10'000;
/// How long a connection may be silent before it is asked whether it lives.
constexpr auto feed_silence_max = 5s;
/// Between two looks at all locks, where the server does not tell of changes ...
constexpr std::chrono::nanoseconds blind_pause = 1s;
/// ... and before it is asked again whether it does.
constexpr auto feed_refused_pause = 60s;

change_news any_lock_changed() {
    change_news news;
    news.all = true;
    return news;
}

}  // namespace

/// What was heard; the connection may outlive the feed, and this with it.
struct key_feed::ears {
    explicit ears(timeline& time) : bell(time) {}

    void hear(const resp::reply& push, time_point at) {
        heard_at = at;
        if (push.items.size() < 2) return;
        const std::string& what = push.items[0].text;
        if (what == "message" && push.items.size() == 3) {
            if (auto name = name_of_key(push.items[2].text)) news.broken.push_back(*name);
        } else if (what == "invalidate") {
            news.all = news.all || push.items[1].is(resp::kind::nil);
            for (const resp::reply& key : push.items[1].items)
                if (auto name = name_of_key(key.text)) names.insert(std::move(*name));
        }
        if (names.size() + news.broken.size() > feed_names_max) {
            names.clear();
            news.broken.clear();
            news.all = true;
        }
        if (waiting()) bell.wake();
    }
    [[nodiscard]] bool waiting() const {
        return news.all || !names.empty() || !news.broken.empty();
    }
    change_news take() {
        change_news given = std::exchange(news, {});
        given.names.assign(names.begin(), names.end());
        names.clear();
        return given;
    }

    alarm bell;
    std::set<std::string> names;
    change_news news;
    time_point heard_at{};
    bool ended{false};
};

key_feed::key_feed(const store_environment& environment, settings where, std::string_view prefix)
    : env_(environment), where_(std::move(where)), key_prefix_(lock_key(prefix)) {
    key_prefix_.pop_back();  // The brace behind the name.
    where_.longest_ttl = {};
    where_.replicas = 0;
}

key_feed::~key_feed() { hang_up(); }

void key_feed::hang_up() {
    if (line_) line_->stop();
    line_.reset();
    ears_.reset();
}

asio::awaitable<result<void>> key_feed::connect() {
    hang_up();
    ears_ = std::make_shared<ears>(env_.time);
    line_ = std::make_shared<client>(env_, where_);
    auto push = [weak = std::weak_ptr(ears_), &time = env_.time](const resp::reply& what) {
        if (const auto alive = weak.lock()) alive->hear(what, time.now());
    };
    auto end = [weak = std::weak_ptr(ears_)] {
        const auto alive = weak.lock();
        if (!alive) return;
        alive->ended = true;
        alive->bell.wake();
    };
    line_->hear({std::move(push), std::move(end)});
    const time_point deadline = now() + env_.options.timeout;
    batch track;
    track.add("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", key_prefix_);
    auto tracking = co_await line_->exchange(std::move(track), deadline);
    if (!tracking) co_return tracking.error();
    if (tracking->front().is(resp::kind::error)) co_return refused(*line_, tracking->front());
    // SUBSCRIBE is answered like a message; the reply to PING says that it was carried out. Without
    // the right to it, what is taken away counts as released.
    batch listening;
    listening.add("SUBSCRIBE", broken_channel);
    listening.add("PING");
    listening.count = 1;
    auto subscribed = co_await line_->exchange(std::move(listening), deadline);
    if (!subscribed) co_return subscribed.error();
    ears_->heard_at = now();
    ears_->news.all = true;  // What happened before was not heard.
    co_return result<void>{};
}

asio::awaitable<result<void>> key_feed::ask_whether_it_lives() {
    batch ask;
    ask.add("PING");
    const auto answer = co_await line_->exchange(std::move(ask), now() + env_.options.timeout);
    if (!answer) co_return answer.error();
    if (ears_) ears_->heard_at = now();
    co_return result<void>{};
}

asio::awaitable<result<change_news>> key_feed::next(time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (now() < silent_until_ || (ears_ && ears_->ended)) hang_up();
    if (now() >= silent_until_ && !line_) {
        const auto connected = co_await connect();
        if (!connected) {
            const errc code = connected.error().code;
            if (code == errc::denied || code == errc::protocol)
                silent_until_ = now() + feed_refused_pause;
            hang_up();
            if (code == errc::cancelled) co_return connected.error();
        }
    }
    if (!line_) {
        // Not told of anything: looked at by whoever asks, now and then.
        const auto pause =
            core::backoff_pause(1, blind_pause, blind_pause, env_.random.jitter_bits());
        static_cast<void>(co_await sleep_until(env_.time, std::min(until, now() + pause)));
        co_return any_lock_changed();
    }
    co_await wait(until);
    if (!ears_ || ears_->ended) co_return any_lock_changed();
    told_at_ = now();
    co_return ears_->take();
}

asio::awaitable<void> key_feed::wait(time_point until) {
    const auto mine = ears_;
    while (!mine->waiting() && !mine->ended && now() < until) {
        const time_point silent = mine->heard_at + feed_silence_max;
        if (now() >= silent) {
            const auto lives = co_await ask_whether_it_lives();
            if (!lives) mine->ended = true;
            continue;
        }
        const wake_reason why = co_await mine->bell.wait_until(std::min(until, silent));
        if (why == wake_reason::cancelled) co_return;
    }
    if (mine->ended || now() >= told_at_ + between_news) co_return;
    static_cast<void>(co_await sleep_until(env_.time, told_at_ + between_news));
}

}  // namespace holdfast::redis
