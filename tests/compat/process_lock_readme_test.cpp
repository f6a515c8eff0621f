// SPDX-License-Identifier: BSL-1.0
//
// The samples of process-lock's README, line by line: with callbacks, and blocking.
#include <holdfast/compat/process_lock.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <optional>

namespace holdfast::test {
namespace {

using compat::process_lock;
using compat::process_lock_state;
using namespace std::chrono_literals;

class process_lock_readme : public testing::Test {
protected:
    process_lock_readme() { ::setenv("REDIS_URL", server_.url().c_str(), 1); }
    ~process_lock_readme() override { ::unsetenv("REDIS_URL"); }

    redis_server server_{redis_options{.tcp = true}};
    on_server there_{server_};
};

TEST_F(process_lock_readme, acquire_refresh_and_release_with_callbacks) {
    process_lock lock("lock_name", 60s);
    std::promise<bool> exited;
    const auto on_exit = [&] {
        lock.clear([&](result<std::optional<bool>> cleared) {
            exited.set_value(cleared && *cleared == true);
        });
    };
    const auto start_process = [&] {
        lock.update([&](result<bool> renewed) {
            EXPECT_TRUE(renewed && *renewed);
            on_exit();
        });
    };
    // Whoever is not the owner would call this again after a while.
    const auto wait_for_lock = [&] {
        lock.lock([&](result<bool> owner) {
            if (owner && *owner)
                start_process();
            else
                exited.set_value(false);
        });
    };
    wait_for_lock();
    EXPECT_TRUE(exited.get_future().get());
    EXPECT_FALSE(there_.has("lock_name"));
}

TEST_F(process_lock_readme, acquire_refresh_and_release_blocking) {
    process_lock lock("lock_name", 60s);
    EXPECT_EQ(lock.state().value(), process_lock_state::open);
    EXPECT_TRUE(lock.lock().value());
    EXPECT_EQ(lock.state().value(), process_lock_state::locked);
    EXPECT_EQ(to_string(lock.state().value()), "locked");
    EXPECT_GT(there_.left("lock_name"), 50s);
    EXPECT_TRUE(lock.update().value());
    EXPECT_EQ(lock.clear().value(), true);
    EXPECT_EQ(to_string(lock.state().value()), "open");
}

TEST_F(process_lock_readme, two_processes_with_one_lock_name) {
    process_lock first("lock_name", 60s);
    process_lock second("lock_name", 60s);
    EXPECT_TRUE(first.lock().value());
    EXPECT_FALSE(second.lock().value());
    EXPECT_FALSE(second.update().value());
    EXPECT_EQ(second.clear().value(), false);
    EXPECT_TRUE(first.update().value());
    EXPECT_EQ(second.clear(true).value(), true);
    EXPECT_EQ(second.clear().value(), std::nullopt);
    EXPECT_TRUE(second.lock().value());
}

TEST_F(process_lock_readme, the_state_with_callbacks) {
    process_lock lock("lock_name", 60s);
    const told<process_lock_state> before;
    lock.state(before);
    EXPECT_EQ(before.get().value(), process_lock_state::open);
    const told<bool> locked;
    lock.lock(locked);
    EXPECT_TRUE(locked.get().value());
    const told<process_lock_state> after;
    lock.state(after);
    EXPECT_EQ(after.get().value(), process_lock_state::locked);
    const told<std::optional<bool>> cleared;
    lock.clear(true, cleared);
    EXPECT_EQ(cleared.get().value(), true);
}

}  // namespace
}  // namespace holdfast::test
