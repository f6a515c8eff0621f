// SPDX-License-Identifier: BSL-1.0
//
// The line that a server keeps for a name: who gets the lock, in which order, and what is left.
#include "integration/redis_stores.hpp"
#include "support/tcp_cutter.hpp"

#include <algorithm>
#include <deque>

namespace holdfast::test {
namespace {

class redis_lines : public redis_stores {
protected:
    /// One who waits.
    struct waiter {
        std::unique_ptr<seat> place;
        std::string value;
        turn next{};
    };
    /// @return One who stands in line, and does not listen.
    [[nodiscard]] waiter stand_deaf(store& where, const wish& how = {}) {
        waiter one{where.take_seat("job"), value()};
        const auto answer = ask(*one.place, one.value, how);
        EXPECT_FALSE(answer);
        EXPECT_EQ(answer.error().code, errc::contended) << answer.error().message();
        return one;
    }
    [[nodiscard]] waiter stand(store& where, const wish& how = {}) {
        waiter one = stand_deaf(where, how);
        one.next = await_turn(*one.place);
        return one;
    }
    [[nodiscard]] bool gets_it(const waiter& one) {
        return comes([&] { return one.next->ended(); }) && one.next->answer->has_value();
    }
    /// Whether nothing is on the server but a counter that ends by itself.
    [[nodiscard]] bool nothing_left() const {
        redis_link link(server_.socket_path());
        for (const auto& key : link.ask({"KEYS", "*"}).items)
            if (key.text != key_ + ":f") return false;
        return link.ask({"PTTL", key_ + ":f"}).integer > 0;
    }

    std::shared_ptr<store> first_ = open();
    std::shared_ptr<store> second_ = open();
};

TEST_F(redis_lines, give_a_free_lock_at_once_and_leave_no_place) {
    const auto place = first_->take_seat("job");
    const std::string mine = value();
    const auto given = ask(*place, mine);
    ASSERT_TRUE(given) << given.error().message();
    EXPECT_GT(given->fencing_token, 0U);
    EXPECT_EQ(waiting(), 0U);
    EXPECT_EQ(inspect(*second_).value, mine);
    EXPECT_TRUE(release(*second_, mine));
    EXPECT_TRUE(nothing_left());
}

// Why: who is handed a lock must be told by nobody but the server, at once, and be its holder.
TEST_F(redis_lines, hand_over_at_a_release_a_break_and_a_holders_leaving) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    std::deque<waiter> all;
    for (int i = 0; i < 4; ++i) all.push_back(stand(i % 2 == 0 ? *first_ : *second_));
    EXPECT_EQ(inspect(*first_).waiters, 4U);
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(gets_it(all[0]));
    EXPECT_EQ(inspect(*second_).value, all[0].value);
    const auto broken = run(second_->take_away("job", soon()));
    ASSERT_TRUE(broken && *broken);
    EXPECT_EQ((*broken)->value, all[0].value);
    EXPECT_EQ((*broken)->waiters, 3U);
    ASSERT_TRUE(gets_it(all[1]));
    ASSERT_TRUE(leave(*all[1].place, all[1].value));
    ASSERT_TRUE(gets_it(all[2]));
    EXPECT_TRUE(renew(*first_, all[2].value));
    ASSERT_TRUE(release(*second_, all[2].value));
    ASSERT_TRUE(gets_it(all[3]));
    EXPECT_TRUE(release(*second_, all[3].value));
    EXPECT_TRUE(nothing_left());
}

TEST_F(redis_lines, are_strictly_first_come_first_served) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    std::deque<waiter> all;
    for (int i = 0; i < 24; ++i) all.push_back(stand_deaf(i % 3 == 0 ? *first_ : *second_));
    // Asking again moves nobody.
    for (const std::size_t again : {23U, 7U, 0U}) {
        EXPECT_FALSE(ask(*all[again].place, all[again].value));
    }
    for (waiter& each : all) each.next = await_turn(*each.place);
    std::string holder = held;
    for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_TRUE(release(*second_, holder));
        ASSERT_TRUE(gets_it(all[i])) << i;
        for (std::size_t later = i + 1; later < all.size(); ++later)
            EXPECT_FALSE(all[later].next->ended() && all[later].next->answer->has_value());
        holder = all[i].value;
    }
}

