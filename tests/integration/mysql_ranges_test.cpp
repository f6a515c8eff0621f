// SPDX-License-Identifier: BSL-1.0
//
// The verbs of the store of holds, on a real server: with its procedure, and step by step.
#include "integration/mysql_ranges.hpp"

#include "support/poll.hpp"

#include <algorithm>
#include <limits>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

class range_verbs : public mysql_ranges, public testing::WithParamInterface<rights> {
protected:
    range_verbs() : mysql_ranges(GetParam()) {}
};

range_claim claim_of(const std::string& id, std::int64_t start, std::int64_t end,
                     std::uint32_t units = 1, std::uint32_t capacity = 0) {
    return {.key = "room",
            .id = id,
            .start = start,
            .end = end,
            .units = units,
            .capacity = capacity,
            .ttl = 30s};
}

TEST_P(range_verbs, gives_a_range_to_whoever_asks_first_and_tells_what_is_in_the_way) {
    range_claim wanted = claim_of("a", 10, 20);
    wanted.owner = "front desk";
    wanted.data = "for Ann";
    const auto granted = ours_->hold(wanted);
    ASSERT_TRUE(ok(granted));
    const auto refused = theirs_->hold("room", 15, 25);
    ASSERT_TRUE(fails_with(refused, errc::contended));
    EXPECT_EQ(refused.error().name, "room");
    ASSERT_EQ(refused.error().blockers.size(), 1U);
    const range_hold blocker = refused.error().blockers[0];
    EXPECT_EQ(blocker.key, "room");
    EXPECT_EQ(blocker.id, "");
    EXPECT_EQ(blocker.start, 10);
    EXPECT_EQ(blocker.end, 20);
    EXPECT_EQ(blocker.units, 1U);
    EXPECT_EQ(blocker.fencing_token, granted->fencing_token);
    EXPECT_EQ(blocker.owner, "front desk");
    EXPECT_EQ(blocker.data, "for Ann");
    EXPECT_FALSE(blocker.permanent);
    EXPECT_GT(blocker.remaining, 20s);
    EXPECT_LE(blocker.remaining, 30s);
    EXPECT_TRUE(ok(theirs_->hold("room", 20, 30))) << "they touch";
    EXPECT_TRUE(ok(theirs_->hold("room", 5, 10))) << "they touch";
    EXPECT_TRUE(ok(theirs_->hold("another room", 15, 25)));
    EXPECT_EQ(procedures(), GetParam() == rights::all ? "1" : "0");
}

TEST_P(range_verbs, tells_the_first_sixteen_of_many_in_order) {
    for (int i = 19; i >= 0; --i) ASSERT_TRUE(ok(ours_->hold("room", i * 10, i * 10 + 10)));
    const auto refused = theirs_->hold("room", 5, 1000);
    ASSERT_TRUE(fails_with(refused, errc::contended));
    ASSERT_EQ(refused.error().blockers.size(), blockers_max);
    for (std::size_t i = 0; i < blockers_max; ++i)
        EXPECT_EQ(refused.error().blockers[i].start, static_cast<std::int64_t>(i) * 10);
}

TEST_P(range_verbs, finds_its_own_hold_when_it_asks_again) {
    const auto once = ours_->hold(claim_of("a", 10, 20));
    range_claim again = claim_of("a", 10, 20);
    again.ttl = 10min;
    again.owner = "somebody else";
    const auto twice = theirs_->hold(again);
    ASSERT_TRUE(ok(twice));
    EXPECT_EQ(twice->fencing_token, once->fencing_token);
    const auto found = ours_->get("room", "a").value();
    ASSERT_TRUE(found);
    EXPECT_GT(found->remaining, 9min);
    EXPECT_EQ(found->owner, "");
    again.ttl = 1s;
    ASSERT_TRUE(ok(ours_->hold(again)));
    EXPECT_GT(ours_->get("room", "a").value()->remaining, 9min) << "it is not shortened";
    EXPECT_TRUE(fails_with(ours_->hold(claim_of("a", 10, 21)), errc::misuse));
    EXPECT_TRUE(fails_with(ours_->hold(claim_of("a", 10, 20, 2, 2)), errc::misuse));
    ASSERT_TRUE(ok(ours_->confirm("room", "a")));
    EXPECT_TRUE(fails_with(ours_->hold(claim_of("a", 10, 20)), errc::misuse));
    EXPECT_TRUE(ours_->get("room", "a").value()->permanent);
}

