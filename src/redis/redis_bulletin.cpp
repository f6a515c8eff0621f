// SPDX-License-Identifier: BSL-1.0
#include "redis/redis_bulletin.hpp"

#include "redis/dialect_id.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace holdfast::redis {
namespace {

/// What is said while so much is under way is dropped: the server is not to be had.
constexpr std::size_t under_way_max = 256;

std::string channel_of(const std::string& topic) { return "hf:" + topic; }

}  // namespace

class redis_bulletin::follower final : public notices::listener {
public:
    follower(std::string channel, port::bulletin::listener& who)
        : channel_(std::move(channel)), who_(who) {}
    [[nodiscard]] const std::string& channel() const noexcept { return channel_; }
    void on_message(std::string_view words) override { who_.on_notice(words); }
    void on_left(std::int64_t /*left_ms*/) override {}
    void on_restart() override { who_.on_gap(); }

private:
    std::string channel_;
    port::bulletin::listener& who_;
};

redis_bulletin::redis_bulletin(const store_environment& environment, settings where)
    : env_(environment),
      client_(std::make_shared<client>(environment, std::move(where))),
      notices_(std::make_shared<notices>(environment, client_, hex_id(env_.random))) {}

void redis_bulletin::follow(const std::string& topic, listener& who) {
    auto& mine = followers_[&who];
    mine = std::make_unique<follower>(channel_of(topic), who);
    notices_->follow(mine->channel(), *mine);
}

void redis_bulletin::unfollow(const std::string& /*topic*/, listener& who) {
    const auto mine = followers_.find(&who);
    if (mine == followers_.end()) return;
    notices_->unfollow(mine->second->channel(), *mine->second);
    followers_.erase(mine);
}

bool redis_bulletin::hears(const std::string& topic) {
    std::string channel = channel_of(topic);
    if (notices_->follows(channel)) return true;
    if (stopped_ || !beginning_.insert(channel).second) return false;
    asio::co_spawn(
        env_.executor,
        [self = shared_from_this(), channel = std::move(channel)] {
            return self->begin_to_hear(channel);
        },
        asio::detached);
    return false;
}

asio::awaitable<void> redis_bulletin::begin_to_hear(std::string channel) {
    bool heard = false;
    if (!stopped_) {
        const time_point deadline = env_.time.now() + env_.options.timeout;
        heard = co_await notices_->following(channel, deadline);
    }
    beginning_.erase(channel);
    if (!heard) co_return;
    for (const auto& [who, mine] : followers_)
        if (mine->channel() == channel) mine->on_restart();
}

void redis_bulletin::say(const std::string& topic, std::string words) {
    if (stopped_ || under_way_ >= under_way_max) return;
    ++under_way_;
    asio::co_spawn(
        env_.executor,
        [self = shared_from_this(), channel = channel_of(topic), words = std::move(words)] {
            return self->publish(channel, words);
        },
        asio::detached);
}

asio::awaitable<void> redis_bulletin::publish(std::string channel, std::string words) {
    if (!stopped_) {
        batch ask;
        ask.add("PUBLISH", channel, words);
        const time_point deadline = env_.time.now() + env_.options.timeout;
        const auto said = co_await client_->exchange(std::move(ask), deadline);
        static_cast<void>(said);  // Who was not told looks for itself.
    }
    --under_way_;
}

void redis_bulletin::stop() {
    stopped_ = true;
    client_->stop();
    notices_->stop();
}

result<port::bulletin_factory> open_redis_bulletin(std::string_view url) {
    auto where = read_settings(url);
    if (!where) return where.error();
    return port::bulletin_factory([where = std::move(*where)](const store_environment& env) {
        return std::shared_ptr<port::bulletin>(std::make_shared<redis_bulletin>(env, where));
    });
}

}  // namespace holdfast::redis
