// SPDX-License-Identifier: BSL-1.0
//
// What it is: the servers of the soak, each kind with what can be done to it.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace holdfast::soak {

/// What is on a server when all have gone.
struct leftovers {
    int locks{0};
    std::string example{};  ///< One of them.
    int connections{0};
    int subscriptions{0};
};

/// A server that keeps what it has said yes to, whatever is done to it.
class soak_server {
public:
    soak_server() = default;
    soak_server(const soak_server&) = delete;
    soak_server& operator=(const soak_server&) = delete;
    virtual ~soak_server() = default;

    [[nodiscard]] virtual const std::string& socket_path() const = 0;
    /// @return The URL for those who come over a proxy.
    [[nodiscard]] virtual std::string url_behind(const std::string& host_and_port) const = 0;
    virtual void signal(int number) = 0;
    /// Ends it at once, as a crash would.
    virtual void kill() = 0;
    /// Starts it again, with its data.
    virtual void restart() = 0;
    /// Ends connections of clients; `some` says which, if there are several kinds.
    virtual void end_connections(bool some) = 0;
    /// Makes it forget what it has prepared for its clients.
    virtual void forget_prepared() = 0;
    [[nodiscard]] virtual leftovers look() const = 0;
};

[[nodiscard]] std::unique_ptr<soak_server> start_redis();
[[nodiscard]] std::unique_ptr<soak_server> start_mariadb();

}  // namespace holdfast::soak
