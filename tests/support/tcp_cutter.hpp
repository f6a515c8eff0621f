// SPDX-License-Identifier: BSL-1.0
//
// What it is: a TCP port of this machine that passes everything on to a Unix socket, until the
// client says a certain word: then it cuts the line, before or after it has passed the word on, or
// passes on another word in its place.
// Thread safety: `cuts` from any thread.
#pragma once

#include "support/acl_user.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace holdfast::test {

/// Whether the server still hears the word; `misspelt`: it hears one of the same length that ends
/// otherwise, and the line stays.
enum class cut { before_it_is_heard, after_it_is_heard, misspelt };

/// See the top of the file. It does that once; what comes later it passes on.
class tcp_cutter {
public:
    /// @param unknown  Another word, which the server always hears misspelt; empty: none.
    tcp_cutter(std::string socket_path, std::string word, cut when, std::string unknown = {});
    tcp_cutter(const tcp_cutter&) = delete;
    tcp_cutter& operator=(const tcp_cutter&) = delete;
    ~tcp_cutter();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// @return Of a Redis server behind it, for the user of `acl_user.hpp` if there is one.
    [[nodiscard]] std::string url() const {
        return "redis://" + acl_user_part() + "127.0.0.1:" + std::to_string(port_);
    }
    /// @return How often it has done that.
    [[nodiscard]] int cuts() const noexcept { return cuts_; }

private:
    void serve();
    bool pass_on(int from, int to, bool from_client);

    std::string socket_path_;
    std::string word_;
    cut when_;
    std::string unknown_;
    int listener_{-1};
    std::uint16_t port_{0};
    std::atomic<int> cuts_{0};
    std::atomic<bool> stopping_{false};
    std::thread worker_;
};

}  // namespace holdfast::test
