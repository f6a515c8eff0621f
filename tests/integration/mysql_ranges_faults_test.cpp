// SPDX-License-Identifier: BSL-1.0
//
// What goes wrong with a server, with the way to it, and with what one may do there.
#include "integration/mysql_ranges.hpp"
#include "support/poll.hpp"
#include "support/tcp_cutter.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <csignal>
#include <thread>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

const range_claim my_claim{.key = "room", .id = "the-id", .start = 10, .end = 20, .ttl = 30s};

class range_faults : public mysql_ranges {
protected:
    /// @return A user behind a line that is cut at a word of the client's.
    std::unique_ptr<range_user> behind(const tcp_cutter& line) {
        return std::make_unique<range_user>(
            "mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/" + database_);
    }
    /// Asks for `my_claim`, and cancels that when the server waits for a row's lock.
    bool give_up_waiting(range_user& user) {
        asio::cancellation_signal stop;
        const auto waits =
            start(user.context, user.store->hold_all(std::span(&my_claim, 1), range_user::in(60s)),
                  [&](auto handler) {
                      return asio::bind_cancellation_slot(stop.slot(), std::move(handler));
                  });
        EXPECT_TRUE(drive_until(user.context, [&] { return server_waits_for_a_row(); }));
        cancel(user.context, stop);
        EXPECT_TRUE(drive_until(user.context, [&] { return waits->ended(); }));
        return waits->ended() && fails_with(*waits->answer, errc::cancelled);
    }
};

TEST_F(range_faults, a_lost_answer_is_in_doubt_and_asking_again_finds_the_hold) {
    ASSERT_TRUE(ok(ours_->hold("warm", 1, 2)));
    tcp_cutter line(server().socket_path(), "the-id", cut::after_it_is_heard);
    const auto user = behind(line);
    ASSERT_TRUE(ok(user->hold("warm", 2, 3)));
    EXPECT_TRUE(fails_with(user->hold(my_claim), errc::in_doubt));
    EXPECT_EQ(line.cuts(), 1);
    const auto again = user->hold(my_claim);
    ASSERT_TRUE(ok(again));
    EXPECT_EQ(row_count(), "3");
    EXPECT_EQ(sql_->value("SELECT fence FROM holdfast_range_hold WHERE id = 'the-id'"),
              std::to_string(again->fencing_token));
}

TEST_F(range_faults, a_commit_whose_answer_is_lost_is_in_doubt_and_asking_again_settles_it) {
    for (const cut when : {cut::before_it_is_heard, cut::after_it_is_heard}) {
        tcp_cutter line(server().socket_path(), "\nCOMMIT\n", when);
        const auto user = behind(line);
        range_claim roomy = my_claim;
        roomy.key = when == cut::before_it_is_heard ? "unheard" : "heard";
        roomy.capacity = 2;
        EXPECT_TRUE(fails_with(user->hold(roomy), errc::in_doubt));
        EXPECT_EQ(line.cuts(), 1);
        EXPECT_TRUE(ok(user->hold(roomy)));
        EXPECT_EQ(user->list(roomy.key)->holds.size(), 1U);
    }
}

TEST_F(range_faults, a_line_that_is_cut_within_a_transaction_is_made_up_for) {
    ASSERT_TRUE(ok(ours_->hold("warm", 1, 2)));
    tcp_cutter line(server().socket_path(), "START TRANSACTION", cut::after_it_is_heard);
    range_claim roomy = my_claim;
    roomy.capacity = 2;
    EXPECT_TRUE(ok(behind(line)->hold(roomy)));
    EXPECT_EQ(line.cuts(), 1);
}

