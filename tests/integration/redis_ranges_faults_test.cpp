// SPDX-License-Identifier: BSL-1.0
//
// What goes wrong with a server that has holds, and with the way to it.
#include "integration/redis_ranges.hpp"
#include "redis/range_record.hpp"
#include "support/tcp_cutter.hpp"
#include "support/tcp_proxy.hpp"

#include <array>
#include <csignal>

namespace holdfast::test {
namespace {

constexpr std::array both_cuts{cut::before_it_is_heard, cut::after_it_is_heard};

class redis_ranges_faults : public redis_ranges {
protected:
    /// @return A range locker behind a line that is cut when it says the id.
    static range_locker behind(const tcp_cutter& line) { return range_locker(line.url()); }
    // A hold that is there before anybody loses anything.
    void hold_it() { ASSERT_TRUE(hold("the-id", {10, 20})); }
    [[nodiscard]] tcp_cutter line_cut(cut when) const {
        return tcp_cutter(server_.socket_path(), "the-id", when);
    }
};

TEST_F(redis_ranges_faults, a_hold_whose_answer_is_lost_is_had_once) {
    for (const cut when : both_cuts) {
        const tcp_cutter line = line_cut(when);
        range_locker user = behind(line);
        range_options how;
        how.ttl = long_ttl;
        how.wait = 20s;
        how.id = "the-id";
        auto held = user.hold("room", 10, 20, how);
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_EQ(line.cuts(), 1);
        const auto there = list().value().holds;
        ASSERT_EQ(there.size(), 1U);
        EXPECT_EQ(there[0].fencing_token, held->fencing_token());
        EXPECT_TRUE(held->release());
    }
}

TEST_F(redis_ranges_faults, a_confirmation_whose_answer_is_lost_counts) {
    for (const cut when : both_cuts) {
        hold_it();
        const tcp_cutter line = line_cut(when);
        const auto said = behind(line).confirm("room", "the-id");
        ASSERT_TRUE(said) << said.error().message();
        EXPECT_EQ(line.cuts(), 1);
        EXPECT_TRUE(get("the-id").value()->permanent);
        EXPECT_TRUE(release("the-id"));
    }
}

TEST_F(redis_ranges_faults, a_move_whose_answer_is_lost_goes_to_one_place) {
    for (const cut when : both_cuts) {
        hold_it();
        const tcp_cutter line = line_cut(when);
        const auto said = behind(line).move("room", "the-id", 15, 25);
        ASSERT_TRUE(said) << said.error().message();
        EXPECT_EQ(line.cuts(), 1);
        const auto there = list().value().holds;
        ASSERT_EQ(there.size(), 1U);
        EXPECT_EQ(there[0].start, 15);
        EXPECT_EQ(there[0].fencing_token, said->fencing_token);
        EXPECT_TRUE(release("the-id"));
    }
}

// Why: a move that arrives late would take the range away from its guard, and somebody else would
// get it. How: a proxy keeps the move back, and says it after the next one was answered.
TEST_F(redis_ranges_faults, a_move_that_arrives_late_moves_nothing) {
    tcp_proxy line(server_.socket_path());
    range_locker user(line.url(), {.timeout = 500ms});
    auto held = user.hold("room", 0, 10, {.ttl = long_ttl}).value();
    line.to_server({.held = true});
    const auto doubtful = held.move(100, 110);
    ASSERT_FALSE(doubtful);
    EXPECT_EQ(doubtful.error().code, errc::in_doubt);
    line.reset_all();
    line.heal();
    ASSERT_TRUE(poll_until([&] { return held.move(200, 210).has_value(); }));
    EXPECT_EQ(line.replay(redis::write_bound(100)), "*1\r\n:-4\r\n") << "it is said now";
    EXPECT_EQ(hold("another", {200, 210}).error().code, errc::contended);
    const auto booked = held.confirm();
    ASSERT_TRUE(booked) << booked.error().message();
    EXPECT_EQ(booked->start, 200);
}

TEST_F(redis_ranges_faults, a_release_whose_answer_is_lost_is_one) {
    for (const cut when : both_cuts) {
        hold_it();
        const tcp_cutter line = line_cut(when);
        const auto said = behind(line).release("room", "the-id");
        ASSERT_TRUE(said) << said.error().message();
        EXPECT_EQ(line.cuts(), 1);
        EXPECT_FALSE(get("the-id").value());
    }
}

TEST_F(redis_ranges_faults, a_server_that_stalls_in_the_middle_of_a_set_books_nothing_twice) {
    ASSERT_TRUE(hold("warm", {1, 2}));
    const range_claim wanted = claim_of("the-id", {10, 20});
    range_locker user(server_.url(), {.timeout = 200ms});
    ASSERT_FALSE(user.get("room", "the-id").value());
    server_.signal(SIGSTOP);
    const time_point since = boot_clock::now();
    const auto stalled = run(store_->hold_all(std::span(&wanted, 1), time_.now() + 400ms));
    EXPECT_LT(boot_clock::now() - since, promptly);
    ASSERT_FALSE(stalled);
    EXPECT_EQ(stalled.error().code, errc::in_doubt);
    const auto unanswered = user.get("room", "the-id");
    ASSERT_FALSE(unanswered);
    EXPECT_EQ(unanswered.error().code, errc::unreachable);
    EXPECT_EQ(unanswered.error().text.find("took effect"), std::string::npos)
        << unanswered.error().text;
    server_.signal(SIGCONT);
    const auto again = hold(wanted);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(list().value().holds.size(), 2U);
    EXPECT_EQ(hold("another", {15, 25}).error().code, errc::contended);
}

}  // namespace
}  // namespace holdfast::test
