// SPDX-License-Identifier: BSL-1.0
//
// Why: what a booking system sees: holds, guards, blockers, waits, and errors that name the rule.
// How: two range lockers in one place, as two processes would have them, on every kind of store.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

/// Far below the holds that are waited for, far above what a busy machine needs.
constexpr std::chrono::seconds promptly{5};

range_options for_long() {
    range_options how;
    how.ttl = 10min;
    return how;
}

class range_lockers : public testing::TestWithParam<store_kind> {
protected:
    std::unique_ptr<store_place> place_{GetParam().make_place()};
    range_locker ours_{place_->url()};
    range_locker theirs_{place_->url()};
};

template <class T>
errc code_of(const result<T>& said) {
    EXPECT_FALSE(said);
    return said ? errc{} : said.error().code;
}

TEST_P(range_lockers, keep_out_what_overlaps_and_nothing_else) {
    auto held = ours_.hold("room", 1000, 1100, for_long());
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->held());
    EXPECT_GT(held->fencing_token(), 0U);
    EXPECT_EQ(held->id().size(), 32U);

    const auto refused = theirs_.hold("room", 1050, 1150, for_long());
    ASSERT_EQ(code_of(refused), errc::contended);
    const failure why = refused.error();
    ASSERT_EQ(why.blockers.size(), 1U);
    const range_hold& blocker = why.blockers.front();
    EXPECT_EQ(blocker.start, 1000);
    EXPECT_EQ(blocker.end, 1100);
    EXPECT_EQ(blocker.id, "");
    EXPECT_GT(blocker.remaining, 9min);

    EXPECT_TRUE(theirs_.hold("room", 900, 1000, for_long()));
    EXPECT_TRUE(theirs_.hold("room", 1100, 1200, for_long()));
    EXPECT_TRUE(theirs_.hold("Room", 1000, 1100, for_long()));
    const std::uint64_t token = held->fencing_token();
    ASSERT_TRUE(held->release());
    const auto after = theirs_.hold("room", 1050, 1080, for_long());
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_GT(after->fencing_token(), token);
}

TEST_P(range_lockers, tell_of_all_that_is_in_the_way_in_order) {
    std::vector<range_guard> held;
    for (std::int64_t at = 40; at >= 0; at -= 2) {
        range_options how = for_long();
        how.owner = "guest " + std::to_string(at);
        how.data = std::string("a\0'\"\\%_ \xF0\x9F\x8E\x89 ", 14);
        held.push_back(ours_.hold("room", at, at + 1, how).value());
    }
    const auto refused = theirs_.hold("room", -10, 100, for_long());
    ASSERT_EQ(code_of(refused), errc::contended);
    const std::vector<range_hold> blockers = refused.error().blockers;
    ASSERT_EQ(blockers.size(), 16U);
    for (std::size_t i = 0; i < blockers.size(); ++i) {
        EXPECT_EQ(blockers[i].start, static_cast<std::int64_t>(2 * i));
        EXPECT_EQ(blockers[i].owner, "guest " + std::to_string(2 * i));
        EXPECT_EQ(blockers[i].data.size(), 14U);
        EXPECT_EQ(blockers[i].fencing_token, held[held.size() - 1 - i].fencing_token());
    }
}

TEST_P(range_lockers, hand_a_range_to_a_waiter_when_it_is_released) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    auto elsewhere = ours_.hold("room", 30, 40, for_long()).value();
    range_options how = for_long();
    how.wait = 20s;
    std::atomic<bool> got{false};
    std::thread waiter([&] {
        auto mine = theirs_.hold("room", 15, 25, how);
        EXPECT_TRUE(mine) << mine.error().message();
        got = true;
    });
    ASSERT_TRUE(poll_until([&] { return theirs_.statistics().refusals > 0; }));
    ASSERT_TRUE(elsewhere.release());
    EXPECT_FALSE(got);
    const time_point released = boot_clock::now();
    ASSERT_TRUE(held.release());
    waiter.join();
    EXPECT_LT(boot_clock::now() - released, promptly);
}

