// SPDX-License-Identifier: BSL-1.0
//
// What it is: a test's own connection to a server, beside that of the library: asks and waits for
// the reply, and is what the test looks at the server with.
// Thread safety: none.
#pragma once

#include "redis/resp/command.hpp"
#include "redis/resp/reply.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

/// The words of a command.
using command_words = std::vector<std::string>;

/// See the top of the file.
class redis_link {
public:
    /// Connects to the socket at `path`. @throws std::runtime_error  If nobody listens.
    explicit redis_link(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("nobody listens at " + path);
    }
    redis_link(const redis_link&) = delete;
    redis_link& operator=(const redis_link&) = delete;
    ~redis_link() { ::close(fd_); }

    void send(const command_words& words) const {
        std::string bytes;
        redis::resp::detail::append_number(bytes, '*', words.size());
        for (const auto& word : words) redis::resp::detail::append_argument(bytes, word);
        send_bytes(bytes);
    }
    void send_bytes(const std::string& bytes) const {
        if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("the server hung up");
    }
    /// Waits for the next reply. @throws std::runtime_error  If the connection ends.
    redis::resp::reply receive() {
        redis::resp::reply answer;
        while (reader_.next(answer) != redis::resp::reader::state::ready) {
            std::array<char, 4096> part;
            const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
            if (got <= 0) throw std::runtime_error("the server hung up");
            reader_.feed({part.data(), static_cast<std::size_t>(got)});
        }
        return answer;
    }
    /// Waits for the next reply. @return It as it came.
    std::string receive_bytes() {
        std::string all;
        for (;;) {
            redis::resp::reader whole;
            whole.feed(all);
            redis::resp::reply answer;
            if (whole.next(answer) == redis::resp::reader::state::ready) return all;
            std::array<char, 4096> part;
            const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
            if (got <= 0) throw std::runtime_error("the server hung up");
            all.append(part.data(), static_cast<std::size_t>(got));
        }
    }
    redis::resp::reply ask(const command_words& words) {
        send(words);
        return receive();
    }

private:
    int fd_;
    redis::resp::reader reader_;
};

}  // namespace holdfast::test
