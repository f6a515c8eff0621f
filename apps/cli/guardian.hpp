// SPDX-License-Identifier: BSL-1.0
//
// What it is: the guardian of `run`: a small process with one thread, forked before any other
// thread exists. It starts CMD, is the subreaper of all that comes of it, and keeps the wrapper's
// promise on its own: every descendant is dead before the lock's validity ends, whether the wrapper
// works, is stopped, hangs, or is gone.
//
//   state       | SIGTERM to the tree            | SIGKILL, again until nothing is left
//   ------------|--------------------------------|----------------------------------------
//   running     | at `term_at`, or told to       | at `kill_at`, or the wrapper is gone
//   terminating | was sent                       | at `kill_at`, or the wrapper is gone
//   killing     | -                              | being sent
//
// Thread safety: for a process with one thread.
// Invariants: says `gone` only after waitpid(2) said that there is no child left. Everything that
// descends from CMD ends up as its child, so then there is no descendant either.
#pragma once

#include "guardian_wire.hpp"
#include "launch.hpp"
#include "unique_fd.hpp"

#include <sys/types.h>

#include <utility>
#include <vector>

namespace holdfast::cli {

/// What a guardian is made with.
struct guardian_plan {
    launch_plan launch;            ///< Without HOLDFAST_ID and HOLDFAST_FENCE.
    std::vector<int> inherited{};  ///< Descriptors above 2 that the caller gave us, for CMD only.
};

/// The wrapper's end.
class guardian_link {
public:
    guardian_link() noexcept = default;
    guardian_link(guardian_link&&) noexcept = default;
    guardian_link& operator=(guardian_link&&) = delete;
    /// Lets the guardian go: it kills what it still has, and ends.
    ~guardian_link();

    /// Forks a guardian. @return An invalid link if that fails; errno says why.
    [[nodiscard]] static guardian_link fork_guardian(const guardian_plan& plan);

    [[nodiscard]] bool valid() const noexcept { return socket_.valid(); }
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }
    bool tell(const guardian_order& order) const noexcept {
        return send_message(socket_.get(), order);
    }
    [[nodiscard]] received hear(guardian_report& report) const noexcept {
        return receive_message(socket_.get(), report);
    }
    /// Kills the guardian itself, when it hangs; its tree then falls to this process.
    void kill_guardian() const noexcept;
    /// Waits for nothing any more: the guardian may go on alone with what it cannot kill.
    void abandon() noexcept { pid_ = -1; }

private:
    unique_fd socket_;
    pid_t pid_{-1};
};

}  // namespace holdfast::cli
