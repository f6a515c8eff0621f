// SPDX-License-Identifier: BSL-1.0
//
// Why: a booking goes wrong where an answer is lost, or where two requests meet in the wrong order.
// How: each verb of a range locker is tried with its first request going wrong in each way; what it
// then says must be true of the store. Each once with holds and releases by coroutines, and once by
// shortcuts.
#include <holdfast/holdfast.hpp>

#include "fault/faulty_ranges.hpp"
#include "support/poll.hpp"

#include <boost/asio/steady_timer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>

namespace holdfast::fault {
namespace {

using namespace std::chrono_literals;

constexpr std::array bad_fates{fate::unreachable, fate::lost_request, fate::lost_answer};

range_options for_a_while() {
    range_options how;
    how.ttl = 10min;
    return how;
}

/// A range locker over a store whose requests of one kind meet their fate, the first one only.
class faulty_lockers : public testing::TestWithParam<way> {
protected:
    range_locker open(faulty_ranges::plan plan, const locker_options& options = {}) {
        return range_locker(
            [this, plan = std::move(plan)](
                const store_environment& environment) -> result<std::shared_ptr<range_store>> {
                return std::shared_ptr<range_store>(
                    std::make_shared<faulty_ranges>(environment, table_, plan, GetParam(), gate_));
            },
            options);
    }
    range_locker open(std::string verb, fate is) {
        auto over = std::make_shared<std::atomic<bool>>(false);
        return open([=](std::string asked) -> asio::awaitable<fate> {
            const bool now = asked == verb && !over->exchange(true);
            co_return now ? is : fate::answered;
        });
    }

