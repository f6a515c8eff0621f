// SPDX-License-Identifier: BSL-1.0
//
// The question: how many ranges a second can clients hold and release on one key, among so many
// holds that are there already, and how far is that from what the store's script or statements can
// do without us? Prints a JSON object on standard output.
//
// Clients are threads of one process. Ours share one locker; the limit has a connection for each.
// With --small, a second store of the kind has 1,000 holds only, and is measured in turn with the
// first: `time_to_small` says how many times as long a set takes among all of them. Ours, that and
// the limit take five slices each in turn; told are medians. A latency is that of the hold alone;
// each is released before the next. At the end all clients want the same places, and keep what they
// get: `overlaps` says how many were had twice, `deadlocks` how many the server had to break for
// ours, then and before.
#include <holdfast/holdfast.hpp>

#include "arguments.hpp"
#include "bare_ranges.hpp"
#include "measure.hpp"
#include "record.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
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
    std::int64_t longest{0};  ///< ns

    void add(std::int64_t nanoseconds) {
        took.add(nanoseconds);
        longest = std::max(longest, nanoseconds);
    }
    void add(const tally& other) {
        sets += other.sets;
        failed += other.failed;
        took.add(other.took);
        longest = std::max(longest, other.longest);
    }
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
        done.add(nanoseconds_now() - begin);
        ++done.sets;
        if (!held || !release()) ++done.failed;
    }
}

holdfast::range_options how() {
    holdfast::range_options options;
    options.ttl = std::chrono::milliseconds(ranges_ttl_ms);
    return options;
}

/// A store with holds in it, and who uses it.
class side {
public:
    explicit side(const task& what) : what_(what), ranges_(what.url) {
        static_cast<void>(ranges_.hold(ranges_key, -2, -1, how()));  // Makes what is missing.
        const double before = server_bytes(what.url);
        for (int i = 0; i < what.clients; ++i) {
            if (auto one = make_bare_ranges(what.url, i)) bare_.push_back(std::move(one));
            where_.emplace_back(what, i);
        }
        if (bare_.empty() || !bare_[0]->fill(what.live)) fill();
        bytes_ = (server_bytes(what.url) - before) / what.live;
    }

    [[nodiscard]] bool has_limit() const { return !bare_.empty(); }
    /// @return What the server keeps for a hold; 0 if it does not tell.
    [[nodiscard]] double bytes() const { return bytes_; }

    /// @return Sets a second: ours, and of the limit.
    double ours(tally& all) {
        return measure(all, [this](std::size_t i, std::int64_t until, tally& done) {
            use(where_[i], until, done);
        });
    }
    double limit(tally& all) {
        return measure(all, [this](std::size_t i, std::int64_t until, tally& done) {
            bare_ranges& line = *bare_[i];
            const auto hold = [&](std::int64_t start) {
                line.hold(start, start + 1);
                return true;
            };
            const auto release = [&] {
                line.release();
                return true;
            };
            work(where_[i], until, done, hold, release);
        });
    }

    /// All clients want the same places at once. @param failed  What was neither had nor taken.
    /// @return How many were had more than once.
    std::uint64_t overlaps(std::uint64_t& failed) {
        std::vector<std::vector<std::int64_t>> had(where_.size());
        std::vector<std::vector<holdfast::range_guard>> kept(where_.size());
        std::atomic<std::uint64_t> errors{0};
        {
            std::vector<std::jthread> running;
            for (std::size_t i = 0; i < where_.size(); ++i)
                running.emplace_back([&, i] { errors += race(had[i], kept[i]); });
        }
        std::vector<int> times(race_places);
        for (const auto& some : had)
            for (const std::int64_t place : some) ++times[static_cast<std::size_t>(place)];
        failed += errors + static_cast<std::uint64_t>(std::count(times.begin(), times.end(), 0));
        return static_cast<std::uint64_t>(
            std::count_if(times.begin(), times.end(), [](int had_by) { return had_by > 1; }));
    }

private:
    static constexpr std::int64_t race_places = 300;

