// SPDX-License-Identifier: BSL-1.0
//
// F7, a ring of majorities. Why: each of three contenders is cut off from another of three servers,
// so each has a majority, no two the same one, and any two share one server alone: that server has
// to keep them apart. How: a way of its own from each to each, one of which is silent.
#include "chaos/several.hpp"
#include "support/poll.hpp"
#include "support/tcp_proxy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>

namespace holdfast::test {
namespace {

constexpr std::size_t size = 3;

class ring : public testing::Test {
protected:
    ring() {
        for (std::size_t from = 0; from < size; ++from)
            for (const redis_server& to : servers_)
                ways_.at(from).push_back(std::make_unique<tcp_proxy>(to.socket_path()));
    }
    [[nodiscard]] locker open(std::size_t from) const {
        std::vector<std::string> urls;
        for (const auto& way : ways_.at(from)) urls.push_back(way->url());
        return open_quorum(urls, 300ms);
    }
    /// Contender i and server i hear nothing of each other.
    void cut() const {
        for (std::size_t i = 0; i < size; ++i) {
            ways_.at(i).at(i)->to_server({.held = true});
            ways_.at(i).at(i)->to_client({.held = true});
        }
    }
    void heal() const {
        for (std::size_t i = 0; i < size; ++i) ways_.at(i).at(i)->heal();
    }

    std::array<redis_server, size> servers_;
    std::array<std::vector<std::unique_ptr<tcp_proxy>>, size> ways_;
};

TEST_F(ring, of_majorities_has_one_holder_at_a_time_and_all_get_their_turns) {
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    std::atomic<std::uint64_t> last_token{0};
    std::array<std::atomic<int>, size> turns{};
    const auto work = [&](const std::stop_token& stop, std::size_t from) {
        locker locks = open(from);
        while (!stop.stop_requested()) {
            auto held = locks.acquire("job", {.ttl = 5s, .wait = 2s, .stop = stop});
            if (!held) continue;
            if (inside.fetch_add(1) != 0) ++overlaps;
            if (last_token.exchange(held->fencing_token()) >= held->fencing_token()) ++overlaps;
            std::this_thread::yield();
            inside.fetch_sub(1);
            ++turns.at(from);
        }
    };
    const auto all_have_had = [&](int least) {
        return poll_until(
            [&] {
                for (const auto& each : turns)
                    if (each < least) return false;
                return true;
            },
            30s);
    };
    {
        std::vector<std::jthread> contenders;
        for (std::size_t i = 0; i < size; ++i) contenders.emplace_back(work, i);
        EXPECT_TRUE(all_have_had(1));
        cut();
        for (auto& each : turns) each = 0;
        EXPECT_TRUE(all_have_had(5)) << "while it was cut";
        heal();
        for (auto& each : turns) each = 0;
        EXPECT_TRUE(all_have_had(5)) << "when it was whole again";
    }
    EXPECT_EQ(overlaps, 0);
    locker after = open(0);
    EXPECT_TRUE(after.acquire("job", {.ttl = 1s, .wait = 10s}));
}

// Why: who keeps its lock in the ring must hear of the one server that both it and another reach.
TEST_F(ring, of_majorities_leaves_the_holder_its_lock_and_refuses_the_others) {
    locker one = open(0);
    auto held = one.acquire("job", {.ttl = 2s});
    ASSERT_TRUE(held) << held.error().message();
    cut();
    const time_point begin = boot_clock::now();
    for (const std::size_t from : {1U, 2U, 1U, 2U}) {
        locker other = open(from);
        const auto refused = other.acquire("job", {.ttl = 2s, .wait = 1500ms});
        ASSERT_FALSE(refused);
        EXPECT_TRUE(held->held());
    }
    EXPECT_GE(boot_clock::now() - begin, 6s) << "not three times its ttl";
    EXPECT_TRUE(held->release());
    locker other = open(1);
    EXPECT_TRUE(other.acquire("job", {.ttl = 2s, .wait = 10s}));
}

}  // namespace
}  // namespace holdfast::test
