// SPDX-License-Identifier: BSL-1.0
//
// Shared and counted locks, as every store that has them has to keep them.
#include "conformance/store_contract.hpp"

#include <algorithm>

namespace holdfast::test {
namespace {

class sharing : public store_contract {
protected:
    void SetUp() override {
        if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    }
    /// Acquires, and fails the test if that is refused.
    grant must(store& where, const claim& wanted) {
        const auto granted = acquire(where, wanted);
        EXPECT_TRUE(granted) << granted.error().message();
        return granted ? *granted : grant{};
    }
};

TEST_P(sharing, is_what_its_page_says) {
    const store_abilities able = first_->abilities();
    EXPECT_EQ(able.modes, GetParam().able.modes);
    EXPECT_EQ(able.several, GetParam().able.several);
    EXPECT_EQ(able.lines, GetParam().able.lines);
}

TEST_P(sharing, lets_many_in_to_share_and_nobody_who_wants_it_alone) {
    const claim one = shared("job");
    const claim other = shared("job");
    must(*first_, one);
    must(*second_, other);
    EXPECT_TRUE(is_contended(acquire(*first_, counted("job", 10))));
    EXPECT_TRUE(release(*second_, one));
    EXPECT_TRUE(is_contended(acquire(*second_, alone("job"))));
    EXPECT_TRUE(release(*first_, other));
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_TRUE(acquire(*second_, alone("job")));
}

TEST_P(sharing, waits_for_who_holds_it_alone) {
    const claim writer = alone("job");
    must(*first_, writer);
    EXPECT_TRUE(is_contended(acquire(*second_, shared("job"))));
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 10))));
    EXPECT_TRUE(release(*first_, writer));
    EXPECT_TRUE(acquire(*second_, shared("job")));
}

TEST_P(sharing, lets_as_many_in_as_there_are_permits) {
    std::vector<claim> held;
    for (int i = 0; i < 3; ++i) must(*first_, held.emplace_back(counted("job", 3)));
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 3))));
    EXPECT_TRUE(is_contended(acquire(*second_, shared("job"))));
    EXPECT_TRUE(is_contended(acquire(*second_, alone("job"))));
    // Each keeps to its own number.
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 2))));
    must(*second_, held.emplace_back(counted("job", 4)));
    EXPECT_TRUE(release(*second_, held[0]));
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 3))));
    EXPECT_TRUE(release(*second_, held[3]));
    EXPECT_TRUE(acquire(*second_, counted("job", 3)));
}

// Why: a permit that is given back twice would let one too many in.
TEST_P(sharing, gives_a_permit_back_once) {
    const claim one = counted("job", 2);
    must(*first_, one);
    must(*first_, counted("job", 2));
    EXPECT_TRUE(release(*first_, one));
    EXPECT_TRUE(is_lost(release(*first_, one), lost_reason::taken));
    EXPECT_TRUE(is_lost(release(*second_, one), lost_reason::taken));
    EXPECT_TRUE(acquire(*second_, counted("job", 2)));
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 2))));
}

TEST_P(sharing, gives_each_holder_a_lease_of_its_own) {
    const claim dead = shared("job", short_ttl);
    const claim alive = shared("job");
    must(*first_, alive);
    must(*first_, dead);
    wait_until_gone(*second_, dead);
    EXPECT_TRUE(is_lost(renew(*first_, dead), lost_reason::taken));
    EXPECT_TRUE(is_lost(release(*first_, dead), lost_reason::taken));
    EXPECT_EQ(inspect(*second_, "job")->holders, 1U);
    EXPECT_TRUE(is_contended(acquire(*second_, alone("job"))));
    EXPECT_TRUE(renew(*first_, alive));
    EXPECT_TRUE(release(*first_, alive));
    EXPECT_TRUE(acquire(*second_, alone("job")));
}

TEST_P(sharing, frees_the_permit_of_a_holder_that_died) {
    const claim dead = counted("job", 2, short_ttl);
    must(*first_, counted("job", 2));
    must(*first_, dead);
    wait_until_gone(*second_, dead);
    must(*second_, counted("job", 2));
    EXPECT_TRUE(is_lost(renew(*first_, dead), lost_reason::taken));
    EXPECT_TRUE(is_contended(acquire(*second_, counted("job", 2))));
}

TEST_P(sharing, frees_the_name_when_the_last_lease_has_run_out) {
    const claim longer = shared("job", short_ttl + 50ms);
    const claim shorter = shared("job", brief_ttl);
    must(*first_, longer);
    must(*second_, shorter);
    wait_until_free(*first_, "job");
    EXPECT_TRUE(is_lost(renew(*first_, longer), lost_reason::deleted));
    EXPECT_TRUE(is_lost(renew(*first_, shorter), lost_reason::deleted));
    EXPECT_TRUE(acquire(*second_, alone("job")));
}

