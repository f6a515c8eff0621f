// SPDX-License-Identifier: BSL-1.0
//
// What it is: the signals that people and init systems send to the wrapper, taken as messages.
// Thread safety: one thread reads; make it before any thread, so that all have them blocked.
#pragma once

#include "unique_fd.hpp"

namespace holdfast::cli {

/// Blocks the signals that are passed on to CMD, and collects them. A signal that was ignored when
/// the program was started stays ignored, as nohup(1) and background jobs of a shell want it.
class signal_inbox {
public:
    /// @throws std::system_error  There is no descriptor left for them.
    signal_inbox();

    /// @return Becomes readable when a signal has come.
    [[nodiscard]] int fd() const noexcept { return inbox_.get(); }
    /// @return The next signal, or 0 if there is none.
    [[nodiscard]] int next() const noexcept;

private:
    unique_fd inbox_;
};

/// @return Whether `signal` asks to end: TERM, INT, HUP, QUIT, USR1, USR2.
[[nodiscard]] bool ends_a_wait(int signal) noexcept;

/// Stops this process, as Ctrl-Z does, until somebody continues it.
void stop_myself() noexcept;

}  // namespace holdfast::cli
