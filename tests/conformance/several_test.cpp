// SPDX-License-Identifier: BSL-1.0
//
// Several names at once, all or none.
#include "conformance/store_contract.hpp"

#include <algorithm>
#include <set>

namespace holdfast::test {
namespace {

class several : public store_contract {
protected:
    using claims = std::vector<claim>;
    using grants = std::vector<grant>;

    void SetUp() override {
        if (!GetParam().able.several) GTEST_SKIP() << "it takes one name at a time";
    }
    claims all_of(const std::vector<std::string>& names, std::chrono::milliseconds ttl = long_ttl) {
        claims wanted;
        for (const std::string& name : names) wanted.push_back(alone(name, ttl));
        return wanted;
    }
    result<grants> acquire_all(store& where, const claims& wanted, attempt which = attempt::first) {
        return run(where.acquire_all(wanted, which, soon()));
    }
};

TEST_P(several, takes_all_of_the_names_each_for_its_own_value) {
    const claims wanted = all_of({"b", "a", "c"}, 60s);
    const auto granted = acquire_all(*first_, wanted);
    ASSERT_TRUE(granted) << granted.error().message();
    ASSERT_EQ(granted->size(), 3U);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_GT((*granted)[i].fencing_token, 0U);
        EXPECT_FALSE((*granted)[i].taken_earlier);
        const auto found = inspect(*second_, wanted[i].name);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->value, wanted[i].value);
        EXPECT_EQ(found->mode, lock_mode::exclusive);
        EXPECT_GT(found->holder.remaining, 30s);
        EXPECT_TRUE(is_contended(acquire(*second_, alone(wanted[i].name))));
    }
    EXPECT_TRUE(renew(*second_, wanted[1]));
    EXPECT_TRUE(release(*first_, wanted[0]));
    EXPECT_FALSE(inspect(*first_, "b"));
    EXPECT_TRUE(inspect(*first_, "a"));
}

TEST_P(several, takes_none_if_one_is_taken_and_says_which_and_by_whom) {
    claim other = alone("c", 60s);
    other.value = value("somebody");
    ASSERT_TRUE(acquire(*second_, other));
    ASSERT_TRUE(acquire(*second_, alone("d")));
    const auto refused = acquire_all(*first_, all_of({"a", "b", "c", "d"}));
    ASSERT_TRUE(is_contended(refused));
    EXPECT_EQ(refused.error().name, "c");
    if (refused.error().holder) {
        EXPECT_EQ(refused.error().holder->owner, "somebody");
    }
    EXPECT_FALSE(inspect(*first_, "a"));
    EXPECT_FALSE(inspect(*first_, "b"));
    EXPECT_TRUE(acquire_all(*second_, all_of({"a", "b"})));
}

TEST_P(several, waits_for_those_who_share_one_of_the_names) {
    if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    const claim reader = shared("b");
    ASSERT_TRUE(acquire(*first_, reader));
    ASSERT_TRUE(acquire(*first_, counted("c", 5)));
    const auto refused = acquire_all(*second_, all_of({"a", "b", "c"}));
    ASSERT_TRUE(is_contended(refused));
    EXPECT_EQ(refused.error().name, "b");
    ASSERT_TRUE(release(*first_, reader));
    EXPECT_EQ(acquire_all(*second_, all_of({"a", "b", "c"})).error().name, "c");
    EXPECT_TRUE(acquire_all(*second_, all_of({"a", "b"})));
}

TEST_P(several, takes_names_whose_leases_have_run_out) {
    ASSERT_TRUE(acquire(*first_, alone("b", brief_ttl)));
    wait_until_free(*first_, "b");
    EXPECT_TRUE(acquire_all(*second_, all_of({"a", "b"})));
}

TEST_P(several, draws_a_higher_token_for_each_name) {
    std::vector<std::uint64_t> last(2, 0);
    for (int round = 0; round < 10; ++round) {
        const claims wanted = all_of({"a", "b"});
        const auto granted = acquire_all(round % 2 == 0 ? *first_ : *second_, wanted);
        ASSERT_TRUE(granted);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            EXPECT_GT((*granted)[i].fencing_token, last[i]);
            last[i] = (*granted)[i].fencing_token;
            ASSERT_TRUE(release(*first_, wanted[i]));
        }
        const claim single = alone("b");
        last[1] = acquire(*first_, single)->fencing_token;
        EXPECT_GT(last[1], (*granted)[1].fencing_token);
        ASSERT_TRUE(release(*first_, single));
    }
}

