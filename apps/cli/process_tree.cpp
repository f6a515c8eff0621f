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
constexpr int freeze_walks_max = 4;

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

std::unordered_set<pid_t> pids_of(const std::vector<process>& all) {
    std::unordered_set<pid_t> pids;
    for (const auto& one : all) pids.insert(one.pid);
    return pids;
}

// By system call: the C library knows these two only since glibc 2.36.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }
bool send_by_pidfd(int pidfd, int signal) {
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

}  // namespace

std::optional<process> read_process(pid_t pid) {
    return read_stat(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat", pid);
}

std::vector<process> descendants_of(pid_t root) {
    std::unordered_multimap<pid_t, process> by_parent;
    for (auto& one : all_processes()) by_parent.emplace(one.parent, one);
    std::vector<process> found;
    const auto add_children_of = [&](pid_t parent) {
        const auto [first, last] = by_parent.equal_range(parent);
        for (auto at = first; at != last; ++at) found.push_back(at->second);
        by_parent.erase(first, last);  // Else a walk that saw a pid twice would not end.
    };
    add_children_of(root);
    for (std::size_t next = 0; next < found.size(); ++next) add_children_of(found[next].pid);
    return found;
}

// The pidfd pins whoever has the pid now; that it is the one whom the walk saw shows in its start
// time, and that it is still ours in its parent.
bool process_tree::send(const process& target, int signal, const pids& kin) const {
    const unique_fd pinned{open_pidfd(target.pid)};
    if (!pinned.valid() && errno != ENOSYS && errno != EPERM) return false;
    const auto now = read_process(target.pid);
    if (!now || now->started != target.started) return false;
    if (now->parent != root_ && !kin.contains(now->parent)) return false;
    if (pinned.valid()) return send_by_pidfd(pinned.get(), signal);
    return ::kill(target.pid, signal) == 0;  // A kernel before 5.3, or a filter of system calls.
}

std::size_t process_tree::terminate(pid_t spared_group) {
    pids told;
    for (int walk = 0; walk < 2; ++walk) {  // The second one for what forked during the first.
        const auto found = descendants_of(root_);
        const auto kin = pids_of(found);
        for (const auto& one : found) {
            if (!one.alive() || !told.insert(one.pid).second) continue;
            if (one.group != spared_group) send(one, SIGTERM, kin);
            if (one.stopped()) send(one, SIGCONT, kin);
        }
    }
    return told.size();
}

std::size_t process_tree::freeze_new(const std::vector<process>& found, pids& frozen) const {
    const auto kin = pids_of(found);
    std::size_t fresh = 0;
    for (const auto& one : found) {
        if (!one.alive() || !frozen.insert(one.pid).second || one.stopped()) continue;
        send(one, SIGSTOP, kin);
        ++fresh;
    }
    return fresh;
}

void process_tree::kill_all(const std::vector<process>& found) const {
    const auto kin = pids_of(found);
    for (const auto& one : found) {
        if (one.alive()) send(one, SIGKILL, kin);
    }
}

void process_tree::kill() {
    auto found = descendants_of(root_);
    if (std::exchange(killed_before_, true)) {
        pids frozen;
        for (int walk = 1; freeze_new(found, frozen) > 0 && walk < freeze_walks_max; ++walk) {
            found = descendants_of(root_);
        }
    }
    kill_all(found);
}

}  // namespace holdfast::cli
