// SPDX-License-Identifier: BSL-1.0
#include "redis/notices.hpp"

#include "core/backoff.hpp"
#include "redis/script_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// How long a connection may be silent while somebody waits, before it is asked whether it lives.
constexpr auto silence_max = 5s;
/// For how long it is kept although nobody waits.
constexpr auto idle_max = 10s;
/// How long we do without, where the server does not offer what is needed, or refuses it.
constexpr auto refused_pause = 60s;

/// How long a look waits for the message that most changes bring: more than it takes them to come
/// behind each other, less than people or programs notice.
constexpr std::chrono::nanoseconds message_first = std::chrono::milliseconds(2);

}  // namespace

notices::arrival::arrival(std::shared_ptr<notices> where)
    : where_(std::move(where)), bell_(where_->env_.time) {
    where_->arrivals_.push_back(&bell_);
}

notices::arrival::~arrival() {
    std::erase(where_->arrivals_, &bell_);
    where_->note_idle();
}

notices::notices(const store_environment& environment, std::shared_ptr<client> beside,
                 std::string_view id)
    : env_(environment),
      beside_(std::move(beside)),
      channel_(std::string("hf:").append(id)),
      bell_(env_.time) {}

asio::awaitable<bool> notices::ready(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (listening_ || stopped_ || now() < retry_at_) co_return listening_;
    arrival mine(shared_from_this());
    start_running();
    static_cast<void>(co_await mine.bell().wait_until(deadline));
    co_return listening_;
}

std::uint64_t notices::enter(listener& who) {
    listeners_.emplace(++last_number_, &who);
    return last_number_;
}

void notices::leave(std::uint64_t number) {
    listeners_.erase(number);
    note_idle();
}

void notices::watch(const std::string& key, listener& who, also sent) {
    watched& which = watched_[key];
    if (which.serial == 0) which.serial = ++last_number_;
    which.listeners.push_back(&who);
    if (sent == also::nothing) ++which.impatient;
    look_at(key, which, now());
}

void notices::unwatch(const std::string& key, listener& who, also sent) {
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    auto& all = found->second.listeners;
    if (const auto one = std::find(all.begin(), all.end(), &who); one != all.end()) {
        all.erase(one);
        if (sent == also::nothing) --found->second.impatient;
    }
    if (all.empty()) watched_.erase(found);
    note_idle();
}

void notices::stop() {
    stopped_ = true;
    listening_ = false;
    if (line_) line_->stop();
    bell_.wake();
    for (alarm* const each : arrivals_) each->wake();
    restart_listeners();
}

bool notices::wanted() const noexcept {
    return !listeners_.empty() || !watched_.empty() || followers_ > 0 || !arrivals_.empty();
}

// Once stopped, the timeline may be gone.
void notices::note_idle() {
    if (!stopped_ && !wanted()) idle_since_ = now();
}