TEST_P(several, gives_no_tokens_where_none_are_wanted) {
    claims wanted = all_of({"a", "b"});
    for (claim& each : wanted) each.fence = false;
    const auto granted = acquire_all(*first_, wanted);
    ASSERT_TRUE(granted);
    for (const grant& each : *granted) EXPECT_EQ(each.fencing_token, 0U);
}

TEST_P(several, recognises_the_earlier_attempt_of_a_repeated_one) {
    claims wanted = all_of({"a", "b"}, 20s);
    const auto once = acquire_all(*first_, wanted);
    ASSERT_TRUE(once);
    EXPECT_TRUE(is_contended(acquire_all(*first_, wanted)));
    for (claim& each : wanted) each.ttl = 60s;
    const auto again = acquire_all(*second_, wanted, attempt::repeated);
    ASSERT_TRUE(again) << again.error().message();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_TRUE((*again)[i].taken_earlier);
        EXPECT_GT((*again)[i].fencing_token, (*once)[i].fencing_token);
        EXPECT_LE(inspect(*first_, wanted[i].name)->holder.remaining, 20s);
        EXPECT_TRUE(release(*first_, wanted[i]));
    }
}

TEST_P(several, takes_what_a_repeated_attempt_does_not_find) {
    const claims wanted = all_of({"a", "b", "c"});
    const auto granted = acquire_all(*first_, wanted, attempt::repeated);
    ASSERT_TRUE(granted) << granted.error().message();
    for (const grant& each : *granted) EXPECT_FALSE(each.taken_earlier);
    ASSERT_TRUE(release(*first_, wanted[1]));
    const auto again = acquire_all(*second_, wanted, attempt::repeated);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE((*again)[0].taken_earlier);
    EXPECT_FALSE((*again)[1].taken_earlier);
    EXPECT_TRUE((*again)[2].taken_earlier);
    for (const claim& each : wanted) EXPECT_TRUE(release(*second_, each));
}

TEST_P(several, refuses_a_repeated_attempt_when_one_was_taken_meanwhile) {
    const claims wanted = all_of({"a", "b"});
    ASSERT_TRUE(acquire_all(*first_, wanted));
    ASSERT_TRUE(take_away(*second_, "b"));
    ASSERT_TRUE(acquire(*second_, alone("b")));
    const auto refused = acquire_all(*first_, wanted, attempt::repeated);
    ASSERT_TRUE(is_contended(refused));
    EXPECT_EQ(refused.error().name, "b");
    EXPECT_TRUE(is_lost(release(*first_, wanted[1]), lost_reason::taken));
}

TEST_P(several, takes_64_names_of_any_form) {
    using namespace std::string_literals;
    std::vector<std::string> names{"a\0b"s, "'"s, "{a}"s, "a:b"s, "\xff"s, std::string(512, 'n')};
    while (names.size() < 64) names.push_back("job " + std::to_string(names.size()));
    const claims wanted = all_of(names);
    const auto granted = acquire_all(*first_, wanted);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_EQ(granted->size(), 64U);
    EXPECT_EQ(list(*second_, "").size(), 64U);
    EXPECT_TRUE(is_contended(acquire_all(*second_, {alone("free"), alone("a\0b"s)})));
    for (const claim& each : wanted) EXPECT_TRUE(release(*second_, each));
    EXPECT_TRUE(acquire_all(*second_, {alone("only one")}));
}

// Why: whoever holds a part while waiting for the rest would block the others for good.
// How: many ask at the same time for two of a few names, in all orders; no name may be given twice.
TEST_P(several, gives_no_name_twice_of_many_simultaneous_attempts) {
    std::vector<claims> wanted;
    for (int from = 0; from < 5; ++from)
        for (int to = 0; to < 5; ++to)
            if (from != to) wanted.push_back(all_of({std::to_string(from), std::to_string(to)}));
    std::vector<std::shared_ptr<started<result<grants>>>> asked;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        store& where = i % 2 == 0 ? *first_ : *second_;
        asked.push_back(start(context_, where.acquire_all(wanted[i], attempt::first, soon())));
    }
    ASSERT_TRUE(drive_until(context_, [&] {
        return std::all_of(asked.begin(), asked.end(), [](auto& each) { return each->ended(); });
    }));
    std::set<std::string> taken;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!*asked[i]->answer) {
            EXPECT_EQ(asked[i]->answer->error().code, errc::contended);
            continue;
        }
        for (const claim& each : wanted[i]) {
            EXPECT_TRUE(taken.insert(each.name).second) << each.name;
            EXPECT_EQ(inspect(*first_, each.name)->value, each.value);
        }
    }
    EXPECT_GE(taken.size(), 2U);
    EXPECT_EQ(list(*first_, "").size(), taken.size());
}

INSTANTIATE_TEST_SUITE_P(every_store, several, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
