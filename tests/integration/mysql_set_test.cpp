// SPDX-License-Identifier: BSL-1.0
//
// Holding ranges, many at once, and the tables that are needed for it.
#include "integration/mysql_table.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class setting : public mysql_table {};

// Why: this is the one thing that the table is for. How: 16 users, each with its own connections,
// want the same 200 slots of one key in the same order.
TEST_F(setting, sixteen_at_once_get_each_slot_exactly_once_and_no_deadlock) {
    constexpr int setters = 16;
    constexpr int slots = 200;
    std::vector<std::atomic<int>> winners(slots);
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < setters; ++i)
        threads.emplace_back([&, i] {
            table_user mine(url());
            for (int k = 0; k < slots; ++k) {
                const int slot = (k + i % 4) % slots;
                const auto how = mine.set(
                    {.key = "k", .from = slot * 10, .to = slot * 10 + 10, .ttl = 5min}, 60s, 60s);
                if (!how) {
                    ++failed;
                    ADD_FAILURE() << why(how);
                } else if (!how->blocker) {
                    ++winners[static_cast<std::size_t>(slot)];
                }
            }
        });
    for (std::thread& one : threads) one.join();
    EXPECT_EQ(failed, 0);
    for (const auto& slot : winners) EXPECT_EQ(slot, 1);
    EXPECT_EQ(row_count(), std::to_string(slots));
    EXPECT_EQ(overlaps(), "0");
}

TEST_F(setting, many_coroutines_share_four_connections) {
    constexpr int count = 40;
    std::vector<std::shared_ptr<started<result<set_outcome>>>> all;
    for (int i = 0; i < count; ++i) {
        seed_wish wanted{.id = "id" + std::to_string(i),
                         .key = "k" + std::to_string(i % 5),
                         .from = i,
                         .to = i + 5,
                         .ttl = 30s};
        all.push_back(
            start(ours_->context,
                  ours_->table->set(std::move(wanted), table_user::in(20s), table_user::in(20s))));
    }
    ASSERT_TRUE(drive_until(ours_->context, [&] {
        return std::all_of(all.begin(), all.end(), [](const auto& one) { return one->ended(); });
    }));
    int held = 0;
    for (const auto& one : all) {
        EXPECT_TRUE(*one->answer) << why(*one->answer);
        if (holds(*one->answer)) ++held;
    }
    EXPECT_EQ(row_count(), std::to_string(held));
    EXPECT_EQ(overlaps(), "0");
    EXPECT_EQ(theirs_->sql().value(
                  "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app' "
                  "AND DB = '" +
                  database_ + "'"),
              "4");
}

// Why: a blocking driver lets whoever waits run the executor, so a call may end on another thread.
TEST_F(setting, works_when_each_step_runs_on_another_thread) {
    for (int i = 0; i < 10; ++i) {
        seed_wish wanted{
            .id = "id" + std::to_string(i), .key = "k", .from = i, .to = i + 1, .ttl = 30s};
        const auto one =
            start(ours_->context,
                  ours_->table->set(std::move(wanted), table_user::in(20s), table_user::in(20s)));
        const auto limit = table_user::in(20s);
        while (!one->ended() && boot_clock::now() < limit)
            std::thread([&] {
                ours_->context.restart();
                ours_->context.run_one_for(20ms);
            }).join();
        ASSERT_TRUE(one->ended());
        EXPECT_TRUE(holds(*one->answer)) << why(*one->answer);
    }
}

TEST_F(setting, repeated_with_the_same_id_finds_its_own_row) {
    const seed_wish wanted{.id = "mine", .key = "k", .from = 1, .to = 2, .ttl = 30s};
    const auto first = ours_->set(wanted);
    const auto again = ours_->set(wanted);
    ASSERT_TRUE(holds(first) && holds(again)) << why(again);
    EXPECT_EQ(first->expiry_ms, again->expiry_ms);
    EXPECT_EQ(row_count(), "1");
    seed_wish other = wanted;
    other.key = "other";
    const auto refused = ours_->set(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::misuse);
    EXPECT_THAT(refused.error().text, testing::Not(HasSubstr("mine")));
}

TEST_F(setting, raises_the_fence_of_the_key) {
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        const auto how = ours_->set("k", i, i + 1);
        ASSERT_TRUE(holds(how));
        EXPECT_GT(how->fence, last);
        last = how->fence;
    }
}

TEST_F(setting, a_row_that_has_expired_is_no_row) {
    ASSERT_TRUE(holds(ours_->set({.id = "short", .key = "k", .from = 1, .to = 5, .ttl = 10ms})));
    result<set_outcome> how = failure();
    ASSERT_TRUE(drive_until(ours_->context, [&] { return holds(how = ours_->set("k", 2, 3)); }));
    EXPECT_FALSE(run(ours_->context, ours_->table->get("k", "short", table_user::in(20s))).value());
}

TEST_F(setting, a_set_without_a_valid_mutex_sends_nothing) {
    const auto how = ours_->set({.id = "x", .key = "k", .from = 1, .to = 2, .ttl = 1s}, -1ms);
    ASSERT_FALSE(how);
    EXPECT_EQ(how.error().code, errc::timed_out);
    EXPECT_EQ(row_count(), "0");
}

