// SPDX-License-Identifier: BSL-1.0
#include "support/tcp_cutter.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::test {
namespace {

int reach_server(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

}  // namespace

tcp_cutter::tcp_cutter(std::string socket_path, std::string word, cut when, std::string unknown)
    : socket_path_(std::move(socket_path)),
      word_(std::move(word)),
      when_(when),
      unknown_(std::move(unknown)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &size) != 0)
        throw std::runtime_error("the cutter cannot listen");
    port_ = ntohs(address.sin_port);
    worker_ = std::thread([this] { serve(); });
}

tcp_cutter::~tcp_cutter() {
    stopping_ = true;
    worker_.join();
    ::close(listener_);
}

// @return false if the line is at its end, or is to be cut.
bool tcp_cutter::pass_on(int from, int to, bool from_client) {
    std::array<char, 16384> part;
    const ssize_t got = ::recv(from, part.data(), part.size(), 0);
    if (got <= 0) return false;
    const std::string_view text(part.data(), static_cast<std::size_t>(got));
    const std::size_t at = from_client && cuts_ == 0 ? text.find(word_) : text.npos;
    const bool found = at != text.npos;
    if (found) ++cuts_;
    if (found && when_ == cut::before_it_is_heard) return false;
    if (found && when_ == cut::misspelt) part[at + word_.size() - 1] = '?';
    if (from_client && !unknown_.empty())
        if (const std::size_t odd = text.find(unknown_); odd != text.npos)
            part[odd + unknown_.size() - 1] = '?';
    const bool sent = ::send(to, text.data(), text.size(), MSG_NOSIGNAL) == got;
    return sent && (!found || when_ == cut::misspelt);
}

void tcp_cutter::serve() {
    std::vector<std::pair<int, int>> lines;  // A client, and its connection to the server.
    while (!stopping_) {
        std::vector<pollfd> watched{{listener_, POLLIN, 0}};
        for (const auto& [client, server] : lines) {
            watched.push_back({client, POLLIN, 0});
            watched.push_back({server, POLLIN, 0});
        }
        if (::poll(watched.data(), watched.size(), 20) <= 0) continue;
        std::vector<std::pair<int, int>> alive;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const auto [client, server] = lines[i];
            bool on = true;
            if (watched[2 * i + 1].revents != 0) on = pass_on(client, server, true);
            if (on && watched[2 * i + 2].revents != 0) on = pass_on(server, client, false);
            if (on) {
                alive.push_back(lines[i]);
            } else {
                ::close(client);
                ::close(server);
            }
        }
        lines = std::move(alive);
        if (watched[0].revents == 0) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int server = reach_server(socket_path_);
        if (client >= 0 && server >= 0) {
            lines.emplace_back(client, server);
        } else {
            ::close(client);
            ::close(server);
        }
    }
    for (const auto& [client, server] : lines) {
        ::close(client);
        ::close(server);
    }
}

}  // namespace holdfast::test