// Why: a lease that was left behind must not count among those who hold the name later.
TEST_P(sharing, never_brings_back_who_shared_it_before) {
    const claim old = shared("job", brief_ttl);
    const claim removed = shared("other job");
    must(*first_, old);
    must(*first_, removed);
    wait_until_free(*first_, "job");
    ASSERT_TRUE(take_away(*second_, "other job"));
    for (const claim& gone : {old, removed}) {
        const claim writer = alone(gone.name);
        must(*second_, writer);
        EXPECT_TRUE(is_lost(renew(*first_, gone), lost_reason::taken));
        ASSERT_TRUE(release(*second_, writer));
        const claim next = shared(gone.name);
        must(*second_, next);
        EXPECT_EQ(inspect(*first_, gone.name)->holders, 1U);
        EXPECT_TRUE(is_lost(renew(*first_, gone), lost_reason::taken));
        EXPECT_TRUE(is_lost(release(*first_, gone), lost_reason::taken));
        EXPECT_TRUE(release(*second_, next));
        EXPECT_FALSE(inspect(*first_, gone.name));
    }
}

TEST_P(sharing, ends_earlier_where_a_renewal_asks_for_less) {
    claim one = shared("job");
    must(*first_, shared("job", brief_ttl));
    must(*first_, one);
    one.ttl = short_ttl;
    EXPECT_TRUE(renew(*first_, one));
    EXPECT_LT(wait_until_free(*second_, "job"), short_ttl + 10s);
}

TEST_P(sharing, renews_each_of_a_batch_by_itself) {
    const std::vector<claim> held{shared("shared"), shared("shared"), counted("counted", 2),
                                  alone("alone")};
    std::vector<renewal> batch;
    for (const claim& each : held) {
        must(*first_, each);
        batch.push_back({each.name, each.value, 60s});
    }
    ASSERT_TRUE(release(*first_, held[1]));
    batch.push_back({"counted", held[3].value, 60s});
    run(second_->renew(batch, soon()));
    EXPECT_TRUE(batch[0].outcome);
    EXPECT_TRUE(is_lost(batch[1].outcome, lost_reason::taken));
    EXPECT_TRUE(batch[2].outcome);
    EXPECT_TRUE(batch[3].outcome);
    EXPECT_TRUE(is_lost(batch[4].outcome, lost_reason::taken));
    for (const claim& each : held) EXPECT_LE(inspect(*first_, each.name)->holder.remaining, 60s);
}

TEST_P(sharing, draws_a_higher_token_for_each_holder) {
    std::uint64_t last = 0;
    const auto rises = [&](const grant& given) {
        EXPECT_GT(given.fencing_token, last);
        last = given.fencing_token;
    };
    std::vector<claim> held;
    for (int i = 0; i < 5; ++i) rises(must(*first_, held.emplace_back(shared("job"))));
    claim without = shared("job");
    without.fence = false;
    EXPECT_EQ(must(*second_, held.emplace_back(without)).fencing_token, 0U);
    rises(must(*second_, held.emplace_back(shared("job"))));
    for (const claim& each : held) ASSERT_TRUE(release(*first_, each));
    const claim writer = alone("job");
    rises(must(*second_, writer));
    ASSERT_TRUE(release(*first_, writer));
    rises(must(*first_, counted("job", 2)));
}

TEST_P(sharing, recognises_the_earlier_attempt_of_a_repeated_one) {
    for (claim mine : {shared("shared", 20s), counted("counted", 1, 20s)}) {
        const grant once = must(*first_, mine);
        mine.ttl = 60s;
        const auto again = acquire(*second_, mine, attempt::repeated);
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_TRUE(again->taken_earlier);
        EXPECT_GT(again->fencing_token, once.fencing_token);
        const auto found = inspect(*first_, mine.name);
        EXPECT_LE(found->holder.remaining, 20s);
        EXPECT_EQ(found->holders, 1U);
        EXPECT_TRUE(release(*first_, mine));
        EXPECT_FALSE(inspect(*first_, mine.name));
    }
}

TEST_P(sharing, lets_a_repeated_attempt_in_that_is_not_there_yet) {
    must(*first_, shared("job"));
    const auto granted = acquire(*second_, shared("job", 60s), attempt::repeated);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_FALSE(granted->taken_earlier);
    EXPECT_EQ(inspect(*first_, "job")->holders, 2U);
}

