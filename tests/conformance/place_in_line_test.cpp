// SPDX-License-Identifier: BSL-1.0
//
// Places in the line of those who wait for a name, for every store that keeps lines.
#include "conformance/store_contract.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>

namespace holdfast::test {
namespace {

/// Outlasts any test.
const line_terms patient{.lease = 10min};

class place_in_line : public store_contract {
protected:
    using turn = std::shared_ptr<started<std::optional<grant>>>;

    /// One who stands in line, and what it wants.
    struct waiter {
        std::unique_ptr<seat> place;
        claim wanted;
    };

    void SetUp() override {
        if (!GetParam().able.lines) GTEST_SKIP() << "it keeps no lines";
    }
    waiter sit(store& where, claim wanted) {
        waiter one{where.take_seat(wanted.name), std::move(wanted)};
        EXPECT_TRUE(one.place);
        return one;
    }
    result<grant> ask(waiter& who, const line_terms& terms = patient) {
        return run(who.place->ask(who.wanted, terms, soon()));
    }
    /// Takes a seat and stands in line behind who holds the name.
    waiter stand(store& where, claim wanted, const line_terms& terms = patient) {
        waiter one = sit(where, std::move(wanted));
        EXPECT_TRUE(is_contended(ask(one, terms)));
        return one;
    }
    /// Waits until the lock is handed over, without asking for it.
    asio::awaitable<std::optional<grant>> turn_of(seat& place, time_point until) {
        while (time_.now() < until) {
            auto given = co_await place.await_turn(until);
            if (given) co_return given;
            // It ends early without a reason, too; never in a loop without a pause.
            static_cast<void>(co_await sleep_until(time_, time_.now() + 1ms));
        }
        co_return std::nullopt;
    }
    [[nodiscard]] std::optional<grant> await_turn(waiter& who) {
        return run(turn_of(*who.place, time_.now() + promptly));
    }
    void hold(store& where, const claim& wanted) { ASSERT_TRUE(acquire(where, wanted)); }
    [[nodiscard]] std::string holder_of(const std::string& name) {
        const auto found = inspect(*first_, name);
        return found ? found->value : "nobody";
    }
    result<void> leave(waiter& who) { return run(who.place->leave(who.wanted.value, soon())); }
    result<std::optional<grant>> pass_on(waiter& who, const claim& held,
                                         const line_terms& terms = patient) {
        return run(who.place->pass_on(held.value, who.wanted, terms, soon()));
    }
};

TEST_P(place_in_line, takes_a_free_name_at_once) {
    waiter one = sit(*first_, alone("job", 60s));
    const auto granted = ask(one);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_GT(granted->fencing_token, 0U);
    const auto found = inspect(*second_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, one.wanted.value);
    EXPECT_GT(found->holder.remaining, 30s);
    EXPECT_LE(found->holder.remaining, 60s);
    EXPECT_EQ(found->waiters, 0U);
    EXPECT_TRUE(release(*second_, one.wanted));
}

TEST_P(place_in_line, is_handed_the_lock_by_whoever_releases_it) {
    claim first = alone("job");
    first.value = value("somebody");
    const auto before = acquire(*first_, first);
    ASSERT_TRUE(before);
    waiter one = sit(*second_, alone("job"));
    const auto refused = ask(one);
    ASSERT_TRUE(is_contended(refused));
    if (refused.error().holder) {
        EXPECT_EQ(refused.error().holder->owner, "somebody");
    }
    EXPECT_EQ(inspect(*first_, "job")->waiters, 1U);
    ASSERT_TRUE(release(*first_, first));
    EXPECT_EQ(holder_of("job"), one.wanted.value);
    const auto given = await_turn(one);
    ASSERT_TRUE(given);
    EXPECT_GT(given->fencing_token, before->fencing_token);
    EXPECT_EQ(inspect(*first_, "job")->waiters, 0U);
    EXPECT_TRUE(renew(*second_, one.wanted));
    EXPECT_TRUE(release(*second_, one.wanted));
    EXPECT_EQ(holder_of("job"), "nobody");
}

TEST_P(place_in_line, is_handed_the_lock_when_it_is_taken_away_from_its_holder) {
    hold(*first_, alone("job"));
    waiter one = stand(*second_, alone("job"));
    ASSERT_TRUE(take_away(*first_, "job"));
    EXPECT_TRUE(await_turn(one));
    EXPECT_EQ(holder_of("job"), one.wanted.value);
}

TEST_P(place_in_line, comes_first_if_it_was_taken_first) {
    claim holder = alone("job");
    hold(*first_, holder);
    std::vector<waiter> line;
    for (int i = 0; i < 4; ++i)
        line.push_back(stand(i % 2 == 0 ? *first_ : *second_, alone("job")));
    EXPECT_EQ(inspect(*first_, "job")->waiters, 4U);
    // Who asks again stays where it is.
    EXPECT_TRUE(is_contended(ask(line[0])));
    std::uint64_t last = 0;
    for (waiter& next : line) {
        ASSERT_TRUE(release(*first_, holder));
        const auto given = await_turn(next);
        ASSERT_TRUE(given);
        EXPECT_EQ(holder_of("job"), next.wanted.value);
        EXPECT_GT(given->fencing_token, last);
        last = given->fencing_token;
        holder = next.wanted;
    }
}

// Why: strictly fair waiters say how long they have been waiting, since a store may lose a line.
TEST_P(place_in_line, is_where_one_came_if_one_says_since_when_one_waits) {
    const claim holder = alone("job");
    hold(*first_, holder);
    line_terms late = patient;
    late.waited = 1s;
    line_terms early = patient;
    early.waited = 20s;
    line_terms middle = patient;
    middle.waited = 10s;
    waiter third = stand(*first_, alone("job"), late);
    waiter first = stand(*second_, alone("job"), early);
    waiter second = stand(*first_, alone("job"), middle);
    ASSERT_TRUE(release(*first_, holder));
    ASSERT_TRUE(await_turn(first));
    EXPECT_EQ(holder_of("job"), first.wanted.value);
    ASSERT_TRUE(release(*second_, first.wanted));
    ASSERT_TRUE(await_turn(second));
    ASSERT_TRUE(release(*second_, second.wanted));
    EXPECT_TRUE(await_turn(third));
}

// Why: one who died in line must not be handed the lock.
TEST_P(place_in_line, runs_out_unless_it_is_asked_for_again) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter dead = stand(*first_, alone("job"), {.lease = short_ttl});
    waiter alive = stand(*second_, alone("job"));
    pass(short_ttl + 50ms);
    ASSERT_TRUE(release(*first_, holder));
    ASSERT_TRUE(await_turn(alive));
    EXPECT_EQ(holder_of("job"), alive.wanted.value);
}

TEST_P(place_in_line, lasts_anew_from_each_time_it_is_asked_for) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter one = stand(*second_, alone("job"), {.lease = short_ttl});
    EXPECT_TRUE(is_contended(ask(one)));
    pass(short_ttl + 50ms);
    ASSERT_TRUE(release(*first_, holder));
    EXPECT_TRUE(await_turn(one));
}

