// SPDX-License-Identifier: BSL-1.0
//
// The question: how fast does a held lock pass from hand to hand among contenders in several
// processes, how fairly, at what cost for the server, and how far is that from what a bare program
// reaches that does the same? Prints a JSON object on standard output and the same as a table on
// standard error.
//
// Each contender waits for the one lock, holds it for `--hold-ms`, notes the time, releases it,
// thinks for `--think-ms`, and comes again. p50 and p99 are from just before a release to the next
// grant, whoever gets it, told on a clock that the processes share; `between` tells of those from
// one process to another, `round_trip` of a command's way to the server and back at the same pace.
// That nobody holds it beside somebody else is checked at each grant, in memory that they share; if
// it ever is so, the program fails. The bare program (bare_party.hpp) has as many contenders in as
// many processes. The two have their turns in five slices each of a fifth of `--seconds`; the ratio
// is the median of those of neighbouring slices. Grants count once each contender has had the lock.
#include <holdfast/async_locker.hpp>
#include <holdfast/redis.hpp>
#include <holdfast/sqlite.hpp>

#include "arguments.hpp"
#include "bare_party.hpp"
#include "contest.hpp"
#include "record.hpp"
#include "wire.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace holdfast::bench;
using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr int slices = 5;
constexpr double warm_up_seconds = 0.3;
constexpr double warm_up_seconds_max = 10;
constexpr double counting_seconds = 0.5;
constexpr double settling_seconds = 0.02;

/// Those of our contenders that live in this process.
class party {
public:
    party(const contest& what, board& shared, int process)
        : what_(what),
          board_(shared),
          process_(process),
          locks_(context_.get_executor(), what.url) {
        options_.wait = 1h;
        options_.fair = what.fair;
    }

    void work() {
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
                co_await pause(5);
                continue;
            }
            board_.note_grant(who, process_);
            if (what_.hold_ms > 0) co_await pause(what_.hold_ms);
            while (!board_.may_go_on()) co_await pause(5);
            board_.note_release(process_);
            const auto gone = co_await held->release();
            if (!gone) ++board_.failed;
            if (what_.think_ms > 0) co_await pause(what_.think_ms);
        }
        if (--running_ == 0) context_.stop();
    }

    asio::awaitable<void> pause(double milliseconds) {
        asio::steady_timer timer(context_);
        timer.expires_after(std::chrono::nanoseconds(std::llround(milliseconds * 1e6)));
        co_await timer.async_wait(asio::use_awaitable);
    }

    const contest& what_;
    board& board_;
    int process_;
    asio::io_context context_{1};
    holdfast::async_locker locks_;
    holdfast::acquire_options options_;
    int running_{0};
};

/// Ours, or the bare program's: what it shares, and what was seen of it.
struct side {
    board& shared;
    std::vector<double> handoffs_per_s{};
    std::optional<double> commands_per_handoff{};

    void warm_up(const contest& what) const {
        shared.turn = true;
        sleep_for(warm_up_seconds);
        const std::int64_t longest =
            nanoseconds_now() + static_cast<std::int64_t>(warm_up_seconds_max * 1e9);
        while (!shared.all_had_it(what.contenders) && nanoseconds_now() < longest) sleep_for(0.01);
        stop(what);
    }

    void measure(const contest& what) {
        shared.turn = true;
        sleep_for(settling_seconds);
        const std::uint64_t before = shared.counted();
        const std::int64_t begin = nanoseconds_now();
        shared.counting = true;
        sleep_for(what.seconds / slices);
        shared.counting = false;
        const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
        handoffs_per_s.push_back(static_cast<double>(shared.counted() - before) / passed);
        stop(what);
    }

    /// Looks at a time of its own: MONITOR slows the server down.
    void count_commands(const contest& what) {
        shared.turn = true;
        command_counter counter(what.url);
        const std::uint64_t before = shared.all_grants;
        counter.watch(counting_seconds + 2 * what.hold_ms / 1e3);
        const auto grants = static_cast<double>(shared.all_grants - before);
        stop(what);
        if (grants > 0) commands_per_handoff = static_cast<double>(counter.count()) / grants;
    }

    // Until whoever holds it has seen that it is not this side's turn.
    void stop(const contest& what) const {
        shared.turn = false;
        sleep_for(settling_seconds + (what.hold_ms + what.think_ms) / 1e3);
    }

    [[nodiscard]] double max_min_ratio(int contenders) const {
        const auto first = shared.grants.begin();
        const auto [least, most] = std::minmax_element(
            first, first + contenders, [](const auto& a, const auto& b) { return a < b; });
        // Who was never granted it counts as once: there is no number for "for ever".
        return static_cast<double>(*most) / static_cast<double>(std::max<std::uint64_t>(*least, 1));
    }
};

double middle(const histogram& waits) { return waits.microseconds_at(0.5); }