void notices::start_running() {
    if (running_) return;
    running_ = true;
    asio::co_spawn(
        env_.executor, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

asio::awaitable<void> notices::run() {
    unsigned failures = 0;
    while (!stopped_ && wanted()) {
        line_ = std::make_shared<client>(env_, *beside_);
        connected_ = true;
        const auto opened = co_await subscribe();
        if (stopped_) break;
        if (opened) {
            resume();
            co_await serve();
            if (stopped_) break;
            listening_ = false;
        }
        line_->stop();
        if (!wanted()) break;
        failures = opened ? 1 : failures + 1;
        const bool refused = !opened && (opened.error().code == errc::denied ||
                                         opened.error().code == errc::protocol);
        const std::chrono::nanoseconds longest = refused ? refused_pause : 1s;
        retry_at_ = now() + core::backoff_pause(failures, refused ? longest : 10ms, longest,
                                                env_.random.jitter_bits());
        for (alarm* const each : arrivals_) each->wake();
        // After a loss they are told when it has been mended, or could not be.
        if (!opened) restart_listeners();
        while (!stopped_ && now() < retry_at_)
            static_cast<void>(co_await bell_.wait_until(retry_at_));
    }
    running_ = false;
}

// Tracking needs the newer protocol; where it cannot be had, nobody is told anything.
asio::awaitable<result<void>> notices::subscribe() {
    auto told = [self = weak_from_this()](const resp::reply& push) {
        if (const auto alive = self.lock()) alive->take_in(push);
    };
    auto ended = [self = weak_from_this(), line = line_.get()] {
        const auto alive = self.lock();
        if (!alive || alive->stopped_ || alive->line_.get() != line) return;
        alive->connected_ = false;
        alive->bell_.wake();
    };
    line_->hear({std::move(told), std::move(ended)});
    const time_point deadline = now() + env_.options.timeout;
    batch track;
    track.add("CLIENT", "TRACKING", "ON");
    auto tracking = co_await line_->exchange(std::move(track), deadline);
    if (!tracking) co_return tracking.error();
    if (tracking->front().is(resp::kind::error)) co_return refused(*line_, tracking->front());
    if (!line_->facts().resp3) co_return nonsense(*line_);
    // SUBSCRIBE is answered like a message; the reply to PING says that it was carried out.
    batch listen;
    add_followed(listen);
    listen.add("PING");
    listen.count = 1;
    auto subscribed = co_await line_->exchange(std::move(listen), deadline);
    if (!subscribed) co_return subscribed.error();
    if (subscribed->front().is(resp::kind::error)) co_return refused(*line_, subscribed->front());
    co_return result<void>{};
}

void notices::resume() {
    listening_ = true;
    last_heard_ = now();
    retry_at_ = {};
    note_idle();
    resume_following();
    for (alarm* const each : arrivals_) each->wake();
    for (const auto& [number, who] : listeners_) who->on_restart();
    for (auto& [key, which] : watched_) {
        which.asking = false;
        look_at(key, which, now());
    }
}

void notices::restart_listeners() {
    for (const auto& [number, who] : listeners_) who->on_restart();
    for (const auto& [key, which] : watched_)
        for (listener* const who : which.listeners) who->on_restart();
    for (const auto& [channel, which] : followed_)
        for (listener* const who : which.listeners) who->on_restart();
}

// Until the connection ends, or nobody has waited for it for a while.
asio::awaitable<void> notices::serve() {
    while (!stopped_ && connected_) {
        forget_followed();
        const bool needed = wanted();
        const time_point next = needed ? last_heard_ + silence_max : idle_since_ + idle_max;
        if (now() < next) {
            static_cast<void>(co_await bell_.wait_until(next));
            continue;
        }
        if (!needed || !co_await ping()) co_return;
    }
}

asio::awaitable<bool> notices::ping() {
    batch ask;
    ask.add("PING");
    const auto answers = co_await line_->exchange(std::move(ask), now() + env_.options.timeout);
    if (!answers || stopped_) co_return false;
    last_heard_ = now();
    co_return true;
}

void notices::take_in(const resp::reply& push) {
    if (stopped_ || push.items.size() < 2) return;
    last_heard_ = now();
    const std::string& what = push.items[0].text;
    if (what == "message" && push.items.size() == 3) {
        if (push.items[1].text != channel_) return hear(push.items[1].text, push.items[2].text);
        return deliver(push.items[2].text);
    }
    if (what != "invalidate") return;
    // Nil: of all keys, as the server was emptied.
    if (push.items[1].is(resp::kind::nil))
        for (auto& [key, which] : watched_) look_after_change(key, which);
    for (const resp::reply& key : push.items[1].items)
        if (const auto found = watched_.find(key.text); found != watched_.end())
            look_after_change(found->first, found->second);
}

void notices::deliver(std::string_view message) {
    std::uint64_t number = 0;
    const char* const end = message.data() + message.size();
    const auto [stop, error] = std::from_chars(message.data(), end, number);
    if (error != std::errc{} || stop == end || *stop != ' ') return;
    const auto found = listeners_.find(number);
    if (found == listeners_.end()) return;
    found->second->on_message(message.substr(static_cast<std::size_t>(stop + 1 - message.data())));
}

void notices::look_after_change(const std::string& key, watched& which) {
    look_at(key, which, which.impatient > 0 ? now() : now() + message_first);
}

void notices::look_at(const std::string& key, watched& which, time_point when) {
    if (!listening_) return;  // All are looked at when it does.
    if (std::exchange(which.asking, true)) {
        which.changed = true;
        return;
    }
    asio::co_spawn(
        env_.executor,
        [self = shared_from_this(), key, serial = which.serial, when] {
            return self->ask_about(key, serial, when);
        },
        asio::detached);
}

// The server tells once that a key has changed, after a command that has read it.
asio::awaitable<void> notices::ask_about(std::string key, std::uint64_t serial, time_point when) {
    const auto line = line_;
    const auto lives = [&] {
        if (stopped_ || line != line_) return false;  // Of another connection: asked about again.
        const auto found = watched_.find(key);
        return found != watched_.end() && found->second.serial == serial;
    };
    if (now() < when) {
        static_cast<void>(co_await sleep_until(env_.time, when));
        if (!lives()) co_return;
        watched_.find(key)->second.changed = false;
    }
    for (;;) {  // Ends when the key has not changed since it was asked about.
        batch ask;
        ask.add("PTTL", key);
        const auto answers = co_await line->exchange(std::move(ask), now() + env_.options.timeout);
        if (!lives()) co_return;
        const auto found = watched_.find(key);
        if (std::exchange(found->second.changed, false)) continue;
        found->second.asking = false;
        if (!answers || !answers->front().is(resp::kind::integer)) co_return;
        for (listener* const who : found->second.listeners) who->on_left(answers->front().integer);
        co_return;
    }
}

}  // namespace holdfast::redis