TEST_F(redis_lines, let_one_stand_where_it_came) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const waiter late = stand(*first_);
    settle(5ms);
    const waiter early = stand(*second_, {.terms = {.lease = long_ttl, .waited = 1s}});
    const waiter between = stand(*second_, {.terms = {.lease = long_ttl, .waited = 500ms}});
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(gets_it(early));
    ASSERT_TRUE(release(*first_, early.value));
    ASSERT_TRUE(gets_it(between));
    ASSERT_TRUE(release(*first_, between.value));
    ASSERT_TRUE(gets_it(late));
}

// Why: a token that does not rise lets an earlier holder write after a later one. How: hand over
// in all ways there are, each grant with as many tokens as it has of its own.
TEST_F(redis_lines, hand_out_tokens_that_strictly_rise) {
    constexpr std::uint32_t block = 9;
    const wish several{.terms = {.lease = long_ttl, .tokens = block}};
    std::uint64_t last = 0;
    const auto rises = [&](std::uint64_t token, std::uint32_t count) {
        EXPECT_GT(token, last);
        last = token + count - 1;
    };
    std::string held = value();
    auto given = acquire(*first_, held);
    ASSERT_TRUE(given);
    rises(given->fencing_token, 1);
    for (int round = 0; round < 20; ++round) {
        if (round == 10) command({"DEL", key_ + ":f"});
        const waiter next = stand(*second_, several);
        const auto again = first_->take_seat("job");
        const std::string mine = value();
        const auto passed = pass_on(*again, held, mine, several);
        ASSERT_TRUE(passed) << passed.error().message();
        EXPECT_FALSE(*passed);
        ASSERT_TRUE(gets_it(next));
        rises((*next.next->answer)->fencing_token, block);
        const turn back = await_turn(*again);
        ASSERT_TRUE(release(*second_, next.value));
        ASSERT_TRUE(comes([&] { return back->ended(); }) && *back->answer);
        rises((*back->answer)->fencing_token, block);
        held = mine;
    }
    const auto alone = first_->take_seat("job");
    const std::string mine = value();
    const auto passed = pass_on(*alone, held, mine, several);
    ASSERT_TRUE(passed && *passed) << "nobody else was waiting";
    rises((*passed)->fencing_token, block);
    EXPECT_TRUE(leave(*alone, mine));
    given = acquire(*second_, value());
    ASSERT_TRUE(given);
    rises(given->fencing_token, 1);
}

TEST_F(redis_lines, answer_who_holds_it_already_with_its_whole_ttl_and_a_new_token) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const waiter next = stand(*second_, {.terms = {.lease = 30s}});
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(gets_it(next));
    EXPECT_LE(inspect(*first_).holder.remaining, 30s + 1ms);
    const auto again = ask(*next.place, next.value, {.ttl = 60s});
    ASSERT_TRUE(again);
    EXPECT_GT(again->fencing_token, (*next.next->answer)->fencing_token);
    EXPECT_GT(inspect(*first_).holder.remaining, 31s);
}

// Why: a waiter that hangs must block the others for no longer than the lease of its place.
TEST_F(redis_lines, pass_over_waiters_that_do_not_answer_within_their_leases) {
    const wish brief{.terms = {.lease = 600ms}};
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    for (int i = 0; i < 3; ++i) static_cast<void>(stand_deaf(*second_, brief));
    const waiter alive = stand_deaf(*first_, brief);
    const time_point before = time_.now();
    ASSERT_TRUE(release(*first_, held));
    // It asks again as often as it has to in order to keep its place.
    EXPECT_TRUE(get(*alive.place, alive.value, brief));
    EXPECT_LT(time_.now() - before, brief.terms.lease + promptly);
    EXPECT_EQ(inspect(*second_).value, alive.value);
    EXPECT_EQ(waiting(), 0U);
}

// Why: whose process is gone is not waited for at all.
TEST_F(redis_lines, pass_over_the_waiters_of_a_process_that_is_gone_at_once) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const auto dying = open();
    for (int i = 0; i < 3; ++i) static_cast<void>(stand_deaf(*dying));
    const waiter next = stand(*second_);
    for (int i = 0; i < 3; ++i) static_cast<void>(stand_deaf(*dying));
    const waiter last = stand(*second_);
    dying->stop();
    ASSERT_TRUE(comes([&] { return connections("P") == 1; }));
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(gets_it(next));
    EXPECT_EQ(waiting(), 1U);
    ASSERT_TRUE(release(*first_, next.value));
    ASSERT_TRUE(gets_it(last));
}

