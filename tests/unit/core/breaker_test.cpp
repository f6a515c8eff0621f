// SPDX-License-Identifier: BSL-1.0
#include "core/breaker.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::core {
namespace {

using namespace std::chrono_literals;

constexpr time_point noon{12h};
constexpr std::uint64_t longest = 50'000'000;  // Draws the longest first pause.

breaker opened() {
    breaker one;
    for (unsigned i = 0; i < breaker::silences_max; ++i) {
        one.sending();
        one.silent(noon, longest);
    }
    return one;
}

TEST(breaker, opens_after_three_silences_in_a_row_and_not_before) {
    breaker one;
    one.silent(noon, 0);
    one.silent(noon, 0);
    one.answered();
    one.silent(noon, 0);
    one.silent(noon, 0);
    EXPECT_TRUE(one.admits(noon));
    one.silent(noon, 0);
    EXPECT_FALSE(one.admits(noon));
    EXPECT_EQ(one.silences(), 3U);
}

TEST(breaker, lets_one_probe_through_when_the_pause_is_over) {
    breaker one = opened();
    EXPECT_FALSE(one.admits(noon + 100ms - 1ns));
    EXPECT_TRUE(one.admits(noon + 100ms));
    one.sending();
    EXPECT_FALSE(one.admits(noon + 1h)) << "two at a time";
    one.not_sent();
    EXPECT_TRUE(one.admits(noon + 100ms));
}

TEST(breaker, closes_at_any_answer) {
    breaker one = opened();
    one.answered();
    EXPECT_FALSE(one.open());
    EXPECT_TRUE(one.admits(noon));
}

// Why: many requests were under way when the node died; their time-outs tell of one death.
TEST(breaker, learns_nothing_from_what_was_sent_before_it_opened) {
    breaker one = opened();
    for (int i = 0; i < 100; ++i) one.silent(noon, longest);
    EXPECT_TRUE(one.admits(noon + 100ms));
}

TEST(breaker, doubles_its_pause_up_to_a_limit_and_never_to_nothing) {
    for (const std::uint64_t random :
         {std::uint64_t{0}, std::uint64_t{1} << 63U, ~std::uint64_t{0}}) {
        breaker one = opened();
        time_point now = noon + 100ms;
        auto window = std::chrono::nanoseconds(breaker::pause_least);
        for (int i = 0; i < 100; ++i) {
            one.sending();
            one.silent(now, random);
            window = std::min<std::chrono::nanoseconds>(window * 2, breaker::pause_max);
            EXPECT_FALSE(one.admits(now + window / 2 - 1ns));
            EXPECT_TRUE(one.admits(now + window));
            now += window;
        }
    }
}

}  // namespace
}  // namespace holdfast::core
