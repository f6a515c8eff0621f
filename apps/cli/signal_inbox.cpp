// SPDX-License-Identifier: BSL-1.0
#include "signal_inbox.hpp"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace holdfast::cli {
namespace {

constexpr std::array ending{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
constexpr std::array other{SIGTSTP, SIGCONT, SIGWINCH};

void add_unless_ignored(sigset_t& set, int signal) {
    struct sigaction found {};
    if (::sigaction(signal, nullptr, &found) == 0 && found.sa_handler == SIG_IGN) return;
    ::sigaddset(&set, signal);
}

}  // namespace

signal_inbox::signal_inbox() {
    sigset_t taken;
    ::sigemptyset(&taken);
    for (const int signal : ending) add_unless_ignored(taken, signal);
    for (const int signal : other) add_unless_ignored(taken, signal);
    inbox_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!inbox_.valid()) throw std::system_error{errno, std::generic_category(), "signalfd"};
    ::sigaddset(&taken, SIGTTOU);  // Else taking the terminal back would stop us.
    ::sigprocmask(SIG_BLOCK, &taken, nullptr);
}

int signal_inbox::next() const noexcept {
    signalfd_siginfo info{};
    if (::read(inbox_.get(), &info, sizeof info) != sizeof info) return 0;
    return static_cast<int>(info.ssi_signo);
}

bool ends_a_wait(int signal) noexcept {
    for (const int one : ending) {
        if (one == signal) return true;
    }
    return false;
}

void stop_myself() noexcept { ::kill(::getpid(), SIGSTOP); }

}  // namespace holdfast::cli
