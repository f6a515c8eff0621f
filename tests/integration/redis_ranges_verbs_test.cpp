// SPDX-License-Identifier: BSL-1.0
//
// What each verb of the Redis store of holds does.
#include "integration/redis_ranges.hpp"

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class redis_ranges_verbs : public redis_ranges {
protected:
    static std::string hex(char digit) { return std::string(32, digit); }
};

TEST_F(redis_ranges_verbs, holds_what_does_not_overlap) {
    const auto first = hold("a", {10, 20});
    ASSERT_TRUE(first) << first.error().message();
    const auto touching = hold("b", {20, 30});
    ASSERT_TRUE(touching);
    EXPECT_GT(*touching, *first);
    ASSERT_TRUE(hold("c", {5, 10}));
    ASSERT_TRUE(hold("elsewhere", {30, 31}));
    for (const range taken :
         {range{10, 20}, {9, 11}, {19, 20}, {19, 21}, {0, 100}, {12, 15}, {least, most}, {5, 6}})
        EXPECT_EQ(hold("d", taken).error().code, errc::contended) << taken.start;
    ASSERT_TRUE(hold("d", {least, 5}));
    ASSERT_TRUE(hold("e", {31, most}));
    EXPECT_THAT(ids(), ElementsAre("d", "c", "a", "b", "elsewhere", "e"));
    EXPECT_THAT(ids({19, 21}), ElementsAre("a", "b"));
    EXPECT_THAT(ids({20, 21}), ElementsAre("b"));
}

TEST_F(redis_ranges_verbs, tells_who_is_in_the_way_without_ids) {
    range_claim big = claim_of(hex('a'), {0, 10}, 60s);
    big.owner = "an owner";
    big.data = std::string("d\0ta", 4);
    const auto token = hold(big);
    ASSERT_TRUE(token);
    ASSERT_TRUE(hold("b", {10, 20}));
    ASSERT_TRUE(confirm("b"));
    const auto refused = hold("c", {5, 100});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::contended);
    EXPECT_EQ(refused.error().name, "room");
    EXPECT_THAT(refused.error().text, HasSubstr(store_->address()));
    ASSERT_THAT(refused.error().blockers, SizeIs(2));
    const range_hold one = refused.error().blockers[0];
    EXPECT_EQ(one.key, "room");
    EXPECT_EQ(one.id, "");
    EXPECT_EQ(one.start, 0);
    EXPECT_EQ(one.end, 10);
    EXPECT_EQ(one.units, 1U);
    EXPECT_EQ(one.fencing_token, *token);
    EXPECT_FALSE(one.permanent);
    EXPECT_GT(one.remaining, 50s);
    EXPECT_LE(one.remaining, 60s);
    EXPECT_EQ(one.owner, big.owner);
    EXPECT_EQ(one.data, big.data);
    EXPECT_TRUE(refused.error().blockers[1].permanent);
    EXPECT_EQ(refused.error().blockers[1].remaining, 0ms);
}

// Why: a failure tells of the first sixteen, whatever there is and however much they carry.
TEST_F(redis_ranges_verbs, tells_of_the_first_sixteen_in_the_way_with_all_their_data) {
    for (int i = 0; i < 40; ++i) {
        range_claim one = claim_of("id" + std::to_string(i), {i, i + 1});
        one.data = std::string(hold_data_bytes_max, static_cast<char>(i));
        ASSERT_TRUE(hold(one));
    }
    const auto refused = hold("x", {3, most});
    ASSERT_EQ(refused.error().code, errc::contended) << refused.error().message();
    const std::vector<range_hold> blockers = refused.error().blockers;
    ASSERT_THAT(blockers, SizeIs(blockers_max));
    int start = 3;
    for (const range_hold& one : blockers) {
        EXPECT_EQ(one.start, start);
        EXPECT_EQ(one.data, std::string(hold_data_bytes_max, static_cast<char>(start)));
        ++start;
    }
    // A list of them comes in pages that are not too long.
    std::vector<range_hold> all;
    std::optional<range_cursor> after;
    for (bool more = true; more;) {
        const auto page = list(everything, 1000, after);
        ASSERT_TRUE(page) << page.error().message();
        ASSERT_THAT(page->holds, testing::Not(IsEmpty()));
        all.insert(all.end(), page->holds.begin(), page->holds.end());
        after = {all.back().start, all.back().fencing_token};
        more = page->more;
    }
    EXPECT_THAT(all, SizeIs(40));
}

