// SPDX-License-Identifier: BSL-1.0
//
// The question: how many locks a second can callers acquire and release, each on a name of its own,
// and how far is that from what a client can reach at all? Prints a JSON object on standard output
// and the same as a table on standard error.
//
// One operation is an acquire and a release. Ours and the limit are measured in turn, five slices
// each of a fifth of `--seconds`. What is told are the medians of the slices, and as the ratio the
// median of those of neighbouring slices. The limit is a socket that sends preformatted bytes of
// the same commands: one for each thread, or one with as many operations under way as there are
// coroutines; or, for an SQLite file, one connection that is told the same statements.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>

#include "arguments.hpp"
#include "measure.hpp"
#include "raw_client.hpp"
#include "raw_sqlite.hpp"
#include "record.hpp"
#include "wire.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace holdfast::bench;
namespace asio = boost::asio;

constexpr int slices = 5;
constexpr double warm_up_seconds = 0.2;
constexpr double counting_seconds = 0.3;

struct task {
    std::string url;
    int threads;
    int coroutines;
    double seconds;
    bool fenced;
};

/// What callers did in one slice.
struct tally {
    std::uint64_t pairs{0};
    std::uint64_t failed{0};
    histogram took;

    void add(const tally& other) {
        pairs += other.pairs;
        failed += other.failed;
        took.add(other.took);
    }
};

/// Works until that time on CLOCK_MONOTONIC.
using workload = std::function<void(std::int64_t until, tally&)>;

std::string name_of(int caller) { return "bench" + std::to_string(caller); }

void acquire_and_release(holdfast::locker& locks, const holdfast::acquire_options& options,
                         int caller, std::int64_t until, tally& done) {
    const std::string name = name_of(caller);
    for (std::int64_t begin = nanoseconds_now(); begin < until;) {
        auto held = locks.acquire(name, options);
        if (!held || !held->release()) ++done.failed;
        const std::int64_t end = nanoseconds_now();
        done.took.add(end - begin);
        ++done.pairs;
        begin = end;
    }
}

workload threads_of(const std::string& url, int threads, bool fenced) {
    const auto locks = std::make_shared<holdfast::locker>(url);
    holdfast::acquire_options options;
    options.fence = fenced;
    return [locks, threads, options](std::int64_t until, tally& done) {
        std::vector<tally> each(static_cast<std::size_t>(threads));
        {
            std::vector<std::jthread> running;
            for (int i = 1; i < threads; ++i)
                running.emplace_back([&, i] {
                    const auto own = std::make_unique<tally>();
                    acquire_and_release(*locks, options, i, until, *own);
                    each[static_cast<std::size_t>(i)] = *own;
                });
            acquire_and_release(*locks, options, 0, until, each[0]);
        }
        for (const tally& one : each) done.add(one);
    };
}

/// Coroutines on one thread, as a server has them.
class coroutines {
public:
    coroutines(const std::string& url, int count, bool fenced)
        : locks_(context_.get_executor(), url), count_(count) {
        options_.fence = fenced;
    }

    void run(std::int64_t until, tally& done) {
        running_ = count_;
        for (int i = 0; i < count_; ++i)
            asio::co_spawn(context_, caller(i, until, done), asio::detached);
        context_.run();
        context_.restart();
    }

private:
    asio::awaitable<void> caller(int number, std::int64_t until, tally& done) {
        const std::string name = name_of(number);
        for (std::int64_t begin = nanoseconds_now(); begin < until;) {
            auto held = co_await locks_.acquire(name, options_);
            bool fine = held.has_value();
            if (fine) {
                const auto gone = co_await held->release();
                fine = gone.has_value();
            }
            if (!fine) ++done.failed;
            const std::int64_t end = nanoseconds_now();
            done.took.add(end - begin);
            ++done.pairs;
            begin = end;
        }
        if (--running_ == 0) context_.stop();
    }

    asio::io_context context_{1};
    holdfast::async_locker locks_;
    holdfast::acquire_options options_;
    int count_;
    int running_{0};
};

workload coroutines_of(const std::string& url, int count, bool fenced) {
    const auto all = std::make_shared<coroutines>(url, count, fenced);
    return [all](std::int64_t until, tally& done) { all->run(until, done); };
}

workload raw_of(const std::string& url, int sockets, int window, bool fenced) {
    using raw_clients = std::vector<std::unique_ptr<raw_client>>;
    const auto clients = std::make_shared<raw_clients>();
    for (int i = 0; i < sockets; ++i)
        clients->push_back(std::make_unique<raw_client>(url, std::to_string(i) + "/",
                                                        static_cast<std::size_t>(window), fenced));
    return [clients](std::int64_t until, tally& done) {
        std::atomic<std::uint64_t> pairs{0};
        {
            std::vector<std::jthread> running;
            for (std::size_t i = 1; i < clients->size(); ++i)
                running.emplace_back([&, i] { pairs += (*clients)[i]->pairs_until(until); });
            pairs += clients->front()->pairs_until(until);
        }
        done.pairs += pairs;
    };
}

