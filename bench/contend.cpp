// SPDX-License-Identifier: BSL-1.0
//
// The question: how fast does a held lock pass from hand to hand among contenders in several
// processes, how fairly, and at what cost for the server? Prints a JSON object on standard output
// and the same as a table on standard error.
//
// Each contender waits for the one lock, holds it for `--hold-ms`, notes the time, releases it,
// thinks for `--think-ms`, and comes again. p50 and p99 are from just before a release to the next
// grant, whoever gets it, told on a clock that the processes share. That nobody holds it beside
// somebody else is checked at each grant, in memory that they share; if it ever is so, the program
// fails.
#include <holdfast/async_locker.hpp>
#include <holdfast/redis.hpp>
#include <holdfast/sqlite.hpp>

#include "arguments.hpp"
#include "measure.hpp"
#include "record.hpp"
#include "wire.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace holdfast::bench;
using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr int contenders_max = 4096;
constexpr int processes_max = 256;
constexpr double warm_up_seconds = 0.5;
constexpr double counting_seconds = 0.5;

struct task {
    std::string url;
    int contenders;
    int processes;
    double hold_ms;
    double think_ms;
    double seconds;
    bool fair;
};

/// What the processes tell each other: memory that all share.
struct board {
    std::atomic<bool> counting{false};  // Grants count from now on.
    std::atomic<bool> over{false};
    std::atomic<int> holder{-1};
    std::atomic<std::int64_t> released_at{0};
    std::atomic<bool> overlapped{false};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> all_grants{0};  // Those that do not count too.
    std::array<std::atomic<std::uint64_t>, contenders_max> grants{};
    std::array<histogram, processes_max> waits{};  // Each written by its process alone.
};

board& make_board() {
    void* const memory =
        ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return *::new (memory) board;
}

/// Those of the contenders that live in this process.
class party {
public:
    party(const task& what, board& shared, int process)
        : what_(what),
          board_(shared),
          process_(process),
          locks_(context_.get_executor(), what.url) {
        options_.wait = 1h;
        options_.fair = what.fair;
    }

    void run() {
        for (int i = process_; i < what_.contenders; i += what_.processes) {
            ++running_;
            asio::co_spawn(context_, contend(i), asio::detached);
        }
        context_.run();
    }

private:
    asio::awaitable<void> contend(int who) {
        while (!board_.over) {
            auto held = co_await locks_.acquire("contended", options_);
            if (!held) {
                ++board_.failed;
                continue;
            }
            note_grant(who);
            if (what_.hold_ms > 0) co_await pause(what_.hold_ms);
            board_.holder = -1;
            board_.released_at = nanoseconds_now();
            const auto gone = co_await held->release();
            if (!gone) ++board_.failed;
            if (what_.think_ms > 0) co_await pause(what_.think_ms);
        }
        if (--running_ == 0) context_.stop();
    }

    void note_grant(int who) {
        const std::int64_t now = nanoseconds_now();
        if (board_.holder.exchange(who) != -1) board_.overlapped = true;
        const std::int64_t released = board_.released_at;
        ++board_.all_grants;
        if (!board_.counting) return;
        ++board_.grants[static_cast<std::size_t>(who)];
        if (released != 0) board_.waits[static_cast<std::size_t>(process_)].add(now - released);
    }

    asio::awaitable<void> pause(double milliseconds) {
        asio::steady_timer timer(context_);
        timer.expires_after(std::chrono::nanoseconds(std::llround(milliseconds * 1e6)));
        co_await timer.async_wait(asio::use_awaitable);
    }

    const task& what_;
    board& board_;
    int process_;
    asio::io_context context_{1};
    holdfast::async_locker locks_;
    holdfast::acquire_options options_;
    int running_{0};
};

// In a process of its own, before this one has made threads or sockets.
pid_t start_party(const task& what, board& shared, int process) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    int status = 0;
    try {
        party(what, shared, process).run();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "contend: %s\n", problem.what());
        status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
}

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// What was seen while grants counted.
struct sighting {
    double seconds{0};
    std::uint64_t handoffs{0};
    std::optional<double> commands_per_handoff{};
};

