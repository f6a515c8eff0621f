// SPDX-License-Identifier: BSL-1.0
//
// What it is: a mariadbd of a test's own, in a directory of its own, reachable by a Unix socket
// and, if asked for, by TCP on a port that was free; and sessions with it that block.
// Thread safety: none; a session may be used by another thread than the server.
// Invariants: it listens on this machine only, and has ended when the object has; also when the
// test program itself is killed.
#pragma once

#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct st_mysql;

namespace holdfast::test {

/// How to start a server.
struct mariadb_options {
    bool tcp{false};                       ///< Listen on 127.0.0.1 too.
    std::vector<std::string> arguments{};  ///< Behind the others, as on the command line.
};

/// A running server with a database `locks` and a user `app` with the password `app pw`, who has
/// all rights there. `root` has no password and comes by the socket.
class mariadb_server {
public:
    /// Starts it and waits until it answers. @throws std::runtime_error  If it does not.
    explicit mariadb_server(mariadb_options options = {});
    mariadb_server(const mariadb_server&) = delete;
    mariadb_server& operator=(const mariadb_server&) = delete;

    [[nodiscard]] const std::string& socket_path() const noexcept { return socket_path_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string directory() const { return directory_.path(); }
    /// @return The URL of `database` for `app`: by TCP if it listens there.
    [[nodiscard]] std::string url(const std::string& database = "locks") const;

    /// Sends a signal, such as SIGSTOP and SIGCONT.
    void signal(int number) const;
    /// Ends it at once, as a crash would.
    void kill();
    /// Ends it, if it runs, and starts it again with the same data.
    void restart();

private:
    void start();
    [[nodiscard]] bool answers() const;

    mariadb_options options_;
    temp_dir directory_;
    std::string socket_path_;
    std::uint16_t port_{0};
    server_process process_;
};

/// Rows as text; NULL is "NULL".
using sql_rows = std::vector<std::vector<std::string>>;

/// One connection, by the socket, as `root`.
class sql_session {
public:
    /// @throws std::runtime_error  If it is refused.
    explicit sql_session(const mariadb_server& server, const std::string& database = "locks");
    sql_session(const sql_session&) = delete;
    sql_session& operator=(const sql_session&) = delete;
    ~sql_session();

    /// @return The rows that `sql` brings. @throws std::runtime_error  With the server's text.
    sql_rows ask(const std::string& sql);
    /// @return The first cell. @throws As `ask`, and if there is none.
    std::string value(const std::string& sql);
    /// @return The server's error number; 0 if there was no error.
    unsigned try_ask(const std::string& sql);

private:
    st_mysql* handle_;
};

}  // namespace holdfast::test
