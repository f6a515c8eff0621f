// SPDX-License-Identifier: BSL-1.0
#include <holdfast/holdfast.hpp>

#include "redis/keys.hpp"
#include "support/acl_user.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class redis_processes : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return server_.directory() + "/counter"; }
    [[nodiscard]] bool taken(const std::string& name) const {
        return server_.command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }

    // Reads, thinks, writes: any two at once lose an increment. Beside the number stands the token
    // of who wrote it last.
    // @return Whether this token is higher.
    [[nodiscard]] bool increment(std::uint64_t token) const {
        long seen = 0;
        std::uint64_t last = 0;
        std::ifstream(path()) >> seen >> last;
        std::this_thread::yield();
        std::ofstream(path(), std::ios::trunc) << seen + 1 << ' ' << token;
        return token > last;
    }
    // @return How often something was not as it should be.
    int increment_under_lock(locker& locks, int times) const {
        int failures = 0;
        for (int done = 0; done < times; ++done) {
            auto held = locks.acquire("counter", {.ttl = 30s, .wait = 5min});
            if (!held || !increment(held->fencing_token())) ++failures;
            if (held && !held->release()) ++failures;
        }
        return failures;
    }

    redis_server server_{{.tcp = true}};
};

// Why: the one thing that locks are for. How: sixteen threads on one locker and eight processes
// with one each increment a number in a file that only the lock protects; I1, I2, I12.
TEST_F(redis_processes, lose_no_increment_of_a_shared_counter_and_see_tokens_rise) {
    const char* const wanted = std::getenv("HOLDFAST_INCREMENTS");
    const int times = wanted == nullptr ? 10'000 : std::atoi(wanted);
    constexpr int processes = 8;
    constexpr int threads = 16;
    const int each_process = times / 2 / processes;
    const int each_thread = (times - each_process * processes) / threads;
    std::ofstream(path()) << "0 0";
    std::vector<std::unique_ptr<child_process>> children;
    for (int i = 0; i < processes; ++i)
        children.push_back(std::make_unique<child_process>([&](const auto&) {
            locker locks{server_.url()};
            return increment_under_lock(locks, each_process) == 0 ? 0 : 1;
        }));
    std::atomic<int> failures{0};
    {
        locker locks{server_.url()};
        std::vector<std::jthread> workers;
        for (int i = 0; i < threads; ++i)
            workers.emplace_back([&] { failures += increment_under_lock(locks, each_thread); });
    }
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(failures, 0);
    long counted = 0;
    std::ifstream(path()) >> counted;
    EXPECT_EQ(counted, each_process * processes + each_thread * threads);
    EXPECT_FALSE(taken("counter"));
}

// F30.
TEST_F(redis_processes, get_the_lock_of_a_killed_holder_when_its_lease_ends) {
    child_process holder([&](const auto& parent) {
        locker locks{server_.url()};
        auto held = locks.acquire("job", {.ttl = 1s, .owner = "the victim"});
        parent.tell(held ? 'y' : 'n');
        parent.hear();
        return 0;
    });
    ASSERT_EQ(holder.parent_line().hear(), 'y');
    locker locks{server_.url()};
    auto refused = locks.acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().holder->owner, "the victim");
    EXPECT_EQ(refused.error().holder->pid, holder.pid());
    holder.kill();
    const time_point killed = boot_clock::now();
    auto held = locks.acquire("job", {.wait = 20s});
    ASSERT_TRUE(held);
    EXPECT_LT(boot_clock::now() - killed, 5s) << "the ttl is 1 s";
}

// F29.
TEST_F(redis_processes, that_were_stopped_past_their_lease_know_it_when_they_go_on) {
    child_process holder([&](const auto& parent) {
        locker locks{server_.url()};
        auto held = locks.acquire("job", {.ttl = 500ms});
        parent.tell(held ? 'y' : 'n');
        parent.hear();  // The parent has it now.
        const bool lost =
            !held->held() && held->lost().stop_requested() && held->why_lost() != lost_reason::none;
        const auto released = held->release();
        return lost && !released && released.error().code == errc::lost ? 0 : 1;
    });
    ASSERT_EQ(holder.parent_line().hear(), 'y');
    holder.signal(SIGSTOP);
    locker locks{server_.url()};
    auto held = locks.acquire("job", {.wait = 20s});
    ASSERT_TRUE(held);
    holder.parent_line().tell();
    holder.signal(SIGCONT);
    EXPECT_EQ(holder.wait(), 0);
    EXPECT_THAT(server_.command({"GET", redis::lock_key("job")}), testing::HasSubstr(held->id()));
}

