// SPDX-License-Identifier: BSL-1.0
#include "raw_quorum.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>

namespace holdfast::bench {
namespace {

/// Who owes so many replies is sent nothing more until it has caught up.
constexpr std::size_t missing_max = 64;

}  // namespace

raw_quorum::raw_quorum(const std::vector<std::string>& urls, std::size_t enough) : enough_(enough) {
    for (const std::string& url : urls) {
        auto line = std::make_unique<wire>(url);
        raw_pair bytes = make_raw_pair(*line, "quorum", false);
        nodes_.push_back({.line = std::move(line), .bytes = std::move(bytes)});
    }
}

void raw_quorum::pairs_until(std::int64_t nanoseconds, histogram& took) {
    for (std::int64_t begin = nanoseconds_now(); begin < nanoseconds;) {
        step(&raw_pair::acquire);
        step(&raw_pair::release);
        const std::int64_t end = nanoseconds_now();
        took.add(end - begin);
        begin = end;
    }
}

void raw_quorum::step(std::string raw_pair::*what) {
    for (node& each : nodes_) send(each, what);
    const auto answered = [](const node& one) { return one.line && one.missing == 0; };
    const auto enough = static_cast<std::ptrdiff_t>(enough_);
    while (std::count_if(nodes_.begin(), nodes_.end(), answered) < enough) receive();
}

void raw_quorum::send(node& to, std::string raw_pair::*what) const {
    if (!to.line || to.missing >= missing_max) return;
    try {
        to.line->send(to.bytes.*what);
        ++to.missing;
    } catch (const std::exception&) {
        to.line.reset();
    }
}

// Each reply is one line.
void raw_quorum::receive() {
    std::vector<pollfd> sockets;
    for (const node& each : nodes_)
        sockets.push_back({.fd = each.line ? each.line->fd() : -1, .events = POLLIN, .revents = 0});
    if (::poll(sockets.data(), sockets.size(), 10'000) <= 0)
        throw std::runtime_error("raw quorum: no majority answers");
    std::array<char, 4096> chunk{};
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        node& from = nodes_[i];
        if (sockets[i].revents == 0) continue;
        try {
            const auto bytes = static_cast<std::ptrdiff_t>(from.line->receive(chunk));
            const auto lines = std::count(chunk.begin(), chunk.begin() + bytes, '\n');
            from.missing -= static_cast<std::size_t>(lines);
        } catch (const std::exception&) {
            from.line.reset();
        }
    }
}

}  // namespace holdfast::bench
