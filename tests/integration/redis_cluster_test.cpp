// SPDX-License-Identifier: BSL-1.0
//
// Why: in a cluster a name's keys are at one of several masters, and move; callers are not to
// notice. How: a private cluster of six; masters are killed and demoted, slots are moved. F6.
#include "support/redis_cluster.hpp"

#include <holdfast/holdfast.hpp>
#include <holdfast/redis.hpp>

#include "lock/session.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

locker open(const std::string& url, std::chrono::milliseconds timeout = 2s) {
    return locker(lock::factory_for(url).value(), {.timeout = timeout});
}

/// Threads that take and give back one lock, over and over, and see that nobody else has it.
class crowd {
public:
    crowd(const std::string& url, std::string name, int threads) : name_(std::move(name)) {
        for (int i = 0; i < threads; ++i)
            workers_.emplace_back([this, url](const std::stop_token& stop) { work(url, stop); });
    }
    [[nodiscard]] bool goes_on() const {
        const int before = cycles_;
        return poll_until([&] { return cycles_ > before + 50; }, 60s);
    }
    /// @return What went wrong, or nothing.
    std::string stop() {
        workers_.clear();
        const std::scoped_lock lock(mutex_);
        return wrong_;
    }

private:
    void work(const std::string& url, const std::stop_token& stop) {
        // A master that hands over lets its clients wait; a release has no other limit.
        locker locks = open(url, 20s);
        while (!stop.stop_requested()) {
            auto held = locks.acquire(name_, {.ttl = 30s, .wait = 30s});
            if (!held) {
                complain("acquire: " + held.error().message());
                continue;
            }
            if (inside_.fetch_add(1) != 0) complain("two at once");
            if (last_token_.exchange(held->fencing_token()) >= held->fencing_token())
                complain("a token that did not rise");
            std::this_thread::yield();
            inside_.fetch_sub(1);
            if (const auto gone = held->release(); !gone)
                complain("release: " + gone.error().message());
            ++cycles_;
        }
    }
    void complain(const std::string& what) {
        const std::scoped_lock lock(mutex_);
        if (wrong_.empty()) wrong_ = what;
    }

    std::string name_;
    std::atomic<int> inside_{0};
    std::atomic<int> cycles_{0};
    std::atomic<std::uint64_t> last_token_{0};
    std::mutex mutex_;
    std::string wrong_;
    std::vector<std::jthread> workers_;
};

class in_a_cluster : public testing::Test {
protected:
    [[nodiscard]] bool taken(std::size_t where, const std::string& name) {
        return cluster_.server(where).command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }
    [[nodiscard]] std::size_t home_of(const std::string& name) const {
        return cluster_.master_of(redis::lock_key(name));
    }
    /// @return A name at that master.
    [[nodiscard]] std::string name_at(std::size_t master) const {
        for (int i = 0;; ++i)
            if (std::string name = "job " + std::to_string(i); home_of(name) == master) return name;
    }

    redis_cluster cluster_;
};

TEST_F(in_a_cluster, each_lock_is_at_the_master_of_its_slot) {
    locker locks = open(cluster_.url());
    std::vector<guard> held;
    std::set<std::size_t> homes;
    for (int i = 0; i < 30; ++i) {
        const std::string name = "job " + std::to_string(i);
        auto one = locks.acquire(name, {.ttl = 30s});
        ASSERT_TRUE(one) << one.error().message();
        EXPECT_GT(one->fencing_token(), 0U);
        homes.insert(home_of(name));
        EXPECT_TRUE(taken(home_of(name), name));
        EXPECT_EQ(locks.try_acquire(name).error().code, errc::contended);
        EXPECT_TRUE(one->renew(40s));
        held.push_back(std::move(*one));
    }
    EXPECT_EQ(homes.size(), 3U);
    const auto all = locks.list("job");
    ASSERT_TRUE(all) << all.error().message();
    ASSERT_EQ(all->size(), 30U);
    EXPECT_EQ(all->front().name, "job 0");
    EXPECT_EQ(all->back().name, "job 9");
    const auto broken = locks.break_lock("job 3");
    ASSERT_TRUE(broken && *broken);
    EXPECT_EQ((*broken)->id, held[3].id());
    for (std::size_t i = 0; i < held.size(); ++i) EXPECT_EQ(held[i].release().has_value(), i != 3);
    EXPECT_TRUE(locks.list("job").value().empty());
}

