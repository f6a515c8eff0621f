// SPDX-License-Identifier: BSL-1.0
#include "supervisor.hpp"

#include "process_tree.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace holdfast::cli {
namespace {

using namespace std::chrono_literals;

// How long after the end of validity the killing goes on before it is left to the guardian alone.
constexpr boot_time kill_patience = 5s;

int as_poll_timeout(boot_time wait) {
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return static_cast<int>(std::clamp<std::int64_t>(rounded.count(), 0, 1000));
}

// @return false when no child is left.
bool reap_children() {
    for (;;) {
        const auto pid = ::waitpid(-1, nullptr, WNOHANG);
        if (pid == 0) return true;
        if (pid < 0) return false;
    }
}

}  // namespace

supervisor::supervisor(const guard& held, const guardian_link& guardian,
                       const signal_inbox& signals, const terminal& console, const stop_plan& plan)
    : held_(held),
      guardian_(guardian),
      signals_(signals),
      console_(console),
      plan_(plan),
      lost_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      lost_(held.lost()) {}

run_outcome supervisor::run() {
    const std::stop_callback wake{lost_, [fd = lost_event_.get()] {
                                      const std::uint64_t one = 1;
                                      static_cast<void>(::write(fd, &one, sizeof one) < 0);
                                  }};
    start();
    while (!done_) {
        await_events();
        hear_guardian();  // First: what ended before a loss ended by itself.
        if (done_) break;
        pass_signals_on();
        follow_lease();
        watch_guardian();
    }
    if (lends_terminal_) console_.take_back(group_);
    return outcome_;
}

void supervisor::start() {
    valid_until_ = held_.valid_until();
    kill_at_ = plan_.kill_at(valid_until_);
    lends_terminal_ = console_.should_be_lent();
    guardian_order order{.kind = order_kind::start,
                         .foreground = lends_terminal_,
                         .term_at = plan_.term_at(valid_until_),
                         .kill_at = kill_at_,
                         .fence = held_.fencing_token()};
    held_.id().copy(order.id.data(), order.id.size() - 1);
    guardian_.tell(order);
}

// Renewals happen in the library, which does not tell of each: so the lease is looked at now and
// then, and more often the nearer its end is.
void supervisor::await_events() {
    const auto now = boot_now();
    const auto term_at = plan_.term_at(valid_until_);
    const auto calm = killing_        ? boot_time{1s}
                      : outcome_.lost ? kill_at_ + plan_.kill_margin / 2 - now
                                      : (term_at - now) / 8;
    std::array<pollfd, 3> waits{{{guardian_.socket(), POLLIN, 0},
                                 {signals_.fd(), POLLIN, 0},
                                 {loss_told_ ? -1 : lost_event_.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), as_poll_timeout(std::max<boot_time>(calm, 1ms)));
}

void supervisor::hear_guardian() {
    for (guardian_report report; !done_;) {
        switch (guardian_.hear(report)) {
            case received::nothing: return;
            case received::closed: take_over(); return;
            case received::message: break;
        }
        group_ = report.group;
        switch (report.kind) {
            case report_kind::stopped: handle_stop(report); break;
            case report_kind::killing: killing_ = true; break;
            case report_kind::gone: finish(report); break;
        }
    }
}

void supervisor::finish(const guardian_report& report) {
    outcome_.status = report.status;
    outcome_.exec_error = report.exec_error;
    outcome_.lost = outcome_.lost || report.stage != stop_stage::none;
    done_ = true;
}

// Ctrl-Z stops CMD's group only, since that is in the foreground. The shell waits for our group:
// it gets the terminal back when we stop as well. Without a terminal nobody would continue us, and
// who sends SIGSTOP to CMD alone will continue CMD alone: so then we go on renewing.
void supervisor::handle_stop(const guardian_report& report) {
    if (!console_.present() || outcome_.lost || report.stage != stop_stage::none) return;
    if (report.signal == SIGSTOP && !lends_terminal_) return;
    const bool wants_terminal = report.signal == SIGTTIN || report.signal == SIGTTOU;
    if (wants_terminal && console_.is_ours()) {
        lends_terminal_ = true;
        resume();
        return;
    }
    if (lends_terminal_) {
        console_.take_back(group_);
        // A shell without job control may stand between: it has to stop as well.
        if (report.signal != SIGSTOP) ::kill(0, SIGTSTP);
    }
    stop_myself();
    resume();
}

void supervisor::resume() {
    guardian_.tell(
        {.kind = order_kind::resume, .foreground = lends_terminal_ && console_.is_ours()});
}

void supervisor::pass_signals_on() {
    while (const int signal = signals_.next()) {
        if (signal == SIGCONT) {
            resume();
        } else {
            guardian_.tell({.kind = order_kind::signal, .signal = signal});
        }
    }
}

// What could not be sent, because the socket is full, is tried again at the next round.
void supervisor::follow_lease() {
    if (lost_.stop_requested()) {
        if (loss_told_) return;
        outcome_.lost = true;
        kill_at_ = std::min(kill_at_, boot_now() + plan_.grace);
        loss_told_ = guardian_.tell({.kind = order_kind::lose, .kill_at = kill_at_});
        return;
    }
    const auto until = held_.valid_until();
    if (until <= valid_until_) return;
    if (!guardian_.tell({.kind = order_kind::deadlines,
                         .term_at = plan_.term_at(until),
                         .kill_at = plan_.kill_at(until)})) {
        return;
    }
    valid_until_ = until;
    kill_at_ = plan_.kill_at(until);
}

// A guardian that does not even begin to kill is stopped or hangs. Killing it kills CMD at once,
// by the parent's death signal, and lets all others fall to us.
void supervisor::watch_guardian() {
    const auto now = boot_now();
    if (!killing_ && now > kill_at_ + plan_.kill_margin / 2) take_over();
    if (!done_ && now > kill_at_ + plan_.kill_margin + kill_patience) {
        outcome_.lost = true;
        outcome_.left_processes = true;
        done_ = true;
    }
}

void supervisor::take_over() {
    outcome_.guardian_died = true;
    guardian_.kill_guardian();
    process_tree tree{::getpid()};
    const auto give_up = boot_now() + kill_patience;
    while (!outcome_.left_processes && reap_children()) {
        tree.kill();
        ::poll(nullptr, 0, 2);
        outcome_.left_processes = boot_now() > give_up;
    }
    outcome_.lost = outcome_.lost || lost_.stop_requested();
    done_ = true;
}

}  // namespace holdfast::cli