// How: what ran out stays in the table, and must be no hold to anybody all the same.
TEST_P(range_verbs, takes_what_has_run_out_for_no_hold) {
    range_claim brief = claim_of("a", 10, 20);
    brief.ttl = 50ms;
    const auto first = ours_->hold(brief);
    ASSERT_TRUE(ok(first));
    ASSERT_TRUE(poll_until([&] { return !ours_->get("room", "a").value(); }));
    EXPECT_EQ(row_count(), "1");
    EXPECT_TRUE(fails_with(ours_->renew("room", "a"), errc::lost));
    EXPECT_TRUE(fails_with(ours_->confirm("room", "a"), errc::lost));
    EXPECT_TRUE(fails_with(ours_->release("room", "a"), errc::lost));
    EXPECT_TRUE(fails_with(ours_->move("room", "a", {1, 2}), errc::lost));
    EXPECT_TRUE(ours_->list("room")->holds.empty());
    const auto next = theirs_->hold(claim_of("b", 15, 25));
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, first->fencing_token);
    EXPECT_EQ(row_count(), "1");
    ASSERT_TRUE(ok(theirs_->release("room", "b")));
    const auto anew = ours_->hold(brief);
    ASSERT_TRUE(ok(anew));
    EXPECT_GT(anew->fencing_token, next->fencing_token);
}

TEST_P(range_verbs, renews_releases_and_confirms) {
    ASSERT_TRUE(ok(ours_->hold(claim_of("a", 10, 20))));
    ASSERT_TRUE(ok(theirs_->renew("room", "a", 10min)));
    EXPECT_GT(ours_->get("room", "a").value()->remaining, 9min);
    ASSERT_TRUE(ok(theirs_->renew("room", "a", 20s)));
    EXPECT_LE(ours_->get("room", "a").value()->remaining, 20s);
    const auto confirmed = ours_->confirm("room", "a");
    ASSERT_TRUE(ok(confirmed));
    EXPECT_TRUE(confirmed->permanent);
    EXPECT_EQ(confirmed->remaining, 0ms);
    EXPECT_EQ(confirmed->id, "a");
    ASSERT_TRUE(ok(ours_->confirm("room", "a")));
    ASSERT_TRUE(ok(ours_->renew("room", "a", 20ms)));
    EXPECT_TRUE(ours_->get("room", "a").value()->permanent);
    ASSERT_TRUE(ok(theirs_->release("room", "a")));
    const auto again = theirs_->release("room", "a");
    ASSERT_TRUE(fails_with(again, errc::lost));
    EXPECT_EQ(again.error().reason, lost_reason::deleted);
    EXPECT_THAT(again.error().text, HasSubstr(": no such hold, or it has run out"));
    EXPECT_EQ(row_count(), "0");
}

TEST_P(range_verbs, renews_a_batch_each_by_itself) {
    ASSERT_TRUE(ok(ours_->hold(claim_of("a", 10, 20))));
    ASSERT_TRUE(ok(ours_->hold(claim_of("b", 20, 30))));
    std::vector<range_renewal> batch{{.key = "room", .id = "a", .ttl = 10min},
                                     {.key = "room", .id = "none", .ttl = 10min},
                                     {.key = "room", .id = "b", .ttl = 10min}};
    run(ours_->context, ours_->store->renew(batch, range_user::in(20s)));
    EXPECT_TRUE(ok(batch[0].outcome));
    EXPECT_TRUE(fails_with(batch[1].outcome, errc::lost));
    EXPECT_TRUE(ok(batch[2].outcome));
    EXPECT_GT(ours_->get("room", "b").value()->remaining, 9min);
}

TEST_P(range_verbs, moves_a_hold_over_its_own_place_and_not_over_others) {
    const auto held = ours_->hold(claim_of("a", 10, 20));
    ASSERT_TRUE(ok(theirs_->hold(claim_of("b", 30, 40))));
    const auto moved = ours_->move("room", "a", {15, 25});
    ASSERT_TRUE(ok(moved));
    EXPECT_EQ(moved->start, 15);
    EXPECT_EQ(moved->end, 25);
    EXPECT_GT(moved->fencing_token, held->fencing_token);
    const auto same = ours_->move("room", "a", {15, 25});
    ASSERT_TRUE(ok(same));
    EXPECT_EQ(same->fencing_token, moved->fencing_token);
    const auto refused = ours_->move("room", "a", {20, 31});
    ASSERT_TRUE(fails_with(refused, errc::contended));
    ASSERT_EQ(refused.error().blockers.size(), 1U);
    EXPECT_EQ(refused.error().blockers[0].start, 30);
    const auto still = ours_->get("room", "a").value();
    EXPECT_EQ(still->start, 15);
    EXPECT_EQ(still->fencing_token, moved->fencing_token);
    EXPECT_TRUE(ok(theirs_->hold("room", 10, 15)));
}

