// SPDX-License-Identifier: BSL-1.0
#include "guardian.hpp"

#include "boot_time.hpp"
#include "process_tree.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace holdfast::cli {
namespace {

using namespace std::chrono_literals;

// Finding, killing and reaping one process among hundreds on a busy machine.
constexpr boot_time killing_one_takes = 250us;

class guardian {
public:
    guardian(unique_fd link, guardian_plan plan);
    [[noreturn]] void run();

private:
    void obey(const guardian_order& order);
    void start(const guardian_order& order);
    void drop_caller_descriptors();
    void listen();
    void reap();
    void learn_exec_outcome();
    void enforce_deadlines();
    void make_room_for(std::size_t processes);
    void kill_everything();
    void pass_on(int signal) const;
    void signal_command_group(int signal) const;
    void report_gone();
    void report(report_kind kind, int signal) const;
    [[nodiscard]] boot_time next_wake() const;

    guardian_plan plan_;
    unique_fd link_;
    unique_fd children_;
    unique_fd timer_;
    launched command_;
    process_tree tree_;
    guardian_report outcome_;
    bool command_reaped_{false};
    bool gone_{false};
    boot_time term_at_{never};
    boot_time kill_at_{never};
    boot_time next_kill_{never};
    int kill_passes_{0};
};

// The guardian must get its turn on a machine that is busy with the very processes it is to kill.
// Best effort: it needs a right that ordinary users do not have. CMD does not inherit it.
void ask_for_priority() {
    const sched_param lowest_realtime{.sched_priority = 1};
    ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest_realtime);
}

guardian::guardian(unique_fd link, guardian_plan plan)
    : plan_(std::move(plan)), link_(std::move(link)), tree_(::getpid()) {
    ::prctl(PR_SET_NAME, "holdfast-guard");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::setpgid(0, 0);  // What is sent to the wrapper's group is not meant for us.
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    children_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!children_.valid() || !timer_.valid()) ::_exit(1);  // The wrapper sees the socket close.
    ask_for_priority();
}

void guardian::run() {
    while (!gone_) {
        set_timer(timer_.get(), next_wake());
        std::array<pollfd, 4> waits{{{link_.get(), POLLIN, 0},
                                     {children_.get(), POLLIN, 0},
                                     {timer_.get(), POLLIN, 0},
                                     {command_.exec_outcome.get(), POLLIN, 0}}};
        ::poll(waits.data(), waits.size(), -1);
        if (link_.valid() && waits[0].revents != 0) listen();
        enforce_deadlines();  // After listening: a renewal counts, however late it is read.
        if (waits[3].revents != 0) learn_exec_outcome();
        if (waits[1].revents != 0) reap();
    }
    ::_exit(0);
}

boot_time guardian::next_wake() const {
    switch (outcome_.stage) {
        case stop_stage::none: return std::min(term_at_, kill_at_);
        case stop_stage::terminating: return kill_at_;
        case stop_stage::killing: break;
    }
    return next_kill_;
}

void guardian::listen() {
    for (guardian_order order;;) {
        switch (receive_message(link_.get(), order)) {
            case received::message: obey(order); break;
            case received::nothing: return;
            case received::closed:
                link_.reset();
                if (command_.pid < 0) ::_exit(0);
                kill_everything();
                return;
        }
    }
}

void guardian::obey(const guardian_order& order) {
    switch (order.kind) {
        case order_kind::start: start(order); break;
        case order_kind::deadlines:
            if (outcome_.stage != stop_stage::none) break;  // Lost is final.
            term_at_ = order.term_at;
            kill_at_ = order.kill_at;
            break;
        case order_kind::lose:
            term_at_ = boot_time{0};
            kill_at_ = std::min(kill_at_, order.kill_at);
            enforce_deadlines();
            break;
        case order_kind::signal: pass_on(order.signal); break;
        case order_kind::resume:
            if (order.foreground) give_terminal(plan_.launch.terminal, command_.pid);
            pass_on(SIGCONT);
            break;
    }
}

void guardian::start(const guardian_order& order) {
    if (command_.pid >= 0) return;
    term_at_ = order.term_at;
    kill_at_ = order.kill_at;
    plan_.launch.foreground = order.foreground;
    plan_.launch.environment.emplace_back("HOLDFAST_ID", order.id.data());
    // Empty where the lock has none: one that was inherited would be another lock's.
    plan_.launch.environment.emplace_back("HOLDFAST_FENCE",
                                          order.fence != 0 ? std::to_string(order.fence) : "");
    command_ = launch(plan_.launch);
    drop_caller_descriptors();
    outcome_.group = command_.pid;
    outcome_.exec_error = command_.error;
    if (command_.pid < 0) report_gone();
}

