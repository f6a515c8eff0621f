// SPDX-License-Identifier: BSL-1.0
//
// What it is: tells whether this process is a forked copy of the one in which the sentinel was
// made. It asks a page that the kernel wipes in children, so it sees raw clone(2) too, costs no
// system call, and does not fall for a pid that is the same in another pid namespace.
// Thread safety: safe from any thread.
#pragma once

#include <cstdint>

namespace holdfast::port {

/// Remembers the process that it was made in.
class fork_sentinel {
public:
    fork_sentinel() noexcept;
    /// @return Whether this is the process that the sentinel was made in.
    [[nodiscard]] bool at_home() const noexcept;

private:
    std::uint64_t born_in_;
};

}  // namespace holdfast::port
