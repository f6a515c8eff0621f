// SPDX-License-Identifier: BSL-1.0
//
// A server without memory left refuses new locks, as it refuses the originals' SET, and still lets
// those that are held be extended and released.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/process_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>

#include "compat/on_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class full_memory : public testing::Test {
protected:
    /// From now on nothing is stored that needs memory.
    void fill() {
        there_.ask({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
        there_.ask({"CONFIG", "SET", "maxmemory", "1"});
        ASSERT_THAT(there_.ask({"SET", "plain", "1"}).text, HasSubstr("OOM"));
    }
    /// @return Whether `answer` is a refusal for want of memory.
    template <class T>
    static bool refused(const result<T>& answer) {
        return !answer && answer.error().code == errc::denied &&
               answer.error().text.find("OOM") != std::string::npos;
    }

    redis_server server_;
    on_server there_{server_};
};

TEST_F(full_memory, is_denied_to_warlock_and_what_it_holds_is_touched_and_unlocked) {
    compat::warlock locks(server_.url());
    const auto held = locks.lock("held", 10s).value();
    fill();
    EXPECT_TRUE(refused(locks.lock("new", 10s)));
    EXPECT_TRUE(refused(compat::warlock(server_.url()).lock("new", 10s))) << "a first call";
    EXPECT_TRUE(refused(locks.optimistic("new", 10s, 3, 1ms)));
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_TRUE(locks.touch("held", held.id, 60s).value());
    EXPECT_GT(there_.left("held:lock"), 20s);
    EXPECT_EQ(locks.unlock("held", held.id).value(), 1);
    EXPECT_EQ(there_.keys(), 0);
}

TEST_F(full_memory, is_denied_to_dist_lock_and_what_it_holds_is_extended_and_released) {
    for (const auto wire : {compat::dist_lock_wire::one, compat::dist_lock_wire::two}) {
        there_.ask({"CONFIG", "SET", "maxmemory", "0"});
        compat::dist_lock locks(server_.url(), {.wire = wire});
        auto held = locks.acquire("held").value().value();
        fill();
        EXPECT_TRUE(refused(locks.acquire("new", "me")));
        EXPECT_TRUE(refused(compat::dist_lock(server_.url(), {.wire = wire}).acquire("new")));
        EXPECT_EQ(there_.keys(), 1);
        EXPECT_TRUE(held.extend(60s).value());
        EXPECT_GT(there_.left("lock:held"), 40s);
        EXPECT_TRUE(held.release().value());
        EXPECT_EQ(there_.keys(), 0);
    }
}

TEST_F(full_memory, is_denied_to_redlock_and_what_it_holds_is_extended_and_unlocked) {
    compat::redlock locks({server_.url()}, {.retry_count = 1, .retry_delay = 1ms});
    auto held = locks.lock("held", 10s).value();
    fill();
    EXPECT_TRUE(refused(locks.lock("new", 10s)));
    EXPECT_TRUE(refused(locks.lock({"new", "newer"}, 10s)));
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_TRUE(held.extend(60s));
    EXPECT_GT(there_.left("held"), 20s);
    EXPECT_TRUE(held.unlock());
    EXPECT_EQ(there_.keys(), 0);
}

TEST_F(full_memory, is_denied_to_process_lock_and_what_it_holds_is_updated_and_cleared) {
    compat::process_lock held("held", 60s, server_.url());
    ASSERT_TRUE(held.lock().value());
    there_.ask({"PEXPIRE", "held", "10000"});
    fill();
    EXPECT_TRUE(refused(compat::process_lock("new", 60s, server_.url()).lock()));
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_TRUE(held.update().value());
    EXPECT_GT(there_.left("held"), 20s);
    EXPECT_EQ(held.clear().value(), true);
    EXPECT_EQ(there_.keys(), 0);
}

}  // namespace
}  // namespace holdfast::test
