// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a connection needs around libmariadb's calls: to be set up once for the process,
// bindings for a statement's parameters and columns, SIGPIPE kept away, and what a wait shares.
// Thread safety: `set_library_up` is safe from any thread, the rest is plain values.
#pragma once

#include "mysql/client/connection.hpp"

#include <csignal>
#include <cstdint>
#include <mysql.h>
#include <string>
#include <vector>

namespace holdfast::mysql {

/// Sets libmariadb up, the first time. @return false if that failed.
[[nodiscard]] bool set_library_up() noexcept;

/// Keeps the calling thread from getting the SIGPIPE that OpenSSL causes when it writes to a socket
/// that the other side has closed; for plain sockets the library sees to that itself.
class pipe_signal_shield {
public:
    explicit pipe_signal_shield(bool wanted) noexcept;
    pipe_signal_shield(const pipe_signal_shield&) = delete;
    pipe_signal_shield& operator=(const pipe_signal_shield&) = delete;
    ~pipe_signal_shield();

private:
    sigset_t before_{};
    bool raised_{false};
};

/// Values of parameters, and how the library is told of them.
struct connection::parameters {
    std::vector<cell> values;
    std::vector<MYSQL_BIND> bindings;
    /// Takes `from` over; what the library was told before is no longer valid.
    void take(std::vector<cell> from);
};

/// What a handler shares with the coroutine that waits for it, which may be gone by then.
struct connection::wait_state {
    alarm* bell{nullptr};
    int ready{0};
};

/// Lends the bell of a wait to the handlers and to `abort`, until the wait has ended, however.
class connection::farewell {
public:
    farewell(wait_state& state, alarm*& known, alarm& bell) noexcept
        : state_(state), known_(known) {
        state_.bell = &bell;
        known_ = &bell;
    }
    farewell(const farewell&) = delete;
    farewell& operator=(const farewell&) = delete;
    ~farewell() {
        state_.bell = nullptr;
        known_ = nullptr;
    }

private:
    wait_state& state_;
    alarm*& known_;
};

/// Where the library puts the columns of one row. It points into itself, so it does not move.
class row_buffer {
public:
    explicit row_buffer(const MYSQL_RES& shape);
    row_buffer(const row_buffer&) = delete;
    row_buffer& operator=(const row_buffer&) = delete;

    [[nodiscard]] MYSQL_BIND* bindings() noexcept { return bindings_.data(); }
    [[nodiscard]] std::vector<cell> row() const;

private:
    struct column {
        std::int64_t whole{0};
        double number{0};
        std::string text;
        unsigned long length{0};
        my_bool null{0};
    };
    std::vector<column> columns_;
    std::vector<MYSQL_BIND> bindings_;
};

}  // namespace holdfast::mysql