TEST_P(range_verbs, lets_in_what_the_capacity_has_room_for) {
    ASSERT_TRUE(ok(ours_->set_capacity("room", 3)));
    EXPECT_EQ(theirs_->list("room")->capacity, 3U);
    ASSERT_TRUE(ok(ours_->hold(claim_of("a", 0, 100, 2))));
    ASSERT_TRUE(ok(ours_->hold(claim_of("b", 50, 60))));
    const auto refused = theirs_->hold(claim_of("c", 55, 57));
    ASSERT_TRUE(fails_with(refused, errc::contended));
    EXPECT_EQ(refused.error().blockers.size(), 2U);
    EXPECT_TRUE(ok(theirs_->hold(claim_of("d", 60, 70))));
    EXPECT_TRUE(ok(theirs_->hold(claim_of("e", 0, 50))));
    const auto many = theirs_->hold(claim_of("f", 200, 210, 4));
    ASSERT_TRUE(fails_with(many, errc::misuse));
    EXPECT_THAT(many.error().text, HasSubstr("4 units"));
    EXPECT_THAT(many.error().text, HasSubstr("3"));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("g", 0, 10, 1, 1)), errc::contended))
        << "it wants the range alone";
    ASSERT_TRUE(ok(ours_->set_capacity("room", 1)));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("h", 99, 101)), errc::contended));
    EXPECT_TRUE(ok(theirs_->hold(claim_of("i", 100, 101))));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("j", 100, 101)), errc::contended));
    EXPECT_TRUE(ok(theirs_->hold(claim_of("k", 100, 101, 1, 2)))) << "by its own number";
}

TEST_P(range_verbs, makes_all_of_several_or_none) {
    ASSERT_TRUE(ok(theirs_->hold("c", 10, 20)));
    std::vector<range_claim> wanted;
    for (const char* const key : {"d", "c", "a"})
        wanted.push_back({.key = key, .id = "all", .start = 15, .end = 25, .ttl = 30s});
    const auto refused = ours_->hold_all(wanted);
    ASSERT_TRUE(fails_with(refused, errc::contended));
    EXPECT_EQ(refused.error().name, "c");
    EXPECT_EQ(refused.error().blockers.size(), 1U);
    EXPECT_EQ(row_count(), "1");
    for (range_claim& each : wanted) each.start = 20;
    const auto granted = ours_->hold_all(wanted);
    ASSERT_TRUE(ok(granted));
    const auto again = theirs_->hold_all(wanted);
    ASSERT_TRUE(ok(again));
    for (std::size_t i = 0; i < wanted.size(); ++i)
        EXPECT_EQ((*granted)[i].fencing_token, (*again)[i].fencing_token);
    EXPECT_EQ(row_count(), "4");
}

TEST_P(range_verbs, lists_in_order_page_by_page) {
    ASSERT_TRUE(ok(ours_->set_capacity("room", 100)));
    for (int i = 0; i < 40; ++i) {
        const int length = 1 << (i % 8);
        ASSERT_TRUE(ok(ours_->hold(claim_of("h" + std::to_string(i), i % 10, i % 10 + length))));
    }
    std::optional<range_cursor> after;
    std::vector<std::pair<std::int64_t, std::uint64_t>> seen;
    for (bool more = true; more;) {
        const auto page = theirs_->list("room", {5, 1000}, after, 7).value();
        ASSERT_LE(page.holds.size(), 7U);
        for (const range_hold& each : page.holds) {
            EXPECT_GT(each.end, 5);
            seen.emplace_back(each.start, each.fencing_token);
        }
        more = page.more;
        after = {seen.back().first, seen.back().second};
    }
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_EQ(std::to_string(seen.size()),
              sql_->value("SELECT COUNT(*) FROM holdfast_range_hold WHERE ends > 5"));
}