TEST_F(redis_ranges_verbs, knows_its_own_hold_again) {
    range_claim wanted = claim_of("a", {0, 10}, 50s);
    wanted.owner = "first";
    wanted.data = "first";
    const auto token = hold(wanted);
    ASSERT_TRUE(token);
    wanted.owner = wanted.data = "second";
    wanted.ttl = 100s;
    EXPECT_EQ(hold(wanted).value(), *token);
    wanted.ttl = 1s;
    EXPECT_EQ(hold(wanted).value(), *token);
    const auto held = get("a").value();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->owner, "first");
    EXPECT_EQ(held->data, "first");
    EXPECT_GT(held->remaining, 90s) << "later, and never earlier";
    for (const range other : {range{0, 11}, {1, 10}, {100, 110}, {0, 1}}) {
        const auto refused = hold("a", other);
        EXPECT_EQ(refused.error().code, errc::misuse) << refused.error().message();
        EXPECT_EQ(refused.error().name, "room");
    }
    wanted.units = 2;
    wanted.capacity = 5;
    EXPECT_EQ(hold(wanted).error().code, errc::misuse);
    ASSERT_TRUE(confirm("a"));
    wanted = claim_of("a", {0, 10}, 1s);
    EXPECT_EQ(hold(wanted).error().code, errc::misuse);
    EXPECT_TRUE(get("a").value()->permanent);
}

TEST_F(redis_ranges_verbs, counts_units_against_the_capacity) {
    ASSERT_TRUE(set_capacity(4));
    range_claim wanted = claim_of("a", {0, 100});
    wanted.units = 2;
    ASSERT_TRUE(hold(wanted));
    wanted = claim_of("b", {50, 150});
    wanted.units = 2;
    ASSERT_TRUE(hold(wanted));
    EXPECT_EQ(hold("c", {99, 101}).error().code, errc::contended);
    ASSERT_TRUE(hold("c", {100, 101}));
    wanted = claim_of("d", {0, 50});
    wanted.units = 3;
    EXPECT_EQ(hold(wanted).error().code, errc::contended);
    wanted.units = 2;
    ASSERT_TRUE(hold(wanted));
    wanted = claim_of("e", {1000, 1001});
    wanted.units = 5;
    const auto refused = hold(wanted);
    EXPECT_EQ(refused.error().code, errc::misuse);
    EXPECT_THAT(refused.error().text, HasSubstr("5"));
    EXPECT_THAT(refused.error().text, HasSubstr("4"));
    EXPECT_EQ(list().value().capacity, 4U);
    const auto blocked = hold("f", {40, 60});
    ASSERT_EQ(blocked.error().code, errc::contended);
    EXPECT_THAT(blocked.error().blockers, SizeIs(3));
    EXPECT_EQ(blocked.error().blockers[0].units, 2U);
}

TEST_F(redis_ranges_verbs, counts_against_the_capacity_of_the_claim_if_it_has_one) {
    range_claim wanted = claim_of("a", {0, 10});
    wanted.capacity = 3;
    wanted.units = 2;
    ASSERT_TRUE(hold(wanted));
    EXPECT_EQ(hold("b", {0, 10}).error().code, errc::contended) << "the key's own is 1";
    wanted.id = "b";
    wanted.units = 1;
    ASSERT_TRUE(hold(wanted));
    wanted.id = "c";
    EXPECT_EQ(hold(wanted).error().code, errc::contended);
    EXPECT_EQ(list().value().capacity, 1U);
    ASSERT_TRUE(set_capacity(8));
    wanted = claim_of("c", {5, 6});
    wanted.capacity = 1;
    EXPECT_EQ(hold(wanted).error().code, errc::contended);
    wanted.capacity = 0;
    ASSERT_TRUE(hold(wanted));
    ASSERT_TRUE(set_capacity(1));
    EXPECT_EQ(hold("d", {5, 6}).error().code, errc::contended);
    EXPECT_EQ(list().value().capacity, 1U);
}

