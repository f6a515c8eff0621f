// SPDX-License-Identifier: BSL-1.0
//
// The samples of redlock's README, line by line: with callbacks, and blocking.
#include <holdfast/compat/redlock.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using compat::redlock;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

class redlock_readme : public testing::TestWithParam<int> {
protected:
    redlock_readme() {
        for (int i = 0; i < GetParam(); ++i)
            servers_.push_back(std::make_unique<redis_server>(redis_options{.tcp = true}));
    }
    [[nodiscard]] std::vector<std::string> urls() const {
        std::vector<std::string> all;
        for (const auto& one : servers_) all.push_back(one->url());
        return all;
    }
    [[nodiscard]] int keys_with(const std::string& value) const {
        int count = 0;
        for (const auto& one : servers_)
            if (on_server(*one).text("locks:account:322456") == value) ++count;
        return count;
    }
    [[nodiscard]] int majority() const { return GetParam() / 2 + 1; }

    std::vector<std::unique_ptr<redis_server>> servers_;
};

// Configuration.
redlock configured(const std::vector<std::string>& clients) {
    redlock::options options;
    options.drift_factor = 0.01;  // The expected clock drift.
    options.retry_count = 3;      // The max number of times to try again before erroring.
    options.retry_delay = 200ms;  // The time between attempts.
    return redlock(clients, options);
}

TEST_P(redlock_readme, locking_and_unlocking_with_callbacks) {
    redlock locks = configured(urls());
    const std::string resource = "locks:account:322456";
    const milliseconds ttl = 1000ms;
    std::promise<bool> done;
    locks.lock(resource, ttl, [&](result<redlock::held_lock> lock) {
        if (!lock) {  // We failed to lock the resource.
            done.set_value(false);
            return;
        }
        // ... do something here ...
        EXPECT_GE(keys_with(lock->value()), majority());
        lock->unlock([&, held = *lock](result<void> unlocked) {
            EXPECT_LE(keys_with(held.value()), GetParam() - majority());
            done.set_value(unlocked.has_value());
        });
    });
    EXPECT_TRUE(done.get_future().get());
}

TEST_P(redlock_readme, locking_and_unlocking_blocking) {
    redlock locks = configured(urls());
    auto lock = locks.lock("locks:account:322456", 1000ms);
    ASSERT_TRUE(lock) << lock.error().message();
    EXPECT_GE(keys_with(lock->value()), majority());
    EXPECT_TRUE(lock->unlock());
    EXPECT_LE(keys_with(lock->value()), GetParam() - majority());
}

TEST_P(redlock_readme, locking_and_extending_with_callbacks) {
    redlock locks = configured(urls());
    std::promise<bool> done;
    locks.lock("locks:account:322456", 1000ms, [&](result<redlock::held_lock> lock) {
        if (!lock) return done.set_value(false);
        const time_point before = lock->expiration();
        // ... do something here; if you need more time, extend the lock until it expires.
        lock->extend(1000ms, [&, before](result<redlock::held_lock> extended) {
            if (!extended) return done.set_value(false);
            EXPECT_GT(extended->expiration(), before);
            // ... do something here ...
            extended->unlock([&](result<void> unlocked) { done.set_value(unlocked.has_value()); });
        });
    });
    EXPECT_TRUE(done.get_future().get());
}

TEST_P(redlock_readme, locking_and_extending_blocking) {
    redlock locks = configured(urls());
    auto lock = locks.lock("locks:account:322456", 1000ms);
    ASSERT_TRUE(lock) << lock.error().message();
    const time_point before = lock->expiration();
    auto extended = lock->extend(1000ms);
    ASSERT_TRUE(extended) << extended.error().message();
    EXPECT_GT(extended->expiration(), before);
    EXPECT_EQ(extended->value(), lock->value());
    EXPECT_TRUE(extended->unlock());
}

// API Docs: unlock and extend as methods of Redlock.
TEST_P(redlock_readme, unlocking_and_extending_through_redlock) {
    redlock locks = configured(urls());
    auto lock = locks.lock("locks:account:322456", 1000ms);
    ASSERT_TRUE(lock) << lock.error().message();
    auto extended = locks.extend(*lock, 1000ms);
    ASSERT_TRUE(extended) << extended.error().message();
    EXPECT_TRUE(locks.unlock(*extended));

    const told<redlock::held_lock> locked;
    locks.lock("locks:account:322456", 1000ms, locked);
    const auto again = locked.get();
    ASSERT_TRUE(again) << again.error().message();
    const told<redlock::held_lock> longer;
    locks.extend(*again, 1000ms, longer);
    EXPECT_TRUE(longer.get());
    const told<void> gone;
    locks.unlock(*again, gone);
    EXPECT_TRUE(gone.get());
}

INSTANTIATE_TEST_SUITE_P(servers, redlock_readme, testing::Values(2, 3));

}  // namespace
}  // namespace holdfast::test