TEST_F(redis_processes, hand_a_lock_over) {
    child_process taker([&](const auto& parent) {
        parent.hear();
        lease handed;
        std::ifstream(path()) >> handed.name >> handed.id >> handed.fencing_token;
        handed.ttl = 20s;
        locker locks{server_.url()};
        auto held = locks.adopt(handed);
        return held && held->renew(20s) && held->release() ? 0 : 1;
    });
    locker locks{server_.url()};
    auto held = locks.acquire("job", {.ttl = 20s});
    const lease handed = held->hand_over().value();
    std::ofstream(path()) << handed.name << ' ' << handed.id << ' ' << handed.fencing_token;
    taker.parent_line().tell();
    EXPECT_EQ(taker.wait(), 0);
    EXPECT_FALSE(taken("job"));
}

// F33. Why: a child that uses the connection of its parent would read its replies; one that runs
// its parent's destructors would release its locks.
TEST_F(redis_processes, that_are_forked_from_a_holder_hold_nothing_and_release_nothing) {
    const auto ttl = 900ms;
    auto locks = std::make_unique<locker>(server_.url());
    auto held = std::make_unique<guard>(locks->acquire("job", {.ttl = ttl}).value());
    child_process child([&](const auto&) {
        if (held->held() || !held->lost().stop_requested()) return 1;
        if (held->why_lost() != lost_reason::forked || held->remaining() != 0ms) return 2;
        if (held->renew(10s).error().code != errc::misuse) return 3;
        if (locks->acquire("other").error().code != errc::misuse) return 4;
        if (locks->break_lock("job").error().code != errc::misuse) return 5;
        held.reset();
        locks.reset();
        locker own{server_.url()};
        return own.acquire("job").error().code == errc::contended ? 0 : 6;
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(held->held());
    EXPECT_TRUE(taken("job"));
    const auto before = locks->statistics().renewals;
    EXPECT_TRUE(poll_until([&] { return locks->statistics().renewals >= before + 4; }, 20s));
    EXPECT_TRUE(held->held()) << "it is renewed past its ttl";
    EXPECT_TRUE(held->release());
    EXPECT_FALSE(taken("job"));
}

// Why: a program that a user starts must not keep the connection open, or speak on it.
TEST_F(redis_processes, that_are_started_by_a_holder_inherit_no_descriptor) {
    locker over_tcp{server_.url()};
    locker over_unix{"redis+unix://" + acl_user_part() + server_.socket_path()};
    auto first = over_tcp.acquire("first");
    auto second = over_unix.acquire("second");
    ASSERT_TRUE(first && second);
    std::FILE* const list = ::popen("ls -l /proc/self/fd", "r");
    ASSERT_NE(list, nullptr);
    std::string text;
    std::array<char, 512> part;
    while (std::fgets(part.data(), part.size(), list) != nullptr) text += part.data();
    EXPECT_EQ(::pclose(list), 0);
    EXPECT_THAT(text, testing::HasSubstr("pipe:")) << "nothing was listed";
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("socket:"))) << text;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("anon_inode:"))) << text;
}

// I11. How: what is open before, and after lockers have come, worked and gone.
TEST_F(redis_processes, are_left_with_the_descriptors_and_threads_they_had) {
    const auto count = [](const char* what) {
        return std::distance(std::filesystem::directory_iterator(what),
                             std::filesystem::directory_iterator());
    };
    const auto work = [this] {
        locker locks{server_.url()};
        auto held = locks.acquire("job", {.ttl = 20s});
        EXPECT_TRUE(held && held->renew(20s));
        EXPECT_EQ(locks.acquire("job").error().code, errc::contended);
    };
    work();
    const auto descriptors = count("/proc/self/fd");
    const auto threads = count("/proc/self/task");
    for (int i = 0; i < 20; ++i) work();
    EXPECT_EQ(count("/proc/self/fd"), descriptors);
    EXPECT_TRUE(poll_until([&] { return count("/proc/self/task") == threads; }));
}

}  // namespace
}  // namespace holdfast::test
