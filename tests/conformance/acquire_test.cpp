// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_contract.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace holdfast::test {
namespace {

using acquiring = store_contract;

TEST_P(acquiring, gives_a_free_name_to_whoever_asks_first_and_to_nobody_else) {
    EXPECT_TRUE(acquire(*first_, "job", value()));
    EXPECT_TRUE(is_contended(acquire(*second_, "job", value())));
    EXPECT_TRUE(is_contended(acquire(*first_, "job", value())));
    EXPECT_TRUE(acquire(*second_, "another job", value()));
}

// Why: a first attempt that finds its own value has met a name clash, or a bug: never a grant.
TEST_P(acquiring, refuses_a_first_attempt_even_if_the_holder_has_the_same_value) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    EXPECT_TRUE(is_contended(acquire(*first_, "job", mine)));
}

TEST_P(acquiring, says_who_holds_a_name_that_it_refuses) {
    ASSERT_TRUE(acquire(*first_, "job", value("nightly build"), 60s));
    const auto refused = acquire(*second_, "job", value());
    ASSERT_TRUE(is_contended(refused));
    // The holder may be left out where it costs another round trip; what is said must be true.
    if (refused.error().holder) {
        EXPECT_EQ(refused.error().holder->owner, "nightly build");
        EXPECT_EQ(refused.error().holder->host, "a-host");
        EXPECT_EQ(refused.error().holder->pid, 4711);
        EXPECT_GT(refused.error().holder->remaining, 30s);
        EXPECT_LE(refused.error().holder->remaining, 60s);
    }
}

TEST_P(acquiring, gives_a_name_again_when_its_lease_has_run_out_and_not_before) {
    const time_point before = time_.now();
    ASSERT_TRUE(acquire(*first_, "job", value(), short_ttl));
    result<grant> rival = failure{};
    do {
        rival = acquire(*second_, "job", value());
        ASSERT_LT(time_.now() - before, patience);
    } while (!rival);
    // A server that counts in milliseconds may round one away.
    EXPECT_GE(time_.now() - before, short_ttl - 2ms);
}

TEST_P(acquiring, draws_a_higher_token_after_a_release) {
    std::uint64_t last = 0;
    for (int round = 0; round < 20; ++round) {
        const std::string mine = value();
        const auto granted = acquire(*(round % 2 == 0 ? first_ : second_), "job", mine);
        ASSERT_TRUE(granted);
        EXPECT_GT(granted->fencing_token, last);
        EXPECT_FALSE(granted->taken_earlier);
        last = granted->fencing_token;
        ASSERT_TRUE(release(*first_, "job", mine));
    }
}

TEST_P(acquiring, draws_a_higher_token_after_expiry_removal_and_refusal) {
    const auto expired = acquire(*first_, "job", value(), brief_ttl);
    ASSERT_TRUE(expired);
    wait_until_free(*first_, "job");
    const auto removed = acquire(*second_, "job", value());
    ASSERT_TRUE(removed);
    EXPECT_GT(removed->fencing_token, expired->fencing_token);
    ASSERT_TRUE(take_away(*first_, "job"));
    const std::string mine = value();
    const auto next = acquire(*first_, "job", mine);
    ASSERT_TRUE(next);
    EXPECT_GT(next->fencing_token, removed->fencing_token);
    for (int refusals = 0; refusals < 3; ++refusals)
        EXPECT_TRUE(is_contended(acquire(*second_, "job", value())));
    EXPECT_TRUE(release(*first_, "job", mine));
    const auto last = acquire(*second_, "job", value());
    ASSERT_TRUE(last);
    EXPECT_GT(last->fencing_token, next->fencing_token);
}

// Why: a token must not fall below one that was given out before somebody went without.
TEST_P(acquiring, gives_no_token_where_none_is_wanted_and_later_ones_still_rise) {
    const std::string with = value();
    const auto fenced = acquire(*first_, "job", with);
    ASSERT_TRUE(fenced);
    ASSERT_TRUE(release(*first_, "job", with));
    const std::string without = value();
    const auto plain = acquire(*second_, "job", without, long_ttl, attempt::first, false);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->fencing_token, 0U);
    ASSERT_TRUE(release(*second_, "job", without));
    const auto later = acquire(*first_, "job", value());
    ASSERT_TRUE(later);
    EXPECT_GT(later->fencing_token, fenced->fencing_token);
}

TEST_P(acquiring, recognises_the_earlier_attempt_of_a_repeated_one) {
    const std::string mine = value();
    const auto once = acquire(*first_, "job", mine, 20s);
    ASSERT_TRUE(once);
    const auto again = acquire(*second_, "job", mine, 60s, attempt::repeated);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->taken_earlier);
    EXPECT_GT(again->fencing_token, once->fencing_token);
    // The caller counts validity from before the first attempt, so it must not last longer.
    EXPECT_LE(inspect(*first_, "job")->holder.remaining, 20s);
    EXPECT_TRUE(release(*first_, "job", mine));
}

TEST_P(acquiring, draws_no_token_for_a_repeated_attempt_that_wants_none) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine, long_ttl, attempt::first, false));
    const auto again = acquire(*first_, "job", mine, long_ttl, attempt::repeated, false);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->taken_earlier);
    EXPECT_EQ(again->fencing_token, 0U);
}

TEST_P(acquiring, takes_a_free_name_for_a_repeated_attempt) {
    const auto granted = acquire(*first_, "job", value(), 60s, attempt::repeated);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_FALSE(granted->taken_earlier);
    EXPECT_GT(granted->fencing_token, 0U);
    EXPECT_GT(inspect(*first_, "job")->holder.remaining, 30s);
}

TEST_P(acquiring, refuses_a_repeated_attempt_while_somebody_else_holds_the_name) {
    ASSERT_TRUE(acquire(*first_, "job", value()));
    EXPECT_TRUE(is_contended(acquire(*second_, "job", value(), 60s, attempt::repeated)));
}

// Why: an earlier attempt that has run out since gives no time any more; this one does.
TEST_P(acquiring, takes_the_name_anew_when_the_earlier_attempt_has_run_out) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine, brief_ttl));
    wait_until_free(*first_, "job");
    const auto again = acquire(*first_, "job", mine, 60s, attempt::repeated);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_FALSE(again->taken_earlier);
    EXPECT_GT(inspect(*first_, "job")->holder.remaining, 30s);
}

// Why: callers of one locker share its store, and ask at the same time.
TEST_P(acquiring, grants_one_of_many_simultaneous_attempts) {
    constexpr std::size_t callers = 64;
    std::vector<claim> wanted;
    for (std::size_t i = 0; i < callers; ++i) wanted.push_back({"job", value(), long_ttl, true});
    std::vector<std::shared_ptr<started<result<grant>>>> asked;
    for (std::size_t i = 0; i < callers; ++i) {
        store& where = i % 2 == 0 ? *first_ : *second_;
        asked.push_back(start(context_, where.acquire(wanted[i], attempt::first, soon())));
    }
    ASSERT_TRUE(drive_until(context_, [&] {
        return std::all_of(asked.begin(), asked.end(), [](auto& each) { return each->ended(); });
    }));
    const auto granted = std::count_if(asked.begin(), asked.end(), [](auto& each) {
        return each->answer->has_value() || each->answer->error().code != errc::contended;
    });
    EXPECT_EQ(granted, 1);
}

INSTANTIATE_TEST_SUITE_P(every_store, acquiring, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
