// SPDX-License-Identifier: BSL-1.0
//
// The one thing that locks are for: originals and facades, a process each, increment a number in a
// file that nothing protects but their lock.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>

#include "interop/node_peer.hpp"
#include "interop/stage.hpp"
#include "support/child_process.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <stdexcept>
#include <thread>

namespace holdfast::test {
namespace {

/// Nothing that is held for a moment runs out, whatever the machine has to do.
constexpr milliseconds counter_ttl = 150s;
/// Shorter ones are no faster: who polls takes the processor from who works.
constexpr milliseconds delay = 5ms;
constexpr milliseconds jitter = 2ms;
constexpr int peers = 4;     ///< Node processes.
constexpr int children = 4;  ///< Processes of ours.

/// A number that forked children share.
class shared_number {
public:
    shared_number() {
        void* const page = ::mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) throw std::bad_alloc();
        number_ = new (page) std::atomic<long>(0);
    }
    shared_number(const shared_number&) = delete;
    shared_number& operator=(const shared_number&) = delete;
    ~shared_number() { ::munmap(number_, sizeof *number_); }
    std::atomic<long>& operator*() const noexcept { return *number_; }

private:
    std::atomic<long>* number_;
};

/// Waits for the lock, runs the work, releases. @return Whether the lock was held until then.
using under_lock = std::function<bool(const std::function<void()>& work)>;

under_lock lock_of(package which, const names& urls, const std::string& name) {
    if (is_redlock(which)) {
        const auto locks = std::make_shared<compat::redlock>(
            urls, compat::redlock_options{
                      .retry_count = -1, .retry_delay = delay, .retry_jitter = jitter});
        return [locks, name](const auto& work) {
            auto held = locks->lock(name, counter_ttl).value();
            work();
            return held.expiration() > boot_clock::now() && held.unlock().has_value();
        };
    }
    if (which == package::warlock) {
        const auto locks = std::make_shared<compat::warlock>(urls.front());
        return [locks, name](const auto& work) {
            const auto held = locks->optimistic(name, counter_ttl, 1'000'000'000, delay).value();
            work();
            return held.unlock().value() == 1;
        };
    }
    const auto locks = std::make_shared<compat::dist_lock>(
        urls.front(), compat::dist_lock_options{.ttl = counter_ttl, .retry_delay = delay});
    return [locks, name](const auto& work) {
        auto held = locks->acquire(name, "C++").value();
        work();
        return held.value().release().value();
    };
}

boost::json::object node_options(package which) {
    if (is_redlock(which)) return {{"retryJitter", jitter.count()}};
    if (which == package::warlock) return {{"suffix", ":lock"}};
    return {{"ttl", counter_ttl.count()}, {"retryDelay", delay.count()}};
}

// @return The number; 0 if there is none. @param by_node  Whether Node wrote it: without a newline.
long read_number(const std::string& path, bool* by_node = nullptr) {
    std::ifstream file(path);
    long number = 0;
    file >> number;
    if (by_node != nullptr) *by_node = file.peek() == std::ifstream::traits_type::eof();
    return number;
}

/// A race for one counter.
class counter : public interop_test {
protected:
    [[nodiscard]] std::string path() const { return stage_->server(0).directory() + "/counter"; }

    /// One of our processes. @return 0 if each lock was held until its release.
    int increment(const std::string& name, int times, const child_process::line& parent) const {
        const under_lock run = lock_of(GetParam().which, stage_->urls(), name);
        int late = 0;
        parent.tell();
        parent.hear();
        for (int done = 0; done < times; ++done)
            if (!run([&] {
                    bool by_node = false;
                    const long seen = read_number(path(), &by_node);
                    if (by_node) ++*from_node_;
                    std::this_thread::yield();
                    std::ofstream(path(), std::ios::trunc) << seen + 1 << '\n';
                }))
                ++late;
        return late == 0 ? 0 : 1;
    }

    /// All of them, so often each; our processes lock `our_name`, Node's `node_name`.
    void race(int times, const std::string& our_name, const std::string& node_name,
              milliseconds pause = 0ms) {
        std::ofstream(path()) << 0 << '\n';
        std::vector<std::unique_ptr<child_process>> ours;
        for (int i = 0; i < children; ++i)
            ours.push_back(std::make_unique<child_process>(
                [&](const auto& parent) { return increment(our_name, times, parent); }));
        std::vector<std::unique_ptr<node_peer>> originals;
        for (int i = 0; i < peers; ++i) {
            originals.push_back(std::make_unique<node_peer>(
                std::string(to_string(GetParam().which)), stage_->node_urls()));
            originals.back()->demand("configure", node_options(GetParam().which));
        }
        for (const auto& one : ours) ASSERT_EQ(one->parent_line().hear(), '.');
        const boost::json::object task{{"name", node_name},
                                       {"file", path()},
                                       {"times", times},
                                       {"ttl", counter_ttl.count()},
                                       {"retryDelay", delay.count()},
                                       {"pause", pause.count()}};
        std::vector<std::int64_t> requests;
        for (const auto& one : originals) requests.push_back(one->send("count", task));
        for (const auto& one : ours) one->parent_line().tell();
        for (int i = 0; i < peers; ++i) {
            const auto index = static_cast<std::size_t>(i);
            const auto answer = originals[index]->receive(requests[index], 170s);
            ASSERT_EQ(answer.at("ok"), true) << originals[index]->complaints();
            EXPECT_EQ(answer.at("done"), times);
            EXPECT_EQ(answer.at("late"), 0);
        }
        for (const auto& one : ours) EXPECT_EQ(one->wait(), 0);
        for (const auto& one : originals) EXPECT_EQ(one->end(), 0) << one->complaints();
    }

    /// @return What is still there, server by server.
    [[nodiscard]] std::string left_of(const std::string& name) const {
        std::string all;
        for (std::size_t i = 0; i < GetParam().servers; ++i)
            all += "server " + std::to_string(i) + ": " +
                   stage_->text(i, {"GET", stage_->key_of(name)}) + '\n';
        return all;
    }

    shared_number from_node_;  ///< How often one of ours found a number that Node had written.
};
INSTANTIATE_TEST_SUITE_P(
    interop, counter,
    testing::Values(setting{package::redlock_4, 1}, setting{package::redlock_4, 3},
                    setting{package::redlock_5, 1}, setting{package::redlock_5, 3},
                    setting{package::warlock}, setting{package::dist_lock_2}),
    [](const auto& one) {
        return std::string(to_string(one.param.which)) + "_on_" + std::to_string(one.param.servers);
    });

TEST_P(counter, loses_no_increment) {
    const char* const wanted = std::getenv("HOLDFAST_INCREMENTS");
    const int all = wanted == nullptr ? 2'000 : std::atoi(wanted);
    // Several servers take several times as long.
    const int times = (GetParam().servers == 1 ? all : all / 4) / (peers + children);
    race(times, "counter", "counter");
    EXPECT_EQ(read_number(path()), times * (peers + children));
    EXPECT_TRUE(stage_->gone_everywhere("counter")) << left_of("counter");
    // Else they worked one after the other, and it was no race.
    EXPECT_GT(*from_node_, times / 20) << "the lock hardly went from Node to C++";
    RecordProperty("handed_over_by_node", static_cast<int>(*from_node_));
}

// Why: a race that cannot be lost shows nothing. How: the same, but the two sides lock two names.
TEST_P(counter, loses_increments_where_the_names_differ) {
    constexpr int times = 60;
    race(times, "counter", "another counter", 1ms);
    EXPECT_LT(read_number(path()), times * (peers + children));
}

}  // namespace
}  // namespace holdfast::test
