// SPDX-License-Identifier: BSL-1.0
//
// What it is: notices by a Redis server's channels, for stores that cannot tell of changes. One
// connection to listen, opened when somebody does, and one to speak.
// Thread safety: none; it belongs to its executor.
#pragma once

#include "port/bulletin.hpp"
#include "redis/client/client.hpp"
#include "redis/notices.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace holdfast::redis {

/// See the top of the file.
class redis_bulletin final : public port::bulletin,
                             public std::enable_shared_from_this<redis_bulletin> {
public:
    redis_bulletin(const store_environment& environment, settings where);

    void follow(const std::string& topic, listener& who) override;
    void unfollow(const std::string& topic, listener& who) override;
    bool hears(const std::string& topic) override;
    void say(const std::string& topic, std::string words) override;
    bool busy() const noexcept override { return under_way_ > 0; }
    void stop() override;

private:
    class follower;

    asio::awaitable<void> begin_to_hear(std::string channel);
    asio::awaitable<void> publish(std::string channel, std::string words);

    store_environment env_;
    std::shared_ptr<client> client_;
    std::shared_ptr<notices> notices_;
    std::map<const listener*, std::unique_ptr<follower>> followers_;
    std::set<std::string, std::less<>> beginning_;  // Channels that are seen to.
    std::size_t under_way_{0};
    bool stopped_{false};
};

/// @par Errors  `misuse`: the URL breaks a rule.
[[nodiscard]] result<port::bulletin_factory> open_redis_bulletin(std::string_view url);

}  // namespace holdfast::redis
