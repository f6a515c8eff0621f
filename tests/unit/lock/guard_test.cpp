// SPDX-License-Identifier: BSL-1.0
//
// The public entrances over the memory store: what a guard, a mutex and a locker promise.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>

#include "support/poll.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>
#include <optional>
#include <thread>

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using test::poll_until;

TEST(locker, refuses_bad_arguments_with_a_text_that_names_the_rule) {
    locker locks{"memory:"};
    const auto text = [&](std::string_view name, const acquire_options& options) {
        const auto held = locks.acquire(name, options);
        EXPECT_FALSE(held);
        EXPECT_EQ(held.error().code, errc::misuse);
        return held.error().text;
    };
    EXPECT_THAT(text("", {}), testing::HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(text(std::string(513, 'x'), {}), testing::HasSubstr("513"));
    EXPECT_THAT(text("a", {.ttl = 0ms}), testing::HasSubstr("ttl must be from 10 ms to 24 h"));
    EXPECT_THAT(text("a", {.ttl = 25h}), testing::HasSubstr("90000000 ms"));
    EXPECT_THAT(text("a", {.wait = -1ms}), testing::HasSubstr("wait"));
    EXPECT_THAT(text("a", {.wait = 25h}), testing::HasSubstr("wait"));
    EXPECT_THAT(text("a", {.max_hold = 0ms}), testing::HasSubstr("max_hold"));
    EXPECT_THAT(text("a", {.ttl = 1s, .stop_margin = 601ms}), testing::HasSubstr("stop_margin"));
    EXPECT_THAT(text("a", {.owner = "two\nlines"}), testing::HasSubstr("control"));
    EXPECT_THAT(text("a", {.owner = std::string(257, 'x')}), testing::HasSubstr("256"));
    EXPECT_TRUE(locks.list()->empty());
}

TEST(locker, refuses_bad_urls_and_options_when_it_is_made) {
    EXPECT_EQ(locker::open(store_factory()).error().message(),
              "misuse: the store_factory is empty");
    EXPECT_EQ(range_locker::open(range_store_factory()).error().message(),
              "misuse: the range_store_factory is empty");
    for (const char* url : {"", "nothing", "gopher://x", "memory:?x=1", ":", "memory"})
        EXPECT_EQ(locker::open(url).error().code, errc::misuse) << url;
    EXPECT_THROW(locker{"gopher://x"}, lock_error);
    EXPECT_EQ(locker::open("memory:", {.timeout = 0ms}).error().code, errc::misuse);
    EXPECT_EQ(locker::open("memory:", {.drift_factor = 0.6}).error().code, errc::misuse);
    EXPECT_EQ(locker::open("memory:", {.drift_factor = -1}).error().code, errc::misuse);
}

TEST(locker, tells_a_refused_caller_who_holds_the_lock) {
    locker locks{"memory:"};
    const auto held = locks.acquire("job", {.ttl = 20s, .owner = "nightly report"});
    ASSERT_TRUE(held);
    const auto refused = locks.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    ASSERT_TRUE(refused.error().holder);
    EXPECT_EQ(refused.error().holder->owner, "nightly report");
    EXPECT_EQ(refused.error().holder->pid, ::getpid());
    EXPECT_LE(refused.error().holder->remaining, 20s);
    EXPECT_EQ(locks.acquire("job", {.wait = 20ms}).error().code, errc::timed_out);
}

TEST(guard, an_empty_one_owns_nothing_and_says_so) {
    guard none;
    EXPECT_FALSE(none.held());
    EXPECT_EQ(none.remaining(), 0ms);
    EXPECT_EQ(none.fencing_token(), 0U);
    EXPECT_TRUE(none.name().empty());
    EXPECT_TRUE(none.lost().stop_requested());
    EXPECT_EQ(none.release().error().code, errc::misuse);
    EXPECT_EQ(none.renew(1s).error().code, errc::misuse);
    EXPECT_EQ(none.hand_over().error().code, errc::misuse);
}

TEST(guard, moves_and_releases_exactly_once) {
    locker locks{"memory:"};
    guard held = locks.acquire("job").value();
    guard moved = std::move(held);
    EXPECT_TRUE(moved.held());
    held = locks.acquire("other").value();
    held = std::move(moved);  // Lets "other" go.
    EXPECT_TRUE(poll_until([&] { return !locks.inspect("other").value(); }));
    EXPECT_TRUE(held.release());
    EXPECT_EQ(held.release().error().code, errc::misuse);
    EXPECT_TRUE(locks.list()->empty());
}

TEST(guard, its_destructor_releases) {
    locker locks{"memory:"};
    { const auto held = locks.acquire("job"); }
    EXPECT_TRUE(locks.acquire("job", {.wait = 1s}));
}

TEST(guard, tells_its_callbacks_of_a_loss_and_is_lost_for_good) {
    locker locks{"memory:"};
    auto held = locks.acquire("job", {.ttl = 300ms}).value();
    std::promise<void> told;
    const std::stop_callback callback(held.lost(), [&] { told.set_value(); });
    ASSERT_TRUE(locks.break_lock("job").value());
    ASSERT_EQ(told.get_future().wait_for(30s), std::future_status::ready);
    EXPECT_EQ(held.why_lost(), lost_reason::deleted);
    EXPECT_FALSE(held.held());
    EXPECT_EQ(held.renew(1s).error().code, errc::lost);
    EXPECT_EQ(held.hand_over().error().code, errc::lost);
}

// Why: a callback that releases, or that is slow, must not stop the renewals of other locks.
TEST(guard, a_loss_callback_may_block_and_call_the_locker) {
    locker locks{"memory:"};
    auto doomed = locks.acquire("doomed", {.ttl = 200ms}).value();
    const auto other = locks.acquire("other", {.ttl = 200ms}).value();
    std::latch finished{1};
    const std::stop_callback callback(doomed.lost(), [&] {
        EXPECT_EQ(doomed.release().error().code, errc::lost);
        const time_point until = other.valid_until() + 200ms;
        // Waits until the other lock has been renewed meanwhile, as the event to be shown.
        EXPECT_TRUE(poll_until([&] { return other.valid_until() > until || !other.held(); }));
        finished.count_down();
    });
    ASSERT_TRUE(locks.break_lock("doomed").value());
    finished.wait();
    EXPECT_TRUE(other.held());
}

TEST(guard, without_renewal_is_lost_before_its_validity_ends) {
    locker locks{"memory:"};
    auto held = locks.acquire("job", {.ttl = 100ms, .auto_renew = false}).value();
    const time_point end = held.valid_until();
    std::atomic<bool> in_time{false};
    std::promise<void> told;
    const std::stop_callback callback(held.lost(), [&] {
        in_time = boot_clock::now() < end;
        told.set_value();
    });
    ASSERT_EQ(told.get_future().wait_for(30s), std::future_status::ready);
    EXPECT_EQ(held.why_lost(), lost_reason::expired);
    EXPECT_EQ(held.release().error().code, errc::lost);
}

TEST(guard, hands_over_to_another_locker_with_its_token) {
    locker here{"memory:handed"};
    locker there{"memory:handed"};
    auto held = here.acquire("job", {.ttl = 5s}).value();
    const auto token = held.fencing_token();
    const lease handed = held.hand_over().value();
    EXPECT_FALSE(held.held());
    auto adopted = there.adopt(handed).value();
    EXPECT_TRUE(adopted.held());
    EXPECT_EQ(adopted.fencing_token(), token);
    EXPECT_TRUE(adopted.release());
    EXPECT_EQ(there.adopt(handed).error().code, errc::lost);
}

TEST(locker, acts_for_whoever_knows_the_lease) {
    locker locks{"memory:"};
    const lease known = locks.acquire("job", {.ttl = 5s}).value().hand_over().value();
    EXPECT_GT(locks.renew(known).value(), 4s);
    lease wrong = known;
    wrong.id.back() = wrong.id.back() == '0' ? '1' : '0';
    EXPECT_EQ(locks.renew(wrong).error().code, errc::lost);
    EXPECT_EQ(locks.release(wrong).error().code, errc::lost);
    EXPECT_TRUE(locks.release(known));
    EXPECT_EQ(locks.release(known).error().code, errc::lost);
}

TEST(locker, a_wait_is_ended_by_its_stop_token_and_leaves_nothing) {
    locker locks{"memory:"};
    auto held = locks.acquire("job").value();
    std::stop_source stop;
    std::promise<errc> ended;
    std::jthread waiter([&] {
        ended.set_value(
            locks.acquire("job", {.wait = forever, .stop = stop.get_token()}).error().code);
    });
    EXPECT_TRUE(poll_until([&] { return locks.statistics().refusals > 0; }));
    stop.request_stop();
    EXPECT_EQ(ended.get_future().get(), errc::cancelled);
    EXPECT_TRUE(held.release());
    EXPECT_TRUE(locks.list()->empty());
    EXPECT_EQ(locks.acquire("job", {.stop = stop.get_token()}).error().code, errc::cancelled);
}

TEST(locker, guards_outlive_it) {
    auto locks = std::make_unique<locker>("memory:outlived");
    auto held = locks->acquire("job", {.ttl = 200ms}).value();
    locks.reset();
    const time_point first = held.valid_until();
    EXPECT_TRUE(poll_until([&] { return held.valid_until() > first + 200ms; }));
    EXPECT_TRUE(held.held());
    EXPECT_TRUE(held.release());
}

// Why: the last owner may be a callback, which runs on the locker's own thread.
TEST(locker, may_be_destroyed_by_a_loss_callback) {
    auto* locks = new locker("memory:");
    auto held = std::make_unique<guard>(locks->acquire("job", {.ttl = 100ms}).value());
    std::promise<void> gone;
    auto lost = held->lost();
    ASSERT_TRUE(locks->break_lock("job").value());
    const std::stop_callback callback(lost, [&] {
        held.reset();
        delete locks;
        gone.set_value();
    });
    EXPECT_EQ(gone.get_future().wait_for(30s), std::future_status::ready);
}

TEST(locker, and_its_guards_are_dead_in_a_forked_child) {
    locker locks{"memory:forked"};
    auto held = locks.acquire("job").value();
    const pid_t child = ::fork();
    if (child == 0) {
        bool right = !held.held() && held.lost().stop_requested() && held.remaining() == 0ms &&
                     held.why_lost() == lost_reason::forked &&
                     locks.acquire("other").error().code == errc::misuse &&
                     locks.statistics().grants == 0 && held.release().error().code == errc::misuse;
        { const guard copy = std::move(held); }
        ::_exit(right ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(held.held());
    EXPECT_TRUE(held.release());
}

TEST(mutex, works_with_the_standard_lock_types) {
    locker locks{"memory:"};
    mutex first{locks, "a"};
    mutex second{locks, "b"};
    {
        const std::scoped_lock both(first, second);
        EXPECT_TRUE(locks.inspect("a").value());
        EXPECT_GT(second.fencing_token(), 0U);
        EXPECT_FALSE(first.lost().stop_requested());
    }
    std::unique_lock timed(first, 1s);
    EXPECT_TRUE(timed.owns_lock());
    std::jthread([&] {
        EXPECT_FALSE(first.try_lock());
        EXPECT_FALSE(first.try_lock_for(5ms));
        EXPECT_FALSE(first.try_lock_until(std::chrono::steady_clock::now() + 5ms));
        EXPECT_EQ(first.fencing_token(), 0U);
        EXPECT_TRUE(first.lost().stop_requested());
        first.unlock();  // Holds nothing: changes nothing.
    }).join();
    EXPECT_FALSE(first.lost().stop_requested());
    EXPECT_THROW(mutex(locks, ""), lock_error);
}

// Why: who lost the lock and unlocks late must not release the next holder's.
TEST(mutex, a_late_unlock_does_not_touch_the_next_holder) {
    locker locks{"memory:"};
    mutex job{locks, "job", {.ttl = 200ms}};
    job.lock();
    ASSERT_TRUE(locks.break_lock("job").value());
    EXPECT_TRUE(poll_until([&] { return job.lost().stop_requested(); }));
    std::latch taken{1};
    std::latch late{1};
    std::jthread next([&] {
        job.lock();
        taken.count_down();
        late.wait();
        EXPECT_GT(job.remaining(), 0ms);
        EXPECT_TRUE(locks.inspect("job").value());
        job.unlock();
    });
    taken.wait();
    job.unlock();
    late.count_down();
}

TEST(async_locker, serves_coroutines_futures_and_callbacks_with_the_same_locks) {
    asio::io_context context;
    std::optional<async_locker> owner(std::in_place, context.get_executor(), "memory:");
    async_locker& locks = *owner;
    bool called = false;
    auto work = [&]() -> asio::awaitable<void> {
        acquire_options options;
        options.ttl = 5s;
        auto held = co_await locks.acquire("job", options);
        EXPECT_TRUE(held);
        EXPECT_EQ((co_await locks.try_acquire("job", options)).error().code, errc::contended);
        EXPECT_TRUE(co_await held->renew(6s));
        EXPECT_TRUE(co_await held->release());
        EXPECT_EQ((co_await held->release()).error().code, errc::misuse);
    };
    auto done = asio::co_spawn(context, work(), asio::use_future);
    async_acquire(locks, "callback", {},
                  [&](result<async_guard> held) { called = held.has_value(); });
    auto future = async_acquire(locks, "future", {}, asio::use_future);
    std::jthread runner([&] { context.run(); });
    done.get();
    auto held = future.get();
    EXPECT_TRUE(held);
    guard blocking = std::move(*held).to_blocking();
    EXPECT_TRUE(blocking.renew(5s));
    EXPECT_TRUE(blocking.release());
    owner.reset();
    runner.join();  // The context has nothing left to do once locker and guards are gone.
    EXPECT_TRUE(called);
}

}  // namespace
}  // namespace holdfast