class the_tables : public mysql_table {
protected:
    result<void> create() { return run(ours_->context, ours_->table->create(table_user::in(20s))); }
};

TEST_F(the_tables, are_made_as_the_original_makes_them_and_making_them_again_changes_nothing) {
    const auto before = theirs_->sql().ask("SHOW CREATE TABLE `lock`");
    EXPECT_THAT(before.at(0).at(1), HasSubstr("`data` varchar(255) DEFAULT NULL"));
    EXPECT_THAT(before.at(0).at(1), HasSubstr("PRIMARY KEY (`id`)"));
    EXPECT_TRUE(create());
    EXPECT_EQ(theirs_->sql().ask("SHOW CREATE TABLE `lock`"), before);
}

TEST_F(the_tables, of_another_shape_are_refused_naming_the_column) {
    const std::pair<const char*, const char*> shapes[] = {
        {"CREATE TABLE `lock` (id VARCHAR(255) PRIMARY KEY, `from` VARCHAR(255), `to` "
         "VARCHAR(255), "
         "expiry VARCHAR(255), data VARCHAR(255))",
         "no column key"},
        {"CREATE TABLE `lock` (id VARCHAR(255) PRIMARY KEY, `key` VARCHAR(255), `from` BIGINT, "
         "`to` VARCHAR(255), expiry VARCHAR(255), data VARCHAR(255))",
         "column from"},
        {"CREATE TABLE `lock` (id VARCHAR(255) PRIMARY KEY, `key` VARCHAR(255), `from` "
         "VARCHAR(255), "
         "`to` VARCHAR(255), expiry VARCHAR(255), data VARCHAR(100))",
         "column data"},
        {"CREATE TABLE `lock` (id VARCHAR(255), `key` VARCHAR(255), `from` VARCHAR(255), "
         "`to` VARCHAR(255), expiry VARCHAR(255), data VARCHAR(255))",
         "primary key"},
        {"CREATE TABLE `lock` (id VARCHAR(255) PRIMARY KEY, `key` VARCHAR(255), `from` "
         "VARCHAR(255), "
         "`to` VARCHAR(255), expiry VARCHAR(255), data VARCHAR(255), more INT NOT NULL)",
         "column more"},
        {"CREATE TABLE `lock` (id VARCHAR(255) PRIMARY KEY, `key` VARCHAR(255), `from` "
         "VARCHAR(255), "
         "`to` VARCHAR(255), expiry VARCHAR(255), data VARCHAR(255)) ENGINE=Aria",
         "Aria"},
    };
    for (const auto& [shape, named] : shapes) {
        theirs_->sql().ask("DROP TABLE IF EXISTS `lock`");
        theirs_->sql().ask(shape);
        const auto made = create();
        ASSERT_FALSE(made) << shape;
        EXPECT_EQ(made.error().code, errc::wrong_type);
        EXPECT_THAT(made.error().text, HasSubstr(named));
    }
}

TEST_F(the_tables, have_to_agree_on_what_keys_are_equal) {
    theirs_->sql().ask("ALTER TABLE lock_key MODIFY `key` VARCHAR(255) COLLATE latin1_bin");
    const auto made = create();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::wrong_type);
    EXPECT_THAT(made.error().text, HasSubstr("latin1_bin"));
}

TEST_F(the_tables, that_are_missing_are_said_to_be) {
    theirs_->sql().ask("DROP TABLE `lock`, lock_key");
    const auto how = ours_->set("k", 1, 2);
    ASSERT_FALSE(how);
    EXPECT_EQ(how.error().code, errc::wrong_type) << how.error().message();
    EXPECT_THAT(how.error().text, HasSubstr("lock_key"));
    EXPECT_TRUE(create());
    EXPECT_TRUE(holds(ours_->set("k", 1, 2)));
}

TEST_F(the_tables, may_be_used_by_who_may_not_make_them) {
    sql_session root(server(), "");
    root.ask("CREATE USER clerk IDENTIFIED BY 'x'");
    root.ask("GRANT SELECT, INSERT, UPDATE, DELETE ON " + database_ + ".* TO clerk");
    table_user clerk("mysql+unix://clerk:x@" + server().socket_path() + "?db=" + database_);
    EXPECT_TRUE(run(clerk.context, clerk.table->create(table_user::in(20s))));
    EXPECT_TRUE(holds(clerk.set("k", 1, 2)));
    theirs_->sql().ask("DROP TABLE lock_key");
    const auto made = run(clerk.context, clerk.table->create(table_user::in(20s)));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::denied);
    EXPECT_THAT(made.error().text, HasSubstr("CREATE"));
    root.ask("DROP USER clerk");
}

class utf8_table : public mysql_table {
protected:
    utf8_table() : mysql_table("utf8mb4") {}
};

TEST_F(utf8_table, takes_all_of_unicode) {
    const std::string lock = "\xf0\x9f\x94\x92";
    ASSERT_TRUE(
        holds(ours_->set({.id = "i", .key = lock, .from = 1, .to = 2, .ttl = 30s, .data = lock})));
    const auto row = run(ours_->context, ours_->table->get(lock, "i", table_user::in(20s)));
    ASSERT_TRUE(row && *row);
    EXPECT_EQ((*row)->key, lock);
    EXPECT_EQ((*row)->data, lock);
}

}  // namespace
}  // namespace holdfast::test
