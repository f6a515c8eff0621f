// SPDX-License-Identifier: BSL-1.0
//
// What it is: the built program as tests use it: started with arguments and an environment of its
// own, watched, and gone when the test ends.
// Thread safety: none.
#pragma once

#include "support/temp_dir.hpp"

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace holdfast::test {

using words = std::vector<std::string>;

/// Stands in what the program writes for the rest of an id, which nobody else is to know.
inline const std::string dots = "…";

/// How to start a program.
struct process_options {
    words arguments{};
    std::map<std::string, std::string> environment{};  ///< Added to PATH and TEST_PID.
    std::string input{};                               ///< Its stdin.
    std::string program{};                             ///< Empty: holdfast.
    std::string directory{};                           ///< Where it runs; empty: here.
    std::vector<int> ignored_signals{};
    std::vector<int> kept_descriptors{};  ///< Given to it beside 0, 1 and 2.
};

/// How a program ended.
struct process_result {
    int code{-1};  ///< Its exit code, or 128 + the signal that ended it; -1: it did not end.
    std::string out;
    std::string err;
    std::chrono::nanoseconds took{0};
};

/// A program that was started.
class cli_process {
public:
    explicit cli_process(process_options options);
    cli_process(const cli_process&) = delete;
    cli_process& operator=(const cli_process&) = delete;
    ~cli_process();  ///< Kills it, if it still runs.

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const;
    /// @return What it wrote so far.
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;
    /// @return Whether it has ended.
    [[nodiscard]] bool ended();
    /// Waits for its end, at most `limit`.
    [[nodiscard]] process_result wait(std::chrono::seconds limit = std::chrono::seconds{30});

private:
    [[noreturn]] void become(const process_options& options) const;

    pid_t pid_{-1};
    int out_{-1};
    int err_{-1};
    int status_{0};
    bool reaped_{false};
    std::chrono::nanoseconds started_{0};
};

/// Runs `holdfast ARGUMENTS` to its end.
[[nodiscard]] process_result holdfast_cli(const words& arguments,
                                          const std::map<std::string, std::string>& environment,
                                          const std::string& input = {});

/// @return The live processes that run under the lock `name` of this test, wherever they have moved
///         to: they all inherited HOLDFAST_NAME, and TEST_PID, since tests run side by side.
[[nodiscard]] std::vector<pid_t> processes_under(const std::string& name);
/// @return The same, by one line each, for messages.
[[nodiscard]] std::string describe_processes(const std::vector<pid_t>& pids);

/// @return The child processes of `parent`, zombies not counted.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);
/// @return The state letter of a process as in proc(5), or 0 if there is none.
[[nodiscard]] char state_of(pid_t pid);
[[nodiscard]] std::string read_file(const std::string& path);
[[nodiscard]] bool file_exists(const std::string& path);
[[nodiscard]] std::chrono::nanoseconds boot_now();
/// @return The time of day, on the clock of files.
[[nodiscard]] std::chrono::nanoseconds wall_now();
/// @return When `path` was last written, on the same clock.
[[nodiscard]] std::chrono::nanoseconds written_at(const std::string& path);

/// A store of the test's own, and short ways to use it.
class cli_store {
public:
    cli_store();
    /// Uses the store `url`.
    explicit cli_store(std::string url) : url_(std::move(url)) {}

    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    [[nodiscard]] const temp_dir& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
    [[nodiscard]] std::map<std::string, std::string> environment() const;
    /// Runs a command to its end.
    [[nodiscard]] process_result run(const words& arguments, const std::string& input = {}) const;
    /// Options for a program that runs beside the test.
    [[nodiscard]] process_options options(words arguments) const;
    /// @return Whether somebody holds `name`.
    [[nodiscard]] bool held(const std::string& name) const;
    /// Takes `name`. @return What was printed, by key.
    std::map<std::string, std::string> acquire(const std::string& name,
                                               const std::string& ttl = "20s") const;

private:
    temp_dir directory_;
    std::string url_;
};

/// @return The lines "KEY  VALUE" that commands print, by key.
[[nodiscard]] std::map<std::string, std::string> parse_fields(const std::string& text);

}  // namespace holdfast::test
