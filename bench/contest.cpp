// SPDX-License-Identifier: BSL-1.0
#include "contest.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <thread>

namespace holdfast::bench {

board& board::make() {
    void* const memory =
        ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return *::new (memory) board;
}

void board::note_grant(int who, int process) noexcept {
    const std::int64_t now = nanoseconds_now();
    if (holder.exchange(who) != -1) overlapped = true;
    const std::int64_t released = released_at;
    ++all_grants;
    const auto place = static_cast<std::size_t>(who);
    if (!had_it[place]) had_it[place] = true;
    if (!counting) return;
    ++grants[place];
    if (released == 0) return;
    waits[static_cast<std::size_t>(process)].add(now - released);
    if (released_by != process) between[static_cast<std::size_t>(process)].add(now - released);
}

void board::note_release(int process) noexcept {
    holder = -1;
    released_by = process;
    released_at = nanoseconds_now();
}

bool board::all_had_it(int contenders) const noexcept {
    return std::all_of(had_it.begin(), had_it.begin() + contenders,
                       [](const std::atomic<bool>& one) { return one.load(); });
}

std::uint64_t board::counted() const noexcept {
    std::uint64_t all = 0;
    for (const auto& one : grants) all += one;
    return all;
}

histogram board::sum(const histograms& all) noexcept {
    histogram total;
    for (const histogram& one : all) total.add(one);
    return total;
}

pid_t start_process(std::string_view program, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    int status = 0;
    try {
        work();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(program.size()), program.data(),
                     problem.what());
        status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
}

bool end_processes(const std::vector<pid_t>& children) {
    bool fine = true;
    const std::int64_t patience = nanoseconds_now() + 10'000'000'000;
    for (const pid_t child : children) {
        int status = 0;
        pid_t ended = 0;
        while ((ended = ::waitpid(child, &status, WNOHANG)) == 0 && nanoseconds_now() < patience)
            sleep_for(0.01);
        if (ended == 0) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
        }
        fine = fine && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return fine;
}

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace holdfast::bench