// Why: a request that is sent again gets the same hold, and not its own in the way.
TEST_P(range_lockers, give_one_hold_to_two_that_wait_for_it_with_the_same_id) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    range_options how = for_long();
    how.wait = 60s;
    how.id = "order";
    std::atomic<int> got{0};
    const auto wait = [&] {
        auto mine = theirs_.hold("room", 15, 25, how);
        EXPECT_TRUE(mine) << mine.error().message();
        if (mine) {
            EXPECT_TRUE(mine->hand_over());
        }
        ++got;
    };
    std::thread one(wait);
    std::thread other(wait);
    EXPECT_TRUE(poll_until([&] { return theirs_.statistics().refusals >= 2; }));
    const time_point released = boot_clock::now();
    EXPECT_TRUE(held.release());
    one.join();
    other.join();
    EXPECT_EQ(got, 2);
    EXPECT_LT(boot_clock::now() - released, how.wait / 2);
}

TEST_P(range_lockers, give_up_waiting_in_time_and_tell_of_the_blockers) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    range_options how = for_long();
    how.wait = 50ms;
    const auto late = theirs_.hold("room", 15, 25, how);
    ASSERT_EQ(code_of(late), errc::timed_out);
    EXPECT_EQ(late.error().blockers.size(), 1U);

    std::stop_source stop;
    stop.request_stop();
    how.stop = stop.get_token();
    EXPECT_EQ(code_of(theirs_.hold("room", 15, 25, how)), errc::cancelled);
}

TEST_P(range_lockers, let_go_of_what_has_run_out) {
    auto held = ours_.hold("room", 10, 20, for_long());
    ASSERT_TRUE(held) << held.error().message();
    const range_hold was = held->hand_over().value();
    EXPECT_FALSE(held->held());
    ASSERT_TRUE(theirs_.renew("room", was.id, 300ms));
    range_options how = for_long();
    how.wait = 20s;
    const time_point begun = boot_clock::now();
    auto mine = theirs_.hold("room", 12, 13, how);
    ASSERT_TRUE(mine) << mine.error().message();
    EXPECT_LT(boot_clock::now() - begun, promptly);
    EXPECT_EQ(code_of(ours_.confirm("room", was.id)), errc::lost);
    EXPECT_EQ(code_of(ours_.renew("room", was.id, 1min)), errc::lost);
    EXPECT_EQ(code_of(ours_.release("room", was.id)), errc::lost);
    EXPECT_FALSE(ours_.get("room", was.id).value());
}

TEST_P(range_lockers, renew_in_the_background_when_asked_to) {
    range_options how;
    how.ttl = 3s;
    how.auto_renew = true;
    auto held = ours_.hold("room", 10, 20, how);
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(poll_until([&] { return ours_.statistics().renewals >= 2; }));
    EXPECT_TRUE(held->held());
    EXPECT_EQ(held->why_lost(), lost_reason::none);
}

TEST_P(range_lockers, signal_a_loss) {
    range_options how;
    how.ttl = 3s;
    how.auto_renew = true;
    auto held = ours_.hold("room", 10, 20, how);
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(theirs_.release("room", held->id()));
    ASSERT_TRUE(poll_until([&] { return held->lost().stop_requested(); }));
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    EXPECT_EQ(code_of(held->confirm()), errc::lost);
    EXPECT_EQ(code_of(held->move(1, 2)), errc::lost);
}

