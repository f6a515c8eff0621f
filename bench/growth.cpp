// SPDX-License-Identifier: BSL-1.0
//
// The question: what does a held lock cost the process that holds it, in memory, and in the CPU
// that its renewals take? Holds 1, 100, 10,000 and 100,000 locks at a ttl of 30 s in turn, for
// `--seconds` each; renewals are due every 10 s. Prints a JSON object a step.
#include <holdfast/async_locker.hpp>
#include <holdfast/redis.hpp>
#include <holdfast/sqlite.hpp>

#include "arguments.hpp"
#include "measure.hpp"
#include "record.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <malloc.h>
#include <string>
#include <vector>

namespace {

using namespace holdfast::bench;
namespace asio = boost::asio;

constexpr int callers = 256;  // Who acquire and release at once.

/// @return Bytes that this process has from the allocator.
double bytes_in_use() noexcept {
    const auto all = ::mallinfo2();
    return static_cast<double>(all.uordblks + all.hblkhd);
}

/// Holds a number of locks for a while.
class holder {
public:
    holder(asio::io_context& context, const std::string& url)
        : context_(context), locks_(context.get_executor(), url) {}

    asio::awaitable<void> hold(int count, double seconds, bool& fine) {
        const double before = bytes_in_use();
        guards_.reserve(static_cast<std::size_t>(count));
        co_await in_parallel(count, true);
        const double each = (bytes_in_use() - before) / count;
        const holdfast::lock_statistics first = locks_.statistics();
        const double cpu_before = cpu_seconds();
        const std::int64_t begin = nanoseconds_now();
        co_await pause(seconds);
        const double passed = static_cast<double>(nanoseconds_now() - begin) / 1e9;
        const double cpu_percent = 100 * (cpu_seconds() - cpu_before) / passed;
        const holdfast::lock_statistics last = locks_.statistics();
        const auto lost = std::count_if(guards_.begin(), guards_.end(),
                                        [](const auto& guard) { return !guard.held(); });
        record line("growth");
        line.add("held", count).add("bytes_per_lock", each, 0);
        line.add("renewal_cpu_percent", cpu_percent, 2);
        line.add("renewals_per_s", static_cast<double>(last.renewals - first.renewals) / passed, 0);
        line.add("lost", static_cast<int>(lost));
        line.print();
        fine = fine && lost == 0 && failed_ == 0;
        co_await release_all(count);
    }

    /// Connects, and lets everything grow that grows once.
    asio::awaitable<void> warm_up() {
        co_await in_parallel(callers, true);
        co_await release_all(callers);
    }

private:
    asio::awaitable<void> release_all(int count) {
        co_await in_parallel(count, false);
        std::vector<holdfast::async_guard>().swap(guards_);
    }

    // Locks numbered 0 to count - 1, some at once: acquired, or released.
    asio::awaitable<void> in_parallel(int count, bool acquire) {
        next_ = 0;
        running_ = std::min(count, callers);
        asio::steady_timer done(context_, asio::steady_timer::time_point::max());
        for (int i = running_; i > 0; --i)
            asio::co_spawn(context_, work(count, acquire, done), asio::detached);
        boost::system::error_code cancelled;  // That is how it ends.
        if (running_ > 0)
            co_await done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }

    asio::awaitable<void> work(int count, bool acquire, asio::steady_timer& done) {
        while (next_ < count) {
            const int number = next_++;
            bool fine = false;
            if (acquire) {
                std::string name = "growth" + std::to_string(number);
                auto held = co_await locks_.acquire(std::move(name), options_);
                fine = held.has_value();
                if (fine) guards_.push_back(std::move(*held));
            } else if (static_cast<std::size_t>(number) < guards_.size()) {
                const auto gone = co_await guards_[static_cast<std::size_t>(number)].release();
                fine = gone.has_value();
            }
            if (!fine) ++failed_;
        }
        if (--running_ == 0) done.cancel();
    }

    asio::awaitable<void> pause(double seconds) {
        asio::steady_timer timer(context_);
        timer.expires_after(std::chrono::milliseconds(static_cast<int>(seconds * 1000)));
        co_await timer.async_wait(asio::use_awaitable);
    }

    asio::io_context& context_;
    holdfast::async_locker locks_;
    holdfast::acquire_options options_;  // A ttl of 30 s.
    std::vector<holdfast::async_guard> guards_;
    int next_{0};
    int running_{0};
    int failed_{0};
};

asio::awaitable<void> grow(asio::io_context& context, std::string url, int most, double seconds,
                           bool& fine) {
    holder locks(context, url);
    co_await locks.warm_up();
    for (const int count : {1, 100, 10'000, 100'000})
        if (count <= most) co_await locks.hold(count, seconds, fine);
    context.stop();
}

}  // namespace

int main(int count, char** values) {
    arguments given(count, values, "growth --store URL [--most N] [--seconds S]");
    const std::string url = given.text("--store");
    const int most = given.count("--most", 100'000);
    const double seconds = given.number("--seconds", 20);
    given.all_read();
    if (url.empty()) given.refuse("--store is missing");
    bool fine = true;
    try {
        asio::io_context context(1);
        asio::co_spawn(context, grow(context, url, most, seconds, fine), asio::detached);
        context.run();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "growth: %s\n", problem.what());
        return 1;
    }
    if (!fine) std::fputs("growth: a lock was lost, or could not be had\n", stderr);
    return fine ? 0 : 1;
}
