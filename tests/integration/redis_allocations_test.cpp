// SPDX-License-Identifier: BSL-1.0
//
// What the hot path costs the heap: nothing, once a locker is warm.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>
#include <holdfast/redis.hpp>

#include "support/redis_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

namespace {

thread_local std::uint64_t made = 0;

}  // namespace

void* operator new(std::size_t bytes) {
    ++made;
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }

namespace holdfast::test {
namespace {

constexpr int rounds = 300;

/// Calls of operator new by this thread while `work` ran.
template <class Work>
std::uint64_t made_by(Work work) {
    const std::uint64_t before = made;
    work();
    return made - before;
}

TEST(the_hot_path, of_a_blocking_caller_allocates_nothing) {
    redis_server server;
    locker locks(server.url());
    const std::string name = "a name that does not fit into a short string";
    for (const bool fence : {false, true}) {
        acquire_options options;
        options.fence = fence;
        auto pairs = [&] {
            for (int i = 0; i < rounds; ++i) {
                auto held = locks.acquire(name, options);
                ASSERT_TRUE(held) << held.error().message();
                ASSERT_TRUE(held->release());
            }
        };
        pairs();
        EXPECT_EQ(made_by(pairs), 0U) << (fence ? "with" : "without") << " a token";
    }
}

// Why: a hold that goes by the coroutines costs three times as many.
TEST(the_hot_path, of_a_hold_and_its_release_allocates_little) {
    redis_server server;
    range_locker ranges(server.url());
    auto pairs = [&] {
        for (int i = 0; i < rounds; ++i) {
            auto held = ranges.hold("room", i, i + 1);
            ASSERT_TRUE(held) << held.error().message();
            ASSERT_TRUE(held->release());
        }
    };
    pairs();
    const auto each = static_cast<double>(made_by(pairs)) / rounds;
    EXPECT_LE(each, 12);
}

asio::awaitable<void> pairs(async_locker& locks, int number, int& failures) {
    const acquire_options options;
    const std::string name = "job" + std::to_string(number);  // Its copy needs no memory.
    for (int i = 0; i < rounds; ++i) {
        auto held = co_await locks.acquire(name, options);
        bool fine = held.has_value();
        if (fine) {
            const auto gone = co_await held->release();
            fine = gone.has_value();
        }
        if (!fine) ++failures;
    }
}

// How: what starting the coroutines takes is counted with one round, and does not grow with more.
TEST(the_hot_path, of_coroutines_allocates_nothing) {
    redis_server server;
    asio::io_context context{1};
    std::optional<async_locker> locks(std::in_place, context.get_executor(), server.url());
    int failures = 0;
    auto crowd = [&] {
        int running = 16;
        for (int i = 0; i < 16; ++i)
            asio::co_spawn(context, pairs(*locks, i, failures), [&](const std::exception_ptr&) {
                if (--running == 0) context.stop();
            });
        context.run();
        context.restart();
    };
    crowd();
    const std::uint64_t cost = made_by(crowd);
    locks.reset();
    context.run_for(std::chrono::seconds(10));  // What it leaves behind ends.
    EXPECT_EQ(failures, 0);
    EXPECT_LT(cost, 16U * rounds / 10) << "for " << 16 * rounds << " pairs";
}

}  // namespace
}  // namespace holdfast::test
