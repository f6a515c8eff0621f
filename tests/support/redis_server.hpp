// SPDX-License-Identifier: BSL-1.0
//
// What it is: a redis-server of a test's own, in a directory of its own, reachable by a Unix socket
// and, if asked for, by TCP on a port that was free.
// Thread safety: none.
// Invariants: it listens on this machine only, keeps nothing on disk unless told to, and has ended
// when the object has; also when the test program itself is killed.
#pragma once

#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::test {

/// Sends one command to whoever listens on that socket, on a connection of its own.
/// @return The reply as it comes, e.g. "+OK\r\n". @throws std::runtime_error  If nobody listens.
[[nodiscard]] std::string redis_command(const std::string& socket_path,
                                        const std::vector<std::string>& words);

/// How to start a server.
struct redis_options {
    bool tcp{false};                       ///< Listen on 127.0.0.1 too.
    std::vector<std::string> arguments{};  ///< Behind the others, as on the command line.
    /// What starts it, e.g. `env NAME=VALUE`; it has to become the server. Empty: the test itself.
    std::vector<std::string> starter{};
};

/// A running server.
class redis_server {
public:
    /// Starts it and waits until it answers. @throws std::runtime_error  If it does not.
    explicit redis_server(redis_options options = {});
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    /// @return Whether this machine has a redis-server.
    [[nodiscard]] static bool available();

    [[nodiscard]] const std::string& socket_path() const noexcept { return socket_path_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// @return `redis+unix://SOCKET`, or `redis://127.0.0.1:PORT` if it listens there; with the
    ///         user of `acl_user.hpp`, if there is one and the server has such users.
    [[nodiscard]] std::string url() const;
    /// @return The same for the user `default`, who may do everything.
    [[nodiscard]] std::string admin_url() const;
    [[nodiscard]] std::string directory() const { return directory_.path(); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

    /// Sends a signal, such as SIGSTOP and SIGCONT.
    void signal(int number) const;
    /// Ends it at once, as a crash would.
    void kill();
    /// Starts it again, in the same place; without persistence it has forgotten everything.
    void restart();
    /// As `restart`, with other arguments from now on.
    void restart_with(std::vector<std::string> arguments);
    /// Sends one command on a connection of its own. @return The reply as it comes, e.g. "+OK\r\n".
    [[nodiscard]] std::string command(const std::vector<std::string>& words) const;

private:
    [[nodiscard]] std::string url_for(const std::string& who) const;
    void start();
    void add_user();
    [[nodiscard]] bool answers() const;

    redis_options options_;
    temp_dir directory_;
    std::string socket_path_;
    std::uint16_t port_{0};
    bool has_user_{false};
    server_process process_;
};

}  // namespace holdfast::test
