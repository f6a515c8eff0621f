// SPDX-License-Identifier: BSL-1.0
//
// What it is: how the stores on an SQLite file get an action done: at once, as nearly always nobody
// is in the way, or in turn when another process writes.
// Thread safety: none; it belongs to the executor that it was made for.
// Invariants: no action awaits between its statements; an action that another process kept out has
// done nothing, so trying again is always right.
#pragma once

#include <holdfast/store.hpp>

#include "sqlite/database.hpp"
#include "sqlite/write_queue.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::sqlite {

/// @return A part of `shortest` doubled so many times, at most `longest`, but no less than
///         `shortest`.
[[nodiscard]] inline std::chrono::nanoseconds jittered(entropy& random,
                                                       std::chrono::nanoseconds shortest,
                                                       std::chrono::nanoseconds longest,
                                                       int doublings) {
    constexpr int doublings_max = 16;
    const auto whole =
        std::min(longest, shortest * (std::int64_t{1} << std::min(doublings, doublings_max)));
    const auto part = random.jitter_bits() % static_cast<std::uint64_t>(whole.count());
    return std::max(shortest, std::chrono::nanoseconds(static_cast<std::int64_t>(part)));
}

/// Performs the actions of one table.
template <class Table>
class performer {
public:
    performer(const store_environment& environment, std::string path, std::string address)
        : environment_(environment),
          address_(std::move(address)),
          database_(environment_, std::move(path), address_),
          queue_(environment_.time) {}

    /// Performs `action`, an `int(Table&)`. @return Why it could not be done, or nothing.
    template <class Action>
    [[nodiscard]] asio::awaitable<std::optional<failure>> perform(Action& action,
                                                                  time_point deadline) {
        co_await asio::this_coro::throw_if_cancelled(false);
        if (stopped_) co_return failure(errc::cancelled, address_ + ": stopped");
        if (queue_.empty()) {
            const int code = database_.perform(action);
            if (code == SQLITE_OK) co_return std::nullopt;
            if (!is_busy(code)) co_return database_.why();
        }
        co_return co_await perform_in_turn(action, deadline);
    }
    /// Performs it if nobody is in the way. @return Whether it was done.
    template <class Action>
    [[nodiscard]] bool perform_now(Action& action) {
        return !stopped_ && queue_.empty() && database_.perform(action) == SQLITE_OK;
    }

    [[nodiscard]] database_of<Table>& file() noexcept { return database_; }
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }
    void stop() {
        stopped_ = true;
        queue_.wake_all();
        database_.waiters().wake_all();
        database_.close();
    }

private:
    // Another process has the file to itself for some 20 µs at a time, but for milliseconds when
    // it folds its log into the file.
    static constexpr std::chrono::nanoseconds retry_shortest = std::chrono::microseconds{200};
    static constexpr std::chrono::nanoseconds retry_longest = std::chrono::milliseconds{10};

    template <class Action>
    [[nodiscard]] asio::awaitable<std::optional<failure>> perform_in_turn(Action& action,
                                                                          time_point deadline) {
        co_await asio::this_coro::throw_if_cancelled(false);
        write_queue::turn mine(queue_);
        for (int tries = 0;;) {  // Ends at the deadline, on cancellation, or at stop().
            const bool first = mine.is_first();
            const auto pause = jittered(environment_.random, retry_shortest, retry_longest, tries);
            const time_point pause_end = environment_.time.now() + pause;
            const wake_reason why =
                co_await mine.wait_until(first ? std::min(deadline, pause_end) : deadline);
            if (stopped_ || why == wake_reason::cancelled)
                co_return failure(errc::cancelled, address_ + ": cancelled");
            if (mine.is_first()) {
                const int code = database_.perform(action);
                if (code == SQLITE_OK) co_return std::nullopt;
                if (!is_busy(code)) co_return database_.why();
                ++tries;
            }
            if (environment_.time.now() >= deadline)
                co_return failure(errc::unreachable,
                                  address_ + ": another process kept it busy for too long");
        }
    }

    store_environment environment_;
    std::string address_;
    database_of<Table> database_;
    write_queue queue_;
    bool stopped_{false};
};

}  // namespace holdfast::sqlite