// Pipes to the caller must end when CMD ends them, and not wait for us.
void guardian::drop_caller_descriptors() {
    for (const int one : plan_.inherited) ::close(one);
    const unique_fd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (int standard = 0; standard <= 2 && nothing.valid(); ++standard) {
        ::dup2(nothing.get(), standard);
    }
}

void guardian::learn_exec_outcome() {
    int error = 0;
    if (::read(command_.exec_outcome.get(), &error, sizeof error) == sizeof error) {
        outcome_.exec_error = error;
    }
    command_.exec_outcome.reset();
}

void guardian::reap() {
    signalfd_siginfo drained{};
    while (::read(children_.get(), &drained, sizeof drained) > 0) {
    }
    for (int status = 0;;) {
        const auto pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
        if (pid == 0) return;
        if (pid < 0) {
            if (errno == ECHILD && command_.pid >= 0) report_gone();
            return;
        }
        if (pid != command_.pid) continue;
        if (!WIFSTOPPED(status)) {
            outcome_.status = status;
            command_reaped_ = true;
        } else if (outcome_.stage != stop_stage::killing) {  // Else it is we who froze it.
            report(report_kind::stopped, WSTOPSIG(status));
        }
    }
}

void guardian::enforce_deadlines() {
    if (command_.pid < 0 || gone_) return;
    const auto now = boot_now();
    if (now >= kill_at_) {
        if (outcome_.stage != stop_stage::killing || now >= next_kill_) kill_everything();
    } else if (now >= term_at_ && outcome_.stage == stop_stage::none) {
        outcome_.stage = stop_stage::terminating;
        signal_command_group(SIGTERM);
        make_room_for(tree_.terminate(command_reaped_ ? 0 : command_.pid));
    }
}

// Killing many takes longer than the usual margin: then SIGKILL comes earlier, at the cost of at
// most half of the grace.
void guardian::make_room_for(std::size_t processes) {
    const auto now = boot_now();
    const auto needed = killing_one_takes * static_cast<std::int64_t>(processes);
    kill_at_ = std::max(std::min(kill_at_, now + (kill_at_ - now) / 2), kill_at_ - needed);
}

// Passes follow each other until `reap` finds that no child is left. They get rarer, for processes
// that cannot be killed: those in an uninterruptible sleep, and those of other users.
void guardian::kill_everything() {
    if (outcome_.stage != stop_stage::killing) {
        outcome_.stage = stop_stage::killing;
        kill_at_ = boot_time{0};
        report(report_kind::killing, 0);
    }
    const auto started = boot_now();
    signal_command_group(SIGKILL);  // The whole group in one step, which no fork escapes.
    tree_.kill();
    const auto finished = boot_now();
    ++kill_passes_;
    const boot_time pause = kill_passes_ < 100 ? 2ms : kill_passes_ < 200 ? 20ms : 1s;
    // What was killed needs the processor too, in order to end.
    next_kill_ = finished + std::max(pause, 4 * (finished - started));
}

// What CMD has left behind is told one by one. Without CMD nobody is there who would end those of
// its descendants that have left its group, and `run` waits for them all.
void guardian::pass_on(int signal) const {
    if (!command_reaped_) return signal_command_group(signal);
    const bool terminates = signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
    tree_.pass_on(signal, command_.pid, terminates);
}

// Only while CMD was not reaped is it sure that its process group is still called by its pid.
void guardian::signal_command_group(int signal) const {
    if (command_.pid > 0 && !command_reaped_) ::kill(-command_.pid, signal);
}

void guardian::report(report_kind kind, int signal) const {
    auto said = outcome_;
    said.kind = kind;
    said.signal = signal;
    if (link_.valid()) send_message(link_.get(), said);
}

// A wrapper that is stopped may have let the socket run full: this one message must arrive.
void guardian::report_gone() {
    if (command_.exec_outcome.valid()) learn_exec_outcome();
    outcome_.kind = report_kind::gone;
    gone_ = true;
    while (link_.valid() && !send_message(link_.get(), outcome_) && errno == EAGAIN) {
        pollfd room{link_.get(), POLLOUT, 0};
        ::poll(&room, 1, -1);
    }
}

}  // namespace

guardian_link guardian_link::fork_guardian(const guardian_plan& plan) {
    std::array<int, 2> ends{-1, -1};
    guardian_link made;
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return made;
    unique_fd ours{ends[0]};
    unique_fd theirs{ends[1]};
    const auto child = ::fork();
    if (child < 0) return made;
    if (child == 0) {
        ours.reset();
        guardian{std::move(theirs), plan}.run();
    }
    made.socket_ = std::move(ours);
    made.pid_ = child;
    return made;
}

guardian_link::~guardian_link() {
    socket_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

void guardian_link::kill_guardian() const noexcept {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

}  // namespace holdfast::cli
