// SPDX-License-Identifier: BSL-1.0
//
// What it is: the wrapper's part while CMD runs: it keeps the guardian informed of the lease,
// passes signals on, and moves the terminal between CMD and the shell. Should the guardian be
// killed or hang, it does the guardian's work itself.
// Thread safety: for the main thread.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/guard.hpp>

#include "guardian.hpp"
#include "signal_inbox.hpp"
#include "stop_plan.hpp"
#include "terminal.hpp"

#include <stop_token>

namespace holdfast::cli {

/// How CMD and all that came of it ended.
struct run_outcome {
    int status{0};               ///< CMD's, as of waitpid(2).
    int exec_error{0};           ///< Why it could not be run (errno), or 0.
    bool lost{false};            ///< The lock was lost, or could be no longer kept, before.
    bool guardian_died{false};   ///< The guardian did not do its work; CMD was killed.
    bool left_processes{false};  ///< Something could not be killed.
};

/// Runs CMD under a lock that is held.
class supervisor {
public:
    /// All references must outlive it.
    supervisor(const guard& held, const guardian_link& guardian, const signal_inbox& signals,
               const terminal& console, const stop_plan& plan);
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;

    /// Starts CMD. @return When no descendant is left.
    [[nodiscard]] run_outcome run();

private:
    void start();
    void await_events();
    void hear_guardian();
    void handle_stop(const guardian_report& report);
    void resume();
    void pass_signals_on();
    void follow_lease();
    void watch_guardian();
    void take_over();
    void finish(const guardian_report& report);

    const guard& held_;
    const guardian_link& guardian_;
    const signal_inbox& signals_;
    const terminal& console_;
    stop_plan plan_;
    unique_fd lost_event_;
    std::stop_token lost_;
    run_outcome outcome_;
    time_point valid_until_{};
    boot_time kill_at_{never};
    pid_t group_{0};
    bool lends_terminal_{false};
    bool loss_told_{false};
    bool killing_{false};
    bool done_{false};
};

}  // namespace holdfast::cli
