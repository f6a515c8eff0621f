// SPDX-License-Identifier: BSL-1.0
//
// The check in the application's own transaction, as docs/stores/mysql.md has it: a booking is
// written only while the hold is ours, and nobody gets the range before that transaction ends.
#include "integration/mysql_ranges.hpp"
#include "support/poll.hpp"

namespace holdfast::test {
namespace {

class range_fence : public mysql_ranges {
protected:
    range_fence() {
        sql_->ask(
            "CREATE TABLE booking (room VARCHAR(20), start BIGINT, PRIMARY KEY (room, start))");
    }
    range_claim claim_for(std::chrono::milliseconds ttl) {
        return {.key = "room", .id = "mine", .start = 10, .end = 20, .ttl = ttl};
    }
    /// The booking, if the hold is ours. @return How many rows were written.
    std::string book(sql_session& app, std::uint64_t token) {
        app.ask(
            "INSERT INTO booking (room, start) SELECT 'room', 10 FROM holdfast_range_hold "
            "WHERE `key` = 'room' AND id = 'mine' AND fence = " +
            std::to_string(token) +
            " AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) "
            "FOR UPDATE");
        return app.value("SELECT ROW_COUNT()");
    }
    /// `app` locks the hold in a transaction, in which it stays until the hold has run out.
    void sleep_on_hold(sql_session& app, const std::string& key) {
        app.ask("START TRANSACTION");
        app.ask("SELECT * FROM holdfast_range_hold WHERE `key` = '" + key +
                "' AND id = 'mine' FOR UPDATE");
        EXPECT_TRUE(poll_until([&] { return !theirs_->get(key, "mine").value(); }));
    }
};

TEST_F(range_fence, lets_a_booking_in_while_the_hold_is_ours_and_with_its_token_only) {
    const auto held = ours_->hold(claim_for(30s));
    ASSERT_TRUE(ok(held));
    EXPECT_EQ(book(*sql_, held->fencing_token + 1), "0");
    EXPECT_EQ(book(*sql_, held->fencing_token), "1");
    const auto moved = ours_->move("room", "mine", {11, 21});
    ASSERT_TRUE(ok(moved));
    sql_->ask("DELETE FROM booking");
    EXPECT_EQ(book(*sql_, held->fencing_token), "0");
    EXPECT_EQ(book(*sql_, moved->fencing_token), "1");
}

// Why: the client slept longer than its hold lasted, and somebody else has the range by now.
TEST_F(range_fence, lets_no_booking_in_behind_the_end_of_the_hold) {
    const auto held = ours_->hold(claim_for(50ms));
    ASSERT_TRUE(ok(held));
    ASSERT_TRUE(poll_until([&] { return !ours_->get("room", "mine").value(); }));
    EXPECT_EQ(book(*sql_, held->fencing_token), "0");
    ASSERT_TRUE(ok(theirs_->hold("room", 15, 25)));
    EXPECT_EQ(book(*sql_, held->fencing_token), "0");
    EXPECT_EQ(sql_->value("SELECT COUNT(*) FROM booking"), "0");
}

// Why: above READ COMMITTED a check that finds no row locks the gap where it would be. How: the
// hold is gone, the transaction stays open, and others want this key and those beside it.
TEST_F(range_fence, of_a_hold_that_is_gone_locks_nothing_at_read_committed) {
    const std::string check =
        "SELECT 1 FROM holdfast_range_hold WHERE `key` = 'room' AND id = 'mine' AND fence = 1 "
        "AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) FOR UPDATE";
    ASSERT_TRUE(ok(ours_->hold("room", 50, 60)));
    sql_session app(server(), database_);
    app.ask("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    app.ask("START TRANSACTION");
    ASSERT_TRUE(app.ask(check).empty());
    for (const char* key : {"a room", "room", "room 2"}) {
        range_claim wanted = claim_for(30s);
        wanted.key = key;
        EXPECT_TRUE(ok(theirs_->hold(wanted)));
        EXPECT_TRUE(ok(theirs_->release(key, "mine")));
    }
    app.ask("ROLLBACK");
    app.ask("START TRANSACTION");
    ASSERT_TRUE(app.ask(check).empty());
    EXPECT_FALSE(theirs_->hold(claim_for(30s), 300ms)) << "at REPEATABLE READ the gap is locked";
    app.ask("ROLLBACK");
}

// Why: between the check and the commit the hold may run out. How: it does, while the application's
// transaction is open; who wants the range is refused until that has ended.
TEST_F(range_fence, keeps_the_range_until_the_transaction_ends) {
    const auto held = ours_->hold(claim_for(300ms));
    ASSERT_TRUE(ok(held));
    sql_session app(server(), database_);
    app.ask("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    app.ask("START TRANSACTION");
    ASSERT_EQ(book(app, held->fencing_token), "1");
    ASSERT_TRUE(poll_until([&] { return !theirs_->get("room", "mine").value(); }));
    const range_claim wanted{.key = "room", .id = "b", .start = 15, .end = 25, .ttl = 30s};
    const auto early = theirs_->hold(wanted);
    ASSERT_TRUE(fails_with(early, errc::contended));
    ASSERT_EQ(early.error().blockers.size(), 1U);
    EXPECT_EQ(early.error().blockers[0].fencing_token, held->fencing_token);
    EXPECT_FALSE(theirs_->get("room", "b").value());
    app.ask("COMMIT");
    EXPECT_TRUE(ok(theirs_->hold(wanted)));
}

// How: the transaction makes the hold permanent beside the booking, and ends after the hold would
// have run out; who looked before that must not take it for run out.
TEST_F(range_fence, lets_the_transaction_make_the_hold_permanent) {
    const auto held = ours_->hold(claim_for(300ms));
    ASSERT_TRUE(ok(held));
    sql_session app(server(), database_);
    app.ask("START TRANSACTION");
    ASSERT_EQ(book(app, held->fencing_token), "1");
    app.ask(
        "UPDATE holdfast_range_hold SET expires = 9223372036854775807 "
        "WHERE `key` = 'room' AND id = 'mine'");
    ASSERT_TRUE(poll_until([&] { return !theirs_->get("room", "mine").value(); }));
    const range_claim wanted{.key = "room", .id = "b", .start = 15, .end = 25, .ttl = 30s};
    const auto early = theirs_->hold(wanted);
    ASSERT_TRUE(fails_with(early, errc::contended));
    EXPECT_FALSE(early.error().blockers.at(0).permanent);
    app.ask("COMMIT");
    const auto late = theirs_->hold(wanted);
    ASSERT_TRUE(fails_with(late, errc::contended));
    EXPECT_TRUE(late.error().blockers.at(0).permanent);
}

TEST_F(range_fence, of_somebody_who_sleeps_on_an_expired_hold_keeps_nobody_else_waiting) {
    const auto held = ours_->hold(claim_for(500ms));
    ASSERT_TRUE(ok(held));
    sql_session app(server(), database_);
    sleep_on_hold(app, "room");
    const range_claim elsewhere{.key = "room", .id = "b", .start = 50, .end = 60, .ttl = 30s};
    EXPECT_TRUE(ok(theirs_->hold(elsewhere, 700ms)));
    app.ask("ROLLBACK");
}

// Why: who wanted that range kept the key while it waited for the row, for a second at a time, and
// nobody got any range of the key. How: sessions that have to wait for a row are counted.
TEST_F(range_fence, of_somebody_who_sleeps_keeps_no_other_range_of_the_key_waiting) {
    const auto row_waits = [&] {
        return std::stoi(sql_->ask("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'").at(0).at(1));
    };
    for (const std::uint32_t room : {1U, 2U}) {  // By the procedure, and by steps.
        const std::string key = "room " + std::to_string(room);
        const range_claim mine{.key = key,
                               .id = "mine",
                               .start = 10,
                               .end = 20,
                               .units = room,
                               .capacity = room,
                               .ttl = 500ms};
        const auto held = ours_->hold(mine);
        ASSERT_TRUE(ok(held));
        sql_session app(server(), database_);
        sleep_on_hold(app, key);
        const int before = row_waits();
        const range_claim wanted{
            .key = key, .id = "b", .start = 15, .end = 25, .capacity = room, .ttl = 30s};
        const auto refused = theirs_->hold(wanted);
        ASSERT_TRUE(fails_with(refused, errc::contended));
        EXPECT_EQ(refused.error().blockers.at(0).fencing_token, held->fencing_token);
        const range_claim elsewhere{
            .key = key, .id = "c", .start = 50, .end = 60, .capacity = room, .ttl = 30s};
        EXPECT_TRUE(ok(theirs_->hold(elsewhere)));
        EXPECT_EQ(row_waits(), before);
        app.ask("ROLLBACK");
        EXPECT_TRUE(ok(theirs_->hold(wanted)));
    }
}

TEST_F(range_fence, of_somebody_who_sleeps_is_waited_for_by_its_own_id) {
    const range_claim mine = claim_for(500ms);
    ASSERT_TRUE(ok(ours_->hold(mine)));
    sql_session app(server(), database_);
    sleep_on_hold(app, "room");
    const auto again = start(ours_->context,
                             ours_->store->hold_all(std::span(&mine, 1), range_user::in(patience)));
    EXPECT_TRUE(drive_until(ours_->context, [&] { return server_waits_for_a_row(); }));
    app.ask("ROLLBACK");
    ASSERT_TRUE(drive_until(ours_->context, [&] { return again->ended(); }));
    EXPECT_TRUE(ok(*again->answer));
}

// Why: a look took that range for free, and who waited for it attempted all the time. How: pauses
// grow; seven in a row last a quarter of a second at least.
TEST_F(range_fence, of_somebody_who_sleeps_is_asked_ever_less_often) {
    const auto held = ours_->hold(claim_for(500ms));
    ASSERT_TRUE(ok(held));
    sql_session app(server(), database_);
    sleep_on_hold(app, "room");
    const range_claim wanted{.key = "room", .id = "b", .start = 15, .end = 25, .ttl = 30s};
    boot_clock::duration waited{0};
    for (int i = 0; i < 7; ++i) {
        ASSERT_TRUE(fails_with(theirs_->hold(wanted), errc::contended));
        const auto since = boot_clock::now();
        run(theirs_->context,
            theirs_->store->await_change(wanted, range_change::freed, range_user::in(20s)));
        waited += boot_clock::now() - since;
    }
    EXPECT_GE(waited, 250ms);
    app.ask("ROLLBACK");
    EXPECT_TRUE(ok(theirs_->hold(wanted)));
}

// Why: more holds than a look tells apart made each wait end after the shortest pause.
TEST_F(range_fence, who_waits_for_more_than_a_look_tells_attempts_ever_less_often) {
    ASSERT_TRUE(ok(ours_->hold("room", 0, 1)));
    sql_->ask(
        "INSERT INTO holdfast_range_hold SELECT `key`, CONCAT(id, seq), class, seq * 10, "
        "seq * 10 + 1, expires + 600000000, fence + seq, units, granted, owner, data "
        "FROM holdfast_range_hold JOIN seq_1_to_1001");
    const range_claim wanted{.key = "room", .id = "b", .start = 5, .end = 20000, .ttl = 30s};
    boot_clock::duration waited{0};
    for (int i = 0; i < 7; ++i) {
        const auto since = boot_clock::now();
        run(theirs_->context,
            theirs_->store->await_change(wanted, range_change::freed, range_user::in(20s)));
        waited += boot_clock::now() - since;
    }
    EXPECT_GE(waited, 250ms);
}

class range_galera : public testing::Test {};

TEST_F(range_galera, is_refused_unless_it_is_allowed) {
    mariadb_server own({.arguments = {"--wsrep-on=ON", "--binlog-format=ROW"}});
    sql_session root(own, "");
    if (root.value("SELECT @@GLOBAL.wsrep_on") != "1")
        GTEST_SKIP() << "not a node without its library";
    range_user user(own.url());
    const auto refused = user.hold("room", 1, 2);
    ASSERT_TRUE(fails_with(refused, errc::denied));
    EXPECT_THAT(refused.error().text, testing::HasSubstr("Galera"));
    range_user brave(own.url() + "&galera=allow");
    EXPECT_TRUE(ok(brave.hold("room", 1, 2)));
}

}  // namespace
}  // namespace holdfast::test
