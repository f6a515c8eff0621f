// SPDX-License-Identifier: BSL-1.0
//
// What it is: the processes below one process, as /proc shows them, and signals to them that cannot
// hit anybody else. Whoever calls `prctl(PR_SET_CHILD_SUBREAPER)` keeps every descendant below
// itself, whatever sessions, groups and double forks it goes through: so the chain of parents finds
// them all. A walk is no snapshot: what forks meanwhile may be missed once, and is found by the
// next walk. Only `waitpid` saying ECHILD proves that nothing is left.
// Thread safety: none.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace holdfast::cli {

/// One process, as /proc/PID/stat shows it.
struct process {
    pid_t pid{0};
    pid_t parent{0};
    pid_t group{0};
    char state{'?'};                ///< 'R', 'S', 'D', 'T', 'Z' …, see proc(5).
    unsigned long long started{0};  ///< Clock ticks since the machine was started.

    [[nodiscard]] bool alive() const noexcept { return state != 'Z' && state != 'X'; }
    [[nodiscard]] bool stopped() const noexcept { return state == 'T' || state == 't'; }
};

/// @return The process `pid`, or nothing if there is none.
[[nodiscard]] std::optional<process> read_process(pid_t pid);

/// Takes one descendant as soon as it is found, before the walk goes on to its children. The second
/// argument is its pidfd, which means this process for good, or -1 on a kernel before 5.3.
using descendant_visitor = std::function<void(const process&, int)>;

/// Visits all processes below `root`, zombies among them, parents before their children.
/// @return All that were visited.
std::vector<process> walk_descendants(pid_t root, const descendant_visitor& visit);
/// @return All processes below `root`.
[[nodiscard]] std::vector<process> descendants_of(pid_t root);

/// Sends signals to the descendants of one process.
class process_tree {
public:
    /// @param root  A subreaper: this process, or one that it watches over.
    explicit process_tree(pid_t root) noexcept : root_(root) {}

    /// Sends SIGTERM to each descendant, except those of `spared_group`, which had it already, and
    /// SIGCONT to those that are stopped, so that they can act on it.
    /// @return How many live descendants there were.
    std::size_t terminate(pid_t spared_group) const;

    /// Sends `signal` to the descendants that are of `group`, and if `strays` also to all others.
    void pass_on(int signal, pid_t group, bool strays) const;

    /// Freezes all descendants, then kills them; to be called again until none is left. Frozen,
    /// they cannot start new ones meanwhile, or hand over to successors.
    void kill() const;

private:
    void kill_frozen() const;

    pid_t root_;
};

}  // namespace holdfast::cli
