// SPDX-License-Identifier: BSL-1.0
//
// Why: callers on many threads share one connection, and whoever waits for a reply lends the others
// its turn; the connection may end meanwhile. How: many at once on a server, for the thread
// sanitizer; then somebody closes their connections all the time.
#include <holdfast/holdfast.hpp>

#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class callers_on_threads : public testing::Test {
protected:
    void know_the_scripts() {
        auto warm = locks_.acquire("warm");
        ASSERT_TRUE(warm) << warm.error().message();
        ASSERT_TRUE(warm->release());
    }

    redis_server server_;
    locker locks_{server_.url(), {.timeout = 5s}};
};

// Why: what a guard's destructor leaves to be done goes before what its thread wants next.
// How: each takes a lock again that it has just dropped. The server knows the scripts before, as a
// release that has to be said twice is later.
TEST_F(callers_on_threads, exclude_each_other_and_are_all_served_in_their_order) {
    know_the_scripts();
    long counter = 0;  // Guarded by the lock alone.
    std::uint64_t last_token = 0;
    {
        std::vector<std::jthread> threads;
        for (int who = 0; who < 12; ++who)
            threads.emplace_back([&, who] {
                for (int i = 0; i < 40; ++i) {
                    auto own = locks_.acquire("own " + std::to_string(who));
                    ASSERT_TRUE(own) << own.error().message();
                    auto held = locks_.acquire("counter", {.wait = 60s});
                    ASSERT_TRUE(held) << held.error().message();
                    counter = counter + 1;
                    EXPECT_GT(held->fencing_token(), last_token);
                    last_token = held->fencing_token();
                    if (i % 3 != 0) {
                        EXPECT_TRUE(held->release());
                    }
                }
            });
    }
    EXPECT_EQ(counter, 12 * 40);
}

// Why: what a watch has of the locker goes when it ends, on whichever thread that is.
TEST_F(callers_on_threads, may_end_a_watch_while_others_use_the_locker) {
    know_the_scripts();
    std::atomic<bool> over{false};
    std::vector<std::jthread> threads;
    for (int who = 0; who < 3; ++who)
        threads.emplace_back([&, who] {
            while (!over) {
                const auto held = locks_.acquire("own " + std::to_string(who));
                EXPECT_TRUE(held) << held.error().message();
            }
        });
    for (int i = 0; i < 30; ++i) {
        std::stop_source enough;
        const auto ended = locks_.watch(
            "own ", [&](const lock_change&) { enough.request_stop(); }, enough.get_token());
        EXPECT_TRUE(ended) << ended.error().message();
    }
    over = true;
}

TEST_F(callers_on_threads, get_an_answer_each_while_their_connection_is_closed_again_and_again) {
    std::atomic<int> taken{0};
    {
        std::atomic<int> running{8};
        std::vector<std::jthread> threads;
        for (int who = 0; who < 8; ++who)
            threads.emplace_back([&, who] {
                for (int i = 0; i < 100; ++i) {
                    const auto held = locks_.acquire("own " + std::to_string(who), {.wait = 30s});
                    if (held) {
                        ++taken;
                        continue;
                    }
                    const errc code = held.error().code;
                    EXPECT_TRUE(code == errc::unreachable || code == errc::in_doubt ||
                                code == errc::timed_out)
                        << held.error().message();
                }
                --running;
            });
        int closed = 0;
        while (running > 0) {
            static_cast<void>(server_.command({"CLIENT", "KILL", "TYPE", "normal"}));
            ++closed;
            const int before = taken;
            EXPECT_TRUE(poll_until([&] { return taken > before + 5 || running == 0; }, 30s));
        }
        EXPECT_GT(closed, 10);
    }
    const auto after = locks_.acquire("after");
    EXPECT_TRUE(after) << after.error().message();
}

}  // namespace
}  // namespace holdfast::test
