// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the private servers of tests share: a process that ends with its object, and
// also when the test program itself is killed.
// Thread safety: none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::test {

/// A server program that was started.
class server_process {
public:
    server_process() = default;
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process() { kill(); }

    /// Starts `command` and waits until `answers()`.
    /// @throws std::runtime_error  With what stands in `log`, if it ends or does not answer.
    void start(std::vector<std::string> command, const std::string& log,
               const std::function<bool()>& answers);
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Sends a signal, such as SIGSTOP and SIGCONT. Of SIGSTOP it waits for the effect.
    void signal(int number) const;
    /// Ends it at once, as a crash would.
    void kill();
    /// @return How it ended, if it has: its exit code, or minus the signal.
    [[nodiscard]] std::optional<int> ended();

private:
    pid_t pid_{-1};
};

/// A port of this machine that nobody listens on.
[[nodiscard]] std::uint16_t free_tcp_port();

/// @return `command` as execvp(3) wants it; it points into `command`.
[[nodiscard]] std::vector<char*> arguments_of(std::vector<std::string>& command);
/// Becomes that program; for a forked child, which then ends with its parent's thread.
[[noreturn]] void become(const std::vector<char*>& arguments);

/// @return What stands in a file.
[[nodiscard]] std::string text_of(const std::string& path);

}  // namespace holdfast::test