TEST_P(range_lockers, confirm_what_is_to_stay) {
    range_options how;
    how.ttl = 10s;
    auto held = ours_.hold("room", 10, 20, how).value();
    const std::string id = held.id();
    const range_hold booked = held.confirm().value();
    EXPECT_TRUE(booked.permanent);
    EXPECT_EQ(booked.id, id);
    EXPECT_FALSE(held.held());
    EXPECT_EQ(code_of(held.release()), errc::misuse);
    EXPECT_TRUE(theirs_.get("room", id).value()->permanent);
    EXPECT_TRUE(theirs_.confirm("room", id));
    EXPECT_TRUE(theirs_.renew("room", id, 10ms));
    EXPECT_TRUE(theirs_.get("room", id).value()->permanent);
    EXPECT_EQ(code_of(theirs_.adopt("room", id)), errc::misuse);
    ASSERT_TRUE(theirs_.release("room", id));
    EXPECT_FALSE(ours_.get("room", id).value());
}

// Why: somebody else confirms the hold of a customer while the guard of an earlier request lives.
TEST_P(range_lockers, do_not_let_a_guard_release_what_was_confirmed) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    const std::string id = held.id();
    ASSERT_TRUE(theirs_.confirm("room", id));
    const auto said = held.release();
    ASSERT_EQ(code_of(said), errc::lost);
    EXPECT_EQ(said.error().reason, lost_reason::taken);
    EXPECT_TRUE(theirs_.get("room", id).value());
}

// Why: ids of the caller's come back against the advice, and a guard that is left over would keep
// up a hold that is not its own.
TEST_P(range_lockers, do_not_let_a_guard_renew_what_came_after_its_hold) {
    range_options how;
    how.ttl = 6s;
    how.id = "order 17";
    auto idle = ours_.hold("room", 10, 20, how).value();
    how.auto_renew = true;
    auto left_over = ours_.hold("room", 10, 20, how).value();
    ASSERT_EQ(idle.fencing_token(), left_over.fencing_token());
    ASSERT_TRUE(theirs_.release("room", "order 17"));
    how.ttl = 10min;
    how.auto_renew = false;
    auto fresh = theirs_.hold("room", 10, 20, how);
    ASSERT_TRUE(fresh) << fresh.error().message();

    const auto refused = idle.renew(5s);
    ASSERT_EQ(code_of(refused), errc::lost);
    EXPECT_EQ(refused.error().reason, lost_reason::taken);
    EXPECT_EQ(idle.why_lost(), lost_reason::taken);
    ASSERT_TRUE(poll_until([&] { return left_over.lost().stop_requested(); }));
    EXPECT_EQ(left_over.why_lost(), lost_reason::taken);
    EXPECT_GT(theirs_.get("room", "order 17").value()->remaining, 9min);
    EXPECT_TRUE(fresh->renew(11min));
    EXPECT_TRUE(ours_.renew("room", "order 17", 12min))
        << "who names the id means whichever has it";
    EXPECT_GT(theirs_.get("room", "order 17").value()->remaining, 11min);
}

// Why: the same, and such a guard would end what is not its own.
TEST_P(range_lockers, do_not_let_a_guard_end_what_came_after_its_hold) {
    range_options how = for_long();
    how.id = "order 17";
    auto first = ours_.hold("room", 10, 20, how).value();
    auto again = ours_.hold("room", 10, 20, how).value();
    ASSERT_TRUE(theirs_.release("room", "order 17"));
    auto fresh = theirs_.hold("room", 10, 20, how);
    ASSERT_TRUE(fresh) << fresh.error().message();
    for (range_guard* const stale : {&first, &again}) {
        const auto refused = stale->release();
        ASSERT_EQ(code_of(refused), errc::lost);
        EXPECT_EQ(refused.error().reason, lost_reason::taken);
        EXPECT_TRUE(theirs_.get("room", "order 17").value());
    }
    EXPECT_TRUE(fresh->renew(11min));
    EXPECT_TRUE(fresh->release());
    EXPECT_FALSE(theirs_.get("room", "order 17").value());
}

