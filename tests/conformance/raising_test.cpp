// SPDX-License-Identifier: BSL-1.0
//
// Counters that are raised to a token of another store, as a quorum does it.
#include "conformance/store_contract.hpp"

namespace holdfast::test {
namespace {

constexpr std::uint64_t ahead = 1'000'000'000'000;  // Of any clock that the stores look at.

class raising : public store_contract {
protected:
    result<void> raise(store& where, std::string_view value, std::uint64_t at_least) {
        return run(where.raise_token("job", value, at_least, soon()));
    }
    /// @return The token of one grant, which is given back.
    std::uint64_t draw() {
        const claim mine = alone("job");
        const auto granted = acquire(*second_, mine);
        EXPECT_TRUE(granted);
        EXPECT_TRUE(release(*second_, mine));
        return granted ? granted->fencing_token : 0;
    }
};

TEST_P(raising, is_what_every_store_can_do) { EXPECT_TRUE(first_->abilities().raises); }

TEST_P(raising, makes_every_later_token_higher_and_is_shown) {
    const claim mine = alone("job");
    const auto granted = acquire(*first_, mine);
    ASSERT_TRUE(granted);
    const std::uint64_t wanted = granted->fencing_token + ahead;
    EXPECT_TRUE(raise(*first_, mine.value, wanted));
    EXPECT_TRUE(raise(*first_, mine.value, wanted)) << "it may be repeated";
    EXPECT_EQ(inspect(*second_, "job")->fencing_token, wanted);
    ASSERT_TRUE(release(*first_, mine));
    EXPECT_EQ(draw(), wanted + 1);
}

TEST_P(raising, never_lowers_a_counter) {
    const claim mine = alone("job");
    const auto granted = acquire(*first_, mine);
    ASSERT_TRUE(granted);
    EXPECT_TRUE(raise(*first_, mine.value, granted->fencing_token - 1000));
    ASSERT_TRUE(release(*first_, mine));
    EXPECT_GT(draw(), granted->fencing_token);
}

TEST_P(raising, is_refused_to_who_does_not_hold_the_name_and_then_changes_nothing) {
    const std::uint64_t before = draw();
    EXPECT_TRUE(is_lost(raise(*first_, value(), before + ahead), lost_reason::deleted));
    const claim other = alone("job");
    ASSERT_TRUE(acquire(*second_, other));
    EXPECT_TRUE(is_lost(raise(*first_, value(), before + ahead), lost_reason::taken));
    ASSERT_TRUE(release(*second_, other));
    EXPECT_LT(draw(), before + ahead);
}

TEST_P(raising, without_a_value_asks_nobody) {
    const std::uint64_t before = draw();
    EXPECT_TRUE(raise(*first_, {}, before + ahead));
    EXPECT_FALSE(inspect(*first_, "job")) << "somebody holds it now";
    EXPECT_EQ(draw(), before + ahead + 1);
    const claim other = alone("job");
    ASSERT_TRUE(acquire(*second_, other));
    EXPECT_TRUE(raise(*first_, {}, before + 2 * ahead));
    ASSERT_TRUE(release(*second_, other));
    EXPECT_EQ(draw(), before + 2 * ahead + 1);
}

// Why: a node that restarted empty is filled in before anybody has asked it for the name.
TEST_P(raising, works_on_a_name_that_was_never_used) {
    const std::uint64_t before = draw();
    EXPECT_TRUE(run(first_->raise_token("new", {}, before + ahead, soon())));
    const auto granted = acquire(*second_, alone("new"));
    ASSERT_TRUE(granted);
    EXPECT_GT(granted->fencing_token, before + ahead);
}

INSTANTIATE_TEST_SUITE_P(every_store, raising, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
