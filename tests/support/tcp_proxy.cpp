// SPDX-License-Identifier: BSL-1.0
#include "support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

namespace holdfast::test {
namespace {

constexpr int busy_poll_ms = 1;
constexpr int idle_poll_ms = 20;
constexpr std::size_t remembered_max = 64;

int reach(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // A server that is stopped has a full backlog at some time: that must not stop the proxy.
    const timeval limit{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

void close_with_reset(int fd) {
    const linger none{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(fd);
}

}  // namespace

tcp_proxy::tcp_proxy(std::string socket_path) : socket_path_(std::move(socket_path)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &size) != 0)
        throw std::runtime_error("the proxy cannot listen");
    port_ = ntohs(address.sin_port);
    worker_ = std::thread([this] { serve(); });
}

tcp_proxy::~tcp_proxy() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    worker_.join();
    for (const line& one : lines_) close_line(one, false);
    ::close(listener_);
}

void tcp_proxy::to_server(proxy_rules rules) {
    const std::scoped_lock lock(mutex_);
    up_ = std::move(rules);
}

void tcp_proxy::to_client(proxy_rules rules) {
    const std::scoped_lock lock(mutex_);
    down_ = std::move(rules);
}

void tcp_proxy::heal() {
    const std::scoped_lock lock(mutex_);
    up_ = {};
    down_ = {};
    refusing_ = false;
}

void tcp_proxy::refuse(bool on) {
    const std::scoped_lock lock(mutex_);
    refusing_ = on;
}

void tcp_proxy::reset_all() {
    const std::scoped_lock lock(mutex_);
    for (const line& one : lines_) close_line(one, true);
    lines_.clear();
}

std::string tcp_proxy::replay(const std::string& word) {
    std::string last;
    {
        const std::scoped_lock lock(mutex_);
        for (const std::string& one : said_)
            if (one.find(word) != std::string::npos) last = one;
    }
    if (last.empty()) return last;
    const int fd = reach(socket_path_);
    if (fd < 0) throw std::runtime_error("nobody listens at " + socket_path_);
    std::array<char, 4096> part;
    ssize_t got = ::send(fd, last.data(), last.size(), MSG_NOSIGNAL);
    if (got > 0) got = ::recv(fd, part.data(), part.size(), 0);
    ::close(fd);
    return {part.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

int tcp_proxy::connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_;
}

void tcp_proxy::close_line(const line& one, bool abruptly) {
    if (abruptly)
        close_with_reset(one.up.from);
    else
        ::close(one.up.from);
    ::close(one.up.to);
}

std::chrono::milliseconds tcp_proxy::lateness(const proxy_rules& rules) {
    if (rules.jitter.count() == 0) return rules.delay;
    random_ ^= random_ << 13;  // Xorshift: any spread will do.
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const auto share = random_ % static_cast<std::uint64_t>(rules.jitter.count());
    return rules.delay + std::chrono::milliseconds(share);
}

void tcp_proxy::enqueue(direction& side, std::string bytes, const proxy_rules& rules) {
    time_point due = boot_clock::now();
    if (rules.slow_word.empty() || bytes.find(rules.slow_word) != std::string::npos)
        due += lateness(rules);
    due = std::max(due, side.busy_until);
    const std::size_t step = rules.piece == 0 ? bytes.size() : rules.piece;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        side.under_way.push_back({due, bytes.substr(at, step)});
        if (rules.piece != 0) due += rules.pace;
    }
    side.busy_until = due;
}

// @return false if the connection is at its end.
bool tcp_proxy::read_from(direction& side) {
    std::array<char, 16384> part;
    const ssize_t got = ::recv(side.from, part.data(), part.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
        side.ended = true;
        return side.client_speaks;  // What it has said before is still on its way.
    }
    std::string bytes(part.data(), static_cast<std::size_t>(got));
    if (side.client_speaks) {
        said_.push_back(bytes);
        if (said_.size() > remembered_max) said_.pop_front();
    }
    enqueue(side, std::move(bytes), side.client_speaks ? up_ : down_);
    return true;
}

bool tcp_proxy::pass_on(direction& side, time_point now) {
    const proxy_rules& rules = side.client_speaks ? up_ : down_;
    if (rules.held) return true;
    while (!side.under_way.empty() && side.under_way.front().due <= now) {
        std::string& bytes = side.under_way.front().bytes;
        std::size_t wanted = bytes.size();
        if (rules.cut_after && side.passed >= *rules.cut_after) return false;
        if (rules.cut_after) wanted = std::min(wanted, *rules.cut_after - side.passed);
        const ssize_t sent = ::send(side.to, bytes.data(), wanted, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        side.passed += static_cast<std::size_t>(sent);
        bytes.erase(0, static_cast<std::size_t>(sent));
        if (rules.cut_after && side.passed >= *rules.cut_after) return false;
        if (!bytes.empty()) return true;
        side.under_way.pop_front();
    }
    return !side.ended || !side.under_way.empty();
}

void tcp_proxy::accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    ++connections_;
    if (refusing_) return close_with_reset(client);
    const int at_once = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const int server = reach(socket_path_);
    if (server < 0) return close_with_reset(client);
    lines_.push_back({.up = {.from = client, .to = server, .client_speaks = true},
                      .down = {.from = server, .to = client, .client_speaks = false}});
}

bool tcp_proxy::anything_under_way() const {
    return std::ranges::any_of(lines_, [](const line& one) {
        return !one.up.under_way.empty() || !one.down.under_way.empty() || one.up.ended;
    });
}

void tcp_proxy::serve() {
    const auto said = [](const pollfd& one) { return one.revents != 0; };
    for (;;) {
        std::vector<pollfd> watched{{listener_, POLLIN, 0}};
        int patience = idle_poll_ms;
        {
            const std::scoped_lock lock(mutex_);
            if (stopping_) return;
            for (line& one : lines_) {
                // A speaker that has hung up is not asked again.
                watched.push_back({one.up.ended ? -1 : one.up.from, POLLIN, 0});
                watched.push_back({one.down.from, POLLIN, 0});
                one.number = watched.size();
            }
            if (anything_under_way()) patience = busy_poll_ms;
        }
        ::poll(watched.data(), watched.size(), patience);
        const std::scoped_lock lock(mutex_);  // Meanwhile `reset_all` may have taken lines away.
        const time_point now = boot_clock::now();
        std::erase_if(lines_, [&](line& one) {
            const bool on = (!said(watched[one.number - 2]) || read_from(one.up)) &&
                            (!said(watched[one.number - 1]) || read_from(one.down)) &&
                            pass_on(one.up, now) && pass_on(one.down, now);
            if (!on) close_line(one, false);
            return !on;
        });
        if (said(watched[0])) accept_one();
    }
}

}  // namespace holdfast::test
