// SPDX-License-Identifier: BSL-1.0
//
// Why: a minority of servers that is dead, frozen or far away must cost nothing, contenders that
// split the votes must not do so for ever, and a refusal must leave nothing behind. How: private
// servers, and many locks one after the other; what is compared is measured in turn, so that other
// work on the machine meets both. HOLDFAST_CYCLES and HOLDFAST_CONTESTS say how many;
// `./dev soak --quorum` says 10,000 and 100.
#include "chaos/several.hpp"
#include "integration/redis_link.hpp"
#include "support/poll.hpp"
#include "support/tcp_proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

namespace holdfast::test {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using testing::HasSubstr;

/// From so many on the slowest hundredth is worth a comparison.
constexpr std::size_t telling_cycles = 10'000;

std::size_t from_environment(const char* name, std::size_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::stoul(text) : otherwise;
}

/// How long cycles took.
class timings {
public:
    void add(nanoseconds one) { all_.push_back(one); }
    [[nodiscard]] std::size_t count() const { return all_.size(); }
    [[nodiscard]] microseconds at(double share) {
        std::ranges::sort(all_);
        const auto place = static_cast<std::size_t>(share * static_cast<double>(all_.size() - 1));
        return std::chrono::ceil<microseconds>(all_.at(place));
    }
    void print(const char* what) {
        std::printf("%-24s %6zu cycles, us: p50 %6ld, p99 %6ld, longest %ld\n", what, count(),
                    static_cast<long>(at(0.5).count()), static_cast<long>(at(0.99).count()),
                    static_cast<long>(at(1).count()));
    }

private:
    std::vector<nanoseconds> all_;
};

/// @return What is kept on a server but counters that expire.
std::vector<std::string> left_on(const redis_server& server) {
    redis_link link(server.socket_path());
    std::vector<std::string> left;
    for (const auto& key : link.ask({"KEYS", "*"}).items) {
        const bool counter = key.text.ends_with(":f");
        if (!counter || link.ask({"PTTL", key.text}).integer == -1) left.push_back(key.text);
    }
    return left;
}

bool is_empty(const redis_server& server) { return left_on(server).empty(); }

class three_servers : public testing::Test {
protected:
    /// Three that stay well, of which the first two are also the majority of the quorum with the
    /// victim.
    [[nodiscard]] locker open_well(const std::string& third) const {
        return open_quorum({servers_[0].url(), servers_[1].url(), third}, timeout);
    }
    /// Takes and releases a lock of each locker in turn.
    void compare(locker& well, locker& hurt, std::size_t cycles) {
        for (std::size_t i = 0; i < cycles && !HasFatalFailure(); ++i) {
            cycle(well, "well", well_took_);
            cycle(hurt, "hurt", hurt_took_);
        }
        well_took_.print("all three well");
        hurt_took_.print(testing::UnitTest::GetInstance()->current_test_info()->name());
    }
    void cycle(locker& locks, const std::string& name, timings& took) {
        const time_point before = boot_clock::now();
        auto held = locks.acquire(name, {.ttl = 60s});
        ASSERT_TRUE(held) << held.error().message();
        const auto released = held->release();
        ASSERT_TRUE(released) << released.error().message();
        took.add(boot_clock::now() - before);
    }
    void nothing_is_left() {
        for (const redis_server* one : {&servers_[0], &servers_[1], &servers_[2]})
            EXPECT_TRUE(poll_until([&] { return is_empty(*one); }, 5s)) << left_on(*one).front();
    }
    /// What `hurt` may take at the worst, and its slowest hundredth, if there are enough.
    void expect_as_fast() {
        EXPECT_LE(hurt_took_.at(0.5), 2 * well_took_.at(0.5));
        EXPECT_LE(hurt_took_.at(1), timeout);
        if (hurt_took_.count() < telling_cycles) return;
        EXPECT_LE(hurt_took_.at(0.99), 2 * well_took_.at(0.99));
    }

