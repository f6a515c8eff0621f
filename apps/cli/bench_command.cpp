// SPDX-License-Identifier: BSL-1.0
//
// `holdfast bench [--seconds S] [--clients N]`: acquires and releases against this store, and
// prints how many times a second and how long it took. Each client has a thread, a connection and a
// name of its own, so none waits for another's lock. A signal ends it early.
// Exit: 0 measured, 64 usage, 69 store, 128 + N ended by signal N before anything was measured.
#include "boot_time.hpp"
#include "context.hpp"
#include "duration.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "histogram.hpp"
#include "output.hpp"
#include "signal_inbox.hpp"

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

constexpr unsigned clients_max = 256;
constexpr milliseconds shortest{1};
constexpr milliseconds longest = std::chrono::hours{1};
constexpr int looks_every_ms = 20;

struct bench_arguments {
    milliseconds length{3000};
    unsigned clients{1};
};

/// What the clients share.
struct race {
    std::latch ready;  // Each has acquired and released once: connections and scripts are there.
    std::atomic<bool> over{false};
    std::stop_source stop{};  // Told by a signal only: else the last operations end in peace.
};

/// One caller, and what it saw.
struct client {
    locker locks;
    std::string name;
    histogram took{};
    boot_time began{never};
    boot_time ended{};
    std::optional<failure> problem{};

    void work(race& shared) {
        const bool fine = once(shared);
        shared.ready.count_down();
        shared.ready.wait();
        began = ended = boot_now();
        while (fine && !shared.over && once(shared)) {
            const boot_time last = std::exchange(ended, boot_now());
            took.add((ended - last).count());
        }
        // Nobody need go on for the full time where one has failed.
        if (problem) shared.over = true;
    }

private:
    // @return Whether it was acquired and released.
    bool once(const race& shared) {
        acquire_options options;
        options.stop = shared.stop.get_token();
        auto held = locks.acquire(name, options);
        if (!held) {
            if (held.error().code != errc::cancelled) problem = held.error();
            return false;
        }
        const auto gone = held->release();
        if (!gone) problem = gone.error();
        return gone.has_value();
    }
};

/// What was measured.
struct figures {
    unsigned clients;
    milliseconds length{};
    histogram took{};
    int signal{0};

    [[nodiscard]] std::int64_t per_second() const {
        const auto ms = static_cast<double>(std::max<std::int64_t>(length.count(), 1));
        return std::llround(static_cast<double>(took.count()) * 1e3 / ms);
    }
    [[nodiscard]] std::int64_t us_at(double share) const {
        return std::llround(took.microseconds_at(share));
    }
};

void print(const context& ctx, const figures& seen) {
    if (ctx.json) {
        boost::json::object row;
        row["clients"] = seen.clients;
        row["elapsed_ms"] = seen.length.count();
        row["operations"] = seen.took.count();
        row["ops_per_s"] = seen.per_second();
        row["p50_us"] = seen.us_at(0.5);
        row["p99_us"] = seen.us_at(0.99);
        print_json(row);
        return;
    }
    print_fields({{"clients", std::to_string(seen.clients)},
                  {"elapsed_ms", std::to_string(seen.length.count())},
                  {"operations", std::to_string(seen.took.count())},
                  {"ops_per_s", std::to_string(seen.per_second())},
                  {"p50_us", std::to_string(seen.us_at(0.5))},
                  {"p99_us", std::to_string(seen.us_at(0.99))}});
}

// Until the time is over, a client has failed, or a signal came. @return The signal, or 0.
int attend(race& shared, milliseconds length, const signal_inbox& signals) {
    std::optional<boot_time> end;
    while (!shared.over && (!end || boot_now() < *end)) {
        pollfd inbox{.fd = signals.fd(), .events = POLLIN, .revents = 0};
        const auto left = end ? std::chrono::ceil<milliseconds>(*end - boot_now()) : length;
        const auto patience = std::clamp<std::int64_t>(left.count(), 0, looks_every_ms);
        ::poll(&inbox, 1, static_cast<int>(patience));
        if (!end && shared.ready.try_wait()) end = boot_now() + length;
        while (const int signal = signals.next()) {
            if (signal == SIGTSTP) stop_myself();
            if (!ends_a_wait(signal)) continue;
            shared.over = true;
            shared.stop.request_stop();
            return signal;
        }
    }
    shared.over = true;
    return 0;
}

result<std::vector<client>> open_clients(const context& ctx, unsigned count) {
    const auto prefix = boost::uuids::to_string(boost::uuids::random_generator{}());
    std::vector<client> all;
    for (unsigned i = 0; i < count; ++i) {
        auto locks = open_locker(ctx);
        if (!locks) return locks.error();
        const std::string name = "holdfast-bench:" + prefix + ":" + std::to_string(i);
        all.push_back({.locks = std::move(*locks), .name = name});
    }
    return all;
}

int run_bench(const context& ctx, const bench_arguments& given) {
    const signal_inbox signals;
    auto clients = open_clients(ctx, given.clients);
    if (!clients) return fail("bench", clients.error());
    race shared{.ready = std::latch{given.clients}};
    figures seen{.clients = given.clients};
    {
        std::vector<std::jthread> threads;
        for (client& one : *clients) threads.emplace_back([&] { one.work(shared); });
        seen.signal = attend(shared, given.length, signals);
    }
    boot_time began = never;
    boot_time ended{};
    for (const client& one : *clients) {
        if (one.problem) return fail("bench", *one.problem);
        seen.took.add(one.took);
        began = std::min(began, one.began);
        ended = std::max(ended, one.ended);
    }
    seen.length = std::chrono::round<milliseconds>(ended - began);
    if (seen.took.count() == 0 && seen.signal != 0) return exit_signal_base + seen.signal;
    print(ctx, seen);
    return exit_done;
}

}  // namespace

void add_bench(CLI::App& app, context& ctx) {
    auto given = std::make_shared<bench_arguments>();
    auto* command =
        app.add_subcommand("bench", "Measure how fast this store acquires and releases");
    command
        ->add_option_function<std::string>(
            "--seconds",
            [given](const std::string& text) {
                const auto parsed = parse_seconds(text);
                if (!parsed || *parsed < shortest || *parsed > longest)
                    throw CLI::ValidationError("--seconds", "above 0, with decimals, at most 3600");
                given->length = *parsed;
            },
            "How long to measure, with decimals, at most 3600 (default 3)")
        ->type_name("SECONDS")
        ->expected(1);
    command->add_option("--clients", given->clients, "How many at once, 1 to 256 (default 1)")
        ->type_name("N")
        ->check(CLI::Range(1U, clients_max));
    command->callback([&ctx, given] { ctx.exit_code = run_bench(ctx, *given); });
}

}  // namespace holdfast::cli