TEST_F(redis_lines, leave_nothing_when_all_are_dead) {
    const milliseconds lease = 200ms;
    ASSERT_TRUE(acquire(*first_, value(), {.ttl = lease}));
    {
        std::deque<waiter> all;
        for (int i = 0; i < 5; ++i)
            all.push_back(stand(*second_, {.ttl = lease, .terms = {.lease = lease}}));
        redis_link link(server_.socket_path());
        for (const char* const end : {":q", ":w"}) {
            EXPECT_GT(link.ask({"PTTL", key_ + end}).integer, 0);
            EXPECT_LE(link.ask({"PTTL", key_ + end}).integer, lease.count() + 1);
        }
        first_->stop();
        second_->stop();
        for (const waiter& each : all) EXPECT_TRUE(comes([&] { return each.next->ended(); }));
    }
    EXPECT_TRUE(poll_until([&] { return nothing_left(); }, 10s));
}

TEST_F(redis_lines, let_the_next_be_first_when_the_first_leaves) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const waiter first = stand_deaf(*first_);
    const waiter second = stand(*second_);
    ASSERT_TRUE(leave(*first.place, first.value));
    ASSERT_TRUE(leave(*first.place, first.value)) << "again";
    EXPECT_EQ(waiting(), 1U);
    EXPECT_EQ(inspect(*first_).value, held) << "it left the line, not the lock";
    // It watches now: a stranger's DEL tells it.
    settle();
    command({"DEL", key_});
    ASSERT_TRUE(comes([&] { return second.next->ended(); }));
    EXPECT_TRUE(ask(*second.place, second.value));
}

TEST_F(redis_lines, let_a_waiter_that_is_cancelled_go_and_forget_it_when_it_has_left) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const auto place = second_->take_seat("job");
    const std::string mine = value();
    ASSERT_FALSE(ask(*place, mine));
    asio::cancellation_signal signal;
    const turn next = await_turn(*place, signal);
    settle();
    EXPECT_FALSE(next->ended());
    cancel(context_, signal);
    ASSERT_TRUE(comes([&] { return next->ended(); }));
    EXPECT_FALSE(*next->answer);
    ASSERT_TRUE(leave(*place, mine));
    EXPECT_EQ(waiting(), 0U);
    ASSERT_TRUE(release(*first_, held));
    EXPECT_TRUE(nothing_left());
}

TEST_F(redis_lines, take_the_lock_back_from_one_who_leaves_after_it_was_handed_over) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const waiter gone = stand_deaf(*second_);
    const waiter next = stand(*first_);
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(leave(*gone.place, gone.value));
    EXPECT_TRUE(gets_it(next));
    EXPECT_EQ(inspect(*first_).value, next.value);
}

TEST_F(redis_lines, do_not_let_one_pass_on_what_it_does_not_hold) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const auto place = second_->take_seat("job");
    const auto taken = pass_on(*place, "another", value());
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().reason, lost_reason::taken);
    ASSERT_TRUE(release(*first_, held));
    const auto deleted = pass_on(*place, held, value());
    ASSERT_FALSE(deleted);
    EXPECT_EQ(deleted.error().reason, lost_reason::deleted);
    EXPECT_TRUE(nothing_left()) << "nobody stands in line for it";
}

