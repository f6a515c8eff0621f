// SPDX-License-Identifier: BSL-1.0
//
// What it is: real processes take, keep, lose and give back locks of a master that sentinels watch,
// or of a cluster, while masters are killed again and again; then what they did is judged, as in
// the soak. F4, F5, F6.
//
//   test_chaos_failover [--failovers N] [--durability replicated|none] [--cut yes|no]
//                       [--cluster yes|no] [--seed S]
//
// With `--cut yes` the replicas are cut off first, so that what is written then is lost. With
// `--durability none` nothing but the signals of losses is judged: that two may hold a lock then
// is documented. In a cluster slots move as well, and operators ask for failovers.
#include <holdfast/holdfast.hpp>

#include "chaos/soak/checker.hpp"
#include "chaos/soak/counter.hpp"
#include "chaos/soak/nemesis.hpp"
#include "chaos/soak/worker.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"
#include "support/redis_cluster.hpp"
#include "support/sentinel_set.hpp"
#include "support/temp_dir.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::soak {
namespace {

using namespace std::chrono_literals;

constexpr unsigned worker_count = 8;
constexpr std::int64_t ns_per_ms = 1'000'000;

struct failover_options {
    unsigned failovers{10};
    bool replicated{true};
    bool cut{false};
    bool cluster{false};
    std::uint64_t seed{1};
};

/// What is done to servers.
class victims {
public:
    victims() = default;
    victims(const victims&) = delete;
    victims& operator=(const victims&) = delete;
    virtual ~victims() = default;

    [[nodiscard]] virtual std::string url() const = 0;
    /// Before the kill.
    virtual void prepare() = 0;
    /// Kills a master.
    virtual void kill() = 0;
    /// Waits until there is another.
    virtual void await_other() = 0;
    /// Makes all whole again.
    virtual void mend() = 0;
};

class behind_sentinels final : public victims {
public:
    explicit behind_sentinels(bool cut) : cut_(cut) {}
    [[nodiscard]] std::string url() const override { return all_.url(); }
    void prepare() override {
        if (!cut_) return;
        all_.cut_off_replicas();
        // So long that some who hold a lock then have it from this time.
        static_cast<void>(test::poll_until([] { return false; }, 1500ms));
    }
    void kill() override { dead_ = all_.kill_master(); }
    void await_other() override { static_cast<void>(all_.await_master_after(dead_)); }
    void mend() override {
        all_.rejoin(dead_);
        all_.await_whole();
    }

private:
    bool cut_;
    test::sentinel_set all_;
    std::size_t dead_{0};
};

class in_a_cluster final : public victims {
public:
    [[nodiscard]] std::string url() const override { return all_.url(); }
    /// Moves the slot of one name, and makes the replica of another's master a master.
    void prepare() override {
        const std::string moved = key_of(turn_);
        std::size_t to = all_.master_of(key_of(turn_ + 1));
        if (to == all_.master_of(moved)) to = all_.master_of(key_of(turn_ + 2));
        if (to != all_.master_of(moved)) all_.move_slot(moved, to);
        static_cast<void>(all_.fail_over(key_of(turn_ + 3)));
        all_.await_well();
    }
    void kill() override {
        dead_ = all_.master_of(key_of(turn_));
        all_.server(dead_).kill();
    }
    void await_other() override {
        static_cast<void>(all_.await_master_after(key_of(turn_), dead_));
    }
    void mend() override {
        all_.server(dead_).restart();
        all_.await_well();
        ++turn_;
    }

private:
    [[nodiscard]] static std::string key_of(unsigned number) {
        return redis::lock_key(lock_name(number % names_a_store));
    }

    test::redis_cluster all_;
    std::size_t dead_{0};
    unsigned turn_{0};
};

std::unique_ptr<victims> victims_of(const failover_options& options) {
    if (options.cluster) return std::make_unique<in_a_cluster>();
    return std::make_unique<behind_sentinels>(options.cut);
}

/// Everything that there is while it runs.
class stage {
public:
    explicit stage(const failover_options& options)
        : options_(options), counters_(directory_ / "counters") {
        url_ = servers_->url();
        if (options_.replicated) url_ += "?durability=replicated&longest_ttl_ms=3000";
    }

    int run() {
        for (unsigned i = 0; i < worker_count; ++i) {
            workers_.push_back(std::make_unique<worker_process>());
            workers_.back()->orders = {i, 0, options_.seed, directory_.path(), {url_}};
            workers_.back()->start();
        }
        await_progress();
        for (unsigned i = 0; i < options_.failovers; ++i) fail_over();
        all_.calm_from = now_ns() + 2'000 * ns_per_ms;
        end_workers();
        judge();
        print();
        return violations_.empty() ? 0 : 1;
    }

private:
    void violated(std::string what) { violations_.push_back(std::move(what)); }
    void await_progress();
    void fail_over();
    void end_workers();
    void judge();
    void judge_losses(const client_history& client);
    void print() const;

