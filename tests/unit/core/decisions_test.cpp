// SPDX-License-Identifier: BSL-1.0
#include <holdfast/options.hpp>

#include "core/backoff.hpp"
#include "core/ballot.hpp"
#include "core/claim_steps.hpp"
#include "core/fence_rule.hpp"
#include "core/lease_math.hpp"
#include "core/renew_plan.hpp"
#include "core/retry_rule.hpp"
#include "core/split_rule.hpp"

#include <gtest/gtest.h>

namespace holdfast::core {
namespace {

using namespace std::chrono_literals;

constexpr time_point begin_time{1h};

// Pure functions can be judged by the compiler.
static_assert(drift_of(10s, 0.01) == 102ms);
static_assert(drift_of(10ms, 0.01) == 2100us);
static_assert(drift_of(24h, 0.0) == 2ms);
static_assert(valid_until(begin_time, 10s, 0.01) == begin_time + 10s - 102ms);
static_assert(default_stop_margin(1s) == 100ms);
static_assert(default_stop_margin(24h) == 1s);
static_assert(stop_margin_max(10s) == 6s);
static_assert(saturating_add(begin_time, 5s) == begin_time + 5s);
static_assert(saturating_add(begin_time, milliseconds::max()) == time_point::max());
static_assert(saturating_add(time_point::max() - 1s, 2s) == time_point::max());
static_assert(renew_at(begin_time, 30s) == begin_time + 10s);
static_assert(needs_floor(1) && needs_floor(fence_floor - 1) && !needs_floor(fence_floor));

static_assert(judge({.nodes = 3, .yes = 2}) == verdict::accepted);
static_assert(judge({.nodes = 3, .yes = 1, .no = 1}) == verdict::undecided);
static_assert(judge({.nodes = 3, .yes = 1, .no = 1, .failed = 1}) == verdict::refused);
static_assert(judge({.nodes = 3, .no = 2}) == verdict::refused);
static_assert(judge({.nodes = 3, .failed = 2}) == verdict::no_quorum);
static_assert(judge({.nodes = 2, .yes = 1, .no = 1}) == verdict::refused);
static_assert(judge({.nodes = 4, .yes = 2, .no = 2}) == verdict::refused);
static_assert(judge({.nodes = 4, .yes = 2, .no = 1}) == verdict::undecided);
static_assert(judge({.nodes = 1, .yes = 1}) == verdict::accepted);

// Why: an even number of nodes, split, must come to an end as well.
TEST(ballot, is_always_decided_once_all_votes_are_in) {
    for (std::size_t nodes = 1; nodes <= 9; ++nodes)
        for (std::size_t yes = 0; yes <= nodes; ++yes)
            for (std::size_t no = 0; yes + no <= nodes; ++no) {
                const ballot votes{
                    .nodes = nodes, .yes = yes, .no = no, .failed = nodes - yes - no};
                EXPECT_NE(judge(votes), verdict::undecided);
                EXPECT_EQ(judge(votes) == verdict::accepted, 2 * yes > nodes);
            }
}

TEST(retry_rule, pauses_evenly_around_its_delay) {
    const retry_rule rule{.delay = 200ms, .jitter = 100ms};
    EXPECT_EQ(retry_pause(rule, 0), 100ms);
    EXPECT_EQ(retry_pause(rule, 200'000'000), 300ms);
    EXPECT_EQ(retry_pause(rule, 200'000'001), 100ms);
    for (const std::uint64_t random : {1ULL, 12345678901ULL, ~0ULL}) {
        EXPECT_GE(retry_pause(rule, random), 100ms);
        EXPECT_LE(retry_pause(rule, random), 300ms);
    }
    EXPECT_EQ(retry_pause({.delay = 50ms}, ~0ULL), 50ms);
    EXPECT_GE(retry_pause({.delay = 10ms, .jitter = 100ms}, 0), 0ms) << "never into the past";
}

TEST(lease_math, leaves_time_to_work_in_even_for_the_shortest_ttl) {
    const auto valid = valid_until(begin_time, ttl_min, 0.01) - begin_time;
    EXPECT_GT(valid - default_stop_margin(ttl_min), 5ms);
}

TEST(renew_plan, gives_an_attempt_a_quarter_of_the_ttl_but_never_past_the_time_to_stop) {
    EXPECT_EQ(attempt_until(begin_time, 8s, 5s, begin_time + 1h), begin_time + 2s);
    EXPECT_EQ(attempt_until(begin_time, 8s, 1s, begin_time + 1h), begin_time + 1s);
    EXPECT_EQ(attempt_until(begin_time, 8s, 5s, begin_time + 500ms), begin_time + 500ms);
}

// Why: the CLI stops its child up to half a ttl early; renewals must come well before that.
TEST(renew_plan, leaves_room_for_a_retry_before_the_longest_stop_margin) {
    for (const milliseconds ttl : {10ms, 100ms, 2000ms, 30000ms, 86400000ms}) {
        const time_point stop_by = valid_until(begin_time, ttl, 0.01) - stop_margin_max(ttl);
        const time_point first = renew_at(begin_time, ttl);
        if (ttl >= 100ms) {
            EXPECT_LT(first, stop_by) << ttl.count();
        }
    }
}

TEST(backoff, grows_to_its_most_and_stays_within_the_upper_half_of_the_window) {
    for (unsigned failures = 0; failures < 100; ++failures) {
        for (const std::uint64_t random : {0ULL, 12345ULL, ~0ULL}) {
            const auto pause = backoff_pause(failures, 10ms, 500ms, random);
            const unsigned doublings = std::min(failures > 0 ? failures - 1 : 0U, 20U);
            const auto window = std::min<nanoseconds>(500ms, 10ms * (1LL << doublings));
            EXPECT_GE(pause, window / 2);
            EXPECT_LE(pause, window);
        }
    }
}

TEST(backoff, of_nothing_is_nothing) { EXPECT_EQ(backoff_pause(3, 0ms, 0ms, 7), 0ns); }

constexpr std::uint64_t least_random = 0;
constexpr std::uint64_t most_random = 499'999'999;  // The end of the widest spread.

TEST(split, spreads_questions_over_three_round_trips_within_limits) {
    split_rule rule;
    EXPECT_EQ(rule.pause(least_random), 10ms);
    EXPECT_EQ(rule.pause(89'999'999), 100ms - 1ns);
    rule.refused(30ms, false, false);
    EXPECT_EQ(rule.pause(89'999'999), 100ms - 1ns);
    rule.refused(100ms, false, false);
    EXPECT_EQ(rule.pause(299'999'999), 310ms - 1ns);
    rule.refused(10s, false, false);
    EXPECT_EQ(rule.pause(most_random), 510ms - 1ns);
}

TEST(split, lets_one_go_ahead_while_the_others_let_its_question_pass) {
    split_rule ahead;
    split_rule behind;
    ahead.refused(100ms, true, true);
    behind.refused(100ms, true, false);
    EXPECT_EQ(ahead.pause(least_random), 10ms);
    EXPECT_EQ(ahead.pause(9'999'999), 20ms - 1ns);
    EXPECT_EQ(behind.pause(least_random), 110ms);
    behind.refused(10s, true, false);
    EXPECT_EQ(behind.pause(least_random), 260ms);
}

// Why: a server that missed the lock votes for everybody who asks, again and again.
TEST(split, lets_nobody_go_ahead_twice_in_a_row) {
    split_rule rule;
    for (int i = 0; i < 5; ++i) {
        rule.refused(100ms, true, true);
        EXPECT_EQ(rule.pause(least_random), i % 2 == 0 ? 10ms : 110ms);
    }
    rule.granted();
    rule.refused(100ms, true, true);
    EXPECT_EQ(rule.pause(least_random), 10ms);
}

struct claim_steps_test : testing::Test {
    claim_limits limits{.wait_until = begin_time + 10s,
                        .doubt_until = begin_time + 5s,
                        .ttl = 4s,
                        .stop_margin = 400ms,
                        .drift_factor = 0.01};
};

TEST_F(claim_steps_test, a_grant_counts_from_before_it_was_asked_for) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.granted(false, begin_time + 100ms), step::succeed);
    EXPECT_EQ(steps.granted_from(), begin_time);
    EXPECT_EQ(steps.valid_until(), begin_time + 4s - 42ms);
}

