// SPDX-License-Identifier: BSL-1.0
#include "interop/node_peer.hpp"

#include "support/poll.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace holdfast::test {
namespace {

constexpr std::chrono::seconds farewell{10};

void check(bool went_well, const char* what) {
    if (!went_well) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::string node_peer::missing() {
    const char* const modules = std::getenv("HOLDFAST_INTEROP_MODULES");
    if (modules == nullptr || *modules == '\0')
        return "HOLDFAST_INTEROP_MODULES does not say where the Node packages are: run ./dev test";
    const char* const path = std::getenv("PATH");
    std::istringstream places(path == nullptr ? "" : path);
    for (std::string place; std::getline(places, place, ':');)
        if (::access((place + "/node").c_str(), X_OK) == 0) return {};
    return "there is no node on this machine";
}

node_peer::node_peer(std::string package, std::vector<std::string> addresses)
    : package_(std::move(package)), addresses_(std::move(addresses)) {
    start();
    try {
        const auto nodes = demand("nodes");
        const auto& reached = nodes.at("reached").as_array();
        const auto yes = [](const boost::json::value& one) { return one.as_bool(); };
        if (!std::all_of(reached.begin(), reached.end(), yes))
            complain("it did not reach all servers: " + boost::json::serialize(nodes));
    } catch (...) {
        kill();
        end();
        ::close(errors_);
        throw;
    }
}

node_peer::~node_peer() {
    end();
    ::close(errors_);
}

void node_peer::start() {
    // A socket, since writing to a pipe that nobody reads would end the test by a signal.
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()) == 0, "socketpair");
    check(::pipe2(out.data(), O_CLOEXEC) == 0, "pipe2");
    // A file in memory: nobody has to read it, and it never fills.
    errors_ = ::memfd_create("holdfast-peer", MFD_CLOEXEC);
    check(errors_ >= 0, "memfd_create");
    std::vector<std::string> words{"node", HOLDFAST_PEER_JS, package_};
    words.insert(words.end(), addresses_.begin(), addresses_.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_ = ::fork();
    check(pid_ >= 0, "fork");
    if (pid_ == 0) become(pointers.data(), in[1], out[1]);
    ::close(in[1]);
    ::close(out[1]);
    to_peer_ = in[0];
    from_peer_ = out[0];
}

// In the child. Other threads may be there, so nothing but system calls.
void node_peer::become(char* const* words, int in, int out) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(errors_, STDERR_FILENO);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execvp(words[0], words);
    ::_exit(127);
}

std::int64_t node_peer::send(std::string_view verb, boost::json::object arguments) {
    const std::int64_t number = ++asked_;
    boost::json::object request{{"n", number}, {"do", verb}, {"args", std::move(arguments)}};
    std::string line = boost::json::serialize(request) + '\n';
    for (std::string_view left = line; !left.empty();) {
        const ssize_t sent = ::send(to_peer_, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) complain("it does not listen any more");
        left.remove_prefix(static_cast<std::size_t>(sent));
    }
    return number;
}

bool node_peer::read_more(std::chrono::milliseconds wait) {
    pollfd watched{from_peer_, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(wait.count())) <= 0) return true;
    std::array<char, 4096> part;
    const ssize_t got = ::read(from_peer_, part.data(), part.size());
    if (got <= 0) return got < 0 && errno == EINTR;
    unread_.append(part.data(), static_cast<std::size_t>(got));
    take_lines();
    return true;
}

void node_peer::take_lines() {
    for (auto end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
        const std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        boost::system::error_code wrong;
        const auto answer = boost::json::parse(line, wrong);
        const auto* row = wrong ? nullptr : answer.if_object();
        const auto* number = row == nullptr ? nullptr : row->if_contains("n");
        if (number == nullptr || !number->is_int64()) complain("it said: " + line);
        answers_[number->as_int64()] = *row;
    }
}

std::optional<boost::json::object> node_peer::look(std::int64_t number) {
    const bool speaks = read_more(std::chrono::milliseconds{0});
    if (const auto found = answers_.extract(number)) return found.mapped();
    if (!speaks) complain("it has ended");
    return std::nullopt;
}

boost::json::object node_peer::receive(std::int64_t number, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {  // Ends with the answer or when the time is up.
        if (auto answer = look(number)) return std::move(*answer);
        if (std::chrono::steady_clock::now() >= end)
            complain("no answer to request " + std::to_string(number));
        if (!read_more(std::chrono::milliseconds{100})) complain("it has ended");
    }
}

boost::json::object node_peer::ask(std::string_view verb, boost::json::object arguments) {
    return receive(send(verb, std::move(arguments)));
}

boost::json::object node_peer::demand(std::string_view verb, boost::json::object arguments) {
    auto answer = ask(verb, std::move(arguments));
    if (!answer.at("ok").as_bool())
        complain(std::string(verb) + " failed: " + boost::json::serialize(answer));
    return answer;
}

void node_peer::kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int node_peer::end() {
    if (pid_ <= 0) return 0;
    ::close(to_peer_);
    const int code = reap();
    ::close(from_peer_);  // Not before: it may still have something to say.
    return code;
}

int node_peer::reap() {
    int status = 0;
    const auto ended = [&] { return ::waitpid(pid_, &status, WNOHANG) != 0; };
    if (!poll_until(ended, farewell)) {
        kill();
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string node_peer::complaints() const {
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const auto at = static_cast<off_t>(text.size());
        const ssize_t got = ::pread(errors_, part.data(), part.size(), at);
        if (got <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
}

void node_peer::complain(const std::string& what) const {
    throw std::runtime_error("the Node peer of " + package_ + ": " + what +
                             "\nits stderr: " + complaints());
}

std::string text_in(const boost::json::object& answer, std::string_view key) {
    const auto* found = answer.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

}  // namespace holdfast::test
