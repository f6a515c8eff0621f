// SPDX-License-Identifier: BSL-1.0
#include "port/fork_sentinel.hpp"
#include "port/one_shot.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "support/manual_timeline.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

struct alarm_test : testing::Test {
    asio::io_context context;
    test::manual_timeline time;
    alarm bell{time};
    std::vector<wake_reason> woken;

    asio::awaitable<void> wait(time_point when) { woken.push_back(co_await bell.wait_until(when)); }
    void poll() {
        context.restart();
        context.poll();
    }
};

TEST_F(alarm_test, rings_at_its_time_and_not_before) {
    asio::co_spawn(context, wait(time.now() + 10ms), asio::detached);
    poll();
    time.advance(10ms - 1ns);
    poll();
    EXPECT_TRUE(woken.empty());
    time.advance(1ns);
    poll();
    EXPECT_EQ(woken, std::vector{wake_reason::reached});
}

TEST_F(alarm_test, is_woken_early_and_remembers_a_call_that_came_before_the_wait) {
    asio::co_spawn(context, wait(time_point::max()), asio::detached);
    poll();
    bell.wake();
    bell.wake();  // Nobody waits any more: this one counts for the next wait.
    poll();
    EXPECT_EQ(woken, std::vector{wake_reason::woken});
    asio::co_spawn(context, wait(time_point::max()), asio::detached);
    poll();
    EXPECT_EQ(woken.size(), 2U);
}

TEST_F(alarm_test, ends_on_cancellation_and_can_be_waited_on_again) {
    asio::cancellation_signal signal;
    auto work = [this]() -> asio::awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        woken.push_back(co_await bell.wait_until(time.now() + 1h));
        woken.push_back(co_await bell.wait_until(time.now() + 1h));
    };
    asio::co_spawn(context, work(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    poll();
    signal.emit(asio::cancellation_type::terminal);
    poll();
    EXPECT_EQ(woken, (std::vector{wake_reason::cancelled, wake_reason::cancelled}));
}

TEST_F(alarm_test, a_time_that_has_passed_ends_the_wait_at_once) {
    asio::co_spawn(context, wait(time.now() - 1s), asio::detached);
    poll();
    EXPECT_EQ(woken, std::vector{wake_reason::reached});
}

TEST(system_timeline, rings_alarms_in_order_of_their_times) {
    asio::io_context context;
    system_timeline time(context.get_executor());
    std::vector<int> order;
    auto wait = [&](int number, time_point when) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await sleep_until(time, when));
        EXPECT_GE(time.now(), when);
        order.push_back(number);
        if (order.size() == 3) time.stop();
    };
    const time_point now = time.now();
    asio::co_spawn(context, wait(3, now + 30ms), asio::detached);
    asio::co_spawn(context, wait(1, now + 10ms), asio::detached);
    asio::co_spawn(context, wait(2, now + 20ms), asio::detached);
    context.run();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(system_timeline, can_go_while_coroutines_still_wait_on_it) {
    asio::io_context context;
    auto time = std::make_unique<system_timeline>(context.get_executor());
    auto wait = [&]() -> asio::awaitable<void> {
        static_cast<void>(co_await sleep_until(*time, time->now() + 1h));
        ADD_FAILURE() << "nothing woke it";
    };
    asio::co_spawn(context, wait(), asio::detached);
    context.poll();
    time.reset();
    context.restart();
    context.poll();
}

TEST(one_shot, keeps_an_event_that_came_before_its_waiter) {
    asio::io_context context;
    port::one_shot event;
    event.fire();
    bool fired = false;
    auto wait = [&]() -> asio::awaitable<void> { fired = co_await event.wait(); };
    asio::co_spawn(context, wait(), asio::detached);
    context.run();
    EXPECT_TRUE(fired);
}

TEST(system_entropy, never_repeats_an_id) {
    system_entropy source;
    std::set<std::array<std::byte, 16>> seen;
    for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(seen.insert(source.id_bits()).second);
}

int status_of_child(pid_t child) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

// Why: what a parent drew in advance its forked child has too.
TEST(system_entropy, gives_a_forked_child_other_ids_than_its_parent) {
    system_entropy source;
    static_cast<void>(source.id_bits());
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        std::array<std::byte, 16> drawn{};
        bool fine = true;
        for (int i = 0; i < 20 && fine; ++i) {
            drawn = source.id_bits();
            fine = ::write(pipe[1], drawn.data(), drawn.size()) == 16;
        }
        ::_exit(fine ? 0 : 1);
    }
    EXPECT_EQ(status_of_child(child), 0);
    std::set<std::array<std::byte, 16>> seen;
    std::array<std::byte, 16> drawn{};
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(::read(pipe[0], drawn.data(), drawn.size()), 16);
        EXPECT_TRUE(seen.insert(drawn).second);
        EXPECT_TRUE(seen.insert(source.id_bits()).second) << "drawn by both";
    }
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST(fork_sentinel, knows_a_forked_child_and_its_children) {
    const port::fork_sentinel mine;
    EXPECT_TRUE(mine.at_home());
    const pid_t child = ::fork();
    if (child == 0) {
        const port::fork_sentinel theirs;
        const bool right = !mine.at_home() && theirs.at_home();
        const pid_t grandchild = ::fork();
        if (grandchild == 0) ::_exit(!mine.at_home() && !theirs.at_home() ? 0 : 1);
        int status = -1;
        ::waitpid(grandchild, &status, 0);
        ::_exit(right && status == 0 ? 0 : 1);
    }
    EXPECT_EQ(status_of_child(child), 0);
    EXPECT_TRUE(mine.at_home());
}

// Why: clone(2) without the library's fork runs no pthread_atfork handlers.
TEST(fork_sentinel, knows_a_child_that_was_made_by_the_bare_system_call) {
    const port::fork_sentinel mine;
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    if (child == 0) ::_exit(mine.at_home() ? 1 : 0);
    EXPECT_EQ(status_of_child(child), 0);
}

}  // namespace
}  // namespace holdfast
