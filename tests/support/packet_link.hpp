// SPDX-License-Identifier: BSL-1.0
//
// What it is: a wire between this process and a server that has a network of its own: every packet
// passes through a thread here, which loses as many as it is told to. For what a proxy cannot do:
// to a connection that is cut here, neither side is told.
// Thread safety: `lose` from any thread.
// Invariants: nothing is left of it on the machine when this process and the server have ended,
// however they end: both networks belong to their processes alone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace holdfast::test {

/// Which packets a wire loses, in percent.
struct packet_loss {
    int to_server{0};
    int to_client{0};
};

/// See the top of the file.
class packet_link {
public:
    /// Gives this process a network of its own, for good. Before any other thread is there.
    /// @return Why that is not possible here; empty if it was done.
    [[nodiscard]] static std::string leave_the_network();

    /// Lays a wire to the network of the process `server`. @throws std::runtime_error
    packet_link(pid_t server, int number);
    packet_link(const packet_link&) = delete;
    packet_link& operator=(const packet_link&) = delete;
    ~packet_link();

    /// @return The server's address on this wire.
    [[nodiscard]] std::string address() const;
    /// From now on.
    void lose(packet_loss how) noexcept;
    void cut() noexcept { lose({100, 100}); }
    void mend() noexcept { lose({}); }
    /// @return How many packets were lost so far.
    [[nodiscard]] int lost() const noexcept { return lost_; }

private:
    void serve();
    void pass_on(int from, int to, int percent);

    int number_;
    int client_end_{-1};
    int server_end_{-1};
    std::atomic<int> to_server_{0};
    std::atomic<int> to_client_{0};
    std::atomic<int> lost_{0};
    std::atomic<bool> stopping_{false};
    std::uint64_t random_{88172645463325252U};
    std::thread worker_;
};

}  // namespace holdfast::test
