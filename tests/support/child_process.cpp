// SPDX-License-Identifier: BSL-1.0
#include "support/child_process.hpp"

#include "support/poll.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace holdfast::test {
namespace {

std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    return ends;
}

/// What the other threads have done so far, as each thread's count of turns on a processor; nothing
/// while one of them runs.
std::optional<std::vector<std::string>> turns_of_sleepers() {
    const std::string me = std::to_string(::gettid());
    std::vector<std::string> turns;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        const std::string id = task.path().filename();
        if (id == me) continue;
        std::ifstream file(task.path() / "status");
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("State:") && line.find('S', 6) == std::string::npos)
                return std::nullopt;
            if (line.find("ctxt_switches:") != std::string::npos) turns.push_back(id + line);
        }
    }
    return turns;
}

/// Until no other thread has run during many looks. What has just been asked for in the background
/// may be under way, with its thread asleep for a moment.
void await_quiet_threads() {
    constexpr int looks = 20;
    auto before = turns_of_sleepers();
    int quiet = 0;
    static_cast<void>(poll_until(
        [&] {
            auto turns = turns_of_sleepers();
            quiet = turns && turns == before ? quiet + 1 : 0;
            before = std::move(turns);
            return before && (before->empty() || quiet >= looks);
        },
        std::chrono::seconds(2)));
}

}  // namespace

void child_process::line::tell(char what) const {
    while (::write(out_, &what, 1) < 0 && errno == EINTR) {
    }
}

char child_process::line::hear() const {
    char what = 0;
    ssize_t got = 0;
    do got = ::read(in_, &what, 1);
    while (got < 0 && errno == EINTR);
    return got == 1 ? what : '\0';
}

child_process::child_process(const std::function<int(const line&)>& work) {
    const auto up = make_pipe();
    const auto down = make_pipe();
    std::fflush(nullptr);
    // The child would wait for ever for what another thread is holding just now: the sanitizers'
    // allocator, other than glibc's, does not see to that. A thread that waits holds nothing of it.
    await_quiet_threads();
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::signal(SIGPIPE, SIG_IGN);
        ::close(up[0]);
        ::close(down[1]);
        int code = 99;
        try {
            code = work(line(down[0], up[1]));
        } catch (const std::exception& thrown) {
            std::fprintf(stderr, "child: %s\n", thrown.what());
        }
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(up[1]);
    ::close(down[0]);
    from_child_ = up[0];
    to_child_ = down[1];
    line_ = line(from_child_, to_child_);
}

child_process::~child_process() {
    kill();
    ::close(from_child_);
    ::close(to_child_);
}

void child_process::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}

void child_process::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
}

int child_process::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0)
        if (errno != EINTR) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace holdfast::test