    /// @return How often it was told neither yes nor that somebody else has it.
    std::uint64_t race(std::vector<std::int64_t>& had, std::vector<holdfast::range_guard>& kept) {
        std::uint64_t errors = 0;
        for (std::int64_t place = 0; place < race_places; ++place) {
            auto got = ranges_.hold(ranges_key, 2 * place + 1, 2 * place + 2, how());
            if (got) {
                had.push_back(place);
                kept.push_back(std::move(*got));
            } else if (got.error().code != holdfast::errc::contended) {
                ++errors;
            }
        }
        return errors;
    }
    void fill() {
        holdfast::range_options options = how();
        options.ttl = holdfast::ttl_max;
        for (std::int64_t done = 0; done < what_.live;) {
            std::vector<holdfast::range_request> some;
            for (; done < what_.live && some.size() < 64; ++done)
                some.push_back({.key = ranges_key, .start = 2 * done, .end = 2 * done + 1});
            auto held = ranges_.hold_all(some, options);
            if (!held) throw std::runtime_error(held.error().message());
            for (auto& one : *held) static_cast<void>(one.hand_over());
        }
    }
    void use(places& where, std::int64_t until, tally& done) {
        const holdfast::range_options options = how();
        holdfast::range_guard held;
        const auto hold = [&](std::int64_t start) {
            auto got = ranges_.hold(ranges_key, start, start + 1, options);
            if (got) held = std::move(*got);
            return got.has_value();
        };
        const auto release = [&] { return held.release().has_value(); };
        work(where, until, done, hold, release);
    }
    /// Runs `client(number, until, tally)` on a thread each. @return What they did, a second.
    template <class Client>
    double measure(tally& all, Client client) {
        std::vector<std::unique_ptr<tally>> each;
        for (int i = 0; i < what_.clients; ++i) each.push_back(std::make_unique<tally>());
        const std::int64_t begin = nanoseconds_now();
        const std::int64_t until = begin + static_cast<std::int64_t>(what_.seconds / slices * 1e9);
        {
            std::vector<std::jthread> running;
            for (std::size_t i = 0; i < each.size(); ++i)
                running.emplace_back([&, i] { client(i, until, *each[i]); });
        }
        const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
        tally these;
        for (const auto& one : each) these.add(*one);
        all.add(these);
        return static_cast<double>(these.sets) / passed;
    }

    task what_;
    holdfast::range_locker ranges_;
    std::vector<std::unique_ptr<bare_ranges>> bare_;
    std::vector<places> where_;
    double bytes_{0};
};

int run(const task& what, const std::string& small_url) {
    side store(what);
    std::unique_ptr<side> small;
    if (!small_url.empty())
        small = std::make_unique<side>(task{small_url, 1'000, what.clients, what.seconds});
    std::vector<double> sets, ratios, times;
    tally all, reached, beside;
    std::int64_t deadlocks = 0;
    for (int i = 0; i < slices; ++i) {
        const double possible = store.has_limit() ? store.limit(reached) : 0;
        const auto before = server_deadlocks(what.url);
        sets.push_back(store.ours(all));
        if (before) deadlocks += *server_deadlocks(what.url) - *before;
        if (possible > 0) ratios.push_back(sets.back() / possible);
        if (small) times.push_back(small->ours(beside) / sets.back());
    }
    const auto before = server_deadlocks(what.url);
    const std::uint64_t overlaps = store.overlaps(all.failed);
    if (before) deadlocks += *server_deadlocks(what.url) - *before;
    record line("ranges");
    line.add("store", std::string_view(what.url).substr(0, what.url.find(':')));
    line.add("live", what.live).add("clients", what.clients).add("sets_per_s", median(sets), 0);
    line.add("p50_us", all.took.microseconds_at(0.5), 1);
    line.add("p99_us", all.took.microseconds_at(0.99), 1);
    line.add("max_ms", static_cast<double>(all.longest) / 1e6, 1);
    if (!ratios.empty()) {
        line.add("bare_sets_per_s", median(sets) / median(ratios), 0);
        line.add("ratio_to_bare", median(ratios), 3);
        line.add("bare_p50_us", reached.took.microseconds_at(0.5), 1);
    }
    if (small) {
        line.add("time_to_small", median(times), 3);
        line.add("small_p50_us", beside.took.microseconds_at(0.5), 1);
    }
    line.add("overlaps", static_cast<double>(overlaps), 0);
    if (before) line.add("deadlocks", static_cast<double>(deadlocks), 0);
    // Among few holds, what the server keeps for itself and for connections weighs more.
    if (store.bytes() > 0 && what.live >= 100'000) line.add("bytes_per_hold", store.bytes(), 0);
    line.print();
    if (all.failed == 0) return 0;
    std::fprintf(stderr, "%llu operations failed\n", static_cast<unsigned long long>(all.failed));
    return 1;
}

}  // namespace

int main(int count, char** values) try {
    arguments given(count, values,
                    "ranges --store URL [--small URL] [--live N] [--clients N] [--seconds S]");
    const task wanted{.url = given.text("--store"),
                      .live = given.count("--live", 1'000),
                      .clients = given.count("--clients", 1),
                      .seconds = given.number("--seconds", 5)};
    const std::string small = given.text("--small");
    given.all_read();
    if (wanted.url.empty()) given.refuse("--store is missing");
    return run(wanted, small);
} catch (const std::exception& wrong) {
    std::fprintf(stderr, "ranges: %s\n", wrong.what());
    return 1;
}
