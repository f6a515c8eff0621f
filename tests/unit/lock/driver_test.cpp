// SPDX-License-Identifier: BSL-1.0
//
// Why: whoever leads waits for the store's replies without the executor, so what needs turns of it
// must be known. How: a store whose replies are always there, which counts how often it is asked.
#include "lock/driver.hpp"

#include "support/poll.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace holdfast::lock {
namespace {

asio::awaitable<int> steps(asio::any_io_executor executor) {
    for (int step = 0; step < 3; ++step) co_await asio::post(executor, asio::use_awaitable);
    co_return 7;
}

TEST(driver, gives_turns_to_a_call_that_became_a_coroutine_while_it_waits_for_replies_to_others) {
    driver by;
    std::atomic<int> waits{0};
    by.attend_with([&](std::mutex& /*turn*/) { return ++waits > 0; });
    std::atomic<receiver<int>*> open{nullptr};
    std::jthread leader(
        [&] { EXPECT_EQ(by.run_told<int>([&](receiver<int>& to) { open = &to; }).value(), 1); });
    ASSERT_TRUE(test::poll_until([&] { return open != nullptr; }));
    int waited = 0;
    const auto answer = by.run_told<int>([&](receiver<int>& to) {
        to.goes_on();
        const int before = waits;
        const auto tell = [&, before](const std::exception_ptr&, int value) {
            waited = waits - before;
            to.receive(value);
        };
        asio::co_spawn(by.executor(), steps(by.executor()), tell);
    });
    EXPECT_EQ(answer.value(), 7);
    EXPECT_LE(waited, 10);
    by.post([&] { open.load()->receive(1); });
}

}  // namespace
}  // namespace holdfast::lock
