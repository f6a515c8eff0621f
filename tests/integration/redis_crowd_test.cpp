// SPDX-License-Identifier: BSL-1.0
//
// Many who wait for one lock, in several processes: who is woken, what that costs the server, and
// what is left when some of them are killed.
#include <holdfast/async_locker.hpp>
#include <holdfast/redis.hpp>

#include "integration/redis_link.hpp"
#include "redis/keys.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

/// What the processes tell each other: memory that all share.
struct board {
    std::atomic<int> waiting{0};
    std::atomic<int> granted{0};  // Grants so far; the next holder waits ...
    std::atomic<int> allowed{0};  // ... until so many may have been released.
    std::atomic<int> released{0};
    std::atomic<int> holders{0};
    std::atomic<bool> overlapped{false};
    std::array<std::atomic<int>, 600> order{};  // Which process had the n-th grant.
};

struct shared_board {
    shared_board()
        : memory(::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0)),
          all(*::new (memory) board) {}
    shared_board(const shared_board&) = delete;
    shared_board& operator=(const shared_board&) = delete;
    ~shared_board() { ::munmap(memory, sizeof(board)); }

    void* memory;
    board& all;
};

asio::awaitable<void> wait_and_hold(async_locker& locks, board& shared, int process, bool fair) {
    acquire_options patient;
    patient.ttl = 6s;  // So that nothing of the killed is left soon.
    patient.wait = 120s;
    patient.fair = fair;
    ++shared.waiting;
    auto held = co_await locks.acquire("job", patient);
    if (!held) co_return;
    if (++shared.holders > 1) shared.overlapped = true;
    const int number = shared.granted++;
    shared.order.at(static_cast<std::size_t>(number)) = process;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    while (shared.allowed <= number) {  // Ends with the test, which kills this process.
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
    --shared.holders;
    const auto gone = co_await held->release();
    if (gone) ++shared.released;
}

/// Waiters of one process.
std::unique_ptr<child_process> crowd_of(const std::string& url, board& shared, int process,
                                        int count, bool fair) {
    return std::make_unique<child_process>([=, &shared](const child_process::line&) {
        asio::io_context context{1};
        async_locker locks(context.get_executor(), url);
        for (int i = 0; i < count; ++i)
            asio::co_spawn(context, wait_and_hold(locks, shared, process, fair), asio::detached);
        context.run();
        return 0;
    });
}

class redis_crowd : public testing::Test {
protected:
    [[nodiscard]] std::string ask(const std::vector<std::string>& words) const {
        return server_.command(words);
    }
    [[nodiscard]] std::uint64_t script_calls() const {
        std::uint64_t sum = 0;
        const std::string told = ask({"INFO", "commandstats"});
        for (const std::string what : {"cmdstat_evalsha:calls=", "cmdstat_eval:calls="})
            if (const auto at = told.find(what); at != std::string::npos)
                sum += std::stoull(told.substr(at + what.size()));
        return sum;
    }
    void take() const {
        ASSERT_EQ(ask({"SET", redis::lock_key("job"), "a stranger", "PX", "300000"}), "+OK\r\n");
    }
    [[nodiscard]] bool in_line(int processes) const {
        return ask({"ZCARD", redis::line_key("job")}) == ":" + std::to_string(processes) + "\r\n";
    }
    // "At the end no key is left but fence keys with an expiry."
    void expect_nothing_left() const {
        const std::string fence = redis::fence_key("job");
        EXPECT_TRUE(poll_until([&] { return ask({"DBSIZE"}) == ":1\r\n"; }, 60s))
            << ask({"KEYS", "*"});
        EXPECT_EQ(ask({"EXISTS", fence}), ":1\r\n");
        EXPECT_NE(ask({"TTL", fence}), ":-1\r\n");
    }

    /// How many scripts the server runs for each of 20 hand-overs among so many in 8 processes.
    double scripts_per_handover(int waiters, bool fair) {
        constexpr int processes = 8;
        constexpr int releases = 20;
        const shared_board memory;
        board& shared = memory.all;
        take();
        std::vector<std::unique_ptr<child_process>> all;
        for (int i = 0; i < processes; ++i)
            all.push_back(crowd_of(server_.url(), shared, i,
                                   waiters / processes + (i < waiters % processes ? 1 : 0), fair));
        EXPECT_TRUE(poll_until([&] { return shared.waiting == waiters && in_line(processes); }));
        EXPECT_EQ(ask({"DEL", redis::lock_key("job")}), ":1\r\n");
        EXPECT_TRUE(poll_until([&] { return shared.granted == 1; })) << "by a stranger's DEL";
        const std::uint64_t before = script_calls();
        for (int i = 1; i <= releases; ++i) {
            shared.allowed = i;
            EXPECT_TRUE(poll_until([&] { return shared.granted > i; })) << "release " << i;
            EXPECT_EQ(shared.granted, i + 1) << "a release wakes one";
        }
        const auto cost = static_cast<double>(script_calls() - before) / releases;
        EXPECT_FALSE(shared.overlapped);
        for (auto& each : all) each->kill();
        EXPECT_EQ(ask({"DEL", redis::lock_key("job")}), ":1\r\n");  // Of the holder that is gone.
        expect_nothing_left();
        return cost;
    }

    redis_server server_;
};

TEST_F(redis_crowd, costs_the_server_no_more_when_it_is_bigger) {
    for (const bool fair : {false, true}) {
        const double few = scripts_per_handover(40, fair);
        const double many = scripts_per_handover(500, fair);
        EXPECT_LE(many, few + 1) << (fair ? "fair" : "plain");
        EXPECT_LE(many, 3) << (fair ? "fair" : "plain");
    }
}

// Why: a dead waiter may block those behind it for its own lease at most.
TEST_F(redis_crowd, goes_on_past_those_that_were_killed) {
    constexpr int processes = 16;
    const shared_board memory;
    board& shared = memory.all;
    take();
    std::vector<std::unique_ptr<child_process>> all;
    for (int i = 0; i < processes; ++i) {  // One after the other, so that their order is known.
        all.push_back(crowd_of(server_.url(), shared, i, 1, true));
        ASSERT_TRUE(poll_until([&] { return in_line(i + 1); }));
    }
    std::vector<int> expected;
    for (int i = 0; i < processes; ++i) {
        if (i == 0 || i == 7 || i == 8 || i == 15)
            all[static_cast<std::size_t>(i)]->kill();
        else
            expected.push_back(i);
    }
    shared.allowed = processes;
    EXPECT_EQ(ask({"DEL", redis::lock_key("job")}), ":1\r\n");
    const int living = static_cast<int>(expected.size());
    EXPECT_TRUE(poll_until([&] { return shared.released == living; }, 60s)) << shared.released;
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(shared.order.at(i), expected[i]);
    EXPECT_FALSE(shared.overlapped);
    expect_nothing_left();
}

}  // namespace
}  // namespace holdfast::test
