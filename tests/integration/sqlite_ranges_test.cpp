// SPDX-License-Identifier: BSL-1.0
//
// Holds in a file: what the conformance suite cannot know of, because it takes the file to see it.
#include <holdfast/holdfast.hpp>

#include "integration/sqlite_raw.hpp"
#include "sqlite/sql.hpp"
#include "support/poll.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class sqlite_ranges : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }
    [[nodiscard]] std::string url() const { return "sqlite:" + path(); }
    /// @return A hold that is left to its ttl.
    range_hold hold(range_locker& ranges, std::int64_t start, std::int64_t end) {
        range_options how;
        how.ttl = 10min;
        auto held = ranges.hold("room", start, end, how);
        EXPECT_TRUE(held) << held.error().message();
        return held ? held->hand_over().value() : range_hold{};
    }
    /// All that is in the file.
    std::string dump() {
        raw_database file(path());
        return file.query(
            "SELECT group_concat(hex(key) || start || ' ' || finish || hex(id)) "
            "FROM (SELECT * FROM hold ORDER BY start)");
    }

    temp_dir directory_;
};

// Why: locks and holds share a file, and whoever comes first makes it.
TEST_F(sqlite_ranges, share_a_file_with_locks) {
    locker locks{url()};
    auto lock = locks.acquire("room");
    ASSERT_TRUE(lock);
    range_locker ranges{url()};
    EXPECT_GT(hold(ranges, 1, 2).fencing_token, 0U);
    EXPECT_TRUE(lock->release());
}

// Why: files that were made before there were holds go on being used.
TEST_F(sqlite_ranges, come_into_a_file_that_has_no_room_for_them_yet) {
    { EXPECT_TRUE(locker{url()}.acquire("job")); }
    {
        raw_database file(path());
        file.query("DROP TABLE hold; DROP TABLE hold_key; DROP TABLE hold_meta");
    }
    range_locker ranges{url()};
    EXPECT_GT(hold(ranges, 1, 2).fencing_token, 0U);
}

TEST_F(sqlite_ranges, are_unreachable_while_another_program_keeps_the_file_to_itself) {
    range_locker ranges{url(), {.timeout = 300ms}};
    const range_hold first = hold(ranges, 1, 2);
    const std::string before = dump();
    raw_database other(path());
    other.query("BEGIN IMMEDIATE");
    const auto refused = ranges.hold("room", 5, 6);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable);
    const auto unconfirmed = ranges.confirm("room", first.id);
    ASSERT_FALSE(unconfirmed);
    EXPECT_EQ(unconfirmed.error().code, errc::unreachable);
    other.query("ROLLBACK");
    EXPECT_EQ(dump(), before);
    EXPECT_TRUE(ranges.confirm("room", first.id));
}

// Why: a hold belongs to a customer, who comes back when the machine does; a lock does not.
TEST_F(sqlite_ranges, outlive_a_restart_of_the_machine_by_the_wall_clock) {
    range_locker ranges{url()};
    const range_hold lasting = hold(ranges, 1, 2);
    const range_hold over = hold(ranges, 3, 4);
    const range_hold booked = hold(ranges, 5, 6);
    ASSERT_TRUE(ranges.confirm("room", booked.id));
    {
        raw_database file(path());
        file.query("UPDATE hold SET boot = 'an earlier one'");
        file.query("UPDATE hold SET expires_us = 1, expires_ns = expires_ns / 2 WHERE start = 3");
    }
    range_locker after{url()};
    const auto there = after.list("room").value();
    ASSERT_EQ(there.size(), 2U);
    EXPECT_EQ(there[0].id, lasting.id);
    EXPECT_GT(there[0].remaining, 9min);
    EXPECT_TRUE(there[1].permanent);
    EXPECT_FALSE(after.confirm("room", over.id));
    EXPECT_TRUE(after.renew("room", lasting.id, 20min));
    EXPECT_GT(after.get("room", lasting.id).value()->remaining, 19min);
    raw_database file(path());
    EXPECT_EQ(file.query("SELECT count(*) FROM hold"), "2") << "the one that is over was swept";
}

// Why: the short way to release goes by this boot's clock alone.
TEST_F(sqlite_ranges, are_released_also_after_a_restart_of_the_machine) {
    range_locker ranges{url()};
    range_options how;
    how.ttl = 10min;
    auto held = ranges.hold("room", 1, 2, how).value();
    raw_database file(path());
    file.query("UPDATE hold SET boot = 'an earlier one', expires_ns = 1");
    const auto gone = held.release();
    EXPECT_TRUE(gone) << gone.error().message();
    EXPECT_EQ(file.query("SELECT count(*) FROM hold"), "0");
}

// Why: SQLite opens a temporary database for what reads the table that it writes to, and for what
// gives back what it wrote; that takes as long as the rest. How: it is asked for the programs.
TEST_F(sqlite_ranges, need_no_temporary_table_for_what_is_mostly_asked_for) {
    range_locker ranges{url()};
    hold(ranges, 1, 2);
    raw_database file(path());
    for (const std::string_view sql : {sqlite::sql::hold_usual, sqlite::sql::hold_fence_set,
                                       sqlite::sql::hold_insert, sqlite::sql::hold_end}) {
        const std::vector<std::string> steps = file.column("EXPLAIN " + std::string(sql), 1);
        EXPECT_THAT(steps, testing::Contains("Transaction"));
        EXPECT_THAT(steps, testing::Not(testing::Contains("OpenEphemeral"))) << sql;
    }
}

TEST_F(sqlite_ranges, have_higher_tokens_in_a_file_that_was_made_anew) {
    std::uint64_t token = 0;
    {
        range_locker ranges{url()};
        token = hold(ranges, 1, 2).fencing_token;
    }
    for (const char* rest : {"", "-wal", "-shm", "-notify"}) std::filesystem::remove(path() + rest);
    range_locker ranges{url()};
    EXPECT_GT(hold(ranges, 1, 2).fencing_token, token);
}

TEST_F(sqlite_ranges, leave_nothing_behind_that_has_run_out) {
    range_locker ranges{url()};
    for (std::int64_t at = 0; at < 10; ++at)
        ASSERT_TRUE(ranges.renew("room", hold(ranges, at, at + 1).id, 10ms));
    ASSERT_TRUE(poll_until([&] { return ranges.list("room").value().empty(); }));
    for (std::int64_t at = 0; at < 20; ++at) hold(ranges, 100 + at, 101 + at);
    raw_database file(path());
    EXPECT_EQ(file.query("SELECT count(*) FROM hold"), "20");
}

// Why: a waiter that tries at each release of the machine would lock the file for nothing.
TEST_F(sqlite_ranges, are_not_tried_again_because_of_a_release_elsewhere) {
    range_locker ranges{url()};
    const range_hold mine = hold(ranges, 10, 20);
    range_locker waiting{url()};
    range_options how;
    how.wait = 30s;
    auto got = std::async(std::launch::async,
                          [&] { return waiting.hold("room", 15, 25, how).has_value(); });
    ASSERT_TRUE(poll_until([&] { return waiting.statistics().refusals == 1; }));
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(ranges.release("room", hold(ranges, 50, 60).id));
    EXPECT_EQ(waiting.statistics().refusals, 1U);
    ASSERT_TRUE(ranges.release("room", mine.id));
    EXPECT_TRUE(got.get());
    EXPECT_EQ(waiting.statistics().refusals, 1U);
}

}  // namespace
}  // namespace holdfast::test
