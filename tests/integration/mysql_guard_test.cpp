// SPDX-License-Identifier: BSL-1.0
//
// The guard: the server itself keeps originals from double-booking.
#include "integration/mysql_table.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr unsigned signalled = 1644;

class a_guard : public mysql_table {
protected:
    result<void> install(table_user& as) {
        return run(as.context, as.table->install_guard(table_user::in(20s)));
    }
    result<void> remove(table_user& as) {
        return run(as.context, as.table->remove_guard(table_user::in(20s)));
    }
    std::string expiry(std::int64_t ttl_ms) { return std::to_string(theirs_->now() + ttl_ms); }
};

TEST_F(a_guard, refuses_what_an_original_must_not_write) {
    const auto installed = install(*ours_);
    ASSERT_TRUE(installed) << installed.error().message();
    EXPECT_TRUE(install(*ours_)) << "once more changes nothing";
    const std::string soon = expiry(60'000);
    EXPECT_EQ(theirs_->insert("a", "k", "100", "200", soon), 0U);
    EXPECT_EQ(theirs_->insert("b", "k", "90", "150", soon), signalled) << "D1";
    EXPECT_EQ(theirs_->insert("b", "K ", "90", "150", soon), signalled) << "D9";
    EXPECT_EQ(theirs_->insert("c", "k", "300", "400", "NaN"), signalled) << "D2";
    EXPECT_EQ(theirs_->insert("d", "k", "300", "250", soon), signalled) << "D3";
    EXPECT_EQ(theirs_->insert("e", "k", "400", "400", soon), signalled) << "D3b";
    EXPECT_EQ(theirs_->insert("f", "k", "NaN", "400", soon), signalled);
    EXPECT_EQ(theirs_->insert("g", "k", "200", "300", soon), 0U) << "touching";
    EXPECT_EQ(theirs_->insert("h", "k", "-1.5e1", "7000.5", soon), signalled);
    EXPECT_EQ(theirs_->insert("i", "k2", "7000.5", "1.0e+21", "1.0000000017952392e+21"), 0U);
    EXPECT_EQ(theirs_->insert("j", "k2", "8000", "8001", soon), signalled);
    EXPECT_EQ(row_count(), "3");
}

// D5, with the guard: the server's clock decides, and an expired row is none.
TEST_F(a_guard, goes_by_the_servers_clock) {
    ASSERT_TRUE(install(*ours_));
    EXPECT_EQ(theirs_->insert("over", "k", "10", "20", expiry(-1000)), 0U);
    EXPECT_EQ(theirs_->insert("live", "k", "10", "20", expiry(60'000)), 0U);
    EXPECT_EQ(theirs_->insert("fast-clock", "k", "15", "25", expiry(91'000)), signalled);
    for (const char* const zone : {"+13:00", "-11:00"}) {
        theirs_->sql().ask(std::string("SET time_zone = '") + zone + "'");
        EXPECT_EQ(theirs_->insert("zone", "k", "15", "25", expiry(60'000)), signalled) << zone;
    }
}

TEST_F(a_guard, stays_out_of_sight_of_originals_and_leaves_ours_their_blocker) {
    ASSERT_TRUE(install(*ours_));
    EXPECT_EQ(theirs_->insert("a", "k", "10", "20", expiry(60'000)), 0U);
    EXPECT_EQ(theirs_->sql().ask("SELECT * FROM `lock`").at(0).size(), 6U);
    const auto how = ours_->set("k", 15, 25);
    ASSERT_TRUE(blocked(how)) << why(how);
    EXPECT_EQ(how->blocker->id, "a");
    EXPECT_TRUE(holds(ours_->set("k", 20, 25)));
    EXPECT_TRUE(run(ours_->context, ours_->table->create(table_user::in(20s))))
        << "it is no other shape";
}

TEST_F(a_guard, lives_with_rows_that_make_no_sense) {
    theirs_->insert("odd", "k", "a", "b", "NaN");
    theirs_->sql().ask("INSERT INTO `lock` (id, `key`) VALUES ('empty', 'k')");
    const auto installed = install(*ours_);
    ASSERT_TRUE(installed) << installed.error().message();
    EXPECT_EQ(theirs_->insert("a", "k", "10", "20", expiry(60'000)), 0U);
    EXPECT_TRUE(holds(ours_->set("k", 20, 30)));
    const auto removed = run(ours_->context, ours_->table->tidy(table_user::in(20s)));
    EXPECT_TRUE(removed) << removed.error().message();
}

TEST_F(a_guard, can_be_taken_away) {
    const auto before = theirs_->sql().ask("SHOW CREATE TABLE `lock`");
    EXPECT_TRUE(remove(*ours_)) << "there is none yet";
    ASSERT_TRUE(install(*ours_));
    ASSERT_TRUE(remove(*ours_));
    EXPECT_TRUE(remove(*ours_));
    EXPECT_EQ(theirs_->sql().ask("SHOW CREATE TABLE `lock`"), before);
    EXPECT_EQ(theirs_->insert("a", "k", "300", "250", expiry(60'000)), 0U);
}

TEST_F(a_guard, needs_the_right_to_make_triggers_and_says_so_and_leaves_nothing) {
    sql_session root(server(), "");
    root.ask("CREATE USER clerk IDENTIFIED BY 'x'");
    root.ask("GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, INDEX, CREATE ON " + database_ +
             ".* TO clerk");
    table_user clerk("mysql+unix://clerk:x@" + server().socket_path() + "?db=" + database_);
    const auto before = theirs_->sql().ask("SHOW CREATE TABLE `lock`");
    const auto installed = install(clerk);
    ASSERT_FALSE(installed);
    EXPECT_EQ(installed.error().code, errc::denied);
    EXPECT_THAT(installed.error().text, HasSubstr("TRIGGER"));
    EXPECT_EQ(theirs_->sql().ask("SHOW CREATE TABLE `lock`"), before);
    root.ask("DROP USER clerk");
}

// Why: this is what it is for. How: originals that never take a mutex, and ours, race for slots.
TEST_F(a_guard, lets_originals_without_a_mutex_and_ours_race_and_nothing_is_booked_twice) {
    ASSERT_TRUE(install(*ours_));
    constexpr int slots = 60;
    const std::string soon = expiry(600'000);
    std::vector<std::thread> racers;
    std::atomic<int> wins{0};
    std::atomic<int> errors{0};
    for (int i = 0; i < 4; ++i)
        racers.emplace_back([&, i] {
            original mine(server(), database_);
            for (int slot = 0; slot < slots; ++slot) {
                const unsigned number =
                    mine.insert(std::to_string(i) + "-" + std::to_string(slot), "k",
                                std::to_string(slot * 10), std::to_string(slot * 10 + 10), soon);
                if (number == 0) ++wins;
                if (number != 0 && number != signalled && number != 1213) ++errors;
            }
        });
    for (int i = 0; i < 4; ++i)
        racers.emplace_back([&] {
            table_user mine(url());
            for (int slot = 0; slot < slots; ++slot) {
                const auto how = mine.set(
                    {.key = "k", .from = slot * 10 + 5, .to = slot * 10 + 8, .ttl = 10min});
                if (!how) {
                    ++errors;
                    ADD_FAILURE() << why(how);
                }
                if (holds(how)) ++wins;
            }
        });
    for (std::thread& racer : racers) racer.join();
    EXPECT_EQ(errors, 0);
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(row_count(), std::to_string(wins));
    EXPECT_GT(wins, 0);
}

}  // namespace
}  // namespace holdfast::test
