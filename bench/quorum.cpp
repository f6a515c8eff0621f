// SPDX-License-Identifier: BSL-1.0
//
// The question: how long does one caller take to acquire and release a lock on a majority of
// several servers, how far is that from what sockets can reach at all, and does it take longer once
// a server is dead or frozen? Prints a JSON object on standard output and the same as a table on
// standard error.
//
// Ours and the limit (raw_quorum.hpp) are measured in turn, five slices each of a fifth of
// `--seconds`, and what is told are the medians of the slices. The limit waits for a majority, as
// ours does; where all servers are well there is a second one, which waits for all. With `--fault`
// one server, whose process is `--victim`, is then killed or frozen, and all is measured again.
#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>

#include "arguments.hpp"
#include "lock/session.hpp"
#include "measure.hpp"
#include "raw_quorum.hpp"
#include "record.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace holdfast::bench;

constexpr int slices = 5;
constexpr double warm_up_seconds = 0.3;

struct task {
    std::vector<std::string> urls;
    double seconds;
    std::string fault;
    pid_t victim;
};

/// One locker on all servers, and how often it failed.
class caller {
public:
    explicit caller(const std::vector<std::string>& urls) : locks_(make(urls)) {}

    void pairs_until(std::int64_t nanoseconds, histogram& took) {
        holdfast::acquire_options options;
        options.fence = false;
        for (std::int64_t begin = nanoseconds_now(); begin < nanoseconds;) {
            auto held = locks_.acquire("quorum", options);
            if (!held || !held->release()) ++failed_;
            const std::int64_t end = nanoseconds_now();
            took.add(end - begin);
            begin = end;
        }
    }
    [[nodiscard]] int failed() const noexcept { return failed_; }

private:
    static holdfast::locker make(const std::vector<std::string>& urls) {
        std::vector<holdfast::store_factory> nodes;
        for (const std::string& url : urls)
            nodes.push_back(holdfast::lock::factory_for(url).value());
        return holdfast::locker(holdfast::quorum_of(std::move(nodes)));
    }

    holdfast::locker locks_;
    int failed_{0};
};

/// What the slices of one side came to.
struct figures {
    std::vector<double> p50_us, pairs_per_s;
    histogram all;

    template <class Worker>
    void measure(Worker& worker, double seconds) {
        histogram took;
        const std::int64_t begin = nanoseconds_now();
        worker.pairs_until(begin + static_cast<std::int64_t>(seconds * 1e9), took);
        const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
        p50_us.push_back(took.microseconds_at(0.5));
        pairs_per_s.push_back(static_cast<double>(took.count()) / passed);
        all.add(took);
    }
    /// @return The median of the ratios of neighbouring slices.
    [[nodiscard]] double latency_to(const figures& limit) const {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < p50_us.size(); ++i)
            ratios.push_back(p50_us[i] / limit.p50_us[i]);
        return median(ratios);
    }
};

/// Ours, and the limit that waits for a majority as ours does, and one that waits for all.
struct workers {
    caller ours;
    raw_quorum majority;
    raw_quorum all;

    explicit workers(const std::vector<std::string>& urls)
        : ours(urls), majority(urls, urls.size() / 2 + 1), all(urls, urls.size()) {}
};

/// What was measured with all servers well, or with one that is not.
struct comparison {
    figures ours, raw, raw_all;

    void measure(workers& who, double seconds, bool all_well) {
        figures{}.measure(who.ours, warm_up_seconds);
        figures{}.measure(who.majority, warm_up_seconds);
        for (int i = 0; i < slices; ++i) {
            raw.measure(who.majority, seconds / slices);
            ours.measure(who.ours, seconds / slices);
            if (all_well) raw_all.measure(who.all, seconds / slices);
        }
    }
    void add_to(record& line, const std::string& prefix) const {
        line.add(prefix + "pairs_per_s", median(ours.pairs_per_s), 0);
        line.add(prefix + "p50_us", median(ours.p50_us), 1);
        line.add(prefix + "p99_us", ours.all.microseconds_at(0.99), 1);
        line.add(prefix + "raw_p50_us", median(raw.p50_us), 1);
        line.add(prefix + "latency_to_raw", ours.latency_to(raw), 3);
        if (raw_all.p50_us.empty()) return;
        line.add(prefix + "raw_all_p50_us", median(raw_all.p50_us), 1);
        line.add(prefix + "latency_to_raw_all", ours.latency_to(raw_all), 3);
    }
};

/// The server is well again when this ends, unless it is dead.
class fault {
public:
    explicit fault(const task& what) : victim_(what.victim) {
        ::kill(victim_, what.fault == "kill" ? SIGKILL : SIGSTOP);
    }
    fault(const fault&) = delete;
    fault& operator=(const fault&) = delete;
    ~fault() { ::kill(victim_, SIGCONT); }

private:
    pid_t victim_;
};

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return parts;
}

task read(arguments given) {
    task wanted{.urls = split(given.text("--store")),
                .seconds = given.number("--seconds", 5),
                .fault = given.text("--fault"),
                .victim = given.count("--victim", 0)};
    given.all_read();
    if (wanted.urls.size() < 3) given.refuse("--store wants three URLs or more");
    const bool known = wanted.fault == "kill" || wanted.fault == "freeze";
    if (!wanted.fault.empty() && !known) given.refuse("--fault is kill or freeze");
    if (wanted.fault.empty() != (wanted.victim == 0))
        given.refuse("--fault and --victim belong together");
    return wanted;
}

int run(const task& what) {
    workers who(what.urls);
    record line("quorum");
    line.add("nodes", static_cast<int>(what.urls.size()));
    comparison well;
    well.measure(who, what.seconds, true);
    well.add_to(line, "");
    if (!what.fault.empty()) {
        const fault one(what);
        comparison ill;
        ill.measure(who, what.seconds, false);
        line.add("fault", what.fault);
        ill.add_to(line, "fault_");
        line.add("fault_to_none", median(ill.ours.p50_us) / median(well.ours.p50_us), 3);
        line.add("raw_fault_to_none", median(ill.raw.p50_us) / median(well.raw.p50_us), 3);
    }
    line.add("failed", who.ours.failed()).print();
    return who.ours.failed() == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
    try {
        return run(read({count, values,
                         "quorum --store URL,URL,URL [--seconds S] "
                         "[--fault kill|freeze --victim PID]"}));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "quorum: %s\n", problem.what());
        return 1;
    }
}