TEST_F(range_faults, a_server_that_stalls_in_the_middle_of_a_set_books_nothing_twice) {
    mariadb_server own;
    range_user user(own.url());
    ASSERT_TRUE(ok(user.hold("warm", 1, 2)));
    own.signal(SIGSTOP);
    const auto since = boot_clock::now();
    const auto stalled = user.hold(my_claim, 400ms);
    EXPECT_LT(boot_clock::now() - since, 5s);
    EXPECT_TRUE(fails_with(stalled, errc::in_doubt));
    EXPECT_TRUE(fails_with(run(user.context, user.store->get("room", "x", range_user::in(200ms))),
                           errc::unreachable));
    own.signal(SIGCONT);
    range_user other(own.url());
    const auto again = user.hold(my_claim);
    EXPECT_TRUE(ok(again));
    EXPECT_TRUE(fails_with(other.hold("room", 15, 25), errc::contended));
    EXPECT_EQ(user.list("room")->holds.size(), 1U);
}

// Why: the connections go at any moment of a set. How: who is in doubt asks again with the same id,
// as the engine does, until there is an answer.
TEST_F(range_faults, connections_killed_all_the_time_book_nothing_twice_and_lose_nothing) {
    constexpr int slots = 100;
    constexpr int users = 4;
    std::atomic<bool> done{false};
    std::atomic<int> kills{0};
    std::atomic<int> held{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < users; ++i)
        threads.emplace_back([&] {
            range_user user(url());
            for (int slot = 0; slot < slots; ++slot) {
                range_claim wanted{.key = "room",
                                   .id = user.fresh_id(),
                                   .start = slot * 10,
                                   .end = slot * 10 + 10,
                                   .capacity = slot % 4 == 0 ? 1U : 0U,
                                   .ttl = 5min};
                result<range_grant> how = failure{};
                do how = user.hold(wanted);
                while (!how && how.error().code != errc::contended);
                if (how) ++held;
            }
        });
    std::thread killer([&] {
        sql_session root(server(), "");
        while (!done)
            for (const auto& row :
                 root.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
                if (root.try_ask("KILL " + row[0]) == 0) ++kills;
    });
    for (std::thread& one : threads) one.join();
    done = true;
    killer.join();
    EXPECT_GT(kills, 20);
    EXPECT_EQ(held, slots);
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(row_count(), std::to_string(slots));
}

TEST_F(range_faults, a_restart_forgets_nothing_and_tokens_rise) {
    mariadb_server own;
    range_user user(own.url());
    const auto first = user.hold(my_claim);
    ASSERT_TRUE(ok(first));
    own.restart();
    result<range_grant> refused = failure{};
    ASSERT_TRUE(poll_until([&] {
        refused = user.hold("room", 15, 25);
        return !refused && refused.error().code == errc::contended;
    })) << refused.error().message();
    const auto next = user.hold("room", 20, 25);
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, first->fencing_token);
}

TEST_F(range_faults, tables_that_were_lost_are_made_anew_and_tokens_rise) {
    const auto first = ours_->hold(my_claim);
    ASSERT_TRUE(ok(first));
    sql_->ask("DROP TABLE holdfast_range_hold, holdfast_range_key");
    const auto next = ours_->hold(my_claim);
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, first->fencing_token);
}

TEST_F(range_faults, a_cancelled_hold_ends_at_once) {
    ASSERT_TRUE(ok(ours_->hold("room", 1, 2)));
    sql_session other(server(), database_);
    other.ask("LOCK TABLES holdfast_range_key WRITE, holdfast_range_hold WRITE");
    asio::cancellation_signal stop;
    const auto waits =
        start(ours_->context, ours_->store->hold_all(std::span(&my_claim, 1), range_user::in(60s)),
              [&](auto handler) {
                  return asio::bind_cancellation_slot(stop.slot(), std::move(handler));
              });
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return waits->ended(); }, 200ms));
    cancel(ours_->context, stop);
    ASSERT_TRUE(drive_until(
        ours_->context, [&] { return waits->ended(); }, 5s));
    EXPECT_TRUE(fails_with(*waits->answer, errc::cancelled));
    other.ask("UNLOCK TABLES");
    EXPECT_TRUE(ok(ours_->hold("room", 3, 4)));
}