workload raw_sqlite_of(const std::string& url, bool fenced) {
    const std::string path = url.substr(url.find(':') + 1) + ".raw";
    const auto file = std::make_shared<raw_sqlite>(path, fenced);
    return [file](std::int64_t until, tally& done) { done.pairs += file->pairs_until(until); };
}

/// @return The limit that belongs to this; none where there is none.
workload limit_of(const task& what) {
    const bool threaded = what.threads > 0;
    if (is_plain_redis(what.url))
        return raw_of(what.url, threaded ? what.threads : 1, threaded ? 1 : what.coroutines,
                      what.fenced);
    if (what.url.starts_with("sqlite:")) return raw_sqlite_of(what.url, what.fenced);
    return {};
}

/// What the slices of one workload came to.
struct figures {
    std::vector<double> ops_per_s, cpu_us, made;
    tally all;

    void measure(const workload& work, double seconds) {
        tally done;
        const std::int64_t begin = nanoseconds_now();
        const double cpu_before = cpu_seconds();
        const std::uint64_t made_before = allocations();
        work(begin + static_cast<std::int64_t>(seconds * 1e9), done);
        const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
        const auto pairs = static_cast<double>(done.pairs);
        ops_per_s.push_back(pairs / passed);
        cpu_us.push_back((cpu_seconds() - cpu_before) * 1e6 / pairs);
        made.push_back(static_cast<double>(allocations() - made_before) / pairs);
        all.add(done);
    }
};

/// @return How many commands an operation costs the server, seen while nothing is measured.
std::optional<double> commands_per_op(const std::string& url, const workload& work) {
    if (!is_plain_redis(url)) return std::nullopt;
    command_counter counter(url);
    tally done;
    const auto length = static_cast<std::int64_t>(counting_seconds * 1e9);
    std::jthread working([&] { work(nanoseconds_now() + length, done); });
    counter.watch(counting_seconds + 0.2);
    working.join();
    return static_cast<double>(counter.count()) / static_cast<double>(done.pairs);
}

task read(arguments given) {
    task wanted{.url = given.text("--store"),
                .threads = given.count("--threads", 0),
                .coroutines = given.count("--coroutines", 0),
                .seconds = given.number("--seconds", 5),
                .fenced = !given.flag("--no-fence")};
    given.all_read();
    if (wanted.url.empty()) given.refuse("--store is missing");
    if ((wanted.threads > 0) == (wanted.coroutines > 0))
        given.refuse("either --threads or --coroutines, above 0");
    if (wanted.seconds <= 0) given.refuse("--seconds is above 0");
    return wanted;
}

void report(const task& what, const figures& ours, const figures& raw,
            const std::optional<double>& commands) {
    const double ops = median(ours.ops_per_s);
    record line("uncontended");
    line.add("store", shown_store(what.url)).add("fenced", what.fenced);
    line.add(what.threads > 0 ? "threads" : "coroutines",
             what.threads > 0 ? what.threads : what.coroutines);
    const double reachable = median(raw.ops_per_s);
    line.add("ops_per_s", ops, 0).add("p50_us", ours.all.took.microseconds_at(0.5), 1);
    line.add("p99_us", ours.all.took.microseconds_at(0.99), 1);
    line.add("client_cpu_us_per_op", median(ours.cpu_us), 2);
    if (commands) line.add("commands_per_op", *commands, 2);
    line.add("allocations_per_op", median(ours.made), 2);
    if (reachable > 0) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < raw.ops_per_s.size(); ++i)
            ratios.push_back(ours.ops_per_s[i] / raw.ops_per_s[i]);
        line.add("raw_ops_per_s", reachable, 0).add("ratio_to_raw", median(ratios), 3);
        line.add("raw_cpu_us_per_op", median(raw.cpu_us), 2);
        line.add("raw_cpu_to_ours", median(raw.cpu_us) / median(ours.cpu_us), 3);
    }
    line.print();
}

int run(const task& what) {
    const bool threaded = what.threads > 0;
    const workload ours = threaded ? threads_of(what.url, what.threads, what.fenced)
                                   : coroutines_of(what.url, what.coroutines, what.fenced);
    const workload raw = limit_of(what);
    figures measured;
    figures reachable;
    figures{}.measure(ours, warm_up_seconds);
    for (int i = 0; i < slices; ++i) {
        if (raw) reachable.measure(raw, what.seconds / slices);
        measured.measure(ours, what.seconds / slices);
    }
    report(what, measured, reachable, commands_per_op(what.url, ours));
    if (measured.all.failed == 0) return 0;
    std::fprintf(stderr, "%llu operations failed\n",
                 static_cast<unsigned long long>(measured.all.failed));
    return 1;
}

}  // namespace

int main(int count, char** values) {
    try {
        return run(read({count, values,
                         "uncontended --store URL --threads N|--coroutines N [--seconds S] "
                         "[--no-fence]"}));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "uncontended: %s\n", problem.what());
        return 1;
    }
}