// Why: whoever was handed the lock may have died; others wait for its place's lease, no longer.
TEST_P(place_in_line, gives_the_lock_for_what_is_left_of_its_lease) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter dead = stand(*second_, alone("job"), {.lease = 3s});
    ASSERT_TRUE(release(*first_, holder));
    const auto found = inspect(*first_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, dead.wanted.value);
    // The end of a place, rounded up to a millisecond, from now, rounded down.
    EXPECT_LE(found->holder.remaining, 3s + 1ms);
    EXPECT_LT(wait_until_free(*first_, "job"), 3s + promptly);
    EXPECT_TRUE(is_lost(renew(*second_, dead.wanted), lost_reason::deleted));
}

TEST_P(place_in_line, gives_the_lock_for_the_whole_ttl_once_it_is_renewed_or_asked_for) {
    for (const bool by_asking : {false, true}) {
        const claim holder = alone("job");
        hold(*first_, holder);
        waiter one = stand(*second_, alone("job"), {.lease = 3s});
        ASSERT_TRUE(release(*first_, holder));
        const auto given = await_turn(one);
        ASSERT_TRUE(given);
        if (by_asking) {
            const auto again = ask(one);
            ASSERT_TRUE(again) << again.error().message();
            EXPECT_GT(again->fencing_token, given->fencing_token);
        } else {
            EXPECT_TRUE(renew(*second_, one.wanted));
        }
        EXPECT_GT(inspect(*first_, "job")->holder.remaining, 1min);
        EXPECT_TRUE(release(*first_, one.wanted));
    }
}

