// SPDX-License-Identifier: BSL-1.0
//
// Waiting for shared and counted locks, and who waits for whom.
#include "conformance/store_contract.hpp"

#include <algorithm>

namespace holdfast::test {
namespace {

class sharing_wait : public store_contract {
protected:
    using wait = std::shared_ptr<started<ended_flag>>;

    void SetUp() override {
        if (!GetParam().able.modes) GTEST_SKIP() << "it has exclusive locks only";
    }
    /// Acquires as callers do: tries, and waits for its turn, until it is granted.
    asio::awaitable<void> acquire_in_time(store& where, claim wanted) {
        const time_point end = soon();
        wanted.waits = true;
        const auto place = where.take_seat(wanted.name);
        const line_terms terms{.lease = 3s};
        while (time_.now() < end) {
            auto asked =
                place ? place->ask(wanted, terms, end) : where.acquire(wanted, attempt::first, end);
            const auto granted = co_await std::move(asked);
            if (granted) co_return;
            EXPECT_EQ(granted.error().code, errc::contended) << granted.error().message();
            if (!place) {
                co_await where.await_change(wanted.name, end);
                continue;
            }
            const auto given = co_await place->await_turn(time_.now() + 1s);
            if (given) co_return;
        }
        ADD_FAILURE() << "it was not granted in time";
    }
    [[nodiscard]] wait acquire_later(store& where, const claim& wanted) {
        return start(context_, with_value(acquire_in_time(where, wanted)));
    }
    [[nodiscard]] bool ends_promptly(const wait& each) {
        return drive_until(
            context_, [&] { return each->ended(); }, promptly);
    }
    /// Lets everything that is ready happen, and a little more.
    void settle() { pass(20ms); }
    void hold(const claim& wanted) { ASSERT_TRUE(acquire(*first_, wanted)); }
};

TEST_P(sharing_wait, ends_for_a_writer_when_the_last_reader_releases) {
    const claim one = shared("job");
    const claim other = shared("job");
    hold(one);
    hold(other);
    const wait writer = acquire_later(*second_, alone("job"));
    settle();
    ASSERT_TRUE(release(*first_, one));
    settle();
    EXPECT_FALSE(writer->ended());
    ASSERT_TRUE(release(*first_, other));
    EXPECT_TRUE(ends_promptly(writer));
}

TEST_P(sharing_wait, ends_for_readers_when_the_writer_releases) {
    const claim writer = alone("job");
    hold(writer);
    const wait one = acquire_later(*first_, shared("job"));
    const wait other = acquire_later(*second_, shared("job"));
    settle();
    ASSERT_TRUE(release(*first_, writer));
    EXPECT_TRUE(ends_promptly(one));
    EXPECT_TRUE(ends_promptly(other));
    EXPECT_EQ(inspect(*first_, "job")->holders, 2U);
}

TEST_P(sharing_wait, ends_when_one_of_the_permits_is_given_back) {
    const claim one = counted("job", 2);
    hold(one);
    hold(counted("job", 2));
    const wait third = acquire_later(*second_, counted("job", 2));
    const wait fourth = acquire_later(*first_, counted("job", 2));
    settle();
    ASSERT_TRUE(release(*first_, one));
    EXPECT_TRUE(drive_until(
        context_, [&] { return third->ended() || fourth->ended(); }, promptly));
    settle();
    EXPECT_FALSE(third->ended() && fourth->ended());
    // Lets the other one end, too.
    ASSERT_TRUE(take_away(*second_, "job"));
    EXPECT_TRUE(ends_promptly(third));
    EXPECT_TRUE(ends_promptly(fourth));
}

TEST_P(sharing_wait, ends_when_one_of_the_leases_runs_out) {
    hold(counted("job", 2));
    hold(counted("job", 2, short_ttl));
    const wait permit = acquire_later(*second_, counted("job", 2));
    hold(shared("other job", short_ttl));
    const wait writer = acquire_later(*second_, alone("other job"));
    EXPECT_TRUE(ends_promptly(permit));
    EXPECT_TRUE(ends_promptly(writer));
}

// Why: a change between the refusal and the wait must not be missed.
// How: released at once, after as many steps of the waiter as the round's number says.
TEST_P(sharing_wait, misses_no_permit_however_early_it_is_given_back) {
    hold(counted("job", 2));
    for (int round = 0; round < 40; ++round) {
        const claim one = counted("job", 2);
        hold(one);
        const claim next = counted("job", 2);
        const wait waiter = acquire_later(*second_, next);
        for (int steps = round % 12; steps > 0; --steps) context_.poll_one();
        ASSERT_TRUE(release(*first_, one));
        ASSERT_TRUE(ends_promptly(waiter)) << "in round " << round;
        ASSERT_TRUE(release(*second_, next));
    }
}

// Why: else readers that come and go would keep a writer out for ever.
// How: the writer has been refused, or stands in line where the store keeps one; readers that hold
// the lock go on, new ones are kept out until the writer had its turn.
TEST_P(sharing_wait, lets_no_more_readers_in_while_a_writer_waits) {
    const claim reader = shared("job");
    hold(reader);
    claim writer = alone("job");
    writer.waits = true;
    const auto place = second_->take_seat("job");
    if (place) {
        const line_terms terms{.lease = 20s};
        ASSERT_TRUE(is_contended(run(place->ask(writer, terms, soon()))));
    } else {
        ASSERT_TRUE(is_contended(acquire(*second_, writer)));
    }
    EXPECT_TRUE(is_contended(acquire(*first_, shared("job"))));
    EXPECT_TRUE(is_contended(acquire(*second_, shared("job"))));
    EXPECT_TRUE(renew(*first_, reader));
    ASSERT_TRUE(release(*first_, reader));
    if (place)
        EXPECT_TRUE(drive_until(context_, [&] { return inspect(*first_, "job").has_value(); }));
    else
        ASSERT_TRUE(acquire(*second_, writer));
    EXPECT_EQ(inspect(*first_, "job")->value, writer.value);
    // Nobody waits any more.
    ASSERT_TRUE(release(*second_, writer));
    EXPECT_TRUE(acquire(*first_, shared("job")));
}

// Why: a writer that died, or gave up, must not keep readers out for long.
TEST_P(sharing_wait, lets_readers_in_again_when_no_writer_waits_any_more) {
    const claim reader = shared("job");
    hold(reader);
    const auto place = second_->take_seat("job");
    if (place) {
        const line_terms terms{.lease = short_ttl};
        ASSERT_TRUE(is_contended(run(place->ask(alone("job"), terms, soon()))));
    } else {
        ASSERT_TRUE(is_contended(acquire(*second_, alone("job"))));
    }
    const claim next = shared("job");
    const wait waiter = acquire_later(*second_, next);
    EXPECT_TRUE(ends_promptly(waiter));
    ASSERT_TRUE(release(*first_, reader));
    ASSERT_TRUE(release(*first_, next));
    EXPECT_FALSE(inspect(*first_, "job"));
}

// Why: the exclusion that readers and writers count on, as it is used. How: writers change two
// numbers with an await in between, readers must never see them differ.
TEST_P(sharing_wait, keeps_readers_and_writers_apart) {
    constexpr int rounds = 15;
    int writers = 0;
    int readers = 0;
    int most_readers = 0;
    auto work = [&](store& where, bool writes) -> asio::awaitable<void> {
        for (int done = 0; done < rounds; ++done) {
            const claim wanted = writes ? alone("job") : shared("job");
            co_await acquire_in_time(where, wanted);
            ++(writes ? writers : readers);
            EXPECT_TRUE(writers == 0 || (writers == 1 && readers == 0));
            most_readers = std::max(most_readers, readers);
            static_cast<void>(co_await sleep_until(time_, time_.now() + 200us));
            --(writes ? writers : readers);
            const auto released = co_await where.release("job", wanted.value, soon());
            EXPECT_TRUE(released) << released.error().message();
        }
    };
    std::vector<wait> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(start(context_, with_value(work(i % 2 == 0 ? *first_ : *second_, i < 2))));
    EXPECT_TRUE(drive_until(context_, [&] {
        return std::all_of(all.begin(), all.end(), [](const wait& each) { return each->ended(); });
    }));
    EXPECT_GT(most_readers, 1);
    EXPECT_FALSE(inspect(*first_, "job"));
}

TEST_P(sharing_wait, keeps_to_the_number_of_permits) {
    constexpr int rounds = 15;
    int inside = 0;
    int most = 0;
    auto work = [&](store& where) -> asio::awaitable<void> {
        for (int done = 0; done < rounds; ++done) {
            const claim wanted = counted("job", 3);
            co_await acquire_in_time(where, wanted);
            most = std::max(most, ++inside);
            static_cast<void>(co_await sleep_until(time_, time_.now() + 200us));
            --inside;
            const auto released = co_await where.release("job", wanted.value, soon());
            EXPECT_TRUE(released) << released.error().message();
        }
    };
    std::vector<wait> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(start(context_, with_value(work(i % 2 == 0 ? *first_ : *second_))));
    EXPECT_TRUE(drive_until(context_, [&] {
        return std::all_of(all.begin(), all.end(), [](const wait& each) { return each->ended(); });
    }));
    EXPECT_EQ(most, 3);
    EXPECT_FALSE(inspect(*first_, "job"));
}

INSTANTIATE_TEST_SUITE_P(every_store, sharing_wait, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
