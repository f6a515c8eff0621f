// SPDX-License-Identifier: BSL-1.0
//
// What it is: a piece of a test that runs in a process of its own, forked from the test. Fork
// before any thread or locker is there: the child starts with what the test has so far.
// Thread safety: none.
// Invariants: the process has ended when the object has.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace holdfast::test {

/// A forked process.
class child_process {
public:
    /// What the child gets: one byte each way.
    class line {
    public:
        line(int in, int out) noexcept : in_(in), out_(out) {}
        /// Tells the other side.
        void tell(char what = '.') const;
        /// Waits until the other side tells. @return What it told; 0 if it has ended.
        char hear() const;

    private:
        int in_;
        int out_;
    };

    /// Starts `work` in a child, which ends with its answer as exit code; 99 if it throws.
    explicit child_process(const std::function<int(const line&)>& work);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] const line& parent_line() const noexcept { return line_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const;
    /// Ends it as a crash would.
    void kill();
    /// Waits for its end. @return Its exit code, or minus the signal that ended it.
    int wait();

private:
    pid_t pid_{-1};
    int from_child_{-1};
    int to_child_{-1};
    line line_{-1, -1};
};

}  // namespace holdfast::test