sighting watch(const task& what, board& shared) {
    sighting seen;
    sleep_for(warm_up_seconds);
    const std::int64_t begin = nanoseconds_now();
    shared.counting = true;
    sleep_for(what.seconds);
    shared.counting = false;
    seen.seconds = static_cast<double>(nanoseconds_now() - begin) / 1e9;
    for (const auto& one : shared.grants) seen.handoffs += one;
    if (!is_plain_redis(what.url)) return seen;
    command_counter counter(what.url);
    const std::uint64_t before = shared.all_grants;
    counter.watch(counting_seconds + 2 * what.hold_ms / 1e3);
    const auto grants = static_cast<double>(shared.all_grants - before);
    if (grants > 0) seen.commands_per_handoff = static_cast<double>(counter.count()) / grants;
    return seen;
}

void report(const task& what, const board& shared, const sighting& seen) {
    histogram waits;
    for (const histogram& one : shared.waits) waits.add(one);
    const auto first = shared.grants.begin();
    const auto [least, most] = std::minmax_element(
        first, first + what.contenders, [](const auto& a, const auto& b) { return a < b; });
    record line("contend");
    line.add("store", what.url).add("contenders", what.contenders);
    line.add("processes", what.processes).add("hold_ms", what.hold_ms, 3);
    line.add("think_ms", what.think_ms, 3).add("fair", what.fair);
    line.add("handoffs_per_s", static_cast<double>(seen.handoffs) / seen.seconds, 0);
    line.add("p50_us", waits.microseconds_at(0.5), 1);
    line.add("p99_us", waits.microseconds_at(0.99), 1);
    if (seen.commands_per_handoff) line.add("commands_per_handoff", *seen.commands_per_handoff, 2);
    // Who was never granted it counts as once: there is no number for "for ever".
    const auto least_grants = static_cast<double>(std::max<std::uint64_t>(*least, 1));
    line.add("max_min_ratio", static_cast<double>(*most) / least_grants, 2);
    line.add("least_grants", static_cast<double>(*least), 0);
    line.add("failed", static_cast<double>(shared.failed), 0);
    line.add("overlapped", bool(shared.overlapped));
    line.print();
}

// The last waiters get their turn; if that takes too long they are ended.
bool end_parties(const std::vector<pid_t>& children) {
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

task read(arguments given) {
    task wanted{.url = given.text("--store"),
                .contenders = given.count("--contenders", 64),
                .processes = given.count("--processes", 8),
                .hold_ms = given.number("--hold-ms", 0),
                .think_ms = given.number("--think-ms", 0),
                .seconds = given.number("--seconds", 5),
                .fair = given.flag("--fair")};
    given.all_read();
    if (wanted.url.empty()) given.refuse("--store is missing");
    if (wanted.contenders < 1 || wanted.contenders > contenders_max)
        given.refuse("--contenders is between 1 and 4096");
    if (wanted.processes < 1 || wanted.processes > std::min(processes_max, wanted.contenders))
        given.refuse("--processes is between 1 and 256, and at most one for each contender");
    return wanted;
}

int run(const task& what) {
    board& shared = make_board();
    std::vector<pid_t> children;
    for (int i = 0; i < what.processes; ++i) children.push_back(start_party(what, shared, i));
    const sighting seen = watch(what, shared);
    shared.over = true;
    const bool ended_well = end_parties(children);
    report(what, shared, seen);
    if (shared.overlapped) std::fputs("contend: two held the lock at once\n", stderr);
    if (!ended_well) std::fputs("contend: a process did not end well\n", stderr);
    return shared.overlapped || !ended_well ? 1 : 0;
}

}  // namespace

int main(int count, char** values) {
    try {
        return run(read({count, values,
                         "contend --store URL [--contenders N] [--processes P] [--hold-ms M] "
                         "[--think-ms M] [--seconds S] [--fair]"}));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "contend: %s\n", problem.what());
        return 1;
    }
}
