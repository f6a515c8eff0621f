// SPDX-License-Identifier: BSL-1.0
//
// What it is: the soak: real processes take, keep, lose and give back locks over one, three and
// five Redis servers, a MariaDB server and an SQLite file, while a nemesis acts; then what they did
// is judged.
// docs/internals/soak.md says what is checked and how to read the table.
//
//   test_chaos_soak [--seconds N] [--seed S] [--workers N]
//
// Without --seed it is HOLDFAST_EXPLORE_SEED, or drawn.
#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>

#include "chaos/several.hpp"
#include "chaos/soak/checker.hpp"
#include "chaos/soak/counter.hpp"
#include "chaos/soak/nemesis.hpp"
#include "chaos/soak/worker.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace holdfast::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds calm{5};

std::uint64_t seed_by_default() {
    const char* const given = std::getenv("HOLDFAST_EXPLORE_SEED");
    return given ? std::stoull(given) : std::random_device{}();
}

struct soak_options {
    std::int64_t seconds{60};
    std::uint64_t seed{seed_by_default()};
    unsigned workers{4};
};

/// Everything that there is while it runs.
class stage {
public:
    explicit stage(const soak_options& options) : options_(options), counters_(counters_path()) {
        for (const std::size_t count : {1U, 3U, 5U})
            groups_.push_back(std::make_unique<server_group>(count, start_redis, "server"));
        groups_.push_back(std::make_unique<server_group>(1, start_mariadb, "database"));
        for (const auto& one : groups_) stores_.push_back(one->urls());
        stores_.push_back("sqlite:" + directory_ + "/locks.db");
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;
    ~stage() {
        workers_.clear();
        if (failed_) return;  // The histories are wanted.
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    int run() {
        for (unsigned i = 0; i < options_.workers; ++i) {
            workers_.push_back(std::make_unique<worker_process>());
            workers_.back()->orders = {i, 0, options_.seed, directory_, stores_};
            workers_.back()->start();
        }
        nemesis bad(groups_, workers_, options_.seed);
        const std::int64_t begin = now_ns();
        bad.run_until(begin + options_.seconds * 1'000'000'000);
        all_.calm_from = now_ns() + 2'000'000'000;  // What was begun before is over by then.
        static_cast<void>(test::poll_until([] { return false; }, calm));
        end_workers();
        take_everything_once();
        look_for_leftovers();
        judge_histories(bad);
        print_table(bad, (now_ns() - begin) / 1'000'000'000);
        return failed_ ? 1 : 0;
    }

private:
    std::string counters_path() {
        std::string pattern = std::filesystem::temp_directory_path() / "holdfast-soak-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
        directory_ = pattern;
        return directory_ + "/counters";
    }
    void violated(std::string what) { violations_.push_back(std::move(what)); }

    void end_workers();
    void take_everything_once();
    void look_for_leftovers();
    void look_at(const victim& one, const std::string& name);
    void judge_histories(const nemesis& bad);
    void judge_counters();
    void look_for_idle_stores();
    void print_table(const nemesis& bad, std::int64_t seconds);

    soak_options options_;
    std::string directory_;
    counter_server counters_;
    std::vector<std::unique_ptr<server_group>> groups_;
    std::vector<std::string> stores_;
    std::vector<std::unique_ptr<worker_process>> workers_;
    case_file all_;
    verdict found_;
    std::vector<std::string> violations_;
    int left_locks_{0};
    int left_connections_{0};
    int left_subscriptions_{0};
    bool failed_{false};
};

void stage::end_workers() {
    for (const auto& one : workers_) one->process.signal(SIGTERM);
    for (const auto& one : workers_) {
        std::optional<int> how;
        static_cast<void>(test::poll_until([&] { return bool(how = one->process.ended()); }, 40s));
        if (how != 0)
            violated("I9: worker " + std::to_string(one->orders.process) +
                     (how ? " ended with " + std::to_string(*how) : " did not end"));
    }
    workers_.clear();
}

// I10: when nobody does anything to anybody, every lock can be had.
void stage::take_everything_once() {
    for (std::size_t store = 0; store < stores_.size(); ++store) {
        std::vector<std::string> urls;
        std::istringstream list(stores_[store]);
        for (std::string url; list >> url;) urls.push_back(url);
        locker locks = urls.size() == 1 ? locker(urls.front()) : test::open_quorum(urls);
        for (unsigned name = 0; name < names_a_store; ++name) {
            auto held = locks.acquire(lock_name(name), {.ttl = 5s, .wait = 10s});
            if (!held)
                violated("I10: " + lock_name(name) + " on store " + std::to_string(store) + ": " +
                         held.error().message());
            else if (const auto released = held->release(); !released)
                violated("I10: release: " + released.error().message());
        }
    }
}

// I7 and the servers' part of I11: nothing is left but counters, which expire by themselves.
void stage::look_for_leftovers() {
    for (const auto& group : groups_)
        for (std::size_t i = 0; i < group->members.size(); ++i)
            look_at(*group->members[i], group->kind + " " + std::to_string(i + 1) + " of " +
                                            std::to_string(group->members.size()));
    const auto listed = locker(stores_.back()).list();
    if (!listed || !listed->empty()) violated("I7: the file still holds locks");
}

void stage::look_at(const victim& one, const std::string& name) {
    leftovers left;
    static_cast<void>(test::poll_until(
        [&] {
            left = one.server->look();
            return left.locks == 0 && left.connections == 0;
        },
        5s));
    left_locks_ += left.locks;
    left_connections_ += left.connections;
    left_subscriptions_ += left.subscriptions;
    if (left.locks != 0)
        violated("I7: " + name + " keeps " + std::to_string(left.locks) + " locks, such as " +
                 left.example);
    if (left.connections != 0)
        violated("I11: " + name + " keeps " + std::to_string(left.connections) + " connections");
    if (left.subscriptions != 0)
        violated("I11: " + name + " keeps " + std::to_string(left.subscriptions) +
                 " subscriptions");
}

void stage::judge_histories(const nemesis& bad) {
    all_.standstills = bad.standstills();
    all_.deletions = bad.deletions();
    all_.call_ms = call_ms;
    all_.slack_ms = 1500;
    all_.wake_ms = 3000;
    for (const auto& one : std::filesystem::directory_iterator(directory_)) {
        const std::string name = one.path().filename();
        int process = 0;
        if (std::sscanf(name.c_str(), "history-%d-", &process) != 1) continue;
        all_.clients.push_back({process, name, read_history(one.path())});
    }
    found_ = check(all_);
    for (const std::string& crash : bad.crashes()) violated("crash: " + crash);
    judge_counters();
    violations_.insert(violations_.end(), found_.violations.begin(), found_.violations.end());
    look_for_idle_stores();
    failed_ = !violations_.empty();
    if (failed_) std::ofstream(directory_ + "/diary") << bad.diary();
}

// I12: each write that was accepted has counted, and each that a client knows of was accepted.
void stage::judge_counters() {
    counters_.stop();
    for (const counter& one : counters_.counters())
        if (one.value != one.accepted)
            violated("I12: a counter stands at " + std::to_string(one.value) + " after " +
                     std::to_string(one.accepted) + " writes");
    for (const client_history& client : all_.clients) {
        unsigned process = 0;
        unsigned life = 0;
        unsigned store = 0;
        if (std::sscanf(client.name.c_str(), "history-%u-%u-%u", &process, &life, &store) != 3)
            continue;
        std::uint64_t known = 0;
        std::uint64_t unknown = 0;
        for (const record& one : client.records) {
            if (one.what != action::write) continue;
            known += one.how == outcome::ok ? 1 : 0;
            unknown += one.how == outcome::unknown ? 1 : 0;
        }
        const auto at = counters_.accepted().find(client_number(
            {.process = process, .life = life, .seed = 0, .directory = {}, .stores = {}}, store));
        const std::uint64_t counted = at == counters_.accepted().end() ? 0 : at->second;
        if (counted < known || counted > known + unknown)
            violated("I12: " + client.name + " wrote " + std::to_string(known) + " times, and " +
                     std::to_string(unknown) + " times perhaps; " + std::to_string(counted) +
                     " were counted");
    }
}

// Where nothing was held, nothing was tried.
void stage::look_for_idle_stores() {
    if (found_.cycles == 0) violated("history: nobody ever held anything");
    if (options_.seconds < 60) return;
    for (std::size_t store = 0; store < stores_.size(); ++store) {
        std::uint64_t writes = 0;
        for (std::size_t name = 0; name < names_a_store; ++name)
            writes += counters_.counters()[store * names_a_store + name].value;
        if (writes == 0) violated("history: nobody held anything on store " + stores_[store]);
    }
}

void stage::print_table(const nemesis& bad, std::int64_t seconds) {
    std::uint64_t faults = 0;
    for (const auto& [kind, count] : bad.done()) faults += static_cast<std::uint64_t>(count);
    std::uint64_t counted = 0;
    for (const counter& one : counters_.counters()) counted += one.value;
    std::printf("\nseed                     %llu\n",
                static_cast<unsigned long long>(options_.seed));
    const auto line = [](const char* what, const auto& value) {
        std::ostringstream text;
        text << value;
        std::printf("%-24s %s\n", what, text.str().c_str());
    };
    line("seconds", seconds);
    line("lock cycles", found_.cycles);
    line("refused", found_.refusals);
    line("store errors", found_.errors);
    line("outcomes unknown", found_.unknown);
    line("losses", found_.losses);
    for (const auto& [reason, count] : found_.losses_by_reason)
        line(("  " + std::string(to_string(static_cast<lost_reason>(reason)))).c_str(), count);
    line("latest loss signal, ms",
         found_.latest_loss_ns == INT64_MIN
             ? std::string("none")
             : std::to_string(found_.latest_loss_ns / 1'000'000) + " after the end of validity");
    if (found_.latest_loss_ns > 0) line("  which is", found_.latest_loss);
    line("longest call, ms",
         std::to_string(found_.longest_call_ns / 1'000'000) + " more than it may take");
    line("guarded writes", found_.writes);
    line("  counted", counted);
    line("  refused by token", found_.stale_writes);
    line("  of those killed", found_.writes_unknown);
    line("faults", faults);
    for (const auto& [kind, count] : bad.done()) line(("  " + kind).c_str(), count);
    line("left: locks", left_locks_);
    line("left: connections", left_connections_);
    line("left: subscriptions", left_subscriptions_);
    line("violations", violations_.size());
    for (const std::string& one : violations_) std::printf("%s\n", one.c_str());
    if (failed_)
        std::printf("histories and diary: %s\nagain: test_chaos_soak --seconds %lld --seed %llu\n",
                    directory_.c_str(), static_cast<long long>(options_.seconds),
                    static_cast<unsigned long long>(options_.seed));
}

soak_options options_of(const std::vector<std::string>& words) {
    soak_options options;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const auto value = [&] { return std::stoull(words.at(i + 1)); };
        if (words[i] == "--seconds")
            options.seconds = static_cast<std::int64_t>(value());
        else if (words[i] == "--seed")
            options.seed = value();
        else if (words[i] == "--workers")
            options.workers = static_cast<unsigned>(value());
        else
            throw std::invalid_argument("what is " + words[i] + "?");
    }
    return options;
}

}  // namespace
}  // namespace holdfast::soak

int main(int argc, char** argv) {
    using namespace holdfast::soak;
    try {
        const std::vector<std::string> words(argv + 1, argv + argc);
        if (!words.empty() && words.front() == "--worker") return run_worker(orders_of(words));
        ::signal(SIGPIPE, SIG_IGN);
        return stage(options_of(words)).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "soak: %s\n", error.what());
        return 2;
    }
}
