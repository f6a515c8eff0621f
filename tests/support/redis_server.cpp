// SPDX-License-Identifier: BSL-1.0
#include "support/redis_server.hpp"

#include "support/acl_user.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

int connect_to(const std::string& socket_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path)
        throw std::runtime_error("the path of the socket is too long: " + socket_path);
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{2, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

// Whether `reply` is complete, as far as the replies of tests go: a line, or one bulk string.
bool is_complete(const std::string& reply) {
    if (!reply.ends_with("\r\n")) return false;
    if (reply[0] != '$') return true;
    const auto line_end = reply.find("\r\n");
    const long length = std::strtol(reply.c_str() + 1, nullptr, 10);
    return length < 0 || reply.size() >= line_end + 2 + static_cast<std::size_t>(length) + 2;
}

}  // namespace

redis_server::redis_server(redis_options options) : options_(std::move(options)) {
    socket_path_ = directory_ / "redis.sock";
    if (options_.tcp) port_ = free_tcp_port();
    start();
}

bool redis_server::available() {
    std::istringstream places(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
    for (std::string place; std::getline(places, place, ':');)
        if (::access((place + "/redis-server").c_str(), X_OK) == 0) return true;
    return false;
}

std::string redis_server::url_for(const std::string& who) const {
    if (options_.tcp) return "redis://" + who + "127.0.0.1:" + std::to_string(port_);
    return "redis+unix://" + who + socket_path_;
}

std::string redis_server::url() const { return url_for(has_user_ ? acl_user_part() : ""); }

std::string redis_server::admin_url() const { return url_for(""); }

void redis_server::start() {
    std::filesystem::remove(socket_path_);
    std::vector<std::string> words = options_.starter;
    words.insert(words.end(), {"redis-server", "--port", std::to_string(port_), "--bind",
                               "127.0.0.1", "--unixsocket", socket_path_, "--unixsocketperm", "700",
                               "--dir", directory(), "--save", "", "--appendonly", "no",
                               "--logfile", directory_ / "redis.log", "--daemonize", "no"});
    words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    process_.start(std::move(words), directory_ / "redis.log", [this] { return answers(); });
    add_user();
}

// A server that wants a password, or has no ACL, is about who may come in: it is left alone.
void redis_server::add_user() {
    if (acl_user_rules().empty()) return;
    const std::string said = command(acl_user_rules());
    has_user_ = said == "+OK\r\n";
    if (!has_user_ && !said.starts_with("-NOAUTH") && !said.starts_with("-ERR unknown command"))
        throw std::runtime_error("the rights of HOLDFAST_TEST_ACL are refused: " + said);
}

bool redis_server::answers() const {
    const int fd = connect_to(socket_path_);
    if (fd < 0) return false;
    ::close(fd);
    // Any reply will do: a server with a password says NOAUTH, one with TLS only is not asked here.
    const std::string reply = command({"PING"});
    return reply.starts_with("+PONG") || reply.starts_with("-NOAUTH");
}

void redis_server::signal(int number) const { process_.signal(number); }

void redis_server::kill() { process_.kill(); }

void redis_server::restart() {
    kill();
    start();
}

void redis_server::restart_with(std::vector<std::string> arguments) {
    options_.arguments = std::move(arguments);
    restart();
}

std::string redis_server::command(const std::vector<std::string>& words) const {
    return redis_command(socket_path_, words);
}

std::string redis_command(const std::string& socket_path, const std::vector<std::string>& words) {
    std::string request = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words)
        request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    const int fd = connect_to(socket_path);
    if (fd < 0) throw std::runtime_error("cannot connect to " + socket_path);
    std::string reply;
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(request.size())) {
        std::array<char, 4096> part;
        while (!is_complete(reply)) {
            const ssize_t got = ::recv(fd, part.data(), part.size(), 0);
            if (got <= 0) break;
            reply.append(part.data(), static_cast<std::size_t>(got));
        }
    }
    ::close(fd);
    return reply;
}

}  // namespace holdfast::test
