// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/counter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace holdfast::soak {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

// Messages keep their borders on such a socket.
int message_socket() { return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); }

}  // namespace

counter_server::counter_server(const std::string& path) : listener_(message_socket()) {
    const sockaddr_un address = address_of(path);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 128) != 0 || ::pipe2(stop_.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("the counters cannot listen at " + path);
    worker_ = std::thread([this] { serve(); });
}

counter_server::~counter_server() {
    stop();
    ::close(listener_);
    ::close(stop_[0]);
    ::close(stop_[1]);
}

void counter_server::stop() {
    if (!worker_.joinable()) return;
    static_cast<void>(::write(stop_[1], ".", 1) == 1);
    worker_.join();
}

counter_answer counter_server::answer(const counter_request& asked) {
    counter& one = counters_.at(asked.lock);
    if (asked.token < one.highest_token) {
        ++one.refused;
        return {0, one.value};
    }
    one.highest_token = asked.token;
    if (asked.writes == 0) return {1, one.value};
    one.value = asked.value;
    ++one.accepted;
    ++accepted_[asked.client];
    return {1, one.value};
}

void counter_server::serve() {
    std::vector<pollfd> watched{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (;;) {
        if (::poll(watched.data(), watched.size(), -1) <= 0) continue;
        // What came before the stop is answered first.
        const bool stopping = watched[0].revents != 0;
        for (std::size_t i = 2; i < watched.size(); ++i) {
            if (watched[i].revents == 0) continue;
            counter_request asked{};
            if (::recv(watched[i].fd, &asked, sizeof asked, 0) != sizeof asked) {
                ::close(watched[i].fd);
                watched[i].fd = -1;
                continue;
            }
            const counter_answer reply = answer(asked);
            static_cast<void>(::send(watched[i].fd, &reply, sizeof reply, MSG_NOSIGNAL));
        }
        std::erase_if(watched, [](const pollfd& one) { return one.fd < 0; });
        if (watched[1].revents != 0)
            if (const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
                watched.push_back({fd, POLLIN, 0});
        if (!stopping) continue;
        for (std::size_t i = 2; i < watched.size(); ++i) ::close(watched[i].fd);
        return;
    }
}

counter_link::counter_link(const std::string& path) : fd_(message_socket()) {
    const sockaddr_un address = address_of(path);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("nobody keeps counters at " + path);
}

counter_link::~counter_link() { ::close(fd_); }

counter_answer counter_link::ask(const counter_request& what) const {
    counter_answer reply{};
    if (::send(fd_, &what, sizeof what, MSG_NOSIGNAL) != sizeof what ||
        ::recv(fd_, &reply, sizeof reply, 0) != sizeof reply)
        throw std::runtime_error("the counters have gone");
    return reply;
}

}  // namespace holdfast::soak