// Why: who did not hear the answer asks again, and must neither lose its place nor the lock.
TEST_F(redis_lines, survive_lost_replies) {
    struct trial {
        const char* word;
        cut when;
    };
    for (const trial& one : {trial{"ask", cut::after_it_is_heard},
                             {"ask", cut::before_it_is_heard},
                             {"pass", cut::after_it_is_heard},
                             {"pass", cut::before_it_is_heard},
                             {"leave", cut::after_it_is_heard}}) {
        const std::string word = std::string("\r\n") + one.word + "\r\n";
        command({"FLUSHDB"});
        const tcp_cutter cutter(server_.socket_path(), word, one.when);
        const auto far = open(cutter.url());
        const auto place = far->take_seat("job");
        const std::string held = value();
        const std::string mine = value();
        const std::string verb = one.word;
        ASSERT_TRUE(acquire(verb == "pass" ? *far : *first_, held));
        if (verb == "pass") {
            const waiter other = stand_deaf(*first_);
            ASSERT_TRUE(leave(*other.place, other.value)) << "the scripts are known now";
            const auto lost = pass_on(*place, held, mine);
            ASSERT_EQ(cutter.cuts(), 1);
            ASSERT_FALSE(lost);
            EXPECT_EQ(lost.error().code, errc::in_doubt);
            const auto again = pass_on(*place, held, mine);
            ASSERT_TRUE(again && *again) << again.error().message();
            EXPECT_EQ(inspect(*first_).value, mine);
            continue;
        }
        const auto lost = ask(*place, mine);
        ASSERT_FALSE(lost);
        if (verb == "ask") {
            EXPECT_EQ(lost.error().code, errc::in_doubt) << lost.error().message();
            ASSERT_TRUE(release(*first_, held));
            const auto again = ask(*place, mine);
            ASSERT_TRUE(again) << again.error().message();
            EXPECT_EQ(inspect(*first_).value, mine);
        } else {
            const auto left = leave(*place, mine);
            ASSERT_EQ(cutter.cuts(), 1);
            EXPECT_EQ(left.error().code, errc::in_doubt);
            EXPECT_EQ(waiting(), 0U);
            EXPECT_TRUE(leave(*place, mine));
        }
        EXPECT_EQ(cutter.cuts(), 1);
    }
}

// Why: a notice of a grant that was answered otherwise meanwhile must not count as another grant.
TEST_F(redis_lines, do_not_take_an_old_notice_for_a_new_one) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    const auto place = second_->take_seat("job");
    const std::string mine = value();
    ASSERT_FALSE(ask(*place, mine));
    ASSERT_TRUE(release(*first_, held));
    // Asked for before anybody has read the notice.
    ASSERT_TRUE(ask(*place, mine));
    ASSERT_TRUE(release(*first_, mine));
    const std::string theirs = value();
    ASSERT_TRUE(acquire(*first_, theirs));
    ASSERT_FALSE(ask(*place, value()));
    const turn next = await_turn(*place);
    settle(50ms);
    EXPECT_FALSE(next->ended() && next->answer->has_value());
    EXPECT_EQ(inspect(*first_).value, theirs);
}

// Why: two holders at once is the one bug that we exist to prevent. How: twelve workers on three
// stores take turns by the line alone; each counts in a number that nothing else protects.
TEST_F(redis_lines, let_workers_take_turns_one_at_a_time) {
    constexpr int workers = 12;
    constexpr int rounds = 25;
    const auto third = open();
    int inside = 0;
    int counter = 0;
    auto worker = [&](store& where) -> asio::awaitable<void> {
        std::string held;
        for (int done = 0; done < rounds; ++done) {
            const auto place = where.take_seat("job");
            const claim wanted = claim_of(value());
            const line_terms terms{.lease = long_ttl};
            std::optional<grant> given;
            if (held.empty()) {
                const auto answer = co_await place->ask(wanted, terms, soon());
                if (answer) given = *answer;
            } else {
                const auto answer = co_await place->pass_on(held, wanted, terms, soon());
                EXPECT_TRUE(answer);
                if (answer) given = *answer;
            }
            while (!given) {
                given = co_await place->await_turn(time_.now() + 10s);
                if (given) break;
                const auto answer = co_await place->ask(wanted, terms, soon());
                if (answer) given = *answer;
            }
            EXPECT_EQ(inside++, 0);
            const int seen = counter;
            static_cast<void>(co_await sleep_until(time_, time_.now() + 100us));
            counter = seen + 1;
            --inside;
            held = wanted.value;
        }
        EXPECT_TRUE(co_await where.release("job", held, soon()));
    };
    std::vector<std::shared_ptr<started<ended_flag>>> all;
    for (int i = 0; i < workers; ++i)
        all.push_back(start(context_, with_value(worker(i % 3 == 0   ? *first_
                                                        : i % 3 == 1 ? *second_
                                                                     : *third))));
    EXPECT_TRUE(comes(
        [&] {
            return std::all_of(all.begin(), all.end(),
                               [](const auto& one) { return one->ended(); });
        },
        patience));
    EXPECT_EQ(counter, workers * rounds);
    EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace holdfast::test
