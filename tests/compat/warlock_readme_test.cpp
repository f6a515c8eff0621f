// SPDX-License-Identifier: BSL-1.0
//
// The sample of warlock's README, line by line: with callbacks, and blocking.
#include <holdfast/compat/warlock.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace holdfast::test {
namespace {

using compat::warlock;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

class warlock_readme : public testing::Test {
protected:
    redis_server server_{redis_options{.tcp = true}};
    warlock locks_{server_.url()};
    on_server there_{server_};
};

TEST_F(warlock_readme, set_a_lock_with_callbacks) {
    const std::string key = "test-lock";
    const milliseconds ttl = 10000ms;  // Lifetime of the lock.
    std::promise<int> done;
    locks_.lock(key, ttl, [&](result<warlock::answer> got) {
        if (!got) return done.set_value(-1);  // Something went wrong.
        if (got->unlock) {
            // It is set by this process: do the work, and then unlock.
            EXPECT_TRUE(there_.has("test-lock:lock"));
            got->unlock([&](result<int> unlocked) { done.set_value(unlocked.value()); });
        } else {
            done.set_value(-2);  // The lock was not established by us.
        }
    });
    EXPECT_EQ(done.get_future().get(), 1);
    EXPECT_FALSE(there_.has("test-lock:lock"));
}

TEST_F(warlock_readme, set_a_lock_blocking) {
    auto got = locks_.lock("test-lock", 10000ms);
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_TRUE(got->unlock);
    auto other = locks_.lock("test-lock", 10000ms);
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_FALSE(other->unlock);
    EXPECT_FALSE(*other);
    EXPECT_EQ(got->unlock().value(), 1);
}

TEST_F(warlock_readme, set_a_lock_optimistically) {
    const std::string key = "opt-lock";
    const milliseconds ttl = 10000ms;
    const int max_attempts = 4;      // Max number of times to try before erroring.
    const milliseconds wait = 10ms;  // The README waits for a second.
    const told<warlock::answer> first;
    locks_.optimistic(key, ttl, max_attempts, wait, first);
    const auto held = first.get();
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->unlock);

    const told<warlock::answer> second;
    locks_.optimistic(key, ttl, max_attempts, wait, second);
    EXPECT_FALSE(second.get());
    EXPECT_FALSE(locks_.optimistic(key, ttl, max_attempts, wait));
    EXPECT_EQ(held->unlock().value(), 1);
    EXPECT_TRUE(locks_.optimistic(key, ttl, max_attempts, wait));
}

TEST_F(warlock_readme, unlock_using_the_lock_id) {
    const std::string key = "test-lock-2";
    std::promise<std::string> told_id;
    locks_.lock(key, 10000ms,
                [&](result<warlock::answer> got) { told_id.set_value(got.value().id); });
    const std::string lock_id = told_id.get_future().get();

    // Each client who knows the id can release the lock.
    warlock other(server_.url());
    const told<int> unlocked;
    other.unlock(key, lock_id, unlocked);
    EXPECT_EQ(unlocked.get().value(), 1);
    EXPECT_FALSE(there_.has("test-lock-2:lock"));

    const auto again = locks_.lock(key, 10000ms);
    EXPECT_EQ(other.unlock(key, again.value().id).value(), 1);
}

}  // namespace
}  // namespace holdfast::test
