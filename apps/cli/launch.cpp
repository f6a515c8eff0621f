// SPDX-License-Identifier: BSL-1.0
#include "launch.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace holdfast::cli {
namespace {

void restore_signals(const launch_plan& plan) noexcept {
    if (plan.default_sigpipe) ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become_command(const launch_plan& plan, pid_t guardian, int outcome) {
    // If the guardian died before this took effect, nobody would ever tell us.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != guardian) ::_exit(128 + SIGKILL);
    ::setpgid(0, 0);
    if (plan.foreground) give_terminal(plan.terminal, ::getpid());
    for (const auto& [name, value] : plan.environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const auto& one : plan.command) arguments.push_back(const_cast<char*>(one.c_str()));
    arguments.push_back(nullptr);
    restore_signals(plan);
    ::execvp(arguments.front(), arguments.data());
    const int error = errno;
    static_cast<void>(::write(outcome, &error, sizeof error) < 0);
    ::_exit(error == ENOENT ? 127 : 126);
}

}  // namespace

void give_terminal(int terminal, pid_t group) noexcept {
    if (terminal >= 0) ::tcsetpgrp(terminal, group);
}

launched launch(const launch_plan& plan) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, errno, unique_fd{}};
    unique_fd reading{ends[0]};
    const unique_fd writing{ends[1]};
    const auto guardian = ::getpid();
    const auto child = ::fork();
    if (child < 0) return {-1, errno, unique_fd{}};
    if (child == 0) become_command(plan, guardian, writing.get());
    ::setpgid(child, child);  // The child does it too: either may be the first to need it.
    return {child, 0, std::move(reading)};
}

}  // namespace holdfast::cli