// Why: a message that the lock was handed over may be lost; who asks finds out.
TEST_P(place_in_line, tells_who_asks_that_the_lock_was_handed_over) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter one = stand(*second_, alone("job"));
    ASSERT_TRUE(release(*first_, holder));
    const auto granted = ask(one);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_EQ(holder_of("job"), one.wanted.value);
    EXPECT_EQ(inspect(*first_, "job")->waiters, 0U);
    const auto again = ask(one);
    ASSERT_TRUE(again);
    EXPECT_GT(again->fencing_token, granted->fencing_token);
    EXPECT_TRUE(release(*second_, one.wanted));
    EXPECT_EQ(holder_of("job"), "nobody");
}

TEST_P(place_in_line, gets_by_asking_what_has_run_out) {
    hold(*first_, alone("job", short_ttl));
    waiter one = stand(*second_, alone("job"));
    const time_point end = soon();
    result<grant> granted = failure{};
    do {
        static_cast<void>(run(one.place->await_turn(time_.now() + 50ms)));
        granted = ask(one);
    } while (!granted && time_.now() < end);
    ASSERT_TRUE(granted) << granted.error().message();
    EXPECT_EQ(holder_of("job"), one.wanted.value);
}

TEST_P(place_in_line, keeps_its_place_while_others_try_without_one) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter one = stand(*second_, alone("job"));
    EXPECT_TRUE(is_contended(acquire(*first_, alone("job"))));
    ASSERT_TRUE(release(*first_, holder));
    EXPECT_TRUE(is_contended(acquire(*first_, alone("job"))));
    EXPECT_TRUE(await_turn(one));
    ASSERT_TRUE(release(*second_, one.wanted));
    EXPECT_TRUE(acquire(*first_, alone("job")));
}

TEST_P(place_in_line, is_given_up_by_leaving) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter gone = stand(*first_, alone("job"));
    waiter next = stand(*second_, alone("job"));
    EXPECT_TRUE(leave(gone));
    EXPECT_TRUE(leave(gone));
    EXPECT_EQ(inspect(*first_, "job")->waiters, 1U);
    EXPECT_EQ(holder_of("job"), holder.value);
    ASSERT_TRUE(release(*first_, holder));
    ASSERT_TRUE(await_turn(next));
    EXPECT_EQ(holder_of("job"), next.wanted.value);
}

TEST_P(place_in_line, gives_back_the_lock_too_by_leaving) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter handed = stand(*first_, alone("job"));
    waiter next = stand(*second_, alone("job"));
    ASSERT_TRUE(release(*first_, holder));
    EXPECT_EQ(holder_of("job"), handed.wanted.value);
    EXPECT_TRUE(leave(handed));
    ASSERT_TRUE(await_turn(next));
    EXPECT_EQ(holder_of("job"), next.wanted.value);
    EXPECT_TRUE(leave(handed));
    EXPECT_EQ(holder_of("job"), next.wanted.value);
    EXPECT_TRUE(leave(next));
    EXPECT_EQ(holder_of("job"), "nobody");
}

TEST_P(place_in_line, passes_on_to_itself_if_nobody_else_waits) {
    const claim holder = alone("job");
    const auto before = acquire(*first_, holder);
    ASSERT_TRUE(before);
    waiter next = sit(*first_, alone("job", 60s));
    const auto passed = pass_on(next, holder);
    ASSERT_TRUE(passed) << passed.error().message();
    ASSERT_TRUE(*passed);
    EXPECT_GT((*passed)->fencing_token, before->fencing_token);
    const auto found = inspect(*second_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, next.wanted.value);
    EXPECT_GT(found->holder.remaining, 30s);
    EXPECT_LE(found->holder.remaining, 60s);
    EXPECT_EQ(found->waiters, 0U);
    EXPECT_TRUE(is_lost(release(*first_, holder), lost_reason::taken));
}

