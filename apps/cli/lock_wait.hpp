// SPDX-License-Identifier: BSL-1.0
//
// What it is: acquisitions that signals can end.
// Thread safety: for the main thread; it uses another one while it lasts.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/guard.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>

#include "signal_inbox.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace holdfast::cli {

/// Does `work` in another thread, to its end. SIGTSTP stops this process meanwhile; a signal that
/// asks to end requests a stop on the token that `work` gets.
/// @param on_tick  Called about once a second while it lasts; may be empty.
/// @return That signal, or 0.
/// @throws std::system_error  There is no descriptor left to wait on; nothing was begun.
[[nodiscard]] int work_until_signal(const std::function<void(std::stop_token)>& work,
                                    const signal_inbox& signals,
                                    const std::function<void()>& on_tick);

/// How the wait ended.
struct wait_outcome {
    result<guard> outcome;  ///< As `locker::acquire`; `cancelled` if a signal ended it.
    int signal{0};          ///< The signal that ended it, or 0. Then nothing is held.
};

/// Acquires `name`, as `work_until_signal` does: a signal ends the wait.
[[nodiscard]] wait_outcome wait_for_lock(locker& locks, const std::string& name,
                                         const acquire_options& options,
                                         const signal_inbox& signals,
                                         const std::function<void()>& on_tick);

/// A progress line on stderr, if that is a terminal. Wiped when it goes.
class progress_line {
public:
    explicit progress_line(std::string name);
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line();
    /// Shows one second more.
    void tick();
    /// Clears the line.
    void wipe();

private:
    std::string name_;
    bool terminal_;
    bool shown_{false};
    int seconds_{0};
};

}  // namespace holdfast::cli
