// SPDX-License-Identifier: BSL-1.0
//
// What the readers-writer mutex promises by itself; conformance/mutex_test.cpp runs it over stores.
#include <holdfast/holdfast.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <shared_mutex>
#include <thread>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

std::string why_refused(locker& locks, const std::string& name, const acquire_options& options) {
    try {
        shared_mutex made{locks, name, options};
    } catch (const lock_error& wrong) {
        EXPECT_EQ(wrong.why().code, errc::misuse);
        return wrong.why().text;
    }
    ADD_FAILURE() << "it was made";
    return {};
}

TEST(shared_mutex, refuses_bad_options_when_it_is_made) {
    locker locks{"memory:"};
    EXPECT_THAT(why_refused(locks, "", {}), testing::HasSubstr("1 to 512 bytes"));
    EXPECT_THAT(why_refused(locks, "job", {.ttl = 0ms}), testing::HasSubstr("ttl must be"));
    EXPECT_THAT(why_refused(locks, "job", {.permits = 3}),
                testing::HasSubstr("shared or counted with permits"));
}

// Why: the lock functions say how it is held, whatever the options say.
TEST(shared_mutex, is_held_as_its_functions_say) {
    locker locks{"memory:"};
    shared_mutex job{locks, "job", {.mode = lock_mode::shared}};
    const auto mode = [&] { return locks.inspect("job").value()->mode; };
    job.lock();
    EXPECT_EQ(mode(), lock_mode::exclusive);
    job.unlock();
    ASSERT_TRUE(job.try_lock_shared_for(10s));
    EXPECT_EQ(mode(), lock_mode::shared);
    EXPECT_GT(job.remaining(), 0ms);
    EXPECT_GT(job.fencing_token(), 0U);
    job.unlock_shared();
    ASSERT_TRUE(job.try_lock_for(10s));
    EXPECT_EQ(mode(), lock_mode::exclusive);
    job.unlock();
    ASSERT_TRUE(job.try_lock_shared_until(std::chrono::steady_clock::now() + 10s));
    job.unlock_shared();
}

TEST(shared_mutex, unlocks_what_this_thread_holds_and_no_more) {
    locker locks{"memory:"};
    shared_mutex job{locks, "job"};
    job.lock_shared();
    std::jthread([&] {
        job.unlock_shared();  // Holds nothing: changes nothing.
        EXPECT_EQ(job.fencing_token(), 0U);
        EXPECT_TRUE(job.lost().stop_requested());
        const std::shared_lock reading(job);
        EXPECT_EQ(locks.inspect("job").value()->holders, 2U);
    }).join();
    EXPECT_FALSE(job.lost().stop_requested());
    job.unlock_shared();
}

TEST(mutex, holds_it_as_its_options_say) {
    locker locks{"memory:"};
    mutex readers{locks, "table", {.mode = lock_mode::shared}};
    const std::scoped_lock reading(readers);
    EXPECT_EQ(locks.inspect("table").value()->mode, lock_mode::shared);
    mutex permits{locks, "pool", {.permits = 2}};
    const std::scoped_lock counted(permits);
    EXPECT_TRUE(locks.inspect("pool").value()->counted);
}

}  // namespace
}  // namespace holdfast
