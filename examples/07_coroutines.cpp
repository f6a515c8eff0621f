// SPDX-License-Identifier: BSL-1.0
//
// What it is: the same verbs for coroutines of Boost.Asio: a thousand waits cost no thread.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

//! [coroutine]
/// Counts one up while it holds the lock; `counter` and `locks` outlive it.
asio::awaitable<bool> count_up(holdfast::async_locker& locks, int& counter) {
    // GCC 12 destroys a braced argument of a co_await twice: give the options a name.
    const holdfast::acquire_options options{.ttl = 10s, .wait = 20s};
    auto held = co_await locks.acquire("counter", options);
    if (!held) {
        std::cerr << held.error().message() << '\n';
        co_return false;
    }
    const int before = counter;
    co_await asio::post(asio::use_awaitable);  // Others run meanwhile, and must not come between.
    counter = before + 1;
    auto released = co_await held->release();
    co_return released.has_value();
}
//! [coroutine]

//! [together]
asio::awaitable<int> count_together(std::string url) {
    // The locker looks after its locks as long as it lives, so `run()` returns only after its end.
    holdfast::async_locker locks{co_await asio::this_coro::executor, url};
    int counter = 0;
    co_await (count_up(locks, counter) && count_up(locks, counter) && count_up(locks, counter));
    co_return counter;
}
//! [together]

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    auto counted = asio::co_spawn(io, count_together(argc > 1 ? argv[1] : "memory:examples"),
                                  asio::use_future);
    io.run();
    const int count = counted.get();
    std::cout << "counted to " << count << '\n';
    return count == 3 ? 0 : 1;
}
