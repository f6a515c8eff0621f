// SPDX-License-Identifier: BSL-1.0
//
// How what is published on channels is followed.
#include "redis/notices.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::redis {
namespace {

/// A connection follows at most so many channels; who wants another one is not told.
constexpr std::size_t channels_max = 10'000;
/// For so long at least a channel is followed although nobody listens: who has just been told of
/// something often waits again at once.
constexpr auto linger = std::chrono::seconds(1);

}  // namespace

void notices::follow(const std::string& channel, listener& who) {
    if (followed_.size() >= channels_max && !followed_.contains(channel)) return;
    followed& which = followed_[channel];
    if (which.serial == 0) which.serial = ++last_number_;
    which.listeners.push_back(&who);
    ++followers_;
    if (listening_ && !which.asked) ask_to_follow(channel, which);
}

void notices::unfollow(const std::string& channel, listener& who) {
    const auto found = followed_.find(channel);
    if (found == followed_.end()) return;
    auto& all = found->second.listeners;
    const auto one = std::find(all.begin(), all.end(), &who);
    if (one == all.end()) return;
    all.erase(one);
    --followers_;
    // Once stopped, the timeline may be gone.
    if (all.empty() && !stopped_) found->second.idle_since = now();
    note_idle();
}

bool notices::follows(const std::string& channel) const {
    const auto found = followed_.find(channel);
    return found != followed_.end() && listening_ && !stopped_ && found->second.told;
}

asio::awaitable<bool> notices::following(std::string channel, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const bool connected = co_await ready(deadline);
    if (!connected) co_return false;
    for (;;) {  // Ends with the connection, or at the deadline.
        const auto found = followed_.find(channel);
        if (found == followed_.end() || !listening_ || stopped_) co_return false;
        if (found->second.told) co_return true;
        if (now() >= deadline) co_return false;
        arrival mine(shared_from_this());
        const wake_reason why = co_await mine.bell().wait_until(deadline);
        if (why == wake_reason::cancelled) co_return false;
    }
}

// All that is wanted on a new connection, with the channel that is ours, in one command.
void notices::add_followed(batch& into) {
    std::erase_if(followed_, [](const auto& each) { return each.second.listeners.empty(); });
    resp::detail::append_number(into.bytes, '*', 2 + followed_.size());
    resp::detail::append_argument(into.bytes, "SUBSCRIBE");
    resp::detail::append_argument(into.bytes, channel_);
    for (auto& [channel, which] : followed_) {
        resp::detail::append_argument(into.bytes, channel);
        which.asked = true;
        which.told = false;
    }
    ++into.count;
}

void notices::resume_following() {
    for (auto& [channel, which] : followed_) {
        which.told = which.asked;
        if (!which.asked) ask_to_follow(channel, which);
        for (listener* const who : which.listeners) who->on_restart();
    }
}

void notices::ask_to_follow(const std::string& channel, followed& which) {
    which.asked = true;
    asio::co_spawn(
        env_.executor,
        [self = shared_from_this(), channel, serial = which.serial] {
            return self->begin_following(channel, serial);
        },
        asio::detached);
}

// As in `subscribe`: the reply to PING says that what stands before it was carried out. A refusal
// is a reply too many, which ends the connection; the next one is refused as a whole, and for a
// while there is none.
asio::awaitable<void> notices::begin_following(std::string channel, std::uint64_t serial) {
    if (stopped_) co_return;
    const auto line = line_;
    batch ask;
    ask.add("SUBSCRIBE", channel);
    ask.add("PING");
    ask.count = 1;
    const auto answers = co_await line->exchange(std::move(ask), now() + env_.options.timeout);
    if (stopped_ || line != line_ || !listening_) co_return;
    if (!answers || answers->front().is(resp::kind::error)) co_return;
    const auto found = followed_.find(channel);
    if (found == followed_.end() || found->second.serial != serial) co_return;
    found->second.told = true;
    for (alarm* const each : arrivals_) each->wake();
}

asio::awaitable<void> notices::end_following(std::string channel) {
    if (stopped_) co_return;
    const auto line = line_;
    batch ask;
    ask.add("UNSUBSCRIBE", channel);
    ask.add("PING");
    ask.count = 1;
    static_cast<void>(co_await line->exchange(std::move(ask), now() + env_.options.timeout));
}

void notices::forget_followed() {
    for (auto each = followed_.begin(); each != followed_.end();) {
        const auto next = std::next(each);
        if (each->second.listeners.empty() && each->second.idle_since + linger <= now()) {
            asio::co_spawn(
                env_.executor,
                [self = shared_from_this(), channel = each->first] {
                    return self->end_following(channel);
                },
                asio::detached);
            followed_.erase(each);
        }
        each = next;
    }
}

void notices::hear(const std::string& channel, std::string_view words) {
    const auto found = followed_.find(channel);
    if (found == followed_.end()) return;
    for (listener* const who : found->second.listeners) who->on_message(words);
}

}  // namespace holdfast::redis
