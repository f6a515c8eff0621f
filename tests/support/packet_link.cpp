// SPDX-License-Identifier: BSL-1.0
#include "support/packet_link.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace holdfast::test {
namespace {

int make_end(const std::string& name) {
    const int end = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (end < 0) throw std::system_error(errno, std::generic_category(), "/dev/net/tun");
    ifreq wanted{};
    wanted.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(wanted.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (::ioctl(end, TUNSETIFF, &wanted) != 0)
        throw std::system_error(errno, std::generic_category(), "a tun device");
    return end;
}

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace

std::string packet_link::leave_the_network() {
    for (const char* const tool : {"ip", "nsenter", "unshare"})
        if (std::system(("command -v " + std::string(tool) + " >/dev/null").c_str()) != 0)
            return std::string("there is no program ") + tool;
    if (::access("/dev/net/tun", R_OK | W_OK) != 0)
        return std::string("/dev/net/tun: ") + std::strerror(errno);
    if (::unshare(CLONE_NEWNET) != 0)
        return std::string("a network namespace: ") + std::strerror(errno);
    run("ip link set lo up");
    return {};
}

packet_link::packet_link(pid_t server, int number) : number_(number) {
    const std::string mine = "hf" + std::to_string(number) + "c";
    const std::string theirs = "hf" + std::to_string(number) + "s";
    const std::string net = "198.18." + std::to_string(number);
    const std::string inside = "nsenter -t " + std::to_string(server) + " -n ";
    client_end_ = make_end(mine);
    server_end_ = make_end(theirs);
    run("ip link set " + theirs + " netns " + std::to_string(server));
    run(inside + "ip addr add " + net + ".2/30 dev " + theirs);
    run(inside + "ip link set " + theirs + " up");
    run("ip addr add " + net + ".1/30 dev " + mine);
    run("ip link set " + mine + " up");
    worker_ = std::thread([this] { serve(); });
}

packet_link::~packet_link() {
    stopping_ = true;
    worker_.join();
    ::close(client_end_);
    ::close(server_end_);
}

std::string packet_link::address() const { return "198.18." + std::to_string(number_) + ".2"; }

void packet_link::lose(packet_loss how) noexcept {
    to_server_ = how.to_server;
    to_client_ = how.to_client;
}

void packet_link::pass_on(int from, int to, int percent) {
    std::array<char, 65536> packet;
    for (;;) {
        const ssize_t got = ::read(from, packet.data(), packet.size());
        if (got <= 0) return;
        random_ ^= random_ << 13;  // Xorshift: any spread will do.
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        if (random_ % 100 < static_cast<std::uint64_t>(percent))
            ++lost_;
        else if (::write(to, packet.data(), static_cast<std::size_t>(got)) != got)
            ++lost_;  // The other end is not up: a lost packet too.
    }
}

void packet_link::serve() {
    while (!stopping_) {
        std::array<pollfd, 2> ends{{{client_end_, POLLIN, 0}, {server_end_, POLLIN, 0}}};
        if (::poll(ends.data(), ends.size(), 20) <= 0) continue;
        pass_on(client_end_, server_end_, to_server_);
        pass_on(server_end_, client_end_, to_client_);
    }
}

}  // namespace holdfast::test