// The queue's p50 is that of hand-overs through the server: those within a bare process are calls.
void add_bare(record& line, const side& ours, const side& bare, int contenders) {
    const double queue_p50 = middle(bare.shared.waits_between());
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.handoffs_per_s.size(); ++i)
        ratios.push_back(ours.handoffs_per_s[i] / bare.handoffs_per_s[i]);
    line.add("bare_handoffs_per_s", median(bare.handoffs_per_s), 0);
    line.add("bare_p50_us", middle(bare.shared.all_waits()), 1);
    line.add("bare_between_p50_us", queue_p50, 1);
    if (bare.commands_per_handoff)
        line.add("bare_commands_per_handoff", *bare.commands_per_handoff, 2);
    line.add("bare_max_min_ratio", bare.max_min_ratio(contenders), 2);
    line.add("ratio_to_bare", median(ratios), 3);
    if (queue_p50 == 0) return;  // One process: there is no other to hand it to.
    line.add("p50_to_queue", middle(ours.shared.all_waits()) / queue_p50, 2);
    line.add("between_p50_to_bare", middle(ours.shared.waits_between()) / queue_p50, 2);
}

/// @return The median of a command's way to the server and back, µs, between pauses like those in
///         which the lock is held: what has not been used for a while takes longer.
double round_trip(const contest& what) {
    constexpr int samples = 60;
    const wire line(what.url);
    std::array<char, 64> chunk{};
    std::vector<double> took;
    for (int i = 0; i < samples; ++i) {
        sleep_for(what.hold_ms / 1e3);
        const std::int64_t before = nanoseconds_now();
        line.send("*1\r\n$4\r\nPING\r\n");
        static_cast<void>(line.receive(chunk));
        took.push_back(static_cast<double>(nanoseconds_now() - before) / 1e3);
    }
    return median(took);
}

void report(const contest& what, const side& ours, const side* bare, double round_trip_us) {
    const histogram waits = ours.shared.all_waits();
    record line("contend");
    line.add("store", shown_store(what.url)).add("contenders", what.contenders);
    line.add("processes", what.processes).add("hold_ms", what.hold_ms, 3);
    line.add("think_ms", what.think_ms, 3).add("fair", what.fair);
    line.add("handoffs_per_s", median(ours.handoffs_per_s), 0);
    line.add("p50_us", middle(waits), 1);
    line.add("between_p50_us", middle(ours.shared.waits_between()), 1);
    line.add("p99_us", waits.microseconds_at(0.99), 1);
    if (round_trip_us > 0) {
        line.add("round_trip_us", round_trip_us, 1);
        line.add("between_to_round_trip", middle(ours.shared.waits_between()) / round_trip_us, 2);
    }
    if (ours.commands_per_handoff) line.add("commands_per_handoff", *ours.commands_per_handoff, 2);
    line.add("max_min_ratio", ours.max_min_ratio(what.contenders), 2);
    const auto first = ours.shared.grants.begin();
    line.add("least_grants", double(*std::min_element(first, first + what.contenders)), 0);
    line.add("failed", static_cast<double>(ours.shared.failed), 0);
    line.add("overlapped", bool(ours.shared.overlapped));
    if (bare != nullptr) add_bare(line, ours, *bare, what.contenders);
    line.print();
}

contest read(arguments given) {
    contest wanted{.url = given.text("--store"),
                   .contenders = given.count("--contenders", 64),
                   .processes = given.count("--processes", 8),
                   .hold_ms = given.number("--hold-ms", 0),
                   .think_ms = given.number("--think-ms", 0),
                   .seconds = given.number("--seconds", 5),
                   .fair = given.flag("--fair")};
    given.all_read();
    if (wanted.url.empty()) given.refuse("--store is missing");
    if (wanted.seconds <= 0) given.refuse("--seconds is above 0");
    if (wanted.contenders < 1 || wanted.contenders > contenders_max)
        given.refuse("--contenders is between 1 and 4096");
    if (wanted.processes < 1 || wanted.processes > std::min(processes_max, wanted.contenders))
        given.refuse("--processes is between 1 and 256, and at most one for each contender");
    return wanted;
}

void take_turns(const contest& what, const std::vector<side*>& sides) {
    for (const side* one : sides) one->warm_up(what);
    for (int i = 0; i < slices; ++i)
        for (side* one : sides) one->measure(what);
    if (!is_plain_redis(what.url)) return;
    for (side* one : sides) one->count_commands(what);
}

int run(const contest& what) {
    // Whoever cannot be reached is told of before there are processes to end.
    if (is_plain_redis(what.url)) static_cast<void>(wire(what.url));
    side ours{board::make()};
    side bare{board::make()};
    std::vector<side*> sides{&ours};
    if (is_plain_redis(what.url)) sides.push_back(&bare);
    const double round_trip_us = sides.size() < 2 ? 0 : round_trip(what);
    const std::string name = std::to_string(::getpid());
    std::vector<pid_t> children;
    for (int i = 0; i < what.processes; ++i) {
        children.push_back(start_process("contend", [&] { party(what, ours.shared, i).work(); }));
        if (sides.size() < 2) continue;
        children.push_back(
            start_process("contend, bare", [&] { bare_party(what, bare.shared, i, name).work(); }));
    }
    take_turns(what, sides);
    for (const side* one : sides) one->shared.over = true;
    const bool ended_well = end_processes(children);
    if (ours.shared.all_grants == 0)
        throw std::runtime_error("nobody was granted the lock at " + shown_store(what.url));
    report(what, ours, sides.size() < 2 ? nullptr : &bare, round_trip_us);
    const bool overlapped = ours.shared.overlapped || bare.shared.overlapped;
    if (overlapped) std::fputs("contend: two held the lock at once\n", stderr);
    if (!ended_well) std::fputs("contend: a process did not end well\n", stderr);
    return overlapped || !ended_well ? 1 : 0;
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