TEST_P(sharing, tells_how_many_hold_it_and_of_each_by_its_id) {
    std::vector<claim> held;
    for (int i = 0; i < 3; ++i) {
        claim one = shared("job", 60s + i * 60s);
        one.value = value("reader " + std::to_string(i));
        must(*first_, held.emplace_back(one));
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
        const auto found = inspect(*second_, "job", id_of(held[i]));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->name, "job");
        EXPECT_EQ(found->id, id_of(held[i]));
        EXPECT_EQ(found->value, held[i].value);
        EXPECT_EQ(found->holder.owner, "reader " + std::to_string(i));
        EXPECT_EQ(found->holder.pid, 4711);
        EXPECT_LE(found->holder.remaining, held[i].ttl);
        EXPECT_GT(found->holder.remaining, held[i].ttl - 30s);
        EXPECT_EQ(found->mode, lock_mode::shared);
        EXPECT_FALSE(found->counted);
        EXPECT_EQ(found->holders, 3U);
    }
    const auto any = inspect(*second_, "job", std::string(32, 'f'));
    ASSERT_TRUE(any);
    EXPECT_TRUE(std::any_of(held.begin(), held.end(),
                            [&](const claim& each) { return each.value == any->value; }));
}

TEST_P(sharing, tells_what_kind_of_lock_it_is) {
    must(*first_, alone("alone"));
    must(*first_, counted("counted", 5));
    must(*first_, counted("counted", 5));
    const auto whole = inspect(*second_, "alone", std::string(32, 'f'));
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->mode, lock_mode::exclusive);
    EXPECT_FALSE(whole->counted);
    EXPECT_EQ(whole->holders, 1U);
    const auto permits = inspect(*second_, "counted");
    ASSERT_TRUE(permits);
    EXPECT_EQ(permits->mode, lock_mode::exclusive);
    EXPECT_TRUE(permits->counted);
    EXPECT_EQ(permits->holders, 2U);
}

TEST_P(sharing, lists_each_name_once) {
    must(*first_, alone("b"));
    for (int i = 0; i < 3; ++i) must(*first_, shared("a"));
    for (int i = 0; i < 2; ++i) must(*second_, counted("c", 2));
    const auto all = list(*second_, "");
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].name, "a");
    EXPECT_EQ(all[0].mode, lock_mode::shared);
    EXPECT_EQ(all[0].holders, 3U);
    EXPECT_EQ(all[0].id.size(), 32U);
    EXPECT_EQ(all[1].name, "b");
    EXPECT_EQ(all[1].holders, 1U);
    EXPECT_EQ(all[2].name, "c");
    EXPECT_TRUE(all[2].counted);
    EXPECT_EQ(all[2].holders, 2U);
}

TEST_P(sharing, loses_all_holders_when_the_name_is_taken_away) {
    std::vector<claim> held;
    for (int i = 0; i < 3; ++i) must(*first_, held.emplace_back(shared("job")));
    const auto who = take_away(*second_, "job");
    ASSERT_TRUE(who);
    EXPECT_EQ(who->holders, 3U);
    EXPECT_EQ(who->mode, lock_mode::shared);
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_FALSE(take_away(*second_, "job"));
    for (const claim& each : held) EXPECT_TRUE(is_lost(renew(*first_, each), lost_reason::deleted));
    EXPECT_TRUE(acquire(*second_, alone("job")));
}

// Why: names and values are bytes wherever they stand.
TEST_P(sharing, takes_names_and_values_of_any_form) {
    using namespace std::string_literals;
    for (const std::string& name :
         {"a\0b"s, "'"s, "{a}"s, "a:b"s, "\xff"s, std::string(512, 'n')}) {
        claim odd = shared(name);
        odd.value = "no bars\n\0 but a NUL \xff"s;
        must(*first_, odd);
        must(*first_, shared(name));
        const auto found = inspect(*second_, name, odd.value);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->value, odd.value);
        EXPECT_EQ(found->holders, 2U);
        EXPECT_TRUE(renew(*first_, odd));
        EXPECT_TRUE(release(*second_, odd));
        EXPECT_EQ(inspect(*second_, name)->holders, 1U);
    }
}

// Why: callers of one locker share its store, and ask at the same time.
TEST_P(sharing, grants_no_more_of_many_simultaneous_attempts_than_there_are_permits) {
    std::vector<claim> wanted;
    for (int i = 0; i < 40; ++i) wanted.push_back(counted("job", 7));
    std::vector<std::shared_ptr<started<result<grant>>>> asked;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        store& where = i % 2 == 0 ? *first_ : *second_;
        asked.push_back(start(context_, where.acquire(wanted[i], attempt::first, soon())));
    }
    ASSERT_TRUE(drive_until(context_, [&] {
        return std::all_of(asked.begin(), asked.end(), [](auto& each) { return each->ended(); });
    }));
    const auto granted = std::count_if(asked.begin(), asked.end(), [](auto& each) {
        return each->answer->has_value() || each->answer->error().code != errc::contended;
    });
    EXPECT_EQ(granted, 7);
    EXPECT_EQ(inspect(*first_, "job")->holders, 7U);
}

INSTANTIATE_TEST_SUITE_P(every_store, sharing, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
