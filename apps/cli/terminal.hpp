// SPDX-License-Identifier: BSL-1.0
//
// What it is: the controlling terminal, and whose turn on it is.
// Thread safety: none. Needs SIGTTOU blocked.
#pragma once

#include "unique_fd.hpp"

#include <sys/types.h>

namespace holdfast::cli {

/// The terminal that this process was started from, if any.
class terminal {
public:
    /// Opens it; without one, `present` is false. Looks at the standard streams, too.
    terminal();

    [[nodiscard]] bool present() const noexcept { return device_.valid(); }
    [[nodiscard]] int fd() const noexcept { return device_.get(); }
    /// @return Whether our process group is the one that reads from it.
    [[nodiscard]] bool is_ours() const noexcept;
    /// @return Whether CMD should have it: it is ours, we were given it as a standard stream, and
    ///         we are no part of a pipeline, whose other members are in our group and need it too.
    [[nodiscard]] bool should_be_lent() const noexcept;
    /// Makes our group the foreground group again, if `group` is it or nobody is.
    void take_back(pid_t group) const noexcept;

private:
    unique_fd device_;
    bool is_stream_;  // It is one of ours, and none of them is a pipe.
};

}  // namespace holdfast::cli