    std::shared_ptr<memory::range_table> table_{std::make_shared<memory::range_table>()};
    std::shared_ptr<gate> gate_{std::make_shared<gate>()};
    range_locker sound_{open("", fate::answered)};
};

TEST_P(faulty_lockers, hold_once_whatever_became_of_the_first_request) {
    for (const fate is : bad_fates) {
        range_locker ranges = open("hold", is);
        range_options how = for_a_while();
        how.wait = 20s;
        auto held = ranges.hold("room", 10, 20, how);
        ASSERT_TRUE(held) << held.error().message();
        const auto there = sound_.list("room").value();
        ASSERT_EQ(there.size(), 1U);
        EXPECT_EQ(there.front().id, held->id());
        EXPECT_EQ(there.front().fencing_token, held->fencing_token());
        ASSERT_TRUE(held->release());
        EXPECT_TRUE(sound_.list("room").value().empty());
    }
}

TEST_P(faulty_lockers, move_once_whatever_became_of_the_first_request) {
    for (const fate is : bad_fates) {
        range_locker ranges = open("move", is);
        auto held = ranges.hold("room", 10, 20, for_a_while()).value();
        ASSERT_TRUE(held.move(15, 25));
        const range_hold there = sound_.get("room", held.id()).value().value();
        EXPECT_EQ(there.start, 15);
        EXPECT_EQ(there.fencing_token, held.fencing_token());
        EXPECT_TRUE(held.renew(5min)) << "by the token that it has now";
        ASSERT_TRUE(held.release());
    }
}

TEST_P(faulty_lockers, confirm_and_release_whatever_became_of_the_first_request) {
    for (const fate is : bad_fates) {
        range_locker confirming = open("confirm", is);
        auto held = confirming.hold("room", 10, 20, for_a_while()).value();
        const std::string id = held.id();
        const auto booked = held.confirm();
        ASSERT_TRUE(booked) << booked.error().message();
        EXPECT_TRUE(sound_.get("room", id).value()->permanent);
        range_locker releasing = open("release", is);
        const auto gone = releasing.release("room", id);
        ASSERT_TRUE(gone) << gone.error().message();
        EXPECT_FALSE(sound_.get("room", id).value());
    }
}

TEST_P(faulty_lockers, set_a_capacity_whatever_became_of_the_first_request) {
    std::uint32_t units = 2;
    for (const fate is : bad_fates) {
        ASSERT_TRUE(open("set_capacity", is).set_capacity("class", ++units));
        EXPECT_EQ(sound_.capacity("class").value(), units);
    }
}

TEST_P(faulty_lockers, are_still_held_when_a_renewal_went_wrong) {
    for (const fate is : bad_fates) {
        range_locker ranges = open("renew", is);
        auto held = ranges.hold("room", 10, 20, for_a_while()).value();
        const auto said = held.renew(10min);
        ASSERT_FALSE(said);
        EXPECT_NE(said.error().code, errc::lost);
        EXPECT_TRUE(held.held());
        EXPECT_TRUE(held.renew(10min));
    }
}

// Why: a renewal goes by the token, and a move changes it. How: a renewal is on its way with the
// old one while the hold is moved, and arrives behind the move.
TEST_P(faulty_lockers, lose_nothing_to_a_renewal_that_the_move_overtook) {
    std::atomic<int> under_way{0};
    std::atomic<bool> moved{false};
    range_locker ranges = open([&](std::string asked) -> asio::awaitable<fate> {
        if (asked != "renew") co_return fate::answered;
        ++under_way;
        asio::steady_timer pause(co_await asio::this_coro::executor);
        while (!moved) {
            pause.expires_after(1ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
        co_return fate::answered;
    });
    range_options how;
    how.ttl = 6s;
    how.auto_renew = true;
    auto held = ranges.hold("room", 10, 20, how).value();
    ASSERT_TRUE(test::poll_until([&] { return under_way > 0; }));
    ASSERT_TRUE(held.move(30, 40));
    moved = true;
    ASSERT_TRUE(test::poll_until([&] { return ranges.statistics().renewals > 0; }));
    EXPECT_GE(under_way, 2) << "the first one was refused";
    EXPECT_TRUE(held.held());
    EXPECT_EQ(held.why_lost(), lost_reason::none);
    EXPECT_EQ(sound_.get("room", held.id()).value()->start, 30);
}

// Why: a move that arrives late would take the range away from its guard, and somebody else would
// get it. How: each request of two moves is kept back, a third one succeeds, and then they arrive.
TEST_P(faulty_lockers, stay_where_they_were_moved_to_last_when_earlier_moves_arrive_late) {
    std::atomic<fate> is{fate::late};
    std::atomic<int> late{0};
    range_locker ranges = open(
        [&](std::string asked) -> asio::awaitable<fate> {
            if (asked != "move") co_return fate::answered;
            if (is == fate::late) ++late;
            co_return is;
        },
        {.timeout = 50ms});
    auto held = ranges.hold("room", 0, 10, for_a_while()).value();
    for (const std::int64_t to : {100, 150}) {
        const auto doubtful = held.move(to, to + 10);
        ASSERT_FALSE(doubtful);
        EXPECT_EQ(doubtful.error().code, errc::in_doubt);
        EXPECT_NE(doubtful.error().text.find("no answer"), std::string::npos)
            << doubtful.error().text;
    }
    is = fate::answered;
    ASSERT_TRUE(held.move(200, 210));
    ASSERT_GE(late, 2);
    gate_->open = true;
    ASSERT_TRUE(test::poll_until([&] { return gate_->passed == late; }));
    EXPECT_EQ(sound_.get("room", held.id()).value()->start, 200);
    EXPECT_TRUE(held.renew(5min));
    EXPECT_TRUE(held.confirm());
}

// Why: "it is still where it was" would be wrong once the request before that answer arrives.
TEST_P(faulty_lockers, are_in_doubt_as_long_as_a_move_may_arrive) {
    auto blocker = sound_.hold("room", 100, 110, for_a_while()).value();
    std::atomic<bool> sent{false};
    range_locker ranges = open([&](std::string asked) -> asio::awaitable<fate> {
        const bool first = asked == "move" && !sent.exchange(true);
        co_return first ? fate::late : fate::answered;
    });
    auto held = ranges.hold("room", 0, 10, for_a_while()).value();
    const auto doubtful = held.move(100, 110);
    ASSERT_FALSE(doubtful);
    EXPECT_EQ(doubtful.error().code, errc::in_doubt);
    EXPECT_EQ(doubtful.error().blockers.size(), 1U);
    ASSERT_TRUE(blocker.release());
    gate_->open = true;
    ASSERT_TRUE(test::poll_until([&] { return gate_->passed == 1; }));
    EXPECT_EQ(sound_.get("room", held.id()).value()->start, 100);
    EXPECT_TRUE(held.renew(5min)) << "wherever it is";
    EXPECT_TRUE(held.confirm()) << "wherever it is";
}

// Why: behind what went wrong there is often nothing but too little time, which explains nothing.
TEST_P(faulty_lockers, name_what_left_them_in_doubt) {
    for (const std::string verb : {"confirm", "move"}) {
        std::atomic<bool> sent{false};
        auto plan = [&](std::string asked) -> asio::awaitable<fate> {
            if (asked != verb) co_return fate::answered;
            co_return sent.exchange(true) ? fate::unreachable : fate::lost_request;
        };
        range_locker ranges = open(plan, {.timeout = 50ms});
        auto held = ranges.hold("room", 10, 20, for_a_while()).value();
        const failure why = verb == "move" ? held.move(30, 40).error() : held.confirm().error();
        EXPECT_EQ(why.code, errc::in_doubt) << verb;
        EXPECT_EQ(why.text, "faulty: no answer") << verb;
        ASSERT_TRUE(held.release());
    }
}

// Why: who holds ranges has no locks, and looks for one in vain.
TEST_P(faulty_lockers, speak_of_no_lock) {
    std::vector<failure> all;
    range_locker late = open([](std::string asked) -> asio::awaitable<fate> {
        asio::steady_timer pause(co_await asio::this_coro::executor, 20ms);
        if (asked == "hold") co_await pause.async_wait(asio::use_awaitable);
        co_return fate::answered;
    });
    range_options how;
    how.ttl = 10ms;
    all.push_back(late.hold("room", 10, 20, how).error());
    all.push_back(late.hold_all({{"room", 10, 20}, {"room", 20, 30}}, how).error());
    auto busy = sound_.hold("room", 10, 20, for_a_while()).value();
    std::stop_source ended;
    ended.request_stop();
    how = for_a_while();
    how.wait = 20s;
    how.stop = ended.get_token();
    all.push_back(sound_.hold("room", 10, 20, how).error());
    how = for_a_while();
    how.stop_margin = 5s;
    auto held = sound_.hold("room", 30, 40, how).value();
    all.push_back(held.renew(4s).error());
    ASSERT_TRUE(sound_.release("room", held.id()));
    all.push_back(held.renew(1min).error());
    all.push_back(held.renew(1min).error());
    all.push_back(held.release().error());
    for (const failure& why : all) {
        EXPECT_NE(why.text, "") << to_string(why.code);
        EXPECT_EQ(why.text.find("lock"), std::string::npos) << why.text;
    }
}

// A guard's own release, whose hold nobody has confirmed.
TEST_P(faulty_lockers, release_what_they_hold_whatever_became_of_the_first_request) {
    for (const fate is : bad_fates) {
        range_locker ranges = open("release", is);
        auto held = ranges.hold("room", 10, 20, for_a_while()).value();
        const auto gone = held.release();
        ASSERT_TRUE(gone) << gone.error().message();
        EXPECT_TRUE(sound_.list("room").value().empty());
        EXPECT_EQ(ranges.statistics().releases, 1U);
    }
}

// An id of the caller's may have been held before: what may have been granted to it stays.
TEST_P(faulty_lockers, leave_what_may_have_been_granted_to_an_id_of_the_callers) {
    range_options how = for_a_while();
    how.id = "mine";
    auto lose_answers = [](std::string asked) -> asio::awaitable<fate> {
        co_return asked == "hold" ? fate::lost_answer : fate::answered;
    };
    range_locker ranges = open(lose_answers, {.timeout = 100ms});
    const auto held = ranges.hold("room", 10, 20, how);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::in_doubt);
    EXPECT_EQ(sound_.list("room").value().size(), 1U);
    EXPECT_TRUE(sound_.hold("room", 10, 20, how)) << "and is had by asking again";
}

INSTANTIATE_TEST_SUITE_P(by, faulty_lockers, testing::Values(way::coroutines, way::shortcuts),
                         [](const auto& which) {
                             return which.param == way::coroutines ? "coroutines" : "shortcuts";
                         });

}  // namespace
}  // namespace holdfast::fault
