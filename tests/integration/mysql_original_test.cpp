// SPDX-License-Identifier: BSL-1.0
//
// The original's double bookings, D1 to D9, each against ours, and both on one table.
#include "integration/mysql_table.hpp"
#include "support/poll.hpp"

#include <thread>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

class d : public mysql_table {};

// D1. Why: the columns are text, and as text "90" is behind "100".
TEST_F(d, 1_numbers_are_compared_as_numbers) {
    ASSERT_TRUE(holds(ours_->set("k", 100, 200)));
    EXPECT_TRUE(blocked(ours_->set("k", 90, 150)));
    ASSERT_TRUE(holds(ours_->set("k", 1000, 2000)));
    EXPECT_TRUE(blocked(ours_->set("k", 999, 1500)));
    ASSERT_TRUE(holds(ours_->set("k", -9, -1)));
    EXPECT_TRUE(blocked(ours_->set("k", -10, -8)));
    EXPECT_TRUE(holds(ours_->set("k", 200, 300))) << "touching is not overlapping";
}

// D2, D3, D4. Why: what cannot be held must not be said to be.
TEST_F(d, 2_to_4_ttls_and_ranges_that_make_no_sense_are_refused_and_nothing_is_written) {
    const auto refuse = [&](const seed_wish& wanted, const std::string& rule) {
        const auto how = ours_->set(wanted);
        ASSERT_FALSE(how) << rule;
        EXPECT_EQ(how.error().code, errc::misuse);
        EXPECT_THAT(how.error().text, HasSubstr(rule));
    };
    const std::int64_t limit = std::int64_t{1} << 53;
    refuse({.key = "k", .from = 1, .to = 2}, "ttl");
    refuse({.key = "k", .from = 1, .to = 2, .ttl = -1ms}, "ttl");
    refuse({.key = "k", .from = 1, .to = 2, .ttl = 9ms}, "ttl");
    refuse({.key = "k", .from = 1, .to = 2, .ttl = 24h + 1ms}, "ttl");
    refuse({.key = "k", .from = 300, .to = 250, .ttl = 1s}, "from lies below to");
    refuse({.key = "k", .from = 400, .to = 400, .ttl = 1s}, "from lies below to");
    refuse({.key = "k", .from = -limit - 1, .to = 0, .ttl = 1s}, "2^53");
    refuse({.key = "k", .from = 0, .to = limit + 1, .ttl = 1s}, "2^53");
    refuse({.key = "", .from = 1, .to = 2, .ttl = 1s}, "key");
    refuse({.key = std::string(256, 'k'), .from = 1, .to = 2, .ttl = 1s}, "key");
    refuse({.key = "k\xff", .from = 1, .to = 2, .ttl = 1s}, "UTF-8");
    refuse({.key = "k", .from = 1, .to = 2, .ttl = 1s, .data = std::string(256, 'x')}, "data");
    EXPECT_EQ(row_count(), "0");
    EXPECT_TRUE(holds(ours_->set("k", -limit, limit)));
}