// Why: a key's row that was made anew did not know of which classes the key has holds, and those
// were given to somebody else. How: by the procedure, by steps, and by a capacity that is set.
TEST_F(range_faults, a_table_of_keys_that_was_lost_hides_no_hold) {
    const auto held = ours_->hold_all({{.key = "room",
                                        .id = ours_->fresh_id(),
                                        .start = 10,
                                        .end = 20,
                                        .capacity = 2,
                                        .ttl = 30s},
                                       {.key = "room",
                                        .id = ours_->fresh_id(),
                                        .start = 5,
                                        .end = 100,
                                        .capacity = 2,
                                        .ttl = 30s}});
    ASSERT_TRUE(ok(held));
    range_claim wanted{.key = "room", .id = "b", .start = 15, .end = 16, .capacity = 1, .ttl = 30s};
    sql_->ask("DROP TABLE holdfast_range_key");
    EXPECT_TRUE(fails_with(theirs_->hold(wanted), errc::contended));
    sql_->ask("DROP TABLE holdfast_range_key");
    wanted.capacity = 2;
    EXPECT_TRUE(fails_with(theirs_->hold(wanted), errc::contended));
    sql_->ask("DROP TABLE holdfast_range_key");
    ASSERT_TRUE(ok(theirs_->set_capacity("room", 2)));
    wanted.capacity = 0;
    EXPECT_TRUE(fails_with(theirs_->hold(wanted), errc::contended));
}

// Why: a table that is not as it was made is for its owner to mend, and no fault of the protocol.
TEST_F(range_faults, a_table_without_its_index_is_told_and_holds_nothing) {
    ASSERT_TRUE(ok(theirs_->hold("hall", 10, 20)));
    sql_->ask(
        "ALTER TABLE holdfast_range_hold DROP INDEX by_start, ADD INDEX other (`key`, starts)");
    const auto refused = ours_->hold("room", 10, 20);
    EXPECT_TRUE(fails_with(refused, errc::wrong_type));
    EXPECT_THAT(refused.error().text, testing::HasSubstr("by_start"));
    EXPECT_EQ(sql_->value("SELECT COUNT(*) FROM holdfast_range_hold"), "1");
}

// Why: the server does not end a statement because its connection ends, so a release behind a
// cancellation overtook the hold. How: it waits for the key's row, which is then unlocked.
TEST_F(range_faults, a_cancelled_hold_that_is_released_leaves_nothing_behind) {
    ASSERT_TRUE(ok(ours_->hold("room", 1, 2)));
    sql_session other(server(), database_);
    other.ask("START TRANSACTION");
    other.ask("SELECT * FROM holdfast_range_key WHERE `key` = 'room' FOR UPDATE");
    ASSERT_TRUE(give_up_waiting(*ours_));
    const auto released = start(
        ours_->context,
        ours_->store->release("room", "the-id", released_hold::any, range_user::in(patience)));
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return released->ended(); }, 20ms));
    other.ask("COMMIT");
    ASSERT_TRUE(drive_until(ours_->context, [&] { return released->ended(); }));
    EXPECT_TRUE(ok(*released->answer)) << "what it took late was there to be released";
    EXPECT_FALSE(ours_->store->busy());
    EXPECT_EQ(row_count(), "1");
}

// How: the release has no time to wait for the statement's end.
TEST_F(range_faults, a_cancelled_hold_is_taken_back_behind_the_end_of_its_release) {
    ASSERT_TRUE(ok(ours_->hold("room", 1, 2)));
    sql_session other(server(), database_);
    other.ask("START TRANSACTION");
    other.ask("SELECT * FROM holdfast_range_key WHERE `key` = 'room' FOR UPDATE");
    ASSERT_TRUE(give_up_waiting(*ours_));
    const auto released =
        run(ours_->context,
            ours_->store->release("room", "the-id", released_hold::any, range_user::in(10ms)));
    EXPECT_TRUE(fails_with(released, errc::in_doubt));
    EXPECT_TRUE(ours_->store->busy());
    other.ask("COMMIT");
    EXPECT_TRUE(drive_until(ours_->context, [&] { return !ours_->store->busy(); }));
    EXPECT_EQ(row_count(), "1");
}

