// SPDX-License-Identifier: BSL-1.0
#include "support/server_process.hpp"

#include "support/poll.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

constexpr std::chrono::seconds start_limit{40};

}  // namespace

void server_process::start(std::vector<std::string> command, const std::string& log,
                           const std::function<bool()>& answers) {
    const std::string name = command.front();
    // Made before the fork: where there are threads, the child may not allocate.
    const std::vector<char*> arguments = arguments_of(command);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) become(arguments);
    const auto ready = [&] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error(name + " ended:\n" + text_of(log));
        }
        return answers();
    };
    if (poll_until(ready, start_limit)) return;
    kill();
    throw std::runtime_error(name + " does not answer:\n" + text_of(log));
}

void server_process::signal(int number) const {
    if (pid_ <= 0 || ::kill(pid_, number) != 0 || number != SIGSTOP) return;
    // The threads of a server stop one after the other, and may yet answer.
    const auto has_stopped = [this] {
        siginfo_t told{};
        constexpr int how = WSTOPPED | WEXITED | WNOHANG | WNOWAIT;
        return ::waitid(P_PID, static_cast<id_t>(pid_), &told, how) != 0 || told.si_pid == pid_;
    };
    if (!poll_until(has_stopped)) throw std::runtime_error("a server does not stop");
}

void server_process::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

std::optional<int> server_process::ended() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Below the ports that the kernel gives to those who connect: one of theirs could take it before
// the server does. That another test draws the same one in that moment is unlikely, and the start
// then fails with the server's own words. Within a process none is given twice: a server may need
// several, and takes none before it has them all.
std::uint16_t free_tcp_port() {
    static std::mutex mutex;
    static std::set<std::uint16_t> given;
    const std::scoped_lock lock(mutex);
    std::random_device random;
    for (int tries = 0; tries < 100; ++tries) {
        const auto port = static_cast<std::uint16_t>(10'000 + random() % 22'000);
        if (given.contains(port)) continue;
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        const bool bound =
            ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(probe);
        if (!bound) continue;
        given.insert(port);
        return port;
    }
    throw std::runtime_error("no free TCP port");
}

std::vector<char*> arguments_of(std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return arguments;
}

void become(const std::vector<char*>& arguments) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace holdfast::test
