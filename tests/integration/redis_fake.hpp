// SPDX-License-Identifier: BSL-1.0
//
// What it is: something that listens where a server should be and answers as a test says: wrongly,
// late, or with what a real server said. One thread serves one connection after the other.
// Thread safety: `connections` from any thread; the rest belongs to the test's thread.
#pragma once

#include "integration/redis_link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::test {

/// One client of a fake server.
class fake_client {
public:
    fake_client(int fd, int index) : fd_(fd), index_(index) {}
    fake_client(const fake_client&) = delete;
    fake_client& operator=(const fake_client&) = delete;
    ~fake_client() { ::close(fd_); }

    /// @return Which connection it is, from 0.
    [[nodiscard]] int index() const noexcept { return index_; }
    /// @return The next command; nothing once the client has hung up.
    std::optional<command_words> command() {
        redis::resp::reply answer;
        while (reader_.next(answer) != redis::resp::reader::state::ready) {
            std::array<char, 4096> part;
            const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
            if (got <= 0) return std::nullopt;
            reader_.feed({part.data(), static_cast<std::size_t>(got)});
        }
        command_words found;
        for (auto& item : answer.items) found.push_back(std::move(item.text));
        return found;
    }
    /// Reads commands up to the next one of that name. @return false if it never came.
    bool await(const std::string& name) {
        while (const auto next = command())
            if (next->front() == name) return true;
        return false;
    }
    /// @return false if the client has hung up.
    bool send(const std::string& bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Answers the first command, HELLO, as a server of version 7 would.
    bool greet() { return await("HELLO") && send("%1\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"); }
    /// Waits until the client hangs up.
    void await_end() {
        while (command()) {
        }
    }

private:
    int fd_;
    int index_;
    redis::resp::reader reader_;
};

/// See the top of the file.
class fake_redis {
public:
    using behaviour = std::function<void(fake_client&)>;

    explicit fake_redis(behaviour behave)
        : behave_(std::move(behave)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, generic, &size) != 0)
            throw std::runtime_error("cannot listen");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    fake_redis(const fake_redis&) = delete;
    fake_redis& operator=(const fake_redis&) = delete;
    ~fake_redis() {
        closing_ = true;
        ::shutdown(listener_, SHUT_RDWR);  // Ends the wait for a connection ...
        if (const int fd = current_.exchange(-1); fd >= 0)
            ::shutdown(fd, SHUT_RDWR);  // ... and for a command.
        thread_.join();
        ::close(listener_);
    }

    [[nodiscard]] std::string url(const std::string& scheme = "redis") const {
        return scheme + "://127.0.0.1:" + std::to_string(port_);
    }
    /// @return How many connections were made so far.
    [[nodiscard]] int connections() const noexcept { return connections_; }

private:
    void serve() {
        while (!closing_) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            current_ = fd;
            fake_client client(fd, connections_++);
            if (!closing_) behave_(client);
            current_ = -1;
        }
    }

    behaviour behave_;
    int listener_;
    std::uint16_t port_{0};
    std::atomic<bool> closing_{false};
    std::atomic<int> connections_{0};
    std::atomic<int> current_{-1};
    std::thread thread_;
};

/// Answers as the real server at `socket_path` does, until `keep` says no to a reply: it gets the
/// command and its reply, which is on the way to the client. @return Whether `keep` said no.
template <class Keep>
bool relay(fake_client& client, const std::string& socket_path, Keep keep) {
    redis_link server(socket_path);
    while (const auto asked = client.command()) {
        server.send(*asked);
        const std::string bytes = server.receive_bytes();
        if (!keep(*asked)) return true;
        if (!client.send(bytes)) break;
    }
    return false;
}

}  // namespace holdfast::test