    static constexpr milliseconds timeout = 1s;
    const std::size_t cycles_ = from_environment("HOLDFAST_CYCLES", 300);
    std::array<redis_server, 3> servers_;
    redis_server victim_;
    timings well_took_;
    timings hurt_took_;
};

// F1, F2. Why: who is used to three must not notice that one of them dies.
TEST_F(three_servers, of_which_one_is_killed_go_on_and_keep_nothing) {
    locker well = open_well(servers_[2].url());
    locker hurt = open_well(victim_.url());
    timings before;
    for (int i = 0; i < 20; ++i) cycle(hurt, "hurt", before);
    victim_.kill();
    compare(well, hurt, cycles_);
    expect_as_fast();
    nothing_is_left();
}

TEST_F(three_servers, of_which_one_is_frozen_go_on_and_keep_nothing) {
    locker well = open_well(servers_[2].url());
    locker hurt = open_well(victim_.url());
    timings before;
    for (int i = 0; i < 20; ++i) cycle(hurt, "hurt", before);
    victim_.signal(SIGSTOP);
    compare(well, hurt, cycles_);
    expect_as_fast();
    nothing_is_left();
    victim_.signal(SIGCONT);
    EXPECT_TRUE(poll_until([&] { return is_empty(victim_); }, 10s)) << left_on(victim_).front();
}

// F9. Why: it answers, so it is asked each time, and nobody may wait for that.
TEST_F(three_servers, of_which_one_is_slow_take_as_long_as_the_others) {
    tcp_proxy quick_way(servers_[2].socket_path());
    tcp_proxy slow_way(victim_.socket_path());
    locker well = open_well(quick_way.url());
    locker hurt = open_well(slow_way.url());
    timings before;
    for (int i = 0; i < 20; ++i) cycle(hurt, "hurt", before);
    slow_way.to_client({.delay = 50ms});
    compare(well, hurt, cycles_);
    EXPECT_LE(hurt_took_.at(0.5), 1.5 * well_took_.at(0.5));
    nothing_is_left();
    EXPECT_TRUE(poll_until([&] { return is_empty(victim_); }, 10s)) << left_on(victim_).front();
}

TEST_F(three_servers, of_which_two_are_killed_say_why_in_time_and_keep_nothing) {
    locker locks = open_well(victim_.url());
    timings took;
    for (int i = 0; i < 20; ++i) cycle(locks, "job", took);
    servers_[1].kill();
    victim_.kill();
    timings refusals;
    for (std::size_t i = 0; i < cycles_; ++i) {
        const time_point asked = boot_clock::now();
        const auto refused = locks.acquire("job", {.ttl = 60s});
        refusals.add(boot_clock::now() - asked);
        ASSERT_FALSE(refused);
        ASSERT_EQ(refused.error().code, errc::no_quorum) << refused.error().message();
        const auto& nodes = refused.error().nodes;
        ASSERT_EQ(nodes.size(), 2U) << refused.error().message();
        ASSERT_EQ(nodes[0].node, 1U);
        ASSERT_THAT(nodes[0].text, HasSubstr(servers_[1].socket_path()));
        ASSERT_EQ(nodes[1].node, 2U);
        ASSERT_THAT(nodes[1].text, HasSubstr(victim_.socket_path()));
        ASSERT_TRUE(is_empty(servers_[0])) << left_on(servers_[0]).front();
    }
    refusals.print("two killed: refusals");
    EXPECT_LT(refusals.at(1), timeout);
}

/// Who wants the lock, with a server nearby and two that are far.
struct contender {
    contender(const std::array<redis_server, 3>& servers, std::size_t near, milliseconds way) {
        std::vector<std::string> urls;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            if (i == near) {
                urls.push_back(servers.at(i).url());
                continue;
            }
            ways.push_back(std::make_unique<tcp_proxy>(servers.at(i).socket_path()));
            ways.back()->to_server({.delay = way});
            ways.back()->to_client({.delay = way});
            urls.push_back(ways.back()->url());
        }
        locks.emplace(open_quorum(urls, 2s));
    }
    std::vector<std::unique_ptr<tcp_proxy>> ways;
    std::optional<locker> locks;
    time_point won_at{};
};

class three_contenders : public testing::TestWithParam<milliseconds> {};