// Why: guards end up in containers that live longer than what gave them.
TEST_P(range_lockers, may_go_before_their_guards) {
    auto kept = ours_.hold("room", 0, 10, for_long()).value();
    {
        range_locker brief{place_->url()};
        kept = brief.hold("room", 20, 30, for_long()).value();
    }
    EXPECT_TRUE(kept.held());
    EXPECT_TRUE(kept.renew(20min));
    EXPECT_TRUE(kept.release());
    range_guard last;
    {
        range_locker brief{place_->url()};
        last = brief.hold("room", 20, 30, for_long()).value();
    }
    last = range_guard();
    EXPECT_TRUE(poll_until([&] { return theirs_.list("room").value().empty(); }));
}

TEST_P(range_lockers, end_what_their_guard_has_moved) {
    auto held = ours_.hold("room", 0, 10, for_long()).value();
    ASSERT_TRUE(held.move(5, 15));
    EXPECT_TRUE(held.release());
    EXPECT_TRUE(theirs_.list("room").value().empty());
}

TEST_P(range_lockers, keep_up_a_hold_wherever_its_guard_moves_it) {
    range_options how;
    how.ttl = 3s;
    how.auto_renew = true;
    auto held = ours_.hold("room", 0, 10, how).value();
    std::int64_t at = 0;
    const bool went = poll_until([&] {
        EXPECT_TRUE(held.move(at, at + 10)) << at;
        at += 5;
        return HasFailure() || ours_.statistics().renewals >= 2;
    });
    ASSERT_TRUE(went);
    EXPECT_EQ(held.why_lost(), lost_reason::none);
    EXPECT_TRUE(held.renew(3s));
    // Where somebody else moves it, the guard's range is not held any more.
    ASSERT_TRUE(theirs_.move("room", held.id(), at + 500, at + 510));
    ASSERT_TRUE(poll_until([&] { return held.lost().stop_requested(); }));
    EXPECT_EQ(held.why_lost(), lost_reason::taken);
}

TEST_P(range_lockers, find_the_same_hold_again_by_the_callers_id) {
    range_options how = for_long();
    how.id = "order 17";
    how.data = "first";
    auto held = ours_.hold("room", 10, 20, how).value();
    how.data = "second";
    auto again = theirs_.hold("room", 10, 20, how);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->fencing_token(), held.fencing_token());
    EXPECT_EQ(theirs_.get("room", "order 17").value()->data, "first");
    EXPECT_EQ(theirs_.list("room").value().size(), 1U);
    EXPECT_EQ(code_of(theirs_.hold("room", 10, 21, how)), errc::misuse);
    ASSERT_TRUE(theirs_.confirm("room", "order 17"));
    const auto late = theirs_.hold("room", 10, 20, how);
    EXPECT_EQ(code_of(late), errc::misuse);
    EXPECT_NE(late.error().text.find("confirmed"), std::string::npos) << late.error().text;
}

TEST_P(range_lockers, move_a_hold_or_leave_it_where_it_is) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    auto other = theirs_.hold("room", 30, 40, for_long()).value();
    const std::uint64_t token = held.fencing_token();
    ASSERT_TRUE(held.move(15, 25));
    EXPECT_EQ(held.start(), 15);
    EXPECT_GT(held.fencing_token(), token);
    const auto refused = held.move(25, 35);
    ASSERT_EQ(code_of(refused), errc::contended);
    EXPECT_EQ(refused.error().blockers.front().start, 30);
    EXPECT_EQ(held.start(), 15);
    EXPECT_EQ(theirs_.get("room", held.id()).value()->start, 15);
    EXPECT_TRUE(theirs_.hold("room", 10, 15, for_long()));
    EXPECT_EQ(code_of(held.move(5, 5)), errc::misuse);
    EXPECT_TRUE(held.renew(1min));
}

