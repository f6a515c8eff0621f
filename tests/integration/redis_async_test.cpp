// SPDX-License-Identifier: BSL-1.0
#include <holdfast/async_locker.hpp>
#include <holdfast/redis.hpp>

#include "integration/redis_fake.hpp"
#include "redis/keys.hpp"
#include "support/redis_server.hpp"
#include "support/run.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class redis_async : public testing::Test {
protected:
    [[nodiscard]] bool taken(const std::string& name) const {
        return server_.command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }
    // A locker that has gone leaves nothing behind that would keep the context running.
    void expect_context_to_end() {
        context_.restart();
        context_.run_for(10s);
        EXPECT_TRUE(context_.stopped()) << "something still waits";
    }
    void TearDown() override { expect_context_to_end(); }

    redis_server server_;
    asio::io_context context_;
};

asio::awaitable<int> increment(async_locker& locks, long& counter, std::uint64_t& last, int times) {
    // GCC 12 destroys a braced argument of a co_await twice: so the options have a name.
    const acquire_options options{.ttl = 30s, .wait = 60s};
    int failures = 0;
    for (int i = 0; i < times; ++i) {
        auto held = co_await locks.acquire("counter", options);
        if (!held || held->fencing_token() <= last) {
            ++failures;
            continue;
        }
        last = held->fencing_token();
        const long seen = counter;
        const auto renewed = co_await held->renew(30s);  // Others run meanwhile.
        counter = seen + 1;
        if (!renewed || !co_await held->release()) ++failures;
    }
    co_return failures;
}

// Why: many coroutines share one connection, so each must get its own reply; I1, I2, I14.
TEST_F(redis_async, coroutines_that_share_a_connection_exclude_each_other) {
    async_locker locks(context_.get_executor(), server_.url());
    long counter = 0;
    std::uint64_t last = 0;
    std::vector<std::shared_ptr<started<int>>> all;
    for (int i = 0; i < 20; ++i)
        all.push_back(start(context_, increment(locks, counter, last, 10)));
    ASSERT_TRUE(drive_until(
        context_,
        [&] {
            return std::all_of(all.begin(), all.end(),
                               [](const auto& one) { return one->ended(); });
        },
        60s));
    for (const auto& one : all) EXPECT_EQ(one->answer, 0);
    EXPECT_EQ(counter, 200);
}

TEST_F(redis_async, many_names_at_once_are_held_and_listed) {
    async_locker locks(context_.get_executor(), server_.url());
    auto take_all = [&]() -> asio::awaitable<std::vector<async_guard>> {
        const acquire_options options{.ttl = 60s};
        std::vector<async_guard> held;
        for (int i = 0; i < 700; ++i) {
            auto one = co_await locks.acquire("job/" + std::to_string(i), options);
            if (one) held.push_back(std::move(*one));
        }
        co_return held;
    };
    auto held = run(context_, take_all());
    EXPECT_EQ(held.size(), 700U);
    const auto listed = run(context_, locks.list("job/1"));
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->size(), 111U);  // 1, 10 to 19, 100 to 199.
    EXPECT_EQ(listed->front().name, "job/1");
    EXPECT_EQ(listed->front().id, held[1].id());
    held.clear();
    EXPECT_TRUE(drive_until(context_, [&] { return locks.statistics().releases == 700; }));
}

TEST_F(redis_async, a_completion_token_of_any_kind_will_do) {
    asio::thread_pool pool(2);
    {
        async_locker locks(pool.get_executor(), server_.url());
        auto held = async_acquire(locks, "job", {.ttl = 20s}, asio::use_future).get();
        ASSERT_TRUE(held);
        EXPECT_TRUE(taken("job"));
        EXPECT_TRUE(asio::co_spawn(pool, held->release(), asio::use_future).get());
    }
    pool.join();
    EXPECT_FALSE(taken("job"));
}

TEST_F(redis_async, a_cancelled_acquire_is_taken_back) {
    async_locker locks(context_.get_executor(), server_.url());
    for (int turns = 0; turns < 12; ++turns) {  // Cancelled at this or that point of its way.
        asio::cancellation_signal signal;
        const auto job =
            start(context_, locks.acquire("job", {.ttl = 60s, .wait = forever}), [&](auto handler) {
                return asio::bind_cancellation_slot(signal.slot(), std::move(handler));
            });
        context_.restart();
        for (int i = 0; i < turns; ++i) context_.run_one_for(20ms);
        cancel(context_, signal);
        ASSERT_TRUE(drive_until(context_, [&] { return job->ended(); }));
        if (job->answer && *job->answer) {
            EXPECT_TRUE(run(context_, (*job->answer)->release()));
        } else if (job->answer) {
            EXPECT_EQ(job->answer->error().code, errc::cancelled);
        }
        EXPECT_TRUE(drive_until(context_, [&] { return !taken("job"); })) << turns;
    }
}

// Why: what runs in the user's context goes on after the locker has gone, and must not touch what
// went with it. How: the first connection leaves the acquire in doubt, later ones are not greeted,
// so the locker goes while a release waits for its connection to be made.
TEST_F(redis_async, a_locker_may_go_while_it_connects) {
    fake_redis fake([](fake_client& client) {
        if (client.index() > 0)
            client.await_end();
        else if (client.greet())
            client.await("EXEC");
    });
    auto locks = std::make_unique<async_locker>(context_.get_executor(), fake.url(),
                                                locker_options{.timeout = 300ms});
    const auto job = start(context_, locks->acquire("job"));
    ASSERT_TRUE(drive_until(context_, [&] { return job->ended(); }));
    EXPECT_EQ(job->answer->error().code, errc::in_doubt);
    locks.reset();
    expect_context_to_end();
}

TEST_F(redis_async, a_locker_may_go_while_it_acquires) {
    fake_redis silent([](fake_client& client) { client.await_end(); });
    auto locks = std::make_unique<async_locker>(context_.get_executor(), silent.url(),
                                                locker_options{.timeout = 200ms});
    const auto job = start(context_, locks->acquire("job", {.wait = 500ms}));
    ASSERT_TRUE(drive_until(context_, [&] { return silent.connections() > 0; }));
    locks.reset();
    expect_context_to_end();
    ASSERT_TRUE(job->ended());
    EXPECT_EQ(job->answer->error().code, errc::unreachable);
}

TEST_F(redis_async, a_locker_may_go_with_a_frozen_server) {
    auto locks = std::make_unique<async_locker>(context_.get_executor(), server_.url(),
                                                locker_options{.timeout = 300ms});
    auto held = run(context_, locks->acquire("job", {.ttl = 2s}));
    ASSERT_TRUE(held);
    server_.signal(SIGSTOP);
    held = failure(errc::cancelled);  // Starts a release that will not be answered.
    locks.reset();
    expect_context_to_end();
    server_.signal(SIGCONT);
}

}  // namespace
}  // namespace holdfast::test
