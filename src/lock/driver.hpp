// SPDX-License-Identifier: BSL-1.0
//
// What it is: the blocking adaptor. It owns an io_context that has no thread of its own to run on:
// a caller that finds nobody driving it becomes the leader and drives it until its own answer is
// there; others wait and are served by the leader, and one of them is promoted when it leaves. So a
// lone caller reads its reply itself, without a hop to another thread, and many callers share one
// connection whose writes are batched (docs/internals/blocking.md has the measurements). A
// background thread takes the lead only when no caller has come for a few milliseconds.
//
// Thread safety: `run`, `post` and `signal` may be called from any thread.
// Invariants: at most one thread drives the context at any time; user code never runs on it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

namespace holdfast::lock {

namespace asio = boost::asio;

/// A thread that is started when there is first something for it to run.
class lazy_thread {
public:
    lazy_thread() = default;
    lazy_thread(const lazy_thread&) = delete;
    lazy_thread& operator=(const lazy_thread&) = delete;
    ~lazy_thread() { finish(); }

    /// Thread-safe.
    [[nodiscard]] asio::any_io_executor executor();
    /// Runs what was posted to its end, then ends the thread.
    void finish();
    [[nodiscard]] bool is_this() const noexcept {
        return std::this_thread::get_id() == thread_.get_id();
    }

private:
    std::mutex mutex_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread thread_;  // Started under mutex_.
};

/// See the top of the file.
class driver {
public:
    driver();
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver();

    [[nodiscard]] asio::any_io_executor executor() { return context_.get_executor(); }

    /// Runs `work` to its end, driving the context while nobody else does.
    template <class T>
    T run(asio::awaitable<T> work) {
        waiter me;
        std::optional<T> answer;
        std::exception_ptr thrown;
        asio::co_spawn(context_, std::move(work), [&](std::exception_ptr e, T value) {
            thrown = std::move(e);
            answer.emplace(std::move(value));
            finish(me);
        });
        drive(me);
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*answer);
    }

    /// Runs `work` on the context soon, without waiting for it. What is ready is done at once if
    /// nobody is driving.
    void post(std::function<void()> work);

    /// Requests a stop on `source` from a thread that only does this: callbacks delay no renewal.
    void signal(std::stop_source source);

    /// @return Where users' code runs: on a thread that does nothing else, which is started by the
    ///         first call. That code may call `run`.
    [[nodiscard]] asio::any_io_executor user_executor() { return users_.executor(); }

    /// @return Whether this is one of the driver's own threads, which cannot destroy it.
    [[nodiscard]] bool on_own_thread() const noexcept;

private:
    struct waiter {
        bool done{false};     // Written by the leader, read by the waiter; guarded by mutex_ ...
        bool leading{false};  // ... unless this waiter is itself the leader.
        bool promoted{false};
        std::condition_variable turn;
    };

    void drive(waiter& me);
    void lead(waiter& me);
    void finish(waiter& me);
    void pass_on_lead();
    void lead_in_background();

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::mutex mutex_;
    std::condition_variable background_turn_;
    std::deque<waiter*> followers_;  // Guarded by mutex_.
    bool led_{false};                // Guarded by mutex_: somebody drives the context.
    bool asleep_{false};             // Guarded by mutex_: the background waits for a call's end.
    bool closing_{false};            // Guarded by mutex_.
    std::uint64_t activity_{0};      // Guarded by mutex_: callers that came so far.

    lazy_thread users_;    // Runs users' callbacks, which may block.
    lazy_thread signals_;  // Tells of losses, which must not wait for a callback.
    std::thread background_;
};

}  // namespace holdfast::lock