// D5. Why: expiry by the clocks of clients lets one with a fast clock take what is held.
TEST_F(d, 5_only_the_servers_clock_says_what_is_live) {
    const auto held = ours_->set("k", 10, 20);
    ASSERT_TRUE(holds(held));
    const auto server = theirs_->now();
    EXPECT_NEAR(static_cast<double>(held->expiry_ms), static_cast<double>(server + 30'000), 5000);
    // An original whose clock is 31 s ahead of the server's thinks that it ran out; ours cannot.
    EXPECT_THAT(theirs_->find("k", "10", "20", server + 31'000), SizeIs(0));
    EXPECT_TRUE(blocked(ours_->set("k", 15, 25)));
}

// D6. Why: the original's tidy removes by its own clock what others hold.
TEST_F(d, 6_ours_tidies_by_the_servers_clock_and_with_a_grace) {
    const auto now = theirs_->now();
    ASSERT_TRUE(holds(ours_->set("k", 10, 20)));
    theirs_->insert("live", "k", "30", "40", std::to_string(now + 20'000));
    theirs_->insert("just-over", "k", "50", "60", std::to_string(now - 20'000));
    theirs_->insert("long-over", "k", "70", "80", std::to_string(now - 70'000));
    theirs_->insert("nonsense", "k", "a", "b", "NaN");
    for (int i = 0; i < 300; ++i) theirs_->insert("x" + std::to_string(i), "k", "1", "2", "17");
    const auto removed = run(ours_->context, ours_->table->tidy(table_user::in(20s)));
    ASSERT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(*removed, 302U);
    EXPECT_EQ(row_count(), "3");
}

// D7, D8. Why: the mutex may run out while a statement stands still; then two looks may both find
// nothing. How: somebody locks the table for longer than the mutex is valid.
TEST_F(d, 8_a_set_that_outlives_its_mutex_writes_nothing) {
    for (const char* const kind : {"READ", "WRITE"}) {
        // READ lets the look pass and stops the write alone; WRITE stops both.
        sql_session other(server(), database_);
        other.ask(std::string("LOCK TABLES `lock` ") + kind);
        const auto started = boot_clock::now();
        const seed_wish slow{.id = "slow", .key = "k", .from = 10, .to = 20, .ttl = 30s};
        const auto first =
            start(ours_->context, ours_->table->set(slow, started + 300ms, started + 20s));
        table_user second(url());
        const seed_wish next{.id = "next", .key = "k", .from = 15, .to = 25, .ttl = 30s};
        const auto later = started + 350ms;
        std::shared_ptr<test::started<result<set_outcome>>> rival;
        ASSERT_TRUE(drive_until(ours_->context, [&] {
            if (!rival && boot_clock::now() >= later)
                rival = start(second.context, second.table->set(next, later + 15s, later + 15s));
            second.context.poll();
            second.context.restart();
            if (boot_clock::now() >= started + 600ms) other.try_ask("UNLOCK TABLES");
            return rival && rival->ended() && first->ended();
        }));
        ASSERT_FALSE(*first->answer) << kind << ' ' << why(*first->answer);
        EXPECT_EQ(first->answer->error().code, errc::timed_out) << why(*first->answer);
        EXPECT_THAT(first->answer->error().text, HasSubstr("mutex ran out"));
        EXPECT_TRUE(holds(*rival->answer)) << kind << ' ' << why(*rival->answer);
        EXPECT_EQ(row_count(), "1");
        EXPECT_EQ(theirs_->sql().value("SELECT id FROM `lock`"), "next");
        theirs_->sql().ask("DELETE FROM `lock`");
    }
}

// D9. Why: keys that the table's collation takes for one have different mutexes.
TEST_F(d, 9_keys_that_the_table_takes_for_one_take_turns) {
    constexpr int rounds = 20;
    int held = 0;
    std::vector<std::thread> racers;
    std::atomic<int> wins{0};
    for (const char* const key : {"k", "K", "k ", "K "})
        racers.emplace_back([&, key] {
            table_user mine(url());
            for (int i = 0; i < rounds; ++i)
                if (holds(mine.set(key, 10 * i, 10 * i + 10))) ++wins;
        });
    for (std::thread& racer : racers) racer.join();
    held = wins;
    EXPECT_EQ(held, rounds);
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(theirs_->sql().value("SELECT COUNT(*) FROM lock_key"), "1");
}

TEST_F(d, 10_data_that_the_column_cannot_hold_is_refused_and_never_changed) {
    seed_wish wanted{.key = "k", .from = 1, .to = 2, .ttl = 30s, .data = "\xf0\x9f\x94\x92"};
    const auto refused = ours_->set(wanted);  // A latin1 column has no such sign.
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::misuse) << refused.error().message();
    wanted.data.reset();
    wanted.key = "\xd0\xb6";
    const auto bad_key = ours_->set(wanted);
    ASSERT_FALSE(bad_key);
    EXPECT_EQ(bad_key.error().code, errc::misuse);
    EXPECT_EQ(row_count(), "0");
    std::string umlauts;
    for (int i = 0; i < 255; ++i) umlauts += "\xc3\xbc";
    wanted = {.id = "mine", .key = umlauts, .from = 1, .to = 2, .ttl = 30s, .data = umlauts};
    ASSERT_TRUE(holds(ours_->set(wanted)));
    const auto row = run(ours_->context, ours_->table->get(umlauts, "mine", table_user::in(20s)));
    ASSERT_TRUE(row && *row);
    EXPECT_EQ((*row)->data, umlauts);
    EXPECT_EQ((*row)->key, umlauts);
}

class an_original : public mysql_table {};

TEST_F(an_original, is_respected_and_told_of) {
    const std::string expiry = std::to_string(theirs_->now() + 60'000);
    theirs_->insert("03464-52391-a", "k", "10", "20", expiry);
    theirs_->insert("03464-52391-b", "k", "5", "8", expiry);
    const auto how = ours_->set("k", 0, 100);
    ASSERT_TRUE(blocked(how)) << why(how);
    EXPECT_EQ(how->blocker->id, "03464-52391-b") << "the one with the lowest start";
    EXPECT_EQ(how->blocker->from, 5);
    EXPECT_EQ(how->blocker->to, 8);
    EXPECT_EQ(how->blocker->data, "original");
    EXPECT_EQ(std::to_string(how->blocker->expiry_ms), expiry);
    EXPECT_TRUE(holds(ours_->set("k", 20, 30)));
    EXPECT_TRUE(holds(ours_->set("other", 0, 100)));
}

TEST_F(an_original, finds_ours) {
    seed_wish wanted{.key = "k", .from = 10, .to = 20, .ttl = 30s, .data = "ours"};
    wanted.id = run(ours_->context, ours_->table->new_id(table_user::in(20s))).value();
    EXPECT_THAT(wanted.id, MatchesRegex("[0-9]{5}-[0-9]{5}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                        "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    const auto held = ours_->set(wanted);
    ASSERT_TRUE(holds(held)) << why(held);
    const sql_rows row{{wanted.id, "k", "10", "20", std::to_string(held->expiry_ms), "ours"}};
    const auto now = theirs_->now();
    EXPECT_EQ(theirs_->find("k", "15", "25", now), row);
    EXPECT_EQ(theirs_->get("k", wanted.id, now), row);
    EXPECT_THAT(theirs_->find("k", "20", "25", now), SizeIs(0));
    const auto cleared =
        run(ours_->context, ours_->table->clear("k", wanted.id, table_user::in(20s)));
    EXPECT_TRUE(cleared.value());
    EXPECT_THAT(theirs_->get("k", wanted.id, now), SizeIs(0));
    EXPECT_FALSE(
        run(ours_->context, ours_->table->clear("k", wanted.id, table_user::in(20s))).value());
}

TEST_F(an_original, may_have_written_what_is_no_number) {
    const std::string expiry = "1.0000000017952392e+21";
    theirs_->insert("odd", "k", "7000.5", "1.0e+21", expiry);
    theirs_->insert("dead", "k", "1", "2", "NaN");
    theirs_->sql().ask("INSERT INTO `lock` (id, `key`) VALUES ('empty', 'k')");
    EXPECT_TRUE(holds(ours_->set("k", 0, 7000)));
    const auto how = ours_->set("k", 7000, 7001);
    ASSERT_TRUE(blocked(how)) << why(how);
    EXPECT_EQ(how->blocker->from, 7000);
    EXPECT_EQ(how->blocker->to, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(how->blocker->expiry_ms, std::numeric_limits<std::int64_t>::max());
    const auto row = run(ours_->context, ours_->table->get("k", "odd", table_user::in(20s)));
    EXPECT_TRUE(row && *row);
    EXPECT_FALSE(run(ours_->context, ours_->table->get("k", "dead", table_user::in(20s))).value());
}

// Why: an original that looked before us and stood still writes beside us; ours gives way.
// How: a trigger of the test's stops our row, behind our look, until the original has written.
TEST_F(an_original, that_writes_between_our_look_and_our_row_makes_ours_withdraw) {
    const std::string expiry = std::to_string(theirs_->now() + 60'000);
    auto& sql = theirs_->sql();
    sql.ask(
        "CREATE TRIGGER slow BEFORE INSERT ON `lock` FOR EACH ROW "
        "SET @passed = IF(NEW.id = 'ours', GET_LOCK('gate', 20), 0)");
    sql.ask("DO GET_LOCK('gate', 0)");
    const seed_wish wanted{.id = "ours", .key = "k", .from = 10, .to = 20, .ttl = 30s};
    const auto mine =
        start(ours_->context, ours_->table->set(wanted, table_user::in(20s), table_user::in(20s)));
    sql_session watcher(server(), "");
    bool written = false;
    ASSERT_TRUE(drive_until(ours_->context, [&] {
        if (!written && watcher.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST "
                                      "WHERE STATE = 'User lock'") != "0") {
            written = theirs_->insert("theirs", "k", "15", "25", expiry) == 0;
            sql.ask("DO RELEASE_LOCK('gate')");
        }
        return mine->ended();
    }));
    ASSERT_TRUE(written);
    ASSERT_TRUE(blocked(*mine->answer)) << why(*mine->answer);
    EXPECT_EQ((*mine->answer)->blocker->id, "theirs");
    EXPECT_EQ(sql.value("SELECT GROUP_CONCAT(id) FROM `lock`"), "theirs");
}

}  // namespace
}  // namespace holdfast::test
