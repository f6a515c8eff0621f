// SPDX-License-Identifier: BSL-1.0
//
// Faults of networks, in network namespaces of the tests' own: partitions, one-way cuts, packets
// that are lost, peers that are gone without a word. Skipped where namespaces are not permitted.
#include "chaos/several.hpp"
#include "support/acl_user.hpp"
#include "support/loss_watch.hpp"
#include "support/packet_link.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::AnyOf;

// A server that only packets through `link` reach; and the test, through its socket.
struct far_server {
    explicit far_server(int number)
        : server({.arguments = {"--bind", "0.0.0.0", "--port", "6379", "--protected-mode", "no"},
                  .starter = {"unshare", "--net"}}),
          link(server.pid(), number) {}
    [[nodiscard]] std::string url() const { return "redis://" + acl_user_part() + link.address(); }

    redis_server server;
    packet_link link;
};

class far_away : public testing::Test {
protected:
    void SetUp() override {
        const std::string why = packet_link::leave_the_network();
        if (!why.empty()) GTEST_SKIP() << "no network of our own: " << why;
    }
    void make(int count) {
        for (int i = 0; i < count; ++i) far_.push_back(std::make_unique<far_server>(i));
    }
    [[nodiscard]] locker open_all(milliseconds timeout) const {
        std::vector<std::string> urls;
        for (const auto& one : far_) urls.push_back(one->url());
        return open_quorum(urls, timeout);
    }
    std::vector<std::unique_ptr<far_server>> far_;
};

// F7, F10. Why: whoever is cut off has to stop before somebody else starts.
TEST_F(far_away, a_holder_that_is_cut_off_is_told_before_its_validity_ends) {
    make(1);
    locker locks(far_[0]->url(), {.timeout = 300ms});
    auto held = locks.acquire("job", {.ttl = 1500ms});
    ASSERT_TRUE(held) << held.error().message();
    const loss_watch loss(*held);
    far_[0]->link.cut();
    EXPECT_TRUE(loss.told_within(4s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    EXPECT_EQ(held->why_lost(), lost_reason::unreachable);
    locker near(far_[0]->server.url());
    EXPECT_TRUE(near.acquire("job", {.ttl = 1s, .wait = 5s}));
    far_[0]->link.mend();
    EXPECT_TRUE(locks.acquire("job", {.ttl = 1s, .wait = 10s})) << "healed, not to be had";
    EXPECT_FALSE(held->held()) << "lost is final";
    EXPECT_GT(far_[0]->link.lost(), 0);
}

// F7. How: the server hears everything and is not heard: what it grants, nobody knows of.
TEST_F(far_away, a_server_that_is_not_heard_grants_nothing_that_lasts) {
    make(1);
    const milliseconds ttl = 700ms;
    locker locks(far_[0]->url(), {.timeout = 300ms});
    ASSERT_TRUE(locks.acquire("warm"));
    far_[0]->link.lose({.to_client = 100});
    const time_point asked = boot_clock::now();
    const auto held = locks.acquire("job", {.ttl = ttl});
    EXPECT_LT(boot_clock::now() - asked, 3s);
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().code, AnyOf(errc::in_doubt, errc::unreachable));
    // A cut connection is sent again and again what it did not confirm; that must end too.
    locker near(far_[0]->server.url());
    EXPECT_TRUE(near.acquire("job", {.ttl = 20s, .wait = 3 * ttl}));
}

TEST_F(far_away, a_server_that_does_not_hear_ends_calls_in_time_and_is_used_again_afterwards) {
    make(1);
    locker locks(far_[0]->url(), {.timeout = 300ms});
    auto held = locks.acquire("job", {.ttl = 20s});
    ASSERT_TRUE(held);
    far_[0]->link.lose({.to_server = 100});
    const time_point asked = boot_clock::now();
    EXPECT_FALSE(held->renew(20s));
    EXPECT_LT(boot_clock::now() - asked, 2s);
    EXPECT_TRUE(held->held()) << "nothing is lost before its time";
    far_[0]->link.mend();
    EXPECT_TRUE(poll_until([&] { return bool(held->renew(20s)); }, 10s));
    EXPECT_TRUE(held->release());
    EXPECT_FALSE(taken(far_[0]->server, "job"));
}

// F7. Why: the side with the majority goes on, the other one stops and says who did not answer.
TEST_F(far_away, of_three_servers_one_may_be_cut_off_and_two_may_not) {
    make(3);
    locker locks = open_all(300ms);
    auto held = locks.acquire("long", {.ttl = 1500ms});
    ASSERT_TRUE(held) << held.error().message();
    const loss_watch loss(*held);
    far_[0]->link.cut();
    for (int i = 0; i < 3; ++i) {
        auto job = locks.acquire("job", {.ttl = 10s, .wait = 5s});
        ASSERT_TRUE(job) << job.error().message();
        EXPECT_TRUE(job->release());
    }
    EXPECT_TRUE(held->held());
    far_[1]->link.cut();
    const time_point asked = boot_clock::now();
    const auto refused = locks.acquire("job", {.ttl = 10s});
    EXPECT_LT(boot_clock::now() - asked, 2s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::no_quorum);
    EXPECT_EQ(refused.error().nodes.size(), 2U);
    EXPECT_TRUE(loss.told_within(4s));
    EXPECT_LT(loss.told_at(), held->valid_until());
    far_[0]->link.mend();
    far_[1]->link.mend();
    EXPECT_TRUE(locks.acquire("long", {.ttl = 1s, .wait = 15s}));
}

// F8. How: one packet of seven is lost, each way, while two lockers hand a lock to and fro.
TEST_F(far_away, where_packets_are_lost_no_two_hold_at_once_and_work_goes_on) {
    make(1);
    far_[0]->link.lose({14, 14});
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    std::atomic<std::uint64_t> last_token{0};
    std::atomic<int> cycles{0};
    const auto work = [&](const std::stop_token& stop) {
        locker locks(far_[0]->url(), {.timeout = 1s});
        while (!stop.stop_requested()) {
            auto held = locks.acquire("job", {.ttl = 3s, .wait = 2s, .stop = stop});
            if (!held) continue;
            if (inside.fetch_add(1) != 0) ++overlaps;
            if (last_token.exchange(held->fencing_token()) >= held->fencing_token()) ++overlaps;
            std::this_thread::yield();
            inside.fetch_sub(1);
            ++cycles;
        }
    };
    {
        std::jthread one(work);
        std::jthread other(work);
        EXPECT_TRUE(poll_until([&] { return cycles >= 5 && far_[0]->link.lost() >= 10; }, 20s));
    }
    EXPECT_EQ(overlaps, 0);
}

}  // namespace
}  // namespace holdfast::test