TEST_F(redis_ranges_verbs, holds_several_or_none) {
    std::vector<range_claim> wanted{claim_of("a", {0, 10}), claim_of("b", {0, 10}),
                                    claim_of("c", {10, 20})};
    wanted[1].key = "other room";
    const auto granted = hold_all(wanted);
    ASSERT_TRUE(granted) << granted.error().message();
    ASSERT_THAT(*granted, SizeIs(3));
    EXPECT_GT((*granted)[2].fencing_token, (*granted)[0].fencing_token);
    const auto again = hold_all(wanted);
    ASSERT_TRUE(again);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ((*again)[i].fencing_token, (*granted)[i].fencing_token);
    std::vector<range_claim> blocked{claim_of("d", {100, 110}), claim_of("e", {5, 6}),
                                     claim_of("f", {15, 16})};
    blocked[1].key = "other room";
    const auto refused = hold_all(blocked);
    ASSERT_EQ(refused.error().code, errc::contended);
    EXPECT_EQ(refused.error().name, "other room") << "the first in the caller's order";
    EXPECT_THAT(refused.error().blockers, SizeIs(1));
    EXPECT_FALSE(get("d").value());
    blocked[1].start = 10;
    blocked[1].end = 11;
    EXPECT_EQ(hold_all(blocked).error().name, "room");
    // The same id twice on one key, or one that is another hold.
    std::vector<range_claim> twice{claim_of("x", {200, 210}), claim_of("x", {300, 310})};
    EXPECT_EQ(hold_all(twice).error().code, errc::misuse);
    twice[1] = claim_of("a", {300, 310});
    EXPECT_EQ(hold_all(twice).error().code, errc::misuse);
    EXPECT_FALSE(get("x").value());
    EXPECT_THAT(ids(), ElementsAre("a", "c"));
}

TEST_F(redis_ranges_verbs, holds_sixty_four_at_once) {
    std::vector<range_claim> wanted;
    for (int i = 0; i < 64; ++i) {
        wanted.push_back(claim_of("id" + std::to_string(i), {i, i + 1}));
        wanted.back().key = "room" + std::to_string(i % 7);
    }
    ASSERT_TRUE(hold_all(wanted));
    wanted[63].id = "another";
    EXPECT_EQ(hold_all(wanted).error().code, errc::contended);
}

TEST_F(redis_ranges_verbs, renews_and_shortens) {
    ASSERT_TRUE(hold("a", {0, 10}, 10s));
    ASSERT_TRUE(renew("a", 100s));
    EXPECT_GT(get("a").value()->remaining, 90s);
    ASSERT_TRUE(renew("a", 20s));
    EXPECT_LE(get("a").value()->remaining, 20s);
    ASSERT_TRUE(confirm("a"));
    ASSERT_TRUE(renew("a", 10ms));
    EXPECT_TRUE(get("a").value()->permanent);
    const auto lost = renew("b", 10s);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::lost);
    EXPECT_EQ(lost.error().reason, lost_reason::deleted);
    EXPECT_EQ(lost.error().text, store_->address() + ": no such hold, or it has run out");
}

TEST_F(redis_ranges_verbs, renews_many_in_one_conversation) {
    std::vector<std::string> names;
    for (int i = 0; i < 20; ++i) names.push_back("id" + std::to_string(i));
    for (int i = 0; i < 20; i += 2)
        ASSERT_TRUE(hold(names[static_cast<std::size_t>(i)], {i, i + 1}, 20s));
    for (const bool known : {true, false}) {
        if (!known) ask({"SCRIPT", "FLUSH"});
        std::vector<range_renewal> batch;
        for (const std::string& id : names) batch.push_back({"room", id, 100s});
        run(store_->renew(batch, soon()));
        for (std::size_t i = 0; i < batch.size(); ++i)
            EXPECT_EQ(batch[i].outcome.has_value(), i % 2 == 0) << i;
    }
}

TEST_F(redis_ranges_verbs, releases_once) {
    ASSERT_TRUE(hold("a", {0, 10}));
    ASSERT_TRUE(hold("b", {10, 20}));
    EXPECT_TRUE(release("a"));
    const auto lost = release("a");
    EXPECT_EQ(lost.error().code, errc::lost);
    EXPECT_EQ(lost.error().reason, lost_reason::deleted);
    EXPECT_FALSE(release("b", "other room"));
    EXPECT_FALSE(release("b", "nowhere"));
    ASSERT_TRUE(hold("c", {0, 10}));
    ASSERT_TRUE(confirm("b"));
    EXPECT_TRUE(release("b")) << "permanent ones too";
    EXPECT_THAT(ids(), ElementsAre("c"));
}

TEST_F(redis_ranges_verbs, confirms_for_good) {
    range_claim wanted = claim_of("a", {0, 10}, 10s);
    wanted.data = "data";
    const auto token = hold(wanted);
    for (int i = 0; i < 2; ++i) {
        const auto sure = confirm("a");
        ASSERT_TRUE(sure) << sure.error().message();
        EXPECT_TRUE(sure->permanent);
        EXPECT_EQ(sure->remaining, 0ms);
        EXPECT_EQ(sure->fencing_token, *token);
        EXPECT_EQ(sure->id, "a");
        EXPECT_EQ(sure->key, "room");
        EXPECT_EQ(sure->data, "data");
    }
    EXPECT_EQ(confirm("b").error().reason, lost_reason::deleted);
}

