// SPDX-License-Identifier: BSL-1.0
#include "process_tree.hpp"

#include "unique_fd.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace holdfast::cli {
namespace {

// Walks needed until a tree that forks while it is being frozen stands still; each walk leaves
// fewer that can fork. What is still running after them is killed all the same.
constexpr int freeze_walks_max = 8;

// Open at the same time; well below the usual limit of 1024 descriptors.
constexpr std::size_t pidfds_max = 500;

template <class Number>
Number field_of(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    Number value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return value;
}

// proc(5): "pid (comm) state ppid pgrp session tty_nr tpgid flags ... starttime", the last being
// field 22. The name may hold anything, parentheses too: the last one counts.
std::optional<process> parse_stat(pid_t pid, std::string_view text) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
    text.remove_prefix(name_end + 2);
    process found;
    found.pid = pid;
    found.state = text.front();
    text.remove_prefix(1);
    found.parent = field_of<pid_t>(text);
    found.group = field_of<pid_t>(text);
    for (int skipped = 6; skipped <= 21; ++skipped) {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        text.remove_prefix(std::min(text.find(' '), text.size()));
    }
    found.started = field_of<unsigned long long>(text);
    return found;
}

std::optional<process> read_stat(int directory, const std::string& path, pid_t pid) {
    const unique_fd file{::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.valid()) return std::nullopt;
    std::array<char, 1024> buffer{};
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got <= 0) return std::nullopt;
    return parse_stat(pid, {buffer.data(), static_cast<std::size_t>(got)});
}

std::vector<process> all_processes() {
    std::vector<process> all;
    const std::unique_ptr<DIR, int (*)(DIR*)> proc{::opendir("/proc"), &::closedir};
    if (!proc) return all;
    while (const auto* entry = ::readdir(proc.get())) {
        const std::string_view name{entry->d_name};
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
        auto found = read_stat(::dirfd(proc.get()), std::string{name} + "/stat", pid);
        if (found) all.push_back(*found);
    }
    return all;
}

// proc(5): the children of each thread; complete for a process that is stopped. A kernel without
// CONFIG_PROC_CHILDREN has no such file.
bool has_children_lists() {
    static const bool found = ::access("/proc/thread-self/children", R_OK) == 0;
    return found;
}

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> found;
    const auto tasks = "/proc/" + std::to_string(parent) + "/task";
    const std::unique_ptr<DIR, int (*)(DIR*)> threads{::opendir(tasks.c_str()), &::closedir};
    while (const auto* entry = threads ? ::readdir(threads.get()) : nullptr) {
        if (entry->d_name[0] == '.') continue;
        std::ifstream file{tasks + '/' + entry->d_name + "/children"};
        for (pid_t child = 0; file >> child;) found.push_back(child);
    }
    return found;
}

// By system call: the C library knows these two only since glibc 2.36.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

void send(const process& target, int pidfd, int signal) {
    if (pidfd >= 0) {
        ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
    } else {
        ::kill(target.pid, signal);
    }
}

// The pidfd pins whoever has the pid now. That it is one of ours shows in its parent, which is read
// after that: a pid that has come to mean somebody else has another parent.
void visit_child(pid_t pid, pid_t parent, const descendant_visitor& visit,
                 std::vector<process>& found) {
    const unique_fd pinned{open_pidfd(pid)};
    if (!pinned.valid() && errno != ENOSYS && errno != EPERM) return;
    const auto child = read_process(pid);
    if (!child || child->parent != parent) return;
    found.push_back(*child);
    visit(*child, pinned.get());
}

// Without lists of children: the table of all processes, by parent.
std::vector<process> walk_table(pid_t root, const descendant_visitor& visit) {
    std::unordered_multimap<pid_t, pid_t> by_parent;
    for (const auto& one : all_processes()) by_parent.emplace(one.parent, one.pid);
    std::vector<process> found;
    const auto visit_children_of = [&](pid_t parent) {
        const auto [first, last] = by_parent.equal_range(parent);
        for (auto at = first; at != last; ++at) visit_child(at->second, parent, visit, found);
        by_parent.erase(first, last);  // Else a walk that saw a pid twice would not end.
    };
    visit_children_of(root);
    for (std::size_t next = 0; next < found.size(); ++next) visit_children_of(found[next].pid);
    return found;
}

}  // namespace

std::optional<process> read_process(pid_t pid) {
    return read_stat(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat", pid);
}

std::vector<process> walk_descendants(pid_t root, const descendant_visitor& visit) {
    if (!has_children_lists()) return walk_table(root, visit);
    std::vector<process> found;
    for (const auto child : children_of(root)) visit_child(child, root, visit, found);
    for (std::size_t next = 0; next < found.size(); ++next) {
        const auto parent = found[next].pid;
        for (const auto child : children_of(parent)) visit_child(child, parent, visit, found);
    }
    return found;
}

std::vector<process> descendants_of(pid_t root) {
    return walk_descendants(root, [](const process&, int) {});
}

std::size_t process_tree::terminate(pid_t spared_group) const {
    std::unordered_set<pid_t> told;
    const auto tell = [&](const process& one, int pidfd) {
        if (!one.alive() || !told.insert(one.pid).second) return;
        if (one.group != spared_group) send(one, pidfd, SIGTERM);
        if (one.stopped()) send(one, pidfd, SIGCONT);
    };
    walk_descendants(root_, tell);
    walk_descendants(root_, tell);  // For what forked during the first walk.
    return told.size();
}

void process_tree::pass_on(int signal, pid_t group, bool strays) const {
    walk_descendants(root_, [&](const process& one, int pidfd) {
        if (one.alive() && (strays || one.group == group)) send(one, pidfd, signal);
    });
}

void process_tree::kill() const {
    std::unordered_set<pid_t> frozen;
    std::size_t fresh = 0;
    const auto freeze = [&](const process& one, int pidfd) {
        if (!one.alive() || !frozen.insert(one.pid).second) return;
        if (!one.stopped()) send(one, pidfd, SIGSTOP);
        ++fresh;
    };
    for (int walk = 0; walk < freeze_walks_max; ++walk) {
        fresh = 0;
        walk_descendants(root_, freeze);
        if (fresh == 0) break;
    }
    kill_frozen();
}

// Children of what dies move up to the root, past the walk: so all are found before one is killed.
void process_tree::kill_frozen() const {
    std::vector<std::pair<process, unique_fd>> doomed;
    walk_descendants(root_, [&](const process& one, int pidfd) {
        if (!one.alive()) return;
        if (doomed.size() < pidfds_max) {
            doomed.emplace_back(one, unique_fd{::fcntl(pidfd, F_DUPFD_CLOEXEC, 0)});
        } else {
            send(one, pidfd, SIGKILL);  // What moves up thereby is found by the next call.
        }
    });
    for (const auto& [one, pidfd] : doomed) send(one, pidfd.get(), SIGKILL);
}

}  // namespace holdfast::cli