TEST_F(claim_steps_test, a_grant_that_leaves_no_time_is_given_back) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    const time_point last = begin_time + 4s - 42ms - 400ms;
    EXPECT_EQ(steps.granted(false, last), step::give_back);
    EXPECT_EQ(steps.after_giving_back(last), step::pause);
    EXPECT_FALSE(steps.maybe_ours());
}

TEST_F(claim_steps_test, a_lock_taken_by_a_lost_attempt_counts_from_before_that_attempt) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::in_doubt, begin_time + 1s), step::pause);
    EXPECT_TRUE(steps.maybe_ours());
    steps.sending(begin_time + 2s);
    EXPECT_EQ(steps.granted(true, begin_time + 2s), step::succeed);
    EXPECT_EQ(steps.granted_from(), begin_time);
}

TEST_F(claim_steps_test, a_lock_taken_by_the_second_attempt_counts_from_the_second) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::in_doubt, begin_time + 1s), step::pause);
    steps.sending(begin_time + 2s);
    EXPECT_EQ(steps.granted(false, begin_time + 2s), step::succeed);
    EXPECT_EQ(steps.granted_from(), begin_time + 2s);
}

TEST_F(claim_steps_test, waits_while_somebody_has_it_and_then_times_out) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::contended, begin_time + 9s), step::await_free);
    EXPECT_EQ(steps.refused(errc::contended, begin_time + 10s), step::time_out);
}

