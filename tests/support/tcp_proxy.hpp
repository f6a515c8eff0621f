// SPDX-License-Identifier: BSL-1.0
//
// What it is: a TCP port of this machine in front of a server's Unix socket, which does to the
// bytes between them what networks and bad servers do: late, slowly, in pieces, not at all, twice,
// or with a reset.
// Thread safety: every call from any thread; a thread of its own passes the bytes on.
// Invariants: bytes of one direction of one connection never overtake each other.
#pragma once

#include <holdfast/clock.hpp>

#include "support/acl_user.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace holdfast::test {

/// What happens to what one side says. The default: it is passed on as it comes.
struct proxy_rules {
    std::chrono::milliseconds delay{0};      ///< Each piece arrives that much later ...
    std::chrono::milliseconds jitter{0};     ///< ... and up to so much more.
    std::string slow_word{};                 ///< If not empty, only pieces that hold it are late.
    std::size_t piece{0};                    ///< Passed on so many bytes at a time; 0: all.
    std::chrono::milliseconds pace{0};       ///< Between two such pieces.
    std::optional<std::size_t> cut_after{};  ///< The connection is cut behind so many bytes.
    bool held{false};                        ///< Nothing is passed on, nothing is closed.
};

/// See the top of the file.
class tcp_proxy {
public:
    explicit tcp_proxy(std::string socket_path);
    tcp_proxy(const tcp_proxy&) = delete;
    tcp_proxy& operator=(const tcp_proxy&) = delete;
    ~tcp_proxy();

    [[nodiscard]] std::string host_and_port() const { return "127.0.0.1:" + std::to_string(port_); }
    /// @return Of a Redis server behind it, for the user of `acl_user.hpp` if there is one.
    [[nodiscard]] std::string url() const { return "redis://" + acl_user_part() + host_and_port(); }
    /// Sets what happens to what is read from now on; `held` holds what was read before, too.
    void to_server(proxy_rules rules);
    void to_client(proxy_rules rules);
    /// Back to the default, both ways.
    void heal();
    /// While on, each client is accepted and at once reset.
    void refuse(bool on);
    /// Resets every connection, as a middle box does that has forgotten them.
    void reset_all();
    /// Says what a client said last in one piece with `word` in it, to the server, on a connection
    /// of its own. @return What the server answered at first; empty if there was no such piece.
    [[nodiscard]] std::string replay(const std::string& word);
    /// @return How many clients have come so far.
    [[nodiscard]] int connections() const;

private:
    struct parcel {
        time_point due;
        std::string bytes;
    };
    struct direction {
        int from;
        int to;
        bool client_speaks;
        bool ended{false};  ///< Its speaker has hung up.
        std::size_t passed{0};
        time_point busy_until{};
        std::deque<parcel> under_way{};
    };
    struct line {
        direction up;
        direction down;
        std::size_t number{0};  ///< Behind its places among what is polled.
    };

    void serve();
    [[nodiscard]] bool anything_under_way() const;
    void accept_one();
    bool read_from(direction& side);
    bool pass_on(direction& side, time_point now);
    void enqueue(direction& side, std::string bytes, const proxy_rules& rules);
    static void close_line(const line& one, bool abruptly);
    [[nodiscard]] std::chrono::milliseconds lateness(const proxy_rules& rules);

    std::string socket_path_;
    int listener_{-1};
    std::uint16_t port_{0};
    mutable std::mutex mutex_;  // Guards all that follows.
    proxy_rules up_;
    proxy_rules down_;
    bool refusing_{false};
    bool stopping_{false};
    int connections_{0};
    std::uint64_t random_{88172645463325252U};
    std::deque<std::string> said_;  // What clients have said lately.
    std::list<line> lines_;
    std::thread worker_;
};

}  // namespace holdfast::test