// Why: each gets the vote of its own server, so the first votes are always split; who then asks
// again at the same time splits them for ever.
TEST_P(three_contenders, each_nearest_to_another_server_have_a_winner_within_a_second) {
    const std::size_t contests = from_environment("HOLDFAST_CONTESTS", 20);
    if (GetParam() >= 50ms && contests < 100)
        GTEST_SKIP() << "takes minutes, and a second is little then: ./dev soak --quorum";
    const std::array<redis_server, 3> servers;
    std::array<std::unique_ptr<contender>, 3> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        all.at(i) = std::make_unique<contender>(servers, i, GetParam());
        ASSERT_TRUE(all.at(i)->locks->acquire("warm", {.ttl = 60s, .wait = 20s}));
    }
    timings first;
    timings last;
    std::barrier start(std::ssize(all));
    for (std::size_t contest = 0; contest < contests; ++contest) {
        std::array<time_point, 3> began;
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < all.size(); ++i)
            threads.emplace_back([&, i] {
                start.arrive_and_wait();
                began.at(i) = boot_clock::now();
                auto held = all.at(i)->locks->acquire("job", {.ttl = 60s, .wait = 20s});
                all.at(i)->won_at = held ? boot_clock::now() : time_point::max();
            });
        threads.clear();
        const time_point asked = *std::ranges::min_element(began);
        std::array<time_point, 3> won{all[0]->won_at, all[1]->won_at, all[2]->won_at};
        std::ranges::sort(won);
        first.add(won[0] - asked);
        last.add(won[2] - asked);
        ASSERT_LE(won[0] - asked, 1s) << "contest " << contest;
        ASSERT_LE(won[2] - asked, 20s) << "contest " << contest;
    }
    first.print("the first has it");
    last.print("all have had it");
    std::uint64_t splits = 0;
    for (const auto& one : all) splits += one->locks->statistics().refusals;
    EXPECT_GE(splits, 2 * contests);
    for (const redis_server& one : servers)
        EXPECT_TRUE(poll_until([&] { return is_empty(one); }, 5s)) << left_on(one).front();
}

INSTANTIATE_TEST_SUITE_P(ways_of, three_contenders, testing::Values(2ms, 10ms, 50ms),
                         [](const auto& way) { return std::to_string(way.param.count()) + "_ms"; });

class two_servers : public testing::Test {
protected:
    void refused_by_one(const std::string& other_url, errc at_once, errc after_waiting) {
        locker locks = open_quorum({server_.url(), other_url}, timeout);
        time_point asked = boot_clock::now();
        const auto refused = locks.acquire("job", {.ttl = 60s});
        EXPECT_LT(boot_clock::now() - asked, timeout);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, at_once) << refused.error().message();
        EXPECT_TRUE(is_empty(server_)) << left_on(server_).front();
        asked = boot_clock::now();
        const auto waited = locks.acquire("job", {.ttl = 60s, .wait = 300ms});
        EXPECT_GE(boot_clock::now() - asked, 300ms);
        EXPECT_LT(boot_clock::now() - asked, 300ms + 2 * timeout);
        ASSERT_FALSE(waited);
        EXPECT_EQ(waited.error().code, after_waiting) << waited.error().message();
        EXPECT_TRUE(is_empty(server_)) << left_on(server_).front();
    }
    static constexpr milliseconds timeout = 1s;
    redis_server server_;
    redis_server other_;
};

// Why: a tie of two is nobody's, and has to end all the same.
TEST_F(two_servers, of_which_one_has_it_for_somebody_else_come_to_an_end) {
    locker direct(other_.url());
    const auto held = direct.acquire("job", {.ttl = 60s});
    ASSERT_TRUE(held);
    refused_by_one(other_.url(), errc::contended, errc::timed_out);
}

TEST_F(two_servers, of_which_one_refuses_connections_come_to_an_end) {
    tcp_proxy way(other_.socket_path());
    way.refuse(true);
    refused_by_one(way.url(), errc::no_quorum, errc::no_quorum);
}

// What lasts is told at once, also to those who would wait.
TEST_F(two_servers, of_which_one_refuses_commands_come_to_an_end) {
    ASSERT_EQ(other_.command({"CONFIG", "SET", "min-replicas-to-write", "1"}), "+OK\r\n");
    locker locks = open_quorum({server_.url(), other_.url()}, timeout);
    const time_point asked = boot_clock::now();
    const auto refused = locks.acquire("job", {.ttl = 60s, .wait = 20s});
    EXPECT_LT(boot_clock::now() - asked, 2 * timeout);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
    EXPECT_TRUE(is_empty(server_)) << left_on(server_).front();
}

}  // namespace
}  // namespace holdfast::test