TEST_P(place_in_line, passes_on_to_who_waits_and_stands_behind) {
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter other = stand(*second_, alone("job"));
    waiter next = sit(*first_, alone("job"));
    const auto passed = pass_on(next, holder);
    ASSERT_TRUE(passed) << passed.error().message();
    EXPECT_FALSE(*passed);
    ASSERT_TRUE(await_turn(other));
    EXPECT_EQ(holder_of("job"), other.wanted.value);
    EXPECT_EQ(inspect(*first_, "job")->waiters, 1U);
    ASSERT_TRUE(release(*second_, other.wanted));
    EXPECT_TRUE(await_turn(next));
    EXPECT_EQ(holder_of("job"), next.wanted.value);
}

TEST_P(place_in_line, passes_nothing_on_that_it_does_not_hold) {
    waiter next = sit(*first_, alone("job"));
    const auto free = pass_on(next, alone("job"));
    ASSERT_FALSE(free);
    EXPECT_EQ(free.error().code, errc::lost);
    EXPECT_EQ(free.error().reason, lost_reason::deleted);
    EXPECT_EQ(holder_of("job"), "nobody");
    const claim holder = alone("job");
    hold(*second_, holder);
    const auto taken = pass_on(next, alone("job"));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, errc::lost);
    EXPECT_EQ(taken.error().reason, lost_reason::taken);
    EXPECT_EQ(inspect(*first_, "job")->waiters, 0U);
    ASSERT_TRUE(release(*second_, holder));
    EXPECT_EQ(holder_of("job"), "nobody");
}

// Why: who passes a lock on within its process gives each of them a token of its own.
TEST_P(place_in_line, draws_as_many_tokens_in_a_row_as_it_is_asked_to) {
    line_terms block = patient;
    block.tokens = 100;
    waiter one = sit(*first_, alone("job"));
    const auto asked = ask(one, block);
    ASSERT_TRUE(asked);
    waiter other = stand(*second_, alone("job"), block);
    ASSERT_TRUE(release(*first_, one.wanted));
    const auto handed = await_turn(other);
    ASSERT_TRUE(handed);
    EXPECT_GE(handed->fencing_token, asked->fencing_token + 100);
    waiter third = sit(*first_, alone("job"));
    const auto passed = pass_on(third, other.wanted, block);
    ASSERT_TRUE(passed && *passed);
    EXPECT_GE((*passed)->fencing_token, handed->fencing_token + 100);
    ASSERT_TRUE(release(*first_, third.wanted));
    const auto plain = acquire(*second_, alone("job"));
    ASSERT_TRUE(plain);
    EXPECT_GE(plain->fencing_token, (*passed)->fencing_token + 100);
}

TEST_P(place_in_line, gets_no_token_where_none_is_wanted) {
    const claim holder = alone("job");
    hold(*first_, holder);
    claim plain = alone("job");
    plain.fence = false;
    waiter one = stand(*second_, plain);
    ASSERT_TRUE(release(*first_, holder));
    const auto given = await_turn(one);
    ASSERT_TRUE(given);
    EXPECT_EQ(given->fencing_token, 0U);
}

TEST_P(place_in_line, lets_all_readers_in_that_come_next) {
    if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    const claim holder = alone("job");
    hold(*first_, holder);
    waiter one = stand(*first_, shared("job"));
    waiter other = stand(*second_, shared("job"));
    waiter writer = stand(*second_, alone("job"));
    waiter late = stand(*first_, shared("job"));
    ASSERT_TRUE(release(*first_, holder));
    ASSERT_TRUE(await_turn(one));
    ASSERT_TRUE(await_turn(other));
    const auto found = inspect(*first_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->mode, lock_mode::shared);
    EXPECT_EQ(found->holders, 2U);
    EXPECT_EQ(found->waiters, 2U);
    ASSERT_TRUE(release(*first_, one.wanted));
    ASSERT_TRUE(release(*second_, other.wanted));
    ASSERT_TRUE(await_turn(writer));
    EXPECT_EQ(holder_of("job"), writer.wanted.value);
    ASSERT_TRUE(release(*second_, writer.wanted));
    EXPECT_TRUE(await_turn(late));
}