// Why: what was asked for before a move may arrive behind it, and must not undo it.
// How: each verb by id, with the token that the hold had before.
TEST_P(range_lockers, refuse_what_names_an_outdated_token) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    const std::string id = held.id();
    const std::uint64_t outdated = held.fencing_token();
    ASSERT_TRUE(held.move(15, 25));
    const auto taken = [](const auto& said) {
        return code_of(said) == errc::lost && said.error().reason == lost_reason::taken;
    };
    EXPECT_TRUE(taken(theirs_.move("room", id, 30, 40, outdated)));
    EXPECT_TRUE(taken(theirs_.confirm("room", id, outdated)));
    EXPECT_TRUE(taken(theirs_.renew("room", id, 1min, outdated)));
    EXPECT_TRUE(taken(theirs_.release("room", id, outdated)));
    range_hold there = theirs_.get("room", id).value().value();
    EXPECT_EQ(there.start, 15);
    EXPECT_FALSE(there.permanent);
    EXPECT_GT(there.remaining, 5min);
    EXPECT_EQ(there.fencing_token, held.fencing_token());
    // A move that is repeated finds the hold where it is to be.
    const auto repeated = theirs_.move("room", id, 15, 25, outdated);
    ASSERT_TRUE(repeated) << repeated.error().message();
    EXPECT_EQ(repeated->fencing_token, held.fencing_token());
    EXPECT_TRUE(theirs_.renew("room", id, 10min, there.fencing_token));
    const auto moved = theirs_.move("room", id, 30, 40, there.fencing_token);
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_TRUE(taken(held.move(50, 60))) << "the guard's range is not its own any more";
    EXPECT_TRUE(theirs_.confirm("room", id, moved->fencing_token));
    EXPECT_TRUE(theirs_.confirm("room", id, moved->fencing_token)) << "again";
    EXPECT_TRUE(taken(theirs_.release("room", id, outdated)));
    EXPECT_TRUE(theirs_.release("room", id, moved->fencing_token));
}

TEST_P(range_lockers, hold_several_keys_or_none) {
    const std::vector<range_request> both{{.key = "room", .start = 10, .end = 20},
                                          {.key = "therapist", .start = 10, .end = 20}};
    {
        auto busy = theirs_.hold("therapist", 15, 30, for_long()).value();
        const auto refused = ours_.hold_all(both, for_long());
        ASSERT_EQ(code_of(refused), errc::contended);
        EXPECT_EQ(refused.error().name, "therapist");
        EXPECT_EQ(refused.error().blockers.size(), 1U);
        EXPECT_TRUE(ours_.list("room").value().empty());
        ASSERT_TRUE(busy.release());
    }
    auto held = ours_.hold_all(both, for_long());
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_EQ(held->size(), 2U);
    EXPECT_EQ(held->back().key(), "therapist");
    EXPECT_EQ(code_of(theirs_.hold("therapist", 12, 13, for_long())), errc::contended);
}

// Why: who waits for several ranges waits for the one that was refused; where others of that key
// overlap the same holds, and have room, it cannot be told by looking at those.
// How: the first range has room beside the blocker, the second one has not.
TEST_P(range_lockers, wait_for_the_refused_one_of_several_ranges_of_a_key) {
    ASSERT_TRUE(theirs_.set_capacity("class", 3));
    auto busy = theirs_.hold("class", 5, 15, for_long()).value();
    const std::vector<range_request> both{{.key = "class", .start = 0, .end = 10},
                                          {.key = "class", .start = 10, .end = 20, .units = 3}};
    const auto refused = ours_.hold_all(both, for_long());
    ASSERT_EQ(code_of(refused), errc::contended);
    EXPECT_EQ(refused.error().index, 1U);
    EXPECT_EQ(refused.error().blockers.size(), 1U);
    range_options how = for_long();
    how.wait = 300ms;
    const auto before = ours_.statistics().attempts;
    const auto timed_out = ours_.hold_all(both, how);
    ASSERT_EQ(code_of(timed_out), errc::timed_out);
    EXPECT_EQ(timed_out.error().index, 1U);
    EXPECT_LE(ours_.statistics().attempts - before, 5U) << "it waits, and does not ask on and on";
    ASSERT_TRUE(busy.release());
    EXPECT_TRUE(ours_.hold_all(both, for_long()));
}

