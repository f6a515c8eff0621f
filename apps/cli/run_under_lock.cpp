// SPDX-License-Identifier: BSL-1.0
#include "run_under_lock.hpp"

#include "errors.hpp"
#include "guardian.hpp"
#include "lock_wait.hpp"
#include "output.hpp"
#include "process_tree.hpp"
#include "store_address.hpp"
#include "supervisor.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string.h>
#include <system_error>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

// What the caller gave us beside the standard streams: meant for CMD.
std::vector<int> inherited_descriptors() {
    std::vector<int> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", error}) {
        const auto name = entry.path().filename().string();
        int number = -1;
        std::from_chars(name.data(), name.data() + name.size(), number);
        if (number > STDERR_FILENO) found.push_back(number);
    }
    // The directory that was being read is among them; it is closed now.
    std::erase_if(found, [](int number) { return ::fcntl(number, F_GETFD) == -1; });
    return found;
}

class lock_run {
public:
    lock_run(const context& ctx, const run_arguments& given) : ctx_(ctx), given_(given) {}
    int run();

private:
    [[nodiscard]] guardian_plan plan_guardian(const std::vector<std::string>& urls) const;
    void leave_streams_to_command() const;
    [[nodiscard]] acquire_options options() const;
    int take_lock(locker& locks, guardian_link& guardian);
    int run_command(locker& locks, guard held, guardian_link& guardian);
    int report(const guard& held, const run_outcome& ended) const;
    void keep_min_hold(const guard& held, boot_time acquired_at) const;
    void release(locker& locks, guard& held, const run_outcome& ended) const;

    const context& ctx_;
    const run_arguments& given_;
    std::vector<int> inherited_ = inherited_descriptors();
    signal_inbox signals_;
    terminal console_;
    stop_plan plan_{given_.grace, kill_margin_of(given_.options.ttl)};
};

int lock_run::run() {
    const auto urls = store_urls(ctx_);
    if (!urls) return fail("run", urls.error());
    if (!read_process(::getpid())) {
        say("run", "/proc is not readable, and without it CMD's processes cannot be found");
        return exit_unavailable;
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // Should the guardian be killed, its tree falls to us.
    auto guardian = guardian_link::fork_guardian(plan_guardian(*urls));
    if (!guardian.valid()) {
        say("run", std::string{"cannot start the guardian process: "} + ::strerror(errno));
        return exit_unavailable;
    }
    leave_streams_to_command();
    auto locks = open_locker(ctx_, *urls);  // Threads exist from here on.
    if (!locks) return fail("run", locks.error());
    return take_lock(*locks, guardian);
}

guardian_plan lock_run::plan_guardian(const std::vector<std::string>& urls) const {
    std::string stores;
    for (const std::string& url : urls)
        stores.append(stores.empty() ? "" : " ") += url_for_children(url);
    guardian_plan plan;
    plan.launch.command = given_.command;
    plan.launch.environment = {{"HOLDFAST_NAME", given_.name},
                               {"HOLDFAST_STORE", std::move(stores)}};
    if (const char* mutex = std::getenv("HOLDFAST_MUTEX"); mutex != nullptr)
        plan.launch.environment.emplace_back("HOLDFAST_MUTEX", url_for_children(mutex));
    plan.launch.terminal = console_.fd();
    plan.launch.default_sigpipe = ctx_.default_sigpipe;
    plan.inherited = inherited_;
    return plan;
}

// So that a pipe ends when CMD ends it. Only stderr stays: we have something to say.
void lock_run::leave_streams_to_command() const {
    const unique_fd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (nothing.valid()) {
        ::dup2(nothing.get(), STDIN_FILENO);
        ::dup2(nothing.get(), STDOUT_FILENO);
    }
    for (const int one : inherited_) ::close(one);
}

acquire_options lock_run::options() const {
    auto options = given_.options;
    options.fence = gives_tokens(ctx_);
    options.stop_margin = plan_.whole();  // The library tells of a loss when SIGTERM is due.
    return options;
}

int lock_run::take_lock(locker& locks, guardian_link& guardian) {
    progress_line progress{given_.name};
    auto waited = wait_for_lock(locks, given_.name, options(), signals_, [&] { progress.tick(); });
    progress.wipe();
    if (waited.signal != 0) return exit_signal_base + waited.signal;
    if (!waited.outcome) {
        const auto code = fail("run", given_.name, waited.outcome.error());
        return code == exit_taken ? given_.conflict_code : code;
    }
    return run_command(locks, std::move(*waited.outcome), guardian);
}

int lock_run::run_command(locker& locks, guard held, guardian_link& guardian) {
    const auto acquired_at = boot_now();
    while (const int signal = signals_.next()) {
        if (!ends_a_wait(signal)) continue;
        static_cast<void>(held.release());
        return exit_signal_base + signal;
    }
    if (held.remaining() <= plan_.whole()) {
        const auto left = spoken(held.remaining());
        static_cast<void>(held.release());
        say("run", in_quotes(given_.name) + " came too late: " + left + " of validity left, and " +
                       spoken(plan_.whole()) + " are needed to end a command in time");
        return exit_unavailable;
    }
    supervisor watch{held, guardian, signals_, console_, plan_};
    const auto ended = watch.run();
    if (ended.left_processes) guardian.abandon();
    const auto code = report(held, ended);
    if (!ended.lost && !ended.guardian_died) keep_min_hold(held, acquired_at);
    release(locks, held, ended);
    return code;
}

int lock_run::report(const guard& held, const run_outcome& ended) const {
    if (ended.left_processes) say("run", "some processes of the command could not be killed");
    if (ended.lost) {
        const auto known = held.why_lost();
        const auto reason = known == lost_reason::none ? lost_reason::expired : known;
        say("run", in_quotes(given_.name) +
                       " was lost while the command ran: " + std::string{to_string(reason)});
        return exit_lost;
    }
    if (ended.guardian_died) {
        say("run", "the guardian process died, so the command was killed");
        return exit_unavailable;
    }
    if (ended.exec_error != 0) {
        say("run", given_.command.front() + ": " + ::strerror(ended.exec_error));
        return ended.exec_error == ENOENT ? exit_not_found : exit_cannot_execute;
    }
    if (WIFSIGNALED(ended.status)) return exit_signal_base + WTERMSIG(ended.status);
    return WEXITSTATUS(ended.status);
}

void lock_run::keep_min_hold(const guard& held, boot_time acquired_at) const {
    const auto until = acquired_at + given_.min_hold;
    while (held.held()) {
        const auto left = std::chrono::ceil<milliseconds>(until - boot_now()).count();
        if (left <= 0) return;
        pollfd wait{signals_.fd(), POLLIN, 0};
        ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1000)));
        while (const int signal = signals_.next()) {
            if (ends_a_wait(signal)) return;
            if (signal == SIGTSTP) stop_myself();
        }
    }
}

// Only after the tree is gone. A lock lost by `--max-hold` is still ours in the store.
void lock_run::release(locker& locks, guard& held, const run_outcome& ended) const {
    if (ended.left_processes) {
        static_cast<void>(held.hand_over());  // Not released: it ends by its ttl.
        return;
    }
    if (ended.lost) {
        if (held.why_lost() != lost_reason::max_hold) return;
        static_cast<void>(locks.release({.name = given_.name, .id = held.id()}));
        return;
    }
    const auto released = held.release();
    if (!released)
        say("run", in_quotes(given_.name) + " was not released: " + released.error().message());
}

}  // namespace

int run_under_lock(const context& ctx, const run_arguments& given) {
    return lock_run{ctx, given}.run();
}

}  // namespace holdfast::cli
