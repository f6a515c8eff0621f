// SPDX-License-Identifier: BSL-1.0
#include "raw_client.hpp"

#include "redis/resp/command.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace holdfast::bench {
namespace {

constexpr std::string_view release_script =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("raw client: cannot connect");
    return fd;
}

}  // namespace

raw_client::raw_client(std::uint16_t port, const std::string& name, bool fenced)
    : socket_(connect_to(port)) {
    using redis::resp::append_command;
    const std::string key = "{raw:" + name + "}";
    const std::string value = "0123456789abcdef0123456789abcdef|12345@host|";
    std::string load;
    append_command(load, "SCRIPT", "LOAD", release_script);
    send(load);
    std::array<char, 256> reply{};
    const auto bytes = ::recv(socket_, reply.data(), reply.size(), 0);
    if (bytes < 45 || reply[0] != '$') throw std::runtime_error("raw client: no script hash");
    const std::string sha(reply.data() + 5, 40);
    if (fenced) append_command(acquire_, "MULTI");
    append_command(acquire_, "SET", key, value, "NX", "PX", 30000);
    if (fenced) {
        append_command(acquire_, "INCR", key + ":f");
        append_command(acquire_, "EXEC");
    }
    // +OK; or +OK +QUEUED +QUEUED *2 +OK :n
    acquire_lines_ = fenced ? 6 : 1;
    append_command(release_, "EVALSHA", sha, 1, key, value);
}

raw_client::~raw_client() { ::close(socket_); }

void raw_client::send(const std::string& bytes) const {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("raw client: cannot send");
}

void raw_client::await_lines(std::size_t count) {
    std::array<char, 4096> chunk{};
    while (count > 0) {
        const auto bytes = ::recv(socket_, chunk.data(), chunk.size(), 0);
        if (bytes <= 0) throw std::runtime_error("raw client: the server hung up");
        const auto lines = std::count(chunk.begin(), chunk.begin() + bytes, '\n');
        count -= std::min(count, static_cast<std::size_t>(lines));
    }
}

void raw_client::pair() {
    send(acquire_);
    await_lines(acquire_lines_);
    send(release_);
    await_lines(1);
}

}  // namespace holdfast::bench
