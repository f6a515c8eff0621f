// SPDX-License-Identifier: BSL-1.0
#include <holdfast/holdfast.hpp>

#include "integration/sqlite_raw.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class sqlite_processes : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }
    [[nodiscard]] std::string url() const { return "sqlite:" + path(); }
    [[nodiscard]] std::string counter_path() const { return directory_ / "counter"; }

    // Reads, thinks, writes: any two at once lose an increment.
    void increment() const {
        long seen = 0;
        std::ifstream(counter_path()) >> seen;
        std::this_thread::yield();
        std::ofstream(counter_path(), std::ios::trunc) << seen + 1;
    }
    [[nodiscard]] long counter() const {
        long seen = 0;
        std::ifstream(counter_path()) >> seen;
        return seen;
    }

    // @return How often it could not.
    int increment_under_lock(locker& locks, int times) const {
        int failures = 0;
        for (int done = 0; done < times; ++done) {
            auto held = locks.acquire("counter", {.ttl = 30s, .wait = 5min});
            if (held) increment();
            if (!held || !held->release()) ++failures;
        }
        return failures;
    }

    temp_dir directory_;
};

// Why: the one thing that locks are for. How: eight processes of two threads each, one locker a
// process, increment a number in a file that only the lock protects.
TEST_F(sqlite_processes, lose_no_increment_of_a_shared_counter) {
    constexpr int processes = 8;
    constexpr int threads = 2;
    constexpr int times = 10'000 / (processes * threads);
    std::vector<std::unique_ptr<child_process>> children;
    for (int i = 0; i < processes; ++i)
        children.push_back(std::make_unique<child_process>([&](const auto&) {
            locker locks{url()};
            int failures = 0;
            {
                std::jthread other([&] { failures = increment_under_lock(locks, times); });
                if (increment_under_lock(locks, times) > 0) return 1;
            }
            return failures > 0 ? 2 : 0;
        }));
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(counter(), processes * threads * times);
    EXPECT_EQ(raw_database(path()).query("PRAGMA integrity_check"), "ok");
}

TEST_F(sqlite_processes, get_the_lock_of_a_killed_holder_when_its_lease_ends) {
    child_process holder([&](const auto& parent) {
        locker locks{url()};
        auto held = locks.acquire("job", {.ttl = 2s, .owner = "the victim"});
        parent.tell(held ? 'y' : 'n');
        parent.hear();
        return 0;
    });
    ASSERT_EQ(holder.parent_line().hear(), 'y');
    locker locks{url()};
    const auto before = locks.inspect("job").value();
    ASSERT_TRUE(before);
    EXPECT_EQ(before->holder.owner, "the victim");
    EXPECT_EQ(before->holder.pid, holder.pid());
    holder.kill();
    const auto killed_at = std::chrono::steady_clock::now();
    const auto held = locks.acquire("job", {.wait = 30s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_LT(std::chrono::steady_clock::now() - killed_at, 2s + 5s);
    EXPECT_GT(held->fencing_token(), before->fencing_token);
}

TEST_F(sqlite_processes, are_woken_by_a_release_in_another_one) {
    child_process holder([&](const auto& parent) {
        locker locks{url()};
        auto held = locks.acquire("job", {.ttl = 10min});
        parent.tell();
        parent.hear();
        return held && held->release() ? 0 : 1;
    });
    holder.parent_line().hear();
    locker locks{url()};
    std::atomic<bool> waits{true};
    std::jthread waiter([&] {
        const auto held = locks.acquire("job", {.wait = 1min});
        EXPECT_TRUE(held);
        waits = false;
    });
    ASSERT_TRUE(poll_until([&] { return locks.statistics().refusals > 0; }));
    EXPECT_TRUE(waits);
    holder.parent_line().tell();
    EXPECT_TRUE(poll_until([&] { return !waits; }, 10s));
    EXPECT_EQ(holder.wait(), 0);
}

// What the kernel says to a user who has used up the inotify instances. A filter of system calls
// says it here, because a limit on descriptors would also break what the sanitizers look at.
bool refuse_inotify() {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_inotify_init1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EMFILE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Why: the kernel gives each user a limited number of inotify instances.
TEST_F(sqlite_processes, wait_without_inotify_too) {
    child_process waiter([&](const auto& parent) {
        if (!refuse_inotify()) return 1;  // Threads that are made later inherit it.
        locker mine{url()};
        if (!mine.try_acquire("another job")) return 1;
        parent.tell();
        parent.hear();
        return mine.acquire("job", {.wait = 1min}) ? 0 : 2;
    });
    waiter.parent_line().hear();
    locker own{url()};
    auto held = own.acquire("job", {.ttl = 10min});
    ASSERT_TRUE(held);
    waiter.parent_line().tell();
    std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(held->release());
    EXPECT_EQ(waiter.wait(), 0);
}

// Why: SIGKILL may hit between any two steps of SQLite. How: workers take and release a few names
// without end, and are killed and replaced at random; the file has to stay sound, and every name
// has to come free within a lease.
TEST_F(sqlite_processes, may_be_killed_at_any_moment) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto work = [&](const auto& parent) {
        locker locks{url()};
        parent.tell();
        for (int round = 0;; ++round) {
            const auto held =
                locks.acquire("job " + std::to_string(round % 3), {.ttl = 300ms, .wait = 1min});
            if (!held && held.error().code != errc::timed_out) return 1;
        }
    };
    std::vector<std::unique_ptr<child_process>> workers(4);
    for (int kills = 0; kills < 60; ++kills) {
        auto& worker = workers[random() % workers.size()];
        if (worker) worker->kill();
        worker = std::make_unique<child_process>(work);
        worker->parent_line().hear();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    }
    for (auto& worker : workers)
        if (worker) worker->kill();
    locker locks{url()};
    for (const char* name : {"job 0", "job 1", "job 2"}) {
        const auto held = locks.acquire(name, {.wait = 300ms + 10s});
        EXPECT_TRUE(held) << held.error().message();
    }
    EXPECT_EQ(raw_database(path()).query("PRAGMA integrity_check"), "ok");
}

// Why: a closed descriptor of the child, or its copy of SQLite, must not touch the parent's locks.
TEST_F(sqlite_processes, keep_their_lock_when_they_fork) {
    child_process parent([&](const auto&) {
        locker locks{url()};
        auto held = locks.acquire("job", {.ttl = 10s});
        if (!held) return 1;
        {
            child_process child([&](const auto&) {
                if (held->remaining() > 0ms && held->release()) return 1;
                const auto refused = locks.try_acquire("job");
                return !refused && refused.error().code == errc::misuse ? 0 : 2;
            });
            if (child.wait() != 0) return 2;
        }
        if (!held->renew(10s)) return 3;
        locker rival{url()};
        if (rival.try_acquire("job")) return 4;
        return held->release() ? 0 : 5;
    });
    EXPECT_EQ(parent.wait(), 0);
}

TEST_F(sqlite_processes, make_one_file_when_many_start_at_once) {
    std::vector<std::unique_ptr<child_process>> children;
    for (int i = 0; i < 12; ++i)
        children.push_back(std::make_unique<child_process>([&](const auto& parent) {
            parent.hear();
            locker locks{url()};
            const auto held = locks.acquire("job", {.wait = 1min});
            if (!held) std::fprintf(stderr, "%s\n", held.error().message().c_str());
            return held ? 0 : 1;
        }));
    for (const auto& child : children) child->parent_line().tell();
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(raw_database(path()).query("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace holdfast::test
