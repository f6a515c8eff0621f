// SPDX-License-Identifier: BSL-1.0
//
// What it is: hears from the server which lock keys change, on a connection of its own: the server
// tells of each key that begins with a prefix (CLIENT TRACKING BCAST), and take_away.lua of what
// was taken away. Where the server does not tell, all locks have to be looked at now and then.
// Thread safety: none; it belongs to its executor.
// Invariants: keeps at most ten thousand names; after a connection began, all have to be looked at.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/client/settings.hpp"

#include <memory>
#include <string>

namespace holdfast::redis {

/// On this channel take_away.lua publishes the lock key.
inline constexpr std::string_view broken_channel = "hf:broken";

/// See the top of the file.
class key_feed final : public change_feed {
public:
    key_feed(const store_environment& environment, settings where, std::string_view prefix);
    ~key_feed() override;

    asio::awaitable<result<change_news>> next(time_point until) override;

private:
    struct ears;

    asio::awaitable<result<void>> connect();
    asio::awaitable<void> wait(time_point until);
    asio::awaitable<result<void>> ask_whether_it_lives();
    void hang_up();
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    settings where_;
    std::string key_prefix_;
    std::shared_ptr<ears> ears_;
    std::shared_ptr<client> line_;
    time_point told_at_{};       // When news were given last.
    time_point silent_until_{};  // The server does not tell; it is asked again then.
};

}  // namespace holdfast::redis