TEST_P(place_in_line, hands_each_permit_over_that_is_given_back) {
    if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    const claim one = counted("job", 2);
    const claim other = counted("job", 2);
    hold(*first_, one);
    hold(*second_, other);
    waiter third = stand(*first_, counted("job", 2));
    waiter fourth = stand(*second_, counted("job", 2));
    ASSERT_TRUE(release(*first_, other));
    ASSERT_TRUE(await_turn(third));
    EXPECT_EQ(inspect(*first_, "job")->holders, 2U);
    ASSERT_TRUE(release(*second_, one));
    ASSERT_TRUE(await_turn(fourth));
    EXPECT_EQ(inspect(*first_, "job")->holders, 2U);
    EXPECT_TRUE(renew(*first_, third.wanted));
    EXPECT_TRUE(renew(*first_, fourth.wanted));
}

TEST_P(place_in_line, may_be_taken_for_any_name) {
    using namespace std::string_literals;
    for (const std::string& name :
         {"a\0b"s, "'"s, "{a}"s, "a:b"s, "\xff"s, std::string(512, 'n')}) {
        const claim holder = alone(name);
        hold(*first_, holder);
        waiter one = stand(*second_, alone(name));
        ASSERT_TRUE(release(*first_, holder));
        EXPECT_TRUE(await_turn(one));
        EXPECT_EQ(holder_of(name), one.wanted.value);
    }
}

TEST_P(place_in_line, ends_its_wait_when_it_is_cancelled_or_the_store_stops) {
    hold(*first_, alone("job"));
    waiter one = stand(*second_, alone("job"));
    waiter other = stand(*second_, alone("job"));
    asio::cancellation_signal signal;
    const turn cancelled =
        start(context_, one.place->await_turn(time_.now() + 10min), [&](auto handler) {
            return asio::bind_cancellation_slot(signal.slot(), std::move(handler));
        });
    const turn stopped = start(context_, other.place->await_turn(time_.now() + 10min));
    pass(20ms);
    cancel(context_, signal);
    EXPECT_TRUE(drive_until(
        context_, [&] { return cancelled->ended(); }, promptly));
    second_->stop();
    EXPECT_TRUE(drive_until(
        context_, [&] { return stopped->ended(); }, promptly));
    const auto asked = ask(other);
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, errc::cancelled);
    EXPECT_EQ(leave(one).error().code, errc::cancelled);
}

// Why: the exclusion that all of this is for, in the way it is used.
TEST_P(place_in_line, lets_workers_take_turns_one_at_a_time) {
    constexpr int workers = 6;
    constexpr int rounds = 15;
    int inside = 0;
    int counter = 0;
    auto work = [&](store& where) -> asio::awaitable<void> {
        for (int done = 0; done < rounds; ++done) {
            const claim wanted = alone("job");
            const auto place = where.take_seat("job");
            const line_terms terms{.lease = 5s};
            const time_point end = soon();
            bool held = false;
            while (!held && time_.now() < end) {
                const auto asked = co_await place->ask(wanted, terms, end);
                held = asked.has_value();
                if (!held) {
                    const auto given = co_await place->await_turn(time_.now() + 1s);
                    held = given.has_value();
                }
            }
            EXPECT_TRUE(held);
            EXPECT_EQ(inside++, 0);
            const int seen = counter;
            static_cast<void>(co_await sleep_until(time_, time_.now() + 100us));
            counter = seen + 1;
            --inside;
            const auto released = co_await where.release("job", wanted.value, soon());
            EXPECT_TRUE(released) << released.error().message();
        }
    };
    std::vector<std::shared_ptr<started<ended_flag>>> all;
    for (int i = 0; i < workers; ++i)
        all.push_back(start(context_, with_value(work(i % 2 == 0 ? *first_ : *second_))));
    EXPECT_TRUE(drive_until(context_, [&] {
        return std::all_of(all.begin(), all.end(), [](const auto& each) { return each->ended(); });
    }));
    EXPECT_EQ(counter, workers * rounds);
    EXPECT_FALSE(inspect(*first_, "job"));
}

INSTANTIATE_TEST_SUITE_P(every_store, place_in_line, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
