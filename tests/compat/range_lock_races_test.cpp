// SPDX-License-Identifier: BSL-1.0
//
// Many that fight for the ranges of one key, as threads and as processes; facades that go while
// calls are under way.
#include "compat/range_lock_servers.hpp"
#include "support/child_process.hpp"

#include <boost/asio/use_future.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

constexpr int slots = 200;

/// Wants every slot of "k", beginning at `first`. @return How many it got; -1 after an error.
int fight(range_lock& locks, int first, std::string& why) {
    int wins = 0;
    for (int i = 0; i < slots; ++i) {
        const std::int64_t slot = (first + i) % slots;
        for (;;) {
            const auto how = locks.set("k", slot * 10, slot * 10 + 10, {}, 10min);
            if (fails(how, errc::timed_out)) continue;  // The mutex was not to be had: expected.
            if (!how) {
                why = told_of(how);
                return -1;
            }
            if (held(how)) ++wins;
            break;
        }
    }
    return wins;
}

class range_lock_race : public on_two_servers {
protected:
    void expect_each_slot_once(int wins) {
        EXPECT_EQ(wins, slots);
        EXPECT_EQ(overlaps(), "0");
        EXPECT_EQ(rows(), std::to_string(slots));
    }
};

TEST_F(range_lock_race, of_eight_threads_on_one_facade_gives_each_slot_once) {
    const auto shared = open();
    std::atomic<int> wins{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            std::string why;
            const int mine = fight(*shared, i * slots / 8, why);
            EXPECT_GE(mine, 0) << why;
            wins += mine;
        });
    for (std::thread& one : threads) one.join();
    expect_each_slot_once(wins);
}

TEST_F(range_lock_race, of_four_processes_gives_each_slot_once) {
    // The tables are made by whoever comes first: all at once.
    std::vector<std::unique_ptr<child_process>> children;
    for (int i = 0; i < 4; ++i)
        children.push_back(
            std::make_unique<child_process>([this, i](const child_process::line& parent) {
                parent.hear();
                range_lock mine(redis().url(), url());
                std::string why;
                const int wins = fight(mine, i * 7, why);
                if (wins < 0) std::fprintf(stderr, "%s\n", why.c_str());
                // At most 200, which an exit code holds.
                return wins < 0 ? 255 : wins;
            }));
    for (const auto& one : children) one->parent_line().tell();
    int wins = 0;
    for (const auto& one : children) {
        const int code = one->wait();
        EXPECT_GE(code, 0);
        EXPECT_LE(code, slots);
        wins += code;
    }
    expect_each_slot_once(wins);
}

TEST_F(range_lock_race, with_a_forked_child_is_none_because_it_gets_misuse) {
    const auto locks = open();
    auto mine = locks->set("k", 10, 20, {}, 30s).value().lock;
    child_process child([&](const child_process::line&) {
        if (!fails(locks->set("k", 30, 40, {}, 30s), errc::misuse)) return 1;
        if (!fails(locks->get("k", mine.id()), errc::misuse)) return 2;
        if (!fails(locks->clear("k", mine.id()), errc::misuse)) return 3;
        if (!fails(mine.release(), errc::misuse)) return 4;
        if (!fails(locks->install_guard(), errc::misuse)) return 5;
        const told<range_lock::answer> answer;
        locks->set("k", 30, 40, {}, 30s, answer);
        if (!fails(answer.get(), errc::misuse)) return 6;
        range_lock own(redis().url(), url());
        return taken(own.set("k", 15, 25, {}, 30s)) ? 0 : 7;
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(mine.release().value()) << "the parent's own goes on";
}

// Why: callbacks come in any case, and nothing of the facade is used after it has gone. How: the
// table is locked, so that calls are under way when the facade goes; sanitizers watch.
TEST_F(range_lock_race, of_calls_under_way_with_the_facades_end_answers_all_of_them) {
    auto locks = open();
    sql().ask("LOCK TABLES `lock` WRITE");
    std::vector<told<range_lock::answer>> answers(8);
    for (int i = 0; i < 8; ++i)
        locks->set("k" + std::to_string(i), 10, 20, {}, 30s, answers[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(poll_until([&] { return there_.keys() > 0; }));
    locks.reset();
    sql().ask("UNLOCK TABLES");
    int wins = 0;
    for (const auto& one : answers) {
        const auto how = one.get();
        if (held(how)) ++wins;
        EXPECT_TRUE(how || how.error().code == errc::timed_out ||
                    how.error().code == errc::cancelled)
            << told_of(how);
    }
    EXPECT_EQ(rows(), std::to_string(wins));
}

}  // namespace
}  // namespace holdfast::test
