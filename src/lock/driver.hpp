// SPDX-License-Identifier: BSL-1.0
//
// What it is: the blocking adaptor. It owns an io_context that has no thread of its own to run on:
// a caller that finds nobody driving it becomes the leader and drives it until its own answer is
// there; others wait and are served by the leader, and one of them is promoted when it leaves. So a
// lone caller reads its reply itself, without a hop to another thread, and many callers share one
// connection whose writes are batched (docs/internals/blocking.md). What callers bring is gathered
// and started in one turn; who is answered in one turn is woken after it. While the store misses
// replies the leader waits for these alone, without the context, which has its turn every
// millisecond; each time, where there are several callers and coroutines among their calls. It
// lends its turn meanwhile: who comes then starts its call itself. A background thread takes the
// lead only when no caller has come for a few milliseconds.
//
// Thread safety: `run`, `post` and `signal` may be called from any thread.
// Invariants: at most one thread drives the context at any time, and it or who borrows from it has
// `turn_` locked while it touches what is the turn's; `turn_` is locked before `mutex_`. User code
// never runs on the context. A call is in `followers_` from when its caller finds a leader until it
// is told that it is answered or promoted; so whoever leads can tell it. Nobody gives up the turn
// while somebody is answered and not told, but the leader while it waits for replies.
#pragma once

#include <holdfast/clock.hpp>

#include "lock/receiver.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

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
        call<T> mine(std::move(work));
        drive(mine);
        if (mine.thrown) std::rethrow_exception(mine.thrown);
        return std::move(*mine.answer);
    }

    /// The same for what tells a receiver when it has ended. @param begin  Called on the context.
    template <class T, class Begin>
    result<T> run_told(Begin begin) {
        told_call<T, Begin> mine(std::move(begin));
        drive(mine);
        if (mine.thrown) std::rethrow_exception(mine.thrown);
        return std::move(*mine.answer);
    }

    /// How the leader waits for the store's replies without the context: `store::attend`.
    /// Before the first `run`.
    void attend_with(std::function<bool(std::mutex& turn)> how) { attend_ = std::move(how); }

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
    /// What a waiting caller is told.
    enum class news : std::uint32_t { none, answered, promoted };

    /// One `run` under way; it lives in its caller's frame.
    struct waiter {
        waiter() = default;
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;
        /// Starts the work, on the context.
        virtual void start(driver& by) = 0;
        news wait_for_news() noexcept;
        void tell(news what) noexcept;

        // The turn's, until the waiter is told that it is answered.
        bool finished{false};
        bool spawned{false};  // It is a coroutine, which needs turns of the context.
        std::exception_ptr thrown{};

        waiter* next{nullptr};               // In its queue.
        std::optional<std::size_t> place{};  // In followers_; guarded by mutex_.
        std::atomic<news> told{news::none};

    protected:
        ~waiter() = default;
    };

    /// Waiters in the order in which they came. It allocates nothing.
    class queue {
    public:
        void push(waiter& last) noexcept;
        /// @return The first, which is then out of it; null if there is none.
        waiter* pop() noexcept;
        [[nodiscard]] bool empty() const noexcept { return !first_; }

    private:
        waiter* first_{nullptr};
        waiter* last_{nullptr};
    };

    template <class T>
    struct call final : waiter {
        explicit call(asio::awaitable<T> what) : work(std::move(what)) {}
        void start(driver& by) override {
            by.needs_turns(*this);
            asio::co_spawn(by.context_, std::move(work),
                           [this, &by](std::exception_ptr e, T value) {
                               thrown = std::move(e);
                               answer.emplace(std::move(value));
                               by.finish(*this);
                           });
        }

        asio::awaitable<T> work;
        std::optional<T> answer;
    };

    template <class T, class Begin>
    struct told_call final : waiter, receiver<T> {
        explicit told_call(Begin how) : begin(std::move(how)) {}
        void start(driver& by) override {
            owner = &by;
            begin(static_cast<receiver<T>&>(*this));
        }
        void receive(result<T> end) override {
            answer.emplace(std::move(end));
            owner->finish(*this);
        }
        void fail(std::exception_ptr why) override {
            this->thrown = std::move(why);
            owner->finish(*this);
        }
        void goes_on() override { owner->needs_turns(*this); }

        Begin begin;
        driver* owner{nullptr};
        std::optional<result<T>> answer;
    };

    void drive(waiter& me);
    void lead(waiter& me);
    void borrow_turn(const waiter& me);
    void lead_one_turn();
    [[nodiscard]] bool poll_if_due();
    void follow(waiter& me);
    void unfollow(waiter& me);
    void posted_start();
    void start_arrivals();
    [[nodiscard]] bool start_if_nothing_is_posted();
    [[nodiscard]] queue take_arrivals();
    void start(queue starting);
    void needs_turns(waiter& coroutine) noexcept;
    void finish(waiter& done);
    void tell_answered();
    void pass_on_lead();
    void lead_in_background();

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::mutex mutex_;
    std::condition_variable background_turn_;
    std::vector<waiter*> followers_;   // Guarded by mutex_: wait without driving.
    queue arrivals_;                   // Guarded by mutex_: not started yet.
    bool start_posted_{false};         // Guarded by mutex_.
    bool led_{false};                  // Guarded by mutex_: somebody drives the context.
    bool asleep_{false};               // Guarded by mutex_: the background waits for a call's end.
    bool closing_{false};              // Guarded by mutex_.
    std::uint64_t activity_{0};        // Guarded by mutex_: callers that came so far.
    std::mutex turn_;                  // Whose it is may use the context and the store.
    waiter* leader_{nullptr};          // The turn's: the leader's own call, if it has one.
    std::atomic<unsigned> posted_{0};  // What `post` was given and was not begun.
    time_point last_turn_{};           // The turn's: when the context had one.
    std::function<bool(std::mutex&)> attend_;
    std::atomic<bool> arrived_{false};  // arrivals_ may hold somebody.
    queue answered_;                    // The turn's: followers that are to be told.
    std::size_t under_way_{0};          // The turn's: calls that were started and not finished.
    std::size_t spawned_{0};            // The turn's: those of them that are coroutines.

    lazy_thread users_;    // Runs users' callbacks, which may block.
    lazy_thread signals_;  // Tells of losses, which must not wait for a callback.
    std::thread background_;
};

}  // namespace holdfast::lock
