// SPDX-License-Identifier: BSL-1.0
//
// The samples of dist-lock's README, line by line: with callbacks, and blocking; on the wire of the
// version that it belongs to, and on that of the next.
#include <holdfast/compat/dist_lock.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>

namespace holdfast::test {
namespace {

using compat::dist_lock;
using compat::dist_lock_wire;
using namespace std::chrono_literals;

class dist_lock_readme : public testing::TestWithParam<dist_lock_wire> {
protected:
    [[nodiscard]] static dist_lock::options defaults() {
        dist_lock::options how;
        how.wire = GetParam();
        return how;
    }
    redis_server server_{redis_options{.tcp = true}};
    on_server there_{server_};
};

TEST_P(dist_lock_readme, example_with_callbacks) {
    dist_lock locks(server_.url(), defaults());
    std::promise<bool> done;
    locks.acquire("shared-resource-name", [&](result<std::optional<dist_lock::lock>> lock) {
        // Without a value something went wrong. Is Redis down?
        if (!lock || !*lock) return done.set_value(false);
        // No other process can acquire the lock while we hold it. Do some work ...
        EXPECT_TRUE(there_.has("lock:shared-resource-name"));
        // ... and release the lock.
        (*lock)->release([&](result<bool> released) { done.set_value(released.value()); });
    });
    EXPECT_TRUE(done.get_future().get());
    EXPECT_FALSE(there_.has("lock:shared-resource-name"));
}

TEST_P(dist_lock_readme, example_blocking) {
    dist_lock locks(server_.url(), defaults());
    auto lock = locks.acquire("shared-resource-name").value();
    ASSERT_TRUE(lock);
    EXPECT_TRUE(there_.has("lock:shared-resource-name"));
    EXPECT_TRUE(lock->release().value());
    EXPECT_FALSE(there_.has("lock:shared-resource-name"));
}

TEST_P(dist_lock_readme, initialization_with_the_options_written_out) {
    dist_lock::options options = defaults();
    EXPECT_EQ(options.ttl, 30000ms);  // The defaults are those of the README.
    EXPECT_EQ(options.retry_delay, 50ms);
    EXPECT_EQ(options.max_retries, -1);
    EXPECT_EQ(options.key_prefix, "lock:");
    options.ttl = 20000ms;
    options.retry_delay = 5ms;
    options.max_retries = 2;
    options.key_prefix = "other:";
    dist_lock locks(server_.url(), options);
    auto lock = locks.acquire("shared-resource-name").value();
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->key(), "other:shared-resource-name");
    EXPECT_GT(there_.left("other:shared-resource-name"), 10000ms);
    EXPECT_LE(there_.left("other:shared-resource-name"), 20000ms);
    // With a limited number of attempts there may be no lock, which is no error.
    const auto none = locks.acquire("shared-resource-name");
    ASSERT_TRUE(none) << none.error().message();
    EXPECT_FALSE(*none);
}

TEST_P(dist_lock_readme, lock_instance) {
    dist_lock locks(server_.url(), defaults());
    auto lock = locks.acquire("shared-resource-name").value();
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->id().size(), 25U);
    EXPECT_EQ(lock->key(), "lock:shared-resource-name");
    EXPECT_EQ(lock->acquired_on_attempt(), 1U);
    EXPECT_GE(lock->acquire_delay(), 0ms);
    const told<bool> extended;
    lock->extend(60s, extended);
    EXPECT_TRUE(extended.get().value());
    EXPECT_GT(there_.left(lock->key()), 50s);
    EXPECT_TRUE(lock->extend(90s).value());
    EXPECT_GT(there_.left(lock->key()), 80s);
    const told<bool> released;
    lock->release(released);
    EXPECT_TRUE(released.get().value());
}

INSTANTIATE_TEST_SUITE_P(wires, dist_lock_readme,
                         testing::Values(dist_lock_wire::one, dist_lock_wire::two),
                         [](const auto& which) {
                             return which.param == dist_lock_wire::one ? "one" : "two";
                         });

}  // namespace
}  // namespace holdfast::test
