// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_contract.hpp"

namespace holdfast::test {
namespace {

using holding = store_contract;

TEST_P(holding, gives_more_time_by_a_renewal) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine, 20s));
    EXPECT_TRUE(renew(*second_, "job", mine, 60s));
    EXPECT_GT(inspect(*first_, "job")->holder.remaining, 30s);
    EXPECT_TRUE(renew(*second_, "job", mine, 60s));
    EXPECT_LE(inspect(*first_, "job")->holder.remaining, 60s);
}

TEST_P(holding, gives_less_time_where_a_renewal_asks_for_less) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    EXPECT_TRUE(renew(*first_, "job", mine, short_ttl));
    const auto left = inspect(*first_, "job");
    EXPECT_TRUE(!left || left->holder.remaining <= short_ttl);
    EXPECT_LT(wait_until_free(*first_, "job"), short_ttl + 10s);
}

// Why: one conversation renews many leases, and one that is lost must not drag the others along.
TEST_P(holding, answers_each_renewal_of_a_batch_by_itself) {
    const std::string mine = value();
    for (const char* name : {"kept", "released", "taken", "removed", "kept too"})
        ASSERT_TRUE(acquire(*first_, name, mine));
    ASSERT_TRUE(acquire(*first_, "expired", mine, brief_ttl));
    ASSERT_TRUE(release(*first_, "released", mine));
    ASSERT_TRUE(release(*first_, "taken", mine));
    ASSERT_TRUE(acquire(*second_, "taken", value()));
    ASSERT_TRUE(take_away(*second_, "removed"));
    wait_until_free(*first_, "expired");
    std::vector<renewal> batch;
    for (const char* name :
         {"kept", "released", "taken", "removed", "expired", "never", "kept too"})
        batch.push_back({name, mine, long_ttl});
    run(first_->renew(batch, soon()));
    EXPECT_TRUE(batch[0].outcome);
    EXPECT_TRUE(is_lost(batch[1].outcome, lost_reason::deleted));
    EXPECT_TRUE(is_lost(batch[2].outcome, lost_reason::taken));
    EXPECT_TRUE(is_lost(batch[3].outcome, lost_reason::deleted));
    EXPECT_TRUE(is_lost(batch[4].outcome, lost_reason::deleted));
    EXPECT_TRUE(is_lost(batch[5].outcome, lost_reason::deleted));
    EXPECT_TRUE(batch[6].outcome);
}

TEST_P(holding, renews_hundreds_at_once) {
    const std::string mine = value();
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i) names.push_back("job " + std::to_string(i));
    std::vector<renewal> batch;
    for (const std::string& name : names) {
        ASSERT_TRUE(acquire(*first_, name, mine, 20s));
        batch.push_back({name, mine, 10min});
    }
    run(second_->renew(batch, soon()));
    for (const renewal& each : batch) {
        EXPECT_TRUE(each.outcome) << each.name;
        EXPECT_GT(inspect(*first_, each.name)->holder.remaining, 1min);
    }
}

TEST_P(holding, renews_nothing_without_complaint) {
    run(first_->renew(std::span<renewal>{}, soon()));
}

// Why: a lease that has run out may have had another holder since; reviving it would be a second
// grant without a token.
TEST_P(holding, never_brings_back_a_lease_that_has_run_out) {
    const std::string mine = value();
    const auto brief = acquire(*first_, "job", mine, brief_ttl);
    ASSERT_TRUE(brief) << brief.error().message();
    wait_until_free(*first_, "job");
    EXPECT_TRUE(is_lost(renew(*first_, "job", mine), lost_reason::deleted));
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_TRUE(acquire(*second_, "job", value()));
}

TEST_P(holding, releases_what_the_value_holds_and_only_once) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine));
    EXPECT_TRUE(release(*second_, "job", mine));
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_TRUE(is_lost(release(*second_, "job", mine), lost_reason::deleted));
    EXPECT_TRUE(acquire(*second_, "job", value()));
    EXPECT_TRUE(is_lost(release(*first_, "job", mine), lost_reason::taken));
}

TEST_P(holding, touches_nothing_for_a_value_that_does_not_hold) {
    const std::string mine = value();
    const std::string foreign = value();
    ASSERT_TRUE(acquire(*first_, "job", mine, 20s));
    const auto before = inspect(*first_, "job");
    EXPECT_TRUE(is_lost(release(*second_, "job", foreign), lost_reason::taken));
    EXPECT_TRUE(is_lost(renew(*second_, "job", foreign), lost_reason::taken));
    EXPECT_TRUE(is_lost(renew(*second_, "job", mine.substr(0, 32)), lost_reason::taken));
    EXPECT_TRUE(is_lost(release(*second_, "job", mine.substr(0, 32)), lost_reason::taken));
    EXPECT_TRUE(is_lost(release(*second_, "job", mine + "x"), lost_reason::taken));
    const auto after = inspect(*first_, "job");
    ASSERT_TRUE(after);
    EXPECT_EQ(after->value, mine);
    EXPECT_LE(after->holder.remaining, before->holder.remaining);
    EXPECT_TRUE(renew(*first_, "job", mine));
}

TEST_P(holding, releases_nothing_that_has_run_out) {
    const std::string mine = value();
    ASSERT_TRUE(acquire(*first_, "job", mine, brief_ttl));
    wait_until_free(*first_, "job");
    EXPECT_TRUE(is_lost(release(*first_, "job", mine), lost_reason::deleted));
}

// Why: the holder has to learn of it by its next renewal, and must not get the name back by it.
TEST_P(holding, loses_what_is_taken_away) {
    const std::string mine = value("somebody");
    const auto granted = acquire(*first_, "job", mine, 20s);
    ASSERT_TRUE(granted);
    const auto who = take_away(*second_, "job");
    ASSERT_TRUE(who);
    EXPECT_EQ(who->name, "job");
    EXPECT_EQ(who->id, mine.substr(0, 32));
    EXPECT_EQ(who->value, mine);
    EXPECT_EQ(who->holder.owner, "somebody");
    EXPECT_EQ(who->fencing_token, granted->fencing_token);
    EXPECT_FALSE(take_away(*second_, "job"));
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_TRUE(is_lost(renew(*first_, "job", mine), lost_reason::deleted));
    ASSERT_TRUE(acquire(*second_, "job", value()));
    EXPECT_TRUE(is_lost(renew(*first_, "job", mine), lost_reason::taken));
}

INSTANTIATE_TEST_SUITE_P(every_store, holding, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