    failover_options options_;
    test::temp_dir directory_;
    counter_server counters_;
    std::unique_ptr<victims> servers_ = victims_of(options_);
    std::string url_;
    std::vector<std::unique_ptr<worker_process>> workers_;
    std::vector<std::int64_t> killed_at_;
    std::vector<std::int64_t> promoted_at_;
    case_file all_;
    verdict found_;
    std::int64_t latest_ns_{0};  ///< The last loss by a failover, behind the promotion.
    std::vector<std::string> violations_;
};

// A lock of its own is had, now, by the same rules as theirs.
void stage::await_progress() {
    locker locks(url_, {.timeout = 2s});
    auto held = locks.acquire("progress", {.ttl = 3s, .wait = 60s});
    if (!held)
        violated("I10: " + held.error().message());
    else
        static_cast<void>(held->release());
}

void stage::fail_over() {
    // Some time in which locks are taken, another one each time.
    const auto pause = 500ms + (options_.seed * 977 + killed_at_.size() * 613) % 1000 * 1ms;
    static_cast<void>(test::poll_until([] { return false; }, pause));
    servers_->prepare();
    killed_at_.push_back(now_ns());
    servers_->kill();
    servers_->await_other();
    promoted_at_.push_back(now_ns());
    // In a cluster the new master had the only replica.
    if (!options_.cluster) await_progress();
    servers_->mend();
    if (options_.cluster) await_progress();
}

void stage::end_workers() {
    for (const auto& one : workers_) one->process.signal(SIGTERM);
    for (const auto& one : workers_) {
        std::optional<int> how;
        static_cast<void>(test::poll_until([&] { return bool(how = one->process.ended()); }, 40s));
        if (how != 0) violated("I9: a worker did not end as it should");
    }
}

// Whose lock the next master does not know is told with the next renewal that reaches it.
void stage::judge_losses(const client_history& client) {
    for (const record& one : client.records) {
        const auto reason = static_cast<lost_reason>(one.reason);
        const bool by_failover = one.what == action::lose &&
                                 (reason == lost_reason::deleted || reason == lost_reason::taken);
        const auto after = std::ranges::upper_bound(promoted_at_, one.completed);
        if (!by_failover || after == promoted_at_.begin()) continue;
        const std::int64_t late = one.completed - *std::prev(after);
        latest_ns_ = std::max(latest_ns_, late);
        const std::int64_t allowed = one.ttl_ms / 3 + call_ms + all_.slack_ms;
        if (late > allowed * ns_per_ms)
            violated("I3: " + client.name + " was told " + std::to_string(late / ns_per_ms) +
                     " ms after the promotion");
    }
}

void stage::judge() {
    all_.call_ms = call_ms;
    all_.slack_ms = 1500;
    all_.wake_ms = 3000;
    for (const auto& one : std::filesystem::directory_iterator(directory_.path())) {
        const std::string name = one.path().filename();
        int process = 0;
        if (std::sscanf(name.c_str(), "history-%d-", &process) != 1) continue;
        all_.clients.push_back({process, name, read_history(one.path())});
    }
    found_ = check(all_);
    for (const client_history& client : all_.clients) judge_losses(client);
    // A lock may be lost in a failover before its time: I5 is about servers that stay.
    const auto counts = [&](const std::string& what) {
        const bool exclusion = what.starts_with("I1:") || what.starts_with("I2:");
        return !what.starts_with("I5:") && (options_.replicated || !exclusion);
    };
    for (const std::string& what : found_.violations)
        if (counts(what)) violated(what);
    if (found_.cycles == 0) violated("history: nobody ever held anything");
    counters_.stop();
    for (const counter& one : counters_.counters())
        if (options_.replicated && one.value != one.accepted)
            violated("I12: a counter stands at " + std::to_string(one.value) + " after " +
                     std::to_string(one.accepted) + " writes");
}

void stage::print() const {
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < killed_at_.size(); ++i)
        longest = std::max(longest, promoted_at_[i] - killed_at_[i]);
    std::printf(
        "failovers %zu, the longest %lld ms; %llu cycles, %llu losses, %llu writes, %llu "
        "refused by token; the latest loss told %lld ms after a promotion; %zu violations\n",
        killed_at_.size(), static_cast<long long>(longest / ns_per_ms),
        static_cast<unsigned long long>(found_.cycles),
        static_cast<unsigned long long>(found_.losses),
        static_cast<unsigned long long>(found_.writes),
        static_cast<unsigned long long>(found_.stale_writes),
        static_cast<long long>(latest_ns_ / ns_per_ms), violations_.size());
    std::size_t twice = 0;
    for (const std::string& what : found_.violations) twice += what.starts_with("I1:") ? 1U : 0U;
    if (!options_.replicated) std::printf("held twice, as may be: %zu\n", twice);
    for (const std::string& one : violations_) std::printf("%s\n", one.c_str());
}

failover_options options_of(const std::vector<std::string>& words) {
    failover_options options;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string& value = words.at(i + 1);
        if (words[i] == "--failovers")
            options.failovers = static_cast<unsigned>(std::stoul(value));
        else if (words[i] == "--durability")
            options.replicated = value == "replicated";
        else if (words[i] == "--cut")
            options.cut = value == "yes";
        else if (words[i] == "--cluster")
            options.cluster = value == "yes";
        else if (words[i] == "--seed")
            options.seed = std::stoull(value);
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
        std::fprintf(stderr, "failover: %s\n", error.what());
        return 2;
    }
}