// Why: a store gives a page of what is large, and the rest is there all the same.
TEST_P(range_lockers, watch_all_of_a_window_however_large_its_data_is) {
    range_options how = for_long();
    how.data = std::string(65'536, 'd');
    std::vector<range_guard> held;
    for (std::int64_t at = 0; at < 12; ++at)
        held.push_back(theirs_.hold("room", at, at + 1, how).value());
    const auto known = ours_.list("room").value();
    ASSERT_EQ(known.size(), held.size());
    EXPECT_EQ(code_of(ours_.watch("room", everything, known, 10ms)), errc::timed_out);
    ASSERT_TRUE(held.back().release());
    const auto now = ours_.watch("room", everything, known, 20s);
    ASSERT_TRUE(now) << now.error().message();
    EXPECT_EQ(now->size(), held.size() - 1);
}

TEST_P(range_lockers, let_several_in_where_there_is_room) {
    ASSERT_TRUE(ours_.set_capacity("class", 3));
    EXPECT_EQ(theirs_.capacity("class").value(), 3U);
    range_options two = for_long();
    two.units = 2;
    auto a = ours_.hold("class", 0, 100, two).value();
    auto b = ours_.hold("class", 0, 50, for_long()).value();
    EXPECT_EQ(code_of(theirs_.hold("class", 40, 60, for_long())), errc::contended);
    auto c = theirs_.hold("class", 50, 60, for_long());
    ASSERT_TRUE(c) << c.error().message();
    EXPECT_EQ(theirs_.free_gap("class", 10, {0, 100}).value(), (range{60, 70}));
    EXPECT_EQ(theirs_.free_gap("class", 10, {0, 100}, 2).value(), std::nullopt);
    range_options four = for_long();
    four.units = 4;
    EXPECT_EQ(code_of(theirs_.hold("class", 200, 300, four)), errc::misuse);
    ASSERT_TRUE(ours_.set_capacity("class", 1));
    EXPECT_EQ(code_of(theirs_.hold("class", 70, 80, for_long())), errc::contended);
}

// Why: what no release can make possible is not waited for.
TEST_P(range_lockers, end_a_wait_for_more_than_there_is_room_for) {
    ASSERT_TRUE(ours_.set_capacity("class", 2));
    auto held = ours_.hold("class", 10, 20, for_long()).value();
    range_options two = for_long();
    two.units = 2;
    two.wait = 60s;
    result<range_guard> waited = failure{errc::cancelled, ""};
    std::thread waiter([&] { waited = theirs_.hold("class", 15, 25, two); });
    EXPECT_TRUE(poll_until([&] { return theirs_.statistics().refusals >= 1; }));
    const time_point changed = boot_clock::now();
    EXPECT_TRUE(ours_.set_capacity("class", 1));
    waiter.join();
    EXPECT_EQ(code_of(waited), errc::misuse);
    EXPECT_LT(boot_clock::now() - changed, two.wait / 2);
}

TEST_P(range_lockers, see_changes_of_a_window) {
    const auto before = theirs_.list("room", {0, 100}).value();
    EXPECT_EQ(code_of(theirs_.watch("room", {0, 100}, before, 20ms)), errc::timed_out);
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    const auto after = theirs_.watch("room", {0, 100}, before, 20s);
    ASSERT_TRUE(after) << after.error().message();
    ASSERT_EQ(after->size(), 1U);
    EXPECT_EQ(after->front().id, held.id());
    std::thread leaver([&] { EXPECT_TRUE(held.release()); });
    EXPECT_TRUE(theirs_.watch("room", {0, 100}, *after, 20s).value().empty());
    leaver.join();
}

TEST_P(range_lockers, refuse_bad_input_and_change_nothing) {
    auto held = ours_.hold("room", 10, 20, for_long()).value();
    const std::string before = place_->dump_of_holds();
    EXPECT_TRUE(GetParam().name == "memory" || !before.empty());
    const auto wrong = [&](std::string_view key, std::int64_t start, std::int64_t end,
                           const range_options& how, std::string_view names) {
        const auto said = ours_.hold(key, start, end, how);
        EXPECT_EQ(code_of(said), errc::misuse) << names;
        if (said) return;
        EXPECT_NE(said.error().text.find(names), std::string::npos) << said.error().text;
    };
    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
    wrong("", 1, 2, for_long(), "key");
    wrong(std::string(513, 'k'), 1, 2, for_long(), "512");
    wrong("room", 30, 30, for_long(), "above its start");
    wrong("room", 40, 30, for_long(), "40 to 30");
    wrong("room", last, -last - 1, for_long(), "above its start");
    range_options how = for_long();
    how.ttl = 9ms;
    wrong("room", 30, 40, how, "ttl");
    how.ttl = -1ms;
    wrong("room", 30, 40, how, "ttl");
    how = for_long();
    how.units = 0;
    wrong("room", 30, 40, how, "units");
    how.units = 3;
    how.capacity = 2;
    wrong("room", 30, 40, how, "capacity of 2");
    how = for_long();
    how.data = std::string(64 * 1024 + 1, 'd');
    wrong("room", 30, 40, how, "65536");
    how = for_long();
    how.id = std::string(256, 'i');
    wrong("room", 30, 40, how, "255");
    EXPECT_EQ(code_of(ours_.get("room", "")), errc::misuse);
    EXPECT_EQ(code_of(ours_.list("room", {5, 5})), errc::misuse);
    EXPECT_EQ(code_of(ours_.list("room", everything, 0)), errc::misuse);
    EXPECT_EQ(code_of(ours_.free_gap("room", 0)), errc::misuse);
    EXPECT_EQ(code_of(ours_.set_capacity("room", 0)), errc::misuse);
    EXPECT_EQ(code_of(ours_.hold_all({}, for_long())), errc::misuse);
    EXPECT_EQ(code_of(ours_.hold_all({{"a", 1, 5}, {"a", 4, 6}}, for_long())), errc::misuse);
    EXPECT_EQ(place_->dump_of_holds(), before);
    EXPECT_EQ(ours_.list("room").value().size(), 1U);
    EXPECT_EQ(ours_.capacity("room").value(), 1U);
}

TEST_P(range_lockers, take_the_ends_of_all_numbers) {
    constexpr std::int64_t first = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
    auto all = ours_.hold("room", first, last, for_long()).value();
    EXPECT_EQ(code_of(theirs_.hold("room", last - 1, last, for_long())), errc::contended);
    EXPECT_EQ(code_of(theirs_.hold("room", first, first + 1, for_long())), errc::contended);
    ASSERT_TRUE(all.release());
    auto a = theirs_.hold("room", first, 0, for_long());
    auto b = theirs_.hold("room", 0, last, for_long());
    EXPECT_TRUE(a && b);
    EXPECT_EQ(ours_.list("room").value().size(), 2U);
}

TEST_P(range_lockers, return_keys_ids_and_data_byte_for_byte) {
    const std::string odd("q'\"`\\ \0%_{}:\xF0\x9F\x8E\x89 ", 16);
    for (const std::string& key : {odd, std::string("k"), std::string("K"), std::string("k ")}) {
        range_options how = for_long();
        how.id = odd + key;
        how.data = odd;
        auto held = ours_.hold(key, 1, 2, how);
        ASSERT_TRUE(held) << held.error().message();
        const auto there = theirs_.get(key, how.id).value();
        ASSERT_TRUE(there);
        EXPECT_EQ(there->key, key);
        EXPECT_EQ(there->id, how.id);
        EXPECT_EQ(there->data, odd);
        static_cast<void>(held->hand_over().value());
    }
    for (const std::string& key : {odd, std::string("k"), std::string("K"), std::string("k ")})
        EXPECT_EQ(theirs_.list(key).value().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(every_store, range_lockers, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
