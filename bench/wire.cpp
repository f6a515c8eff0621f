// SPDX-License-Identifier: BSL-1.0
#include "wire.hpp"

#include "base/store_url.hpp"
#include "measure.hpp"
#include "redis/client/settings.hpp"
#include "redis/resp/command.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace holdfast::bench {
namespace {

int connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return -1;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

int connect_tcp(const redis::settings& where) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(where.port);
    if (::getaddrinfo(where.host.c_str(), port.c_str(), &wanted, &found) != 0) return -1;
    int fd = -1;
    for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
        fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd, one->ai_addr, one->ai_addrlen) == 0) continue;
        ::close(fd);
        fd = -1;
    }
    ::freeaddrinfo(found);
    return fd;
}

}  // namespace

bool is_plain_redis(std::string_view url) {
    const auto where = redis::read_settings(url);
    return where && !where->tls && where->password.empty() && where->password_file.empty();
}

std::string shown_store(std::string_view url) {
    const auto read = base::parse_store_url(url);
    return read ? read->redacted() : "?";
}

wire::wire(std::string_view url) {
    if (!is_plain_redis(url)) throw std::runtime_error("wire: no plain redis: " + shown_store(url));
    const auto where = redis::read_settings(url);
    socket_ = where->unix_path.empty() ? connect_tcp(*where) : connect_unix(where->unix_path);
    if (socket_ < 0) throw std::runtime_error("wire: cannot connect to " + where->address);
}

wire::~wire() { ::close(socket_); }

void wire::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) throw std::runtime_error("wire: cannot send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::size_t wire::receive(std::span<char> into) const {
    const auto bytes = ::recv(socket_, into.data(), into.size(), 0);
    if (bytes <= 0) throw std::runtime_error("wire: the server hung up");
    return static_cast<std::size_t>(bytes);
}

std::size_t wire::receive_within(std::span<char> into, int milliseconds) const {
    return receive_until(into, nanoseconds_now() + milliseconds * 1'000'000LL);
}

std::size_t wire::receive_until(std::span<char> into, std::int64_t nanoseconds) const {
    const std::int64_t left = std::max<std::int64_t>(nanoseconds - nanoseconds_now(), 0);
    const timespec patience{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::ppoll(&readable, 1, &patience, nullptr) == 1 ? receive(into) : 0;
}

std::string wire::load_script(std::string_view text) const {
    std::string load;
    redis::resp::append_command(load, "SCRIPT", "LOAD", text);
    send(load);
    std::array<char, 256> reply{};
    if (receive(reply) < 45 || reply[0] != '$') throw std::runtime_error("wire: no script hash");
    return std::string(reply.data() + 5, 40);
}

command_counter::command_counter(std::string_view url) : wire_(url) {
    wire_.send("MONITOR\r\n");
    std::array<char, 16> ok{};
    wire_.receive(ok);
}

void command_counter::watch(double seconds) {
    const std::int64_t until = nanoseconds_now() + static_cast<std::int64_t>(seconds * 1e9);
    std::array<char, 65536> chunk{};
    while (nanoseconds_now() < until)
        take(std::string_view(chunk.data(), wire_.receive_within(chunk, 1)));
}

// A line is: +TIME [DATABASE CLIENT] "COMMAND" ..., where CLIENT is `lua` for what a script calls.
void command_counter::take(std::string_view bytes) {
    constexpr std::size_t enough = 64;  // What comes after the client does not matter.
    for (const char c : bytes) {
        if (c == '\n') {
            if (line_.find(" lua] ") == std::string::npos) ++commands_;
            line_.clear();
        } else if (line_.size() < enough) {
            line_ += c;
        }
    }
}

}  // namespace holdfast::bench
