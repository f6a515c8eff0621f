// SPDX-License-Identifier: BSL-1.0
//
// What it is: the start of CMD as the guardian's child, as a shell would start a job: in a process
// group of its own, with the caller's descriptors, environment and ignored signals, and nothing of
// ours but the HOLDFAST_ variables.
// Thread safety: for a process with one thread.
#pragma once

#include "unique_fd.hpp"

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace holdfast::cli {

/// What is to be run, and how.
struct launch_plan {
    std::vector<std::string> command;  ///< The program and its arguments; not empty.
    std::vector<std::pair<std::string, std::string>> environment;  ///< Added to ours.
    int terminal{-1};            ///< The controlling terminal, or -1.
    bool foreground{false};      ///< Make CMD's group the terminal's foreground group.
    bool default_sigpipe{true};  ///< SIGPIPE was not ignored when we were started.
};

/// A process that was forked to become CMD.
struct launched {
    pid_t pid{-1};           ///< Leader of its group; -1 if there was no fork.
    int error{0};            ///< Why there was no fork (errno).
    unique_fd exec_outcome;  ///< Ends when CMD runs; else gives the errno of its failure, an int.
};

/// Forks CMD. It dies with its parent.
[[nodiscard]] launched launch(const launch_plan& plan);

/// Makes `group` the foreground group of `terminal`, as a job's shell would. Needs SIGTTOU blocked.
void give_terminal(int terminal, pid_t group) noexcept;

}  // namespace holdfast::cli