TEST_F(range_faults, a_store_whose_server_is_at_a_cancelled_hold_is_stopped_at_once) {
    ASSERT_TRUE(ok(ours_->hold("room", 1, 2)));
    sql_session other(server(), database_);
    other.ask("START TRANSACTION");
    other.ask("SELECT * FROM holdfast_range_key WHERE `key` = 'room' FOR UPDATE");
    ASSERT_TRUE(give_up_waiting(*ours_));
    EXPECT_TRUE(ours_->store->busy());
    ours_->store->stop();
    EXPECT_TRUE(drive_until(
        ours_->context, [&] { return !ours_->store->busy(); }, 500ms));
    other.ask("ROLLBACK");
}

TEST_F(range_faults, a_store_that_is_stopped_answers_cancelled) {
    ASSERT_TRUE(ok(ours_->hold("room", 10, 20)));
    const range_claim wanted = my_claim;
    const auto waits = start(ours_->context, with_value(ours_->store->await_change(
                                                 wanted, range_change::freed, range_user::in(1h))));
    EXPECT_FALSE(drive_until(
        ours_->context, [&] { return waits->ended(); }, 100ms));
    ours_->store->stop();
    EXPECT_TRUE(drive_until(
        ours_->context, [&] { return waits->ended(); }, 5s));
    EXPECT_TRUE(fails_with(ours_->hold("room", 30, 40), errc::cancelled));
    EXPECT_TRUE(fails_with(ours_->renew("room", "x"), errc::cancelled));
    EXPECT_TRUE(fails_with(ours_->list("room"), errc::cancelled));
}

class range_rights : public mysql_ranges {
protected:
    std::string url_with(const std::string& user, const std::string& granted) {
        sql_session root(server(), "");
        root.ask("CREATE USER " + user + "@localhost IDENTIFIED BY 'app pw'");
        root.ask("GRANT " + granted + " ON " + database_ + ".* TO " + user + "@localhost");
        std::string theirs = url_;
        return theirs.replace(theirs.find("app:"), 4, user + ":");
    }
};

TEST_F(range_rights, who_may_not_create_is_told_so_and_may_use_what_is_there) {
    range_user user(url_with("worker", "SELECT, INSERT, UPDATE, DELETE"));
    const auto denied = user.hold(my_claim);
    ASSERT_TRUE(fails_with(denied, errc::denied));
    EXPECT_THAT(denied.error().text, HasSubstr("CREATE"));
    EXPECT_THAT(denied.error().text, HasSubstr("holdfast_range_key"));
    ASSERT_TRUE(ok(ours_->hold("room", 30, 40)));
    EXPECT_TRUE(ok(user.hold(my_claim))) << "without the right to execute the procedure";
    EXPECT_TRUE(ok(user.move("room", "the-id", {11, 20})));
    EXPECT_TRUE(ok(user.release("room", "the-id")));
}

TEST_F(range_rights, who_may_only_execute_uses_the_procedure) {
    ASSERT_TRUE(ok(ours_->hold("room", 30, 40)));
    range_user user(url_with("caller", "SELECT, INSERT, UPDATE, DELETE, EXECUTE"));
    EXPECT_TRUE(ok(user.hold(my_claim)));
}

TEST_F(range_rights, who_may_only_read_is_told_so) {
    ASSERT_TRUE(ok(ours_->hold(my_claim)));
    range_user user(url_with("reader", "SELECT"));
    EXPECT_EQ(user.list("room")->holds.size(), 1U);
    EXPECT_TRUE(fails_with(user.hold("room", 30, 40), errc::denied));
    EXPECT_TRUE(fails_with(user.release("room", "the-id"), errc::denied));
}

}  // namespace
}  // namespace holdfast::test
