// SPDX-License-Identifier: BSL-1.0
#include "cli_process.hpp"

#include "support/poll.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace holdfast::test {
namespace {

// Files in memory rather than pipes: nobody has to read them, and they never fill.
int memory_file(const std::string& content = {}) {
    const int fd = ::memfd_create("holdfast-test", MFD_CLOEXEC);
    if (fd < 0) throw std::runtime_error("memfd_create failed");
    if (::write(fd, content.data(), content.size()) < 0) throw std::runtime_error("write failed");
    ::lseek(fd, 0, SEEK_SET);
    return fd;
}

std::string content_of(int fd) {
    std::string text;
    std::array<char, 4096> part{};
    for (off_t at = 0;;) {
        const auto got = ::pread(fd, part.data(), part.size(), at);
        if (got <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
        at += got;
    }
}

std::chrono::nanoseconds to_duration(const timespec& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::chrono::nanoseconds clock_now(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return to_duration(now);
}

std::vector<pid_t> all_pids() {
    std::vector<pid_t> found;
    auto* proc = ::opendir("/proc");
    while (const auto* entry = ::readdir(proc)) {
        const std::string_view name{entry->d_name};
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ptr == name.data() + name.size()) found.push_back(pid);
    }
    ::closedir(proc);
    return found;
}

// The words behind the name in /proc/PID/stat: state, parent, ...
std::istringstream stat_of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = text.rfind(')');
    return std::istringstream{name_end == std::string::npos ? "" : text.substr(name_end + 2)};
}

std::vector<char*> pointers_to(words& list) {
    std::vector<char*> pointers;
    for (auto& one : list) pointers.push_back(one.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

cli_process::cli_process(process_options options)
    : out_(memory_file()), err_(memory_file()), started_(boot_now()) {
    if (options.program.empty()) options.program = HOLDFAST_PROGRAM;
    const int in = memory_file(options.input);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) {
        ::dup2(in, STDIN_FILENO);
        become(options);
    }
    ::setpgid(pid_, pid_);
    ::close(in);
}

void cli_process::become(const process_options& options) const {
    ::setpgid(0, 0);  // What a test sends to the program's group must not reach the test.
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // Whatever the test itself was started with.
    for (const int fd : options.kept_descriptors) ::fcntl(fd, F_SETFD, 0);
    for (const int number : options.ignored_signals) ::signal(number, SIG_IGN);
    if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(125);
    words arguments{options.program};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    words environment{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                      "TEST_PID=" + std::to_string(::getppid())};
    for (const auto& [name, value] : options.environment) environment.push_back(name + '=' + value);
    ::execvpe(options.program.c_str(), pointers_to(arguments).data(),
              pointers_to(environment).data());
    ::_exit(125);
}

cli_process::~cli_process() {
    if (!ended()) {
        signal(SIGKILL);
        static_cast<void>(wait());
    }
    ::close(out_);
    ::close(err_);
}

void cli_process::signal(int number) const {
    if (!reaped_) ::kill(pid_, number);
}

std::string cli_process::out() const { return content_of(out_); }
std::string cli_process::err() const { return content_of(err_); }

bool cli_process::ended() {
    if (!reaped_) reaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return reaped_;
}

process_result cli_process::wait(std::chrono::seconds limit) {
    process_result result;
    if (poll_until([&] { return ended(); }, limit)) {
        result.code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
    }
    result.took = boot_now() - started_;
    result.out = out();
    result.err = err();
    return result;
}

process_result holdfast_cli(const words& arguments,
                            const std::map<std::string, std::string>& environment,
                            const std::string& input) {
    cli_process program{{.arguments = arguments, .environment = environment, .input = input}};
    return program.wait();
}

std::vector<pid_t> processes_under(const std::string& name) {
    const auto lock = '\0' + ("HOLDFAST_NAME=" + name) + '\0';
    const auto test = '\0' + ("TEST_PID=" + std::to_string(::getpid())) + '\0';
    std::vector<pid_t> found;
    for (const auto pid : all_pids()) {
        const auto environment =
            '\0' + read_file("/proc/" + std::to_string(pid) + "/environ") + '\0';
        const bool ours = environment.find(test) != std::string::npos;
        if (ours && environment.find(lock) != std::string::npos) found.push_back(pid);
    }
    return found;
}

std::string describe_processes(const std::vector<pid_t>& pids) {
    std::string text;
    for (const auto pid : pids) {
        auto command = read_file("/proc/" + std::to_string(pid) + "/cmdline");
        std::replace(command.begin(), command.end(), '\0', ' ');
        text += std::to_string(pid) + " " + state_of(pid) + " " + command + "\n";
    }
    return text;
}

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> found;
    for (const auto pid : all_pids()) {
        std::string state;
        pid_t above = 0;
        stat_of(pid) >> state >> above;
        if (above == parent && state != "Z") found.push_back(pid);
    }
    return found;
}

char state_of(pid_t pid) {
    char state = 0;
    stat_of(pid) >> state;
    return state;
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::chrono::nanoseconds boot_now() { return clock_now(CLOCK_BOOTTIME); }

// The coarse clock is the one that the kernel stamps files with.
std::chrono::nanoseconds wall_now() { return clock_now(CLOCK_REALTIME_COARSE); }

std::chrono::nanoseconds written_at(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return {};
    return to_duration(found.st_mtim);
}

cli_store::cli_store() : url_("sqlite:" + (directory_ / "locks.db")) {}

std::map<std::string, std::string> cli_store::environment() const {
    return {{"HOLDFAST_STORE", url_}, {"HOME", directory_.path().string()}};
}

process_result cli_store::run(const words& arguments, const std::string& input) const {
    return holdfast_cli(arguments, environment(), input);
}

process_options cli_store::options(words arguments) const {
    return {.arguments = std::move(arguments), .environment = environment()};
}

bool cli_store::held(const std::string& name) const { return run({"show", name}).code == 0; }

std::map<std::string, std::string> cli_store::acquire(const std::string& name,
                                                      const std::string& ttl) const {
    const auto result = run({"acquire", name, "--ttl", ttl});
    if (result.code != 0) throw std::runtime_error("acquire: " + result.err);
    return parse_fields(result.out);
}

std::map<std::string, std::string> parse_fields(const std::string& text) {
    std::map<std::string, std::string> found;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const auto key_end = std::min(line.find(' '), line.size());
        const auto value = std::min(line.find_first_not_of(' ', key_end), line.size());
        found[line.substr(0, key_end)] = line.substr(value);
    }
    return found;
}

}  // namespace holdfast::test