TEST_F(claim_steps_test, asks_again_about_an_unknown_outcome_even_without_a_wait) {
    limits.wait_until = begin_time;
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::in_doubt, begin_time + 1s), step::pause);
    // A server that cannot be reached now may have the lock all the same.
    EXPECT_EQ(steps.refused(errc::unreachable, begin_time + 2s), step::pause);
    EXPECT_EQ(steps.refused(errc::unreachable, begin_time + 5s), step::fail);
}

TEST_F(claim_steps_test, fails_at_once_when_a_server_is_down_and_nobody_wants_to_wait) {
    limits.wait_until = begin_time;
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::unreachable, begin_time + 1ms), step::fail);
    EXPECT_EQ(steps.refused(errc::quarantined, begin_time + 1ms), step::fail);
}

TEST_F(claim_steps_test, waits_for_the_end_of_a_quarantine) {
    limits.wait_until = begin_time + 10s;
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::quarantined, begin_time + 1ms), step::pause);
    EXPECT_EQ(steps.refused(errc::quarantined, begin_time + 9s), step::pause);
    EXPECT_EQ(steps.refused(errc::quarantined, begin_time + 10s), step::fail);
}

TEST_F(claim_steps_test, does_not_repeat_what_cannot_get_better) {
    for (const errc code : {errc::denied, errc::wrong_type, errc::protocol, errc::cancelled}) {
        claim_steps steps(limits);
        steps.sending(begin_time);
        EXPECT_EQ(steps.refused(code, begin_time), step::fail) << to_string(code);
    }
}

// Why: found by the simulation, see docs/internals/track-record.md: the lost attempt was only late,
// took the lock after later attempts had been refused, and was then counted from one of those.
TEST_F(claim_steps_test, a_clear_no_does_not_end_the_doubt_about_an_attempt_that_may_be_late) {
    claim_steps steps(limits);
    steps.sending(begin_time);
    EXPECT_EQ(steps.refused(errc::in_doubt, begin_time), step::pause);
    steps.sending(begin_time + 1s);
    EXPECT_EQ(steps.refused(errc::contended, begin_time + 1s), step::await_free);
    EXPECT_TRUE(steps.maybe_ours());
    steps.sending(begin_time + 2s);
    EXPECT_EQ(steps.granted(true, begin_time + 2s), step::succeed);
    EXPECT_EQ(steps.granted_from(), begin_time);
}

}  // namespace
}  // namespace holdfast::core