TEST_P(range_verbs, goes_to_the_ends_of_the_numbers) {
    ASSERT_TRUE(ok(ours_->hold(claim_of("first", lowest, lowest + 1))));
    ASSERT_TRUE(ok(ours_->hold(claim_of("last", highest - 1, highest))));
    const auto refused = theirs_->hold(claim_of("all", lowest, highest));
    ASSERT_TRUE(fails_with(refused, errc::contended));
    EXPECT_EQ(refused.error().blockers.size(), 2U);
    ASSERT_TRUE(ok(theirs_->hold(claim_of("between", lowest + 1, highest - 1))));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("x", -1, 1)), errc::contended));
    EXPECT_EQ(ours_->list("room")->holds.size(), 3U);
    ASSERT_TRUE(ok(ours_->set_capacity("room", 2)));
    ASSERT_TRUE(ok(theirs_->hold(claim_of("all", lowest, highest))));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("y", lowest, lowest + 1)), errc::contended));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("y", highest - 1, highest)), errc::contended));
    ASSERT_TRUE(ok(ours_->set_capacity("room", 1)));
    EXPECT_TRUE(fails_with(theirs_->hold(claim_of("z", 0, 1)), errc::contended));
    EXPECT_EQ(ours_->list("room", {0, 1})->holds.size(), 2U);
}

TEST_P(range_verbs, keeps_keys_ids_and_data_byte_by_byte) {
    using namespace std::string_literals;
    const std::vector<std::string> odd{
        "a",  "A",  "a ", " a",   "a\0"s, "\0"s, "'",    "\"",    "%", "_",
        "a%", "\\", "ä",  "\xff", "\xc3", "😀",   "a\nb", "`key`", "?", std::string(255, 'x')};
    for (const std::string& each : odd) {
        range_claim wanted{.key = each, .id = each, .start = 1, .end = 2, .ttl = 30s};
        wanted.owner = each;
        wanted.data = each;
        ASSERT_TRUE(ok(ours_->hold(wanted))) << testing::PrintToString(each);
    }
    for (const std::string& each : odd) {
        const auto found = theirs_->get(each, each).value();
        ASSERT_TRUE(found) << testing::PrintToString(each);
        EXPECT_EQ(found->id, each);
        EXPECT_EQ(found->owner, each);
        EXPECT_EQ(found->data, each);
        for (const std::string& other : odd) {
            if (other != each) {
                EXPECT_FALSE(theirs_->get(each, other).value());
            }
        }
    }
    for (const std::string& each : odd) EXPECT_TRUE(ok(theirs_->release(each, each)));
    EXPECT_EQ(row_count(), "0");
    range_claim large = claim_of(std::string(255, '\0'), 1, 2);
    large.key = std::string(512, '\xff');
    large.owner = std::string(256, 'o');
    large.data = std::string(hold_data_bytes_max, '\0');
    ASSERT_TRUE(ok(ours_->hold(large)));
    EXPECT_EQ(theirs_->get(large.key, large.id).value()->data, large.data);
}

TEST_P(range_verbs, leaves_nothing_behind_that_has_run_out) {
    for (int i = 0; i < 6; ++i) {
        range_claim brief = claim_of("brief" + std::to_string(i), i, i + 1);
        brief.key = "key" + std::to_string(i);
        brief.ttl = 20ms;
        ASSERT_TRUE(ok(ours_->hold(brief)));
    }
    ASSERT_TRUE(poll_until([&] { return !ours_->get("key5", "brief5").value(); }));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(ok(ours_->hold("busy", i, i + 1)));
    EXPECT_EQ(row_count(), "3");
}

// Why: idle keys would pile up where each job has one of its own. How: made old by hand.
TEST_P(range_verbs, forgets_keys_that_nobody_uses_and_draws_higher_tokens_all_the_same) {
    const auto first = ours_->hold(claim_of("a", 1, 2));
    ASSERT_TRUE(ok(first));
    ASSERT_TRUE(ok(ours_->release("room", "a")));
    ASSERT_TRUE(ok(ours_->set_capacity("hall", 2)));
    ASSERT_TRUE(ok(ours_->hold("kept", 1, 2)));
    sql_->ask("UPDATE holdfast_range_key SET seen = 0, fence = fence - 1000000000");
    for (int i = 0; i < 64; ++i) ASSERT_TRUE(ok(ours_->hold("busy", i, i + 1)));
    EXPECT_EQ(sql_->value("SELECT GROUP_CONCAT(`key` ORDER BY `key`) FROM holdfast_range_key"),
              "busy,hall,kept");
    const auto next = ours_->hold(claim_of("b", 1, 2));
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, first->fencing_token);
}

INSTANTIATE_TEST_SUITE_P(mysql, range_verbs, testing::Values(rights::all, rights::no_routines),
                         [](const auto& of) {
                             return of.param == rights::all ? "procedure" : "steps";
                         });

}  // namespace
}  // namespace holdfast::test