TEST_F(in_a_cluster, modes_and_lines_are_those_of_one_server) {
    locker locks = open(cluster_.url());
    auto reader = locks.acquire("shared", {.ttl = 30s, .mode = lock_mode::shared});
    auto other = locks.acquire("shared", {.ttl = 30s, .mode = lock_mode::shared});
    EXPECT_TRUE(reader && other);
    EXPECT_FALSE(locks.try_acquire("shared"));
    auto first = locks.acquire("counted", {.ttl = 30s, .permits = 2});
    auto second = locks.acquire("counted", {.ttl = 30s, .permits = 2});
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(locks.acquire("counted", {.ttl = 30s, .permits = 2}));
    auto held = locks.acquire("fair", {.ttl = 30s, .fair = true});
    ASSERT_TRUE(held) << held.error().message();
    locker others = open(cluster_.url());
    auto waits = std::async(std::launch::async, [&] {
        return others.acquire("fair", {.ttl = 30s, .wait = 30s, .fair = true});
    });
    ASSERT_TRUE(poll_until([&] {
        const auto info = locks.inspect("fair");
        return info && *info && (*info)->waiters == 1;
    }));
    EXPECT_TRUE(held->release());
    auto next = waits.get();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_TRUE(next->release());
}

TEST_F(in_a_cluster, several_names_are_taken_in_order_and_given_back_if_one_is_not_to_be_had) {
    locker locks = open(cluster_.url());
    const std::vector<std::string> names{name_at(0), name_at(1), name_at(2)};
    {
        auto all = locks.acquire_all(names, {.ttl = 30s});
        ASSERT_TRUE(all) << all.error().message();
        for (const std::string& name : names) EXPECT_TRUE(taken(home_of(name), name));
    }
    ASSERT_TRUE(poll_until([&] { return locks.list().value().empty(); }));
    const auto at_once = locks.acquire_all(names, {.ttl = 30s, .atomic = true});
    ASSERT_FALSE(at_once);
    EXPECT_EQ(at_once.error().code, errc::misuse);
    EXPECT_THAT(at_once.error().text, HasSubstr("one after the other: each may be at another"));
    auto last = locks.acquire(*std::ranges::max_element(names), {.ttl = 30s});
    ASSERT_TRUE(last);
    const auto refused = locks.acquire_all(names, {.ttl = 30s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    EXPECT_EQ(refused.error().name, last->name());
    EXPECT_EQ(locks.list().value().size(), 1U) << "the others were given back";
    auto waits = std::async(std::launch::async, [&] {
        return open(cluster_.url()).acquire_all(names, {.ttl = 30s, .wait = 30s}).has_value();
    });
    EXPECT_TRUE(last->release());
    EXPECT_TRUE(waits.get());
}

// Why: callers who want the same names in another order must not hold each other up for ever.
TEST_F(in_a_cluster, several_names_in_any_order_stand_in_nobodys_way) {
    const std::vector<std::string> names{name_at(0), name_at(1), name_at(2)};
    std::atomic<int> failures{0};
    {
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < 4; ++i)
            workers.emplace_back([&, i] {
                locker locks = open(cluster_.url());
                std::vector<std::string> mine = names;
                std::rotate(mine.begin(), mine.begin() + static_cast<long>(i % 3), mine.end());
                for (int turn = 0; turn < 10; ++turn)
                    if (!locks.acquire_all(mine, {.ttl = 30s, .wait = 60s})) ++failures;
            });
    }
    EXPECT_EQ(failures, 0);
}

TEST_F(in_a_cluster, a_failover_that_is_asked_for_is_not_noticed) {
    const std::string name = name_at(1);
    crowd all(cluster_.url(), name, 4);
    EXPECT_TRUE(all.goes_on());
    const std::size_t next = cluster_.fail_over(redis::lock_key(name));
    EXPECT_GE(next, redis_cluster::masters);
    EXPECT_TRUE(all.goes_on());
    cluster_.await_well();
    EXPECT_EQ(cluster_.fail_over(redis::lock_key(name)), 1U);
    EXPECT_TRUE(all.goes_on());
    EXPECT_EQ(all.stop(), "");
}

TEST_F(in_a_cluster, a_slot_that_moves_is_followed) {
    const std::string name = name_at(0);
    const std::string key = redis::lock_key(name);
    crowd all(cluster_.url(), name, 4);
    EXPECT_TRUE(all.goes_on());
    for (int turn = 0; turn < 6; ++turn) {
        const std::size_t to = (cluster_.master_of(key) + 1) % redis_cluster::masters;
        cluster_.move_slot(key, to);
        EXPECT_TRUE(all.goes_on()) << turn;
        EXPECT_TRUE(poll_until([&] { return cluster_.master_of(key) == to; }));
    }
    EXPECT_EQ(all.stop(), "");
}

// Why: a waiter's place and the notices about it move to another master, too.
TEST_F(in_a_cluster, who_waits_and_who_holds_stay_so_when_their_slot_moves) {
    const std::string name = name_at(0);
    locker locks = open(cluster_.url());
    locker others = open(cluster_.url());
    auto held = locks.acquire(name, {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    auto waits = std::async(std::launch::async,
                            [&] { return others.acquire(name, {.ttl = 60s, .wait = 60s}); });
    ASSERT_TRUE(poll_until([&] {
        const auto info = locks.inspect(name);
        return info && *info && (*info)->waiters == 1;
    }));
    cluster_.move_slot(redis::lock_key(name), 2);
    EXPECT_TRUE(taken(2, name));
    EXPECT_TRUE(held->renew(60s));
    EXPECT_TRUE(held->release());
    auto next = waits.get();
    ASSERT_TRUE(next) << next.error().message();
    const auto gone = next->release();
    EXPECT_TRUE(gone) << gone.error().message();
    EXPECT_FALSE(taken(2, name));
}

// Why: between the two halves of a move the keys of a name may be at either master.
TEST_F(in_a_cluster, a_slot_on_its_way_is_waited_for) {
    const std::string name = name_at(0);
    const std::string key = redis::lock_key(name);
    locker locks = open(cluster_.url());
    auto held = locks.acquire(name, {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    cluster_.begin_move(key, 1);
    EXPECT_TRUE(held->renew(60s)) << "its key is still there";
    std::atomic<bool> done{false};
    auto waits = std::async(std::launch::async, [&] {
        auto next = locks.acquire(name, {.ttl = 60s, .wait = 60s});
        done = true;
        return next.has_value();
    });
    auto released = std::async(std::launch::async, [&] { return held->release(); });
    cluster_.end_move(key, 0, 1);
    const auto gone = released.get();
    EXPECT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(waits.get());
    EXPECT_TRUE(done);
}

TEST_F(in_a_cluster, a_master_that_dies_is_replaced) {
    const std::string name = name_at(2);
    locker locks = open(cluster_.url());
    auto held = locks.acquire(name, {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_EQ(cluster_.server(2).command({"WAIT", "1", "100"}).substr(0, 1), ":");
    ASSERT_TRUE(poll_until([&] {
        return cluster_.server(5).command({"DBSIZE"}) == cluster_.server(2).command({"DBSIZE"});
    }));
    cluster_.server(2).kill();
    const std::string elsewhere = name_at(0);
    auto other = locks.acquire(elsewhere, {.ttl = 60s});
    EXPECT_TRUE(other) << "that master lives: " << other.error().message();
    locker others = open(cluster_.url());
    auto waits = std::async(std::launch::async,
                            [&] { return others.acquire(name, {.ttl = 60s, .wait = 60s}); });
    EXPECT_TRUE(poll_until([&] { return held->renew(60s).has_value(); }));
    EXPECT_TRUE(held->release());
    auto next = waits.get();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_TRUE(taken(5, name));
    EXPECT_TRUE(next->release());
}

// Why: a frozen master neither answers nor refuses, so nothing but another server tells that it has
// been replaced.
TEST_F(in_a_cluster, a_master_that_freezes_is_left) {
    const std::string name = name_at(2);
    locker locks = open(cluster_.url(), 500ms);
    auto held = locks.acquire(name, {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(poll_until([&] {
        return cluster_.server(5).command({"DBSIZE"}) == cluster_.server(2).command({"DBSIZE"});
    }));
    cluster_.server(2).signal(SIGSTOP);
    EXPECT_TRUE(poll_until([&] { return held->renew(60s).has_value(); })) << "at its replica";
    EXPECT_TRUE(held->held());
    EXPECT_TRUE(held->release());
    auto next = locks.acquire(name, {.ttl = 60s});
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_TRUE(next->release());
    cluster_.server(2).signal(SIGCONT);
}

// Why: with the guard a replica is refused when a connection to it is made; in a cluster the one
// that was the master of old is to be left, too.
TEST_F(in_a_cluster, a_guarded_master_that_was_demoted_is_left) {
    const std::string name = name_at(1);
    locker locks = open(cluster_.url() + "?durability=strict&longest_ttl_ms=1000");
    ASSERT_TRUE(locks.acquire(name, {.ttl = 1s, .wait = 30s}));
    static_cast<void>(cluster_.fail_over(redis::lock_key(name)));
    static_cast<void>(cluster_.server(1).command({"CLIENT", "KILL", "TYPE", "normal"}));
    auto later = locks.acquire(name, {.ttl = 1s, .wait = 30s});
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->release());
}

// Why: the script that gives a share back has done so before it meets a key that is not there.
TEST_F(in_a_cluster, a_share_in_a_slot_on_its_way_is_given_back_once) {
    const std::string name = name_at(0);
    locker locks = open(cluster_.url());
    auto held = locks.acquire(name, {.ttl = 60s, .mode = lock_mode::shared});
    ASSERT_TRUE(held) << held.error().message();
    cluster_.begin_move(redis::lock_key(name), 1);
    auto released = std::async(std::launch::async, [&] { return held->release(); });
    ASSERT_TRUE(poll_until([&] { return !taken(0, name); }));
    cluster_.end_move(redis::lock_key(name), 0, 1);
    const auto gone = released.get();
    EXPECT_TRUE(gone) << gone.error().message();
}

// Why: who asks where slots are, and gives up, does so for itself alone.
TEST_F(in_a_cluster, who_gives_up_asking_for_slots_keeps_nobody_from_knowing) {
    const std::string name = name_at(1);
    cluster_.server(0).signal(SIGSTOP);  // Who is asked first.
    locker locks = open(cluster_.url());
    std::stop_source impatient;
    auto first = std::async(std::launch::async, [&] {
        return locks.acquire("other", {.ttl = 30s, .wait = 30s, .stop = impatient.get_token()})
            .has_value();
    });
    auto second = std::async(std::launch::async, [&] { return locks.acquire(name, {.ttl = 30s}); });
    impatient.request_stop();
    EXPECT_FALSE(first.get());
    auto held = second.get();
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->release());
    cluster_.server(0).signal(SIGCONT);
}

TEST_F(in_a_cluster, servers_that_are_dead_at_the_start_are_done_without) {
    const std::string name = name_at(1);
    cluster_.server(0).signal(SIGSTOP);
    locker locks = open(cluster_.url());
    auto held = locks.acquire(name, {.ttl = 30s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->release());
    cluster_.server(0).signal(SIGCONT);
    const auto nowhere = open("redis-cluster://127.0.0.1:1").try_acquire("job");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, errc::unreachable);
    EXPECT_THAT(nowhere.error().text, HasSubstr("nobody tells where the slots are"));
}

// Why: with the guard a promoted replica grants nothing until every lease that it may have missed
// is over; and with replicas that must have each grant, it missed none.
TEST_F(in_a_cluster, a_promoted_replica_rests_where_that_was_asked_for) {
    const std::string name = name_at(1);
    locker locks = open(cluster_.url() + "?durability=replicated&longest_ttl_ms=5000");
    auto held = locks.acquire(name, {.ttl = 5s, .wait = 30s});
    ASSERT_TRUE(held) << held.error().message();
    static_cast<void>(cluster_.fail_over(redis::lock_key(name)));
    EXPECT_TRUE(poll_until([&] { return held->renew(5s).has_value(); }, 5s));
    EXPECT_TRUE(held->release());
    const auto rests = locks.acquire(name, {.ttl = 5s});
    ASSERT_FALSE(rests);
    EXPECT_EQ(rests.error().code, errc::quarantined) << rests.error().message();
    auto later = locks.acquire(name, {.ttl = 5s, .wait = 30s});
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->release());
}

TEST(a_server_that_is_no_cluster, says_so) {
    const redis_server plain({.tcp = true});
    const auto refused =
        open("redis-cluster://127.0.0.1:" + std::to_string(plain.port())).try_acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("cluster support disabled"));
}

}  // namespace
}  // namespace holdfast::test