TEST_F(redis_ranges_verbs, moves_also_over_its_own_range) {
    range_claim wanted = claim_of("a", {0, 10}, 50s);
    wanted.owner = "owner";
    wanted.data = "data";
    const auto token = hold(wanted);
    ASSERT_TRUE(hold("b", {20, 30}));
    auto moved = move("a", {5, 15});
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_GT(moved->fencing_token, *token);
    EXPECT_EQ(moved->start, 5);
    EXPECT_EQ(moved->end, 15);
    EXPECT_EQ(moved->id, "a");
    EXPECT_EQ(moved->owner, "owner");
    EXPECT_EQ(moved->data, "data");
    EXPECT_GT(moved->remaining, 40s);
    EXPECT_EQ(get("a").value()->start, 5);
    const auto same = move("a", {5, 15});
    EXPECT_EQ(same->fencing_token, moved->fencing_token) << "nothing changes";
    const auto refused = move("a", {10, 25});
    ASSERT_EQ(refused.error().code, errc::contended);
    ASSERT_THAT(refused.error().blockers, SizeIs(1)) << "it is not in its own way";
    EXPECT_EQ(refused.error().blockers[0].start, 20);
    EXPECT_EQ(move("c", {100, 110}).error().reason, lost_reason::deleted);
    ASSERT_TRUE(hold("d", {0, 5}));
    ASSERT_TRUE(move("a", {least, 0}));
    ASSERT_TRUE(move("a", {30, most}));
    EXPECT_THAT(ids(), ElementsAre("d", "b", "a"));
    ASSERT_TRUE(confirm("a"));
    EXPECT_TRUE(move("a", {100, 101})->permanent);
}

// Why: who was granted a place among several must be able to move after the room became smaller.
// Why: what is there may have been granted alone, and relies on that.
TEST_F(redis_ranges_verbs, moves_within_the_capacity_that_the_key_has) {
    ASSERT_TRUE(set_capacity(3));
    range_claim wanted = claim_of("a", {0, 10});
    wanted.units = 2;
    ASSERT_TRUE(hold(wanted));
    ASSERT_TRUE(hold("b", {0, 10}));
    ASSERT_TRUE(set_capacity(1));
    EXPECT_EQ(move("a", {5, 15}).error().code, errc::misuse) << "two do not fit into one";
    EXPECT_EQ(move("b", {5, 15}).error().code, errc::contended);
    ASSERT_TRUE(set_capacity(3));
    ASSERT_TRUE(move("a", {5, 15})) << "two and one are three";
    ASSERT_TRUE(set_capacity(2));
    range_claim third = claim_of("c", {20, 30});
    third.capacity = 3;
    third.units = 2;
    ASSERT_TRUE(hold(third));
    EXPECT_EQ(move("a", {20, 21}).error().code, errc::contended);
    EXPECT_EQ(move("b", {20, 21}).error().code, errc::contended);
    // One that was granted alone stays so only while the key has no more room.
    ASSERT_TRUE(set_capacity(1));
    ASSERT_TRUE(hold("d", {100, 110}));
    ASSERT_TRUE(hold("e", {200, 210}));
    EXPECT_EQ(move("e", {100, 110}).error().code, errc::contended);
    ASSERT_TRUE(set_capacity(2));
    EXPECT_TRUE(move("e", {100, 110}));
    EXPECT_EQ(hold("f", {100, 110}).error().code, errc::contended);
}

TEST_F(redis_ranges_verbs, lists_in_pages_by_start_and_token) {
    ASSERT_TRUE(set_capacity(1'000'000));
    std::vector<std::string> expected;
    for (int i = 0; i < 30; ++i) {
        const std::string id = "id" + std::to_string(i);
        // Of ten lengths, three at each start; the later one of a start is the shorter one.
        range_claim wanted = claim_of(id, {i / 3, 5'000 - (i % 3) * 1'000 + i});
        ASSERT_TRUE(hold(wanted));
        expected.push_back(id);
    }
    EXPECT_EQ(ids(), expected);
    for (const std::size_t limit : {1U, 2U, 7U, 29U, 30U, 31U}) {
        std::vector<std::string> all;
        std::optional<range_cursor> after;
        for (bool more = true; more;) {
            const auto page = list(everything, limit, after);
            ASSERT_TRUE(page);
            EXPECT_LE(page->holds.size(), limit);
            for (const range_hold& one : page->holds) all.push_back(one.id);
            more = page->more;
            EXPECT_EQ(more, all.size() < 30);
            if (more) after = {page->holds.back().start, page->holds.back().fencing_token};
        }
        EXPECT_EQ(all, expected) << limit;
    }
    EXPECT_THAT(list({6000, 7000}).value().holds, IsEmpty());
    EXPECT_FALSE(list(everything, 5, range_cursor{most, ~std::uint64_t{0}}).value().more);
    EXPECT_THAT(list(everything, 5, range_cursor{9, 0}).value().holds, SizeIs(3));
}

