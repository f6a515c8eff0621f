// SPDX-License-Identifier: BSL-1.0
//
// The question: how many ranges a second can clients hold and release on one key, among so many
// holds that are there already, and how far is that from what the store's script or statements can
// do without us? Prints a JSON object on standard output.
//
// Each client has a connection of its own. Ours and the limit are measured in turn, five slices
// each; told are medians. What is timed is the hold alone; each is released before the next.
#include <holdfast/holdfast.hpp>

#include "arguments.hpp"
#include "bare_ranges.hpp"
#include "measure.hpp"
#include "record.hpp"

#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace holdfast::bench;

constexpr int slices = 5;

struct task {
    std::string url;
    int live;
    int clients;
    double seconds;
};

/// What one client did.
struct tally {
    std::uint64_t sets{0};
    std::uint64_t failed{0};
    histogram took;
};

/// Free places lie between the holds that are there: those stand on even numbers. Each client has
/// places of its own.
class places {
public:
    places(const task& what, int client)
        : clients_(what.clients),
          client_(client),
          rounds_(std::max(1, what.live / what.clients)),
          random_(static_cast<unsigned>(client) + 1) {}
    std::int64_t next() {
        const auto round = static_cast<std::int64_t>(random_() % static_cast<unsigned>(rounds_));
        return 2 * (round * clients_ + client_) + 1;
    }

private:
    std::int64_t clients_;
    std::int64_t client_;
    std::int64_t rounds_;
    std::mt19937 random_;
};

/// Calls `hold(start)` and `release()` until that time on CLOCK_MONOTONIC.
template <class Hold, class Release>
void work(places& where, std::int64_t until, tally& done, Hold hold, Release release) {
    for (std::int64_t begin = nanoseconds_now(); begin < until; begin = nanoseconds_now()) {
        const bool held = hold(where.next());
        done.took.add(nanoseconds_now() - begin);
        ++done.sets;
        if (!held || !release()) ++done.failed;
    }
}

holdfast::range_options how() {
    holdfast::range_options options;
    options.ttl = std::chrono::milliseconds(ranges_ttl_ms);
    return options;
}

void fill(const task& what) {
    holdfast::range_locker ranges{what.url};
    holdfast::range_options options = how();
    options.ttl = holdfast::ttl_max;
    for (std::int64_t done = 0; done < what.live;) {
        std::vector<holdfast::range_request> some;
        for (; done < what.live && some.size() < 64; ++done)
            some.push_back({.key = ranges_key, .start = 2 * done, .end = 2 * done + 1});
        auto held = ranges.hold_all(some, options);
        if (!held) throw std::runtime_error(held.error().message());
        for (auto& one : *held) static_cast<void>(one.hand_over());
    }
}

/// Runs `client(number, until, tally)` on a thread each. @return What they did, a second.
template <class Client>
double measure(const task& what, Client client, tally& all) {
    std::vector<std::unique_ptr<tally>> each;
    for (int i = 0; i < what.clients; ++i) each.push_back(std::make_unique<tally>());
    const std::int64_t begin = nanoseconds_now();
    const std::int64_t until = begin + static_cast<std::int64_t>(what.seconds / slices * 1e9);
    {
        std::vector<std::jthread> running;
        for (int i = 0; i < what.clients; ++i)
            running.emplace_back([&, i] { client(i, until, *each[static_cast<std::size_t>(i)]); });
    }
    const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
    std::uint64_t sets = 0;
    for (const auto& one : each) {
        sets += one->sets;
        all.failed += one->failed;
        all.took.add(one->took);
    }
    return static_cast<double>(sets) / passed;
}

int run(const task& what) {
    fill(what);
    std::vector<std::unique_ptr<holdfast::range_locker>> lockers;
    std::vector<std::unique_ptr<bare_ranges>> bare;
    std::vector<places> where;
    for (int i = 0; i < what.clients; ++i) {
        lockers.push_back(std::make_unique<holdfast::range_locker>(what.url));
        if (auto one = make_bare_ranges(what.url, i)) bare.push_back(std::move(one));
        where.emplace_back(what, i);
    }
    const auto ours = [&](int i, std::int64_t until, tally& done) {
        const auto index = static_cast<std::size_t>(i);
        const holdfast::range_options options = how();
        holdfast::range_guard held;
        work(
            where[index], until, done,
            [&](std::int64_t start) {
                auto got = lockers[index]->hold(ranges_key, start, start + 1, options);
                if (got) held = std::move(*got);
                return got.has_value();
            },
            [&] { return held.release().has_value(); });
    };
    const auto limit = [&](int i, std::int64_t until, tally& done) {
        const auto index = static_cast<std::size_t>(i);
        work(
            where[index], until, done,
            [&](std::int64_t start) {
                bare[index]->hold(start, start + 1);
                return true;
            },
            [&] {
                bare[index]->release();
                return true;
            });
    };
    std::vector<double> sets, ratios;
    tally all, reached;
    for (int i = 0; i < slices; ++i) {
        const double possible = bare.empty() ? 0 : measure(what, limit, reached);
        sets.push_back(measure(what, ours, all));
        if (possible > 0) ratios.push_back(sets.back() / possible);
    }
    record line("ranges");
    line.add("store", std::string_view(what.url).substr(0, what.url.find(':')));
    line.add("live", what.live).add("clients", what.clients).add("sets_per_s", median(sets), 0);
    line.add("p50_us", all.took.microseconds_at(0.5), 1);
    line.add("p99_us", all.took.microseconds_at(0.99), 1);
    line.add("max_us", all.took.microseconds_at(1), 0);
    if (!ratios.empty()) {
        line.add("ratio_to_bare", median(ratios), 3);
        line.add("bare_p50_us", reached.took.microseconds_at(0.5), 1);
    }
    line.print();
    if (all.failed == 0) return 0;
    std::fprintf(stderr, "%llu operations failed\n", static_cast<unsigned long long>(all.failed));
    return 1;
}

}  // namespace

int main(int count, char** values) try {
    arguments given(count, values, "ranges --store URL [--live N] [--clients N] [--seconds S]");
    const task wanted{.url = given.text("--store"),
                      .live = given.count("--live", 1'000),
                      .clients = given.count("--clients", 1),
                      .seconds = given.number("--seconds", 5)};
    given.all_read();
    if (wanted.url.empty()) given.refuse("--store is missing");
    return run(wanted);
} catch (const std::exception& wrong) {
    std::fprintf(stderr, "ranges: %s\n", wrong.what());
    return 1;
}
