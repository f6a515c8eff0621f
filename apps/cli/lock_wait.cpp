// SPDX-License-Identifier: BSL-1.0
#include "lock_wait.hpp"

#include "boot_time.hpp"
#include "output.hpp"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

namespace holdfast::cli {
namespace {

// Until `done` is readable. @return The signal that ended the wait, or 0.
int attend(int done, const signal_inbox& signals, std::stop_source& stop,
           const std::function<void()>& on_tick) {
    int ended_by = 0;
    auto next_tick = boot_now() + std::chrono::seconds{1};
    for (;;) {
        std::array<pollfd, 2> waits{{{done, POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
        ::poll(waits.data(), waits.size(), on_tick && ended_by == 0 ? 100 : -1);
        while (const int signal = signals.next()) {
            if (signal == SIGTSTP) stop_myself();
            if (!ends_a_wait(signal) || ended_by != 0) continue;
            ended_by = signal;
            stop.request_stop();
        }
        if (waits[0].revents != 0) return ended_by;
        if (on_tick && ended_by == 0 && boot_now() >= next_tick) {
            next_tick += std::chrono::seconds{1};
            on_tick();
        }
    }
}

}  // namespace

int work_until_signal(const std::function<void(std::stop_token)>& work, const signal_inbox& signals,
                      const std::function<void()>& on_tick) {
    const unique_fd done{::eventfd(0, EFD_CLOEXEC)};
    // Without it nobody would learn of the work's end.
    if (!done.valid()) throw std::system_error{errno, std::generic_category(), "eventfd"};
    std::stop_source stop;
    std::thread worker{[&] {
        work(stop.get_token());
        const std::uint64_t one = 1;
        static_cast<void>(::write(done.get(), &one, sizeof one) < 0);
    }};
    const int signal = attend(done.get(), signals, stop, on_tick);
    worker.join();
    return signal;
}

wait_outcome wait_for_lock(locker& locks, const std::string& name, const acquire_options& options,
                           const signal_inbox& signals, const std::function<void()>& on_tick) {
    std::optional<result<guard>> outcome;
    const auto acquire = [&](std::stop_token stop) {
        auto asked = options;
        asked.stop = std::move(stop);
        outcome.emplace(locks.acquire(name, asked));
    };
    const int signal = work_until_signal(acquire, signals, on_tick);
    // The grant may have come at the same moment as the signal: it is given back.
    if (signal != 0 && *outcome) static_cast<void>((*outcome)->release());
    return {std::move(*outcome), signal};
}

progress_line::progress_line(std::string name)
    : name_(printable(name)), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress_line::~progress_line() { wipe(); }

void progress_line::wipe() {
    if (!std::exchange(shown_, false)) return;
    static_cast<void>(::write(STDERR_FILENO, "\r\x1b[K", 4) < 0);
}

void progress_line::tick() {
    ++seconds_;
    if (!terminal_) return;
    const auto text =
        "\r\x1b[Kholdfast: waiting for \"" + name_ + "\" since " + std::to_string(seconds_) + " s";
    static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) < 0);
    shown_ = true;
}

}  // namespace holdfast::cli