TEST_F(redis_ranges_verbs, takes_ids_keys_and_data_as_the_bytes_that_they_are) {
    const std::string nasty("\0'\"%_\\{}:\n\xff\xf0\x9f\x94\x92 ", 16);
    std::vector<std::string> all{nasty,
                                 nasty + " ",
                                 "a",
                                 "A",
                                 "a ",
                                 " a",
                                 hex('a'),
                                 hex('A'),
                                 hex('0'),
                                 hex('0') + "0",
                                 std::string(255, '\0'),
                                 "x" + std::string(16, '\xaa'),
                                 std::string("t\0", 2)};
    std::int64_t at = 0;
    for (const std::string& id : all) {
        range_claim wanted = claim_of(id, {at, at + 1});
        wanted.owner = id.substr(0, 250);
        wanted.data = id + id;
        ASSERT_TRUE(hold(wanted)) << at;
        const auto held = get(id).value();
        ASSERT_TRUE(held);
        EXPECT_EQ(held->id, id);
        EXPECT_EQ(held->start, at);
        EXPECT_EQ(held->owner, id.substr(0, 250));
        EXPECT_EQ(held->data, id + id);
        ++at;
    }
    EXPECT_EQ(ids(), all);
    std::vector<std::string> names = all;
    names.push_back(std::string(512, '%'));
    for (const std::string& name : names) {
        range_claim wanted = claim_of("id", {0, 10});
        wanted.key = name;
        ASSERT_TRUE(hold(wanted)) << "each is another key";
        EXPECT_EQ(run(store_->list(name, everything, {}, 10, soon())).value().holds[0].key, name);
    }
    for (const std::string& name : names) EXPECT_TRUE(release("id", name));
}

TEST_F(redis_ranges_verbs, holds_the_longest_and_the_shortest_at_the_ends_of_all_numbers) {
    ASSERT_TRUE(set_capacity(3));
    std::string id;
    for (const range extent : {range{least, most}, {least, least + 1}, {most - 1, most}}) {
        const auto held = hold(id += "i", extent);
        ASSERT_TRUE(held) << held.error().message();
        const auto told = list(extent, 1).value();
        EXPECT_EQ(told.holds[0].start, least);
    }
    ASSERT_TRUE(hold("a", {-1, 1}));
    ASSERT_TRUE(hold("b", {0, 1}));
    EXPECT_EQ(hold("c", {0, 1}).error().code, errc::contended);
    ASSERT_TRUE(hold("d", {-2, 0}));
    EXPECT_EQ(hold("e", {-2, 0}).error().code, errc::contended) << "at -1 there are three";
    EXPECT_TRUE(hold("f", {1, most}));
    EXPECT_EQ(hold("g", {1, most}).error().code, errc::contended);
    EXPECT_TRUE(hold("h", {1, most - 1}));
}

TEST_F(redis_ranges_verbs, says_no_to_a_store_that_is_to_be_strict) {
    const auto refused = lock::range_factory_for(server_.url() + "?durability=strict");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::misuse);
    EXPECT_THAT(refused.error().text, HasSubstr("durability=strict"));
}

TEST_F(redis_ranges_verbs, answers_cancelled_once_it_is_stopped) {
    ASSERT_TRUE(hold("a", {0, 10}));
    store_->stop();
    EXPECT_EQ(hold("b", {10, 20}).error().code, errc::cancelled);
    EXPECT_EQ(renew("a", 10s).error().code, errc::cancelled);
    EXPECT_EQ(release("a").error().code, errc::cancelled);
    EXPECT_EQ(get("a").error().code, errc::cancelled);
    EXPECT_EQ(confirm("a").error().code, errc::cancelled);
    EXPECT_EQ(move("a", {20, 30}).error().code, errc::cancelled);
    EXPECT_EQ(list().error().code, errc::cancelled);
    EXPECT_EQ(set_capacity(2).error().code, errc::cancelled);
    const range_claim wanted = claim_of("b", {0, 10});
    run(store_->await_change(wanted, range_change::freed, time_.now() + 10min));
}

}  // namespace
}  // namespace holdfast::test
