// SPDX-License-Identifier: BSL-1.0
//
// Shared locks in a file that programs of the first version know, too, and among processes.
#include <holdfast/holdfast.hpp>

#include "integration/sqlite_raw.hpp"
#include "sqlite/sql.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class sqlite_shares : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }
    [[nodiscard]] std::string url() const { return "sqlite:" + path(); }

    /// Makes the file as the first version did.
    void make_first_version() const {
        write_file(path(), "");
        raw_database file(path());
        file.query("PRAGMA journal_mode = WAL");
        file.query(std::string(sqlite::sql::schema));
    }

    temp_dir directory_;
};

TEST_F(sqlite_shares, are_added_to_a_file_of_the_first_version) {
    make_first_version();
    {
        // What that version wrote is still held.
        locker old{url()};
        auto held = old.try_acquire("job", {.ttl = 1min});
        ASSERT_TRUE(held) << held.error().message();
        raw_database file(path());
        file.query("DROP TABLE share");
        file.query("DROP TABLE bar");
        locker fresh{url()};
        EXPECT_EQ(fresh.try_acquire("job").error().code, errc::contended);
        EXPECT_TRUE(held->release());
    }
    locker locks{url()};
    const acquire_options shared{.ttl = 1min, .mode = lock_mode::shared};
    const auto one = locks.try_acquire("job", shared);
    const auto other = locks.try_acquire("job", shared);
    ASSERT_TRUE(one) << one.error().message();
    ASSERT_TRUE(other);
    EXPECT_EQ(locks.inspect("job").value()->holders, 2U);
    EXPECT_EQ(raw_database(path()).query("PRAGMA user_version"), "1");
}

// Why: programs of the first version may use the file meanwhile. They see the row in `lease` alone.
TEST_F(sqlite_shares, look_taken_to_programs_of_the_first_version) {
    locker locks{url()};
    const acquire_options shorter{.ttl = 1min, .mode = lock_mode::shared};
    const acquire_options longer{.ttl = 10min, .mode = lock_mode::shared};
    raw_database file(path());
    const auto left_s = [&] {
        const std::string now = std::to_string(boot_clock::now().time_since_epoch().count());
        return std::stol(file.query("SELECT (expires_ns - " + now + ") / 1000000000 FROM lease"));
    };
    auto one = locks.try_acquire("job", shorter);
    ASSERT_TRUE(one);
    EXPECT_LE(left_s(), 60);
    EXPECT_GT(left_s(), 30);
    auto other = locks.try_acquire("job", longer);
    ASSERT_TRUE(other);
    EXPECT_GT(left_s(), 500);
    EXPECT_TRUE(other->release());
    EXPECT_LE(left_s(), 60);
    EXPECT_GT(left_s(), 30);
    EXPECT_EQ(file.query("SELECT value FROM lease"), "shared|0@|shared by several");
    EXPECT_TRUE(one->release());
    EXPECT_EQ(file.query("SELECT length(value) FROM lease"), "0");
    EXPECT_EQ(file.query("SELECT count(*) FROM share"), "0");
}

// Why: what such a program takes away must not live on in a table that it does not know.
TEST_F(sqlite_shares, end_when_a_program_of_the_first_version_takes_the_name_away) {
    locker locks{url()};
    const acquire_options shared{.ttl = 1min, .auto_renew = false, .mode = lock_mode::shared};
    auto one = locks.try_acquire("job", shared);
    ASSERT_TRUE(one);
    raw_database(path()).query("UPDATE lease SET value = x'', expires_ns = 1");
    EXPECT_FALSE(locks.inspect("job").value());
    const auto renewed = one->renew(1min);
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::lost);
    const auto next = locks.try_acquire("job", shared);
    ASSERT_TRUE(next);
    EXPECT_EQ(locks.inspect("job").value()->holders, 1U);
}

// Why: each job has a name of its own in many programs, and the file must not grow for ever.
TEST_F(sqlite_shares, of_names_that_nobody_holds_are_swept) {
    locker locks{url()};
    EXPECT_TRUE(locks.try_acquire("a"));
    raw_database file(path());
    for (const char* name : {"x'00'", "x'ff'"})
        file.query(std::string("INSERT INTO share VALUES (") + name + ", x'00', 1)");
    file.query("INSERT INTO bar VALUES (x'ff', 'another boot', 1)");
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(locks.try_acquire("b"));
    EXPECT_EQ(file.query("SELECT count(*) FROM share"), "0");
    EXPECT_EQ(file.query("SELECT count(*) FROM bar"), "0");
}

TEST_F(sqlite_shares, keep_nobody_out_for_a_writer_that_does_not_wait) {
    locker locks{url()};
    const acquire_options shared{.mode = lock_mode::shared};
    const auto reading = locks.try_acquire("job", shared);
    ASSERT_TRUE(reading);
    raw_database file(path());
    const auto bars = [&] { return file.query("SELECT count(*) FROM bar"); };
    EXPECT_FALSE(locks.try_acquire("job"));
    EXPECT_EQ(bars(), "0");
    EXPECT_EQ(locks.acquire("job", {.wait = 50ms}).error().code, errc::timed_out);
    EXPECT_TRUE(poll_until([&] { return bars() == "0"; })) << "it has given up";
    std::stop_source stop;
    std::jthread writer([&] {
        const auto cancelled = locks.acquire("job", {.wait = 20s, .stop = stop.get_token()});
        EXPECT_EQ(cancelled.error().code, errc::cancelled);
    });
    EXPECT_TRUE(poll_until([&] { return bars() == "1"; })) << "while it waits";
    EXPECT_FALSE(locks.try_acquire("job", shared));
    stop.request_stop();
    writer.join();
    EXPECT_TRUE(poll_until([&] { return bars() == "0"; })) << "it was cancelled";
    EXPECT_TRUE(locks.try_acquire("job", shared));
}

// Why: the exclusion, among processes. How: writers write one number to two files, readers compare.
TEST_F(sqlite_shares, show_readers_of_other_processes_no_half_written_state) {
    const std::string first = directory_ / "first";
    const std::string second = directory_ / "second";
    write_file(first, "0");
    write_file(second, "0");
    auto work = [&](bool writes) {
        locker locks{url()};
        shared_mutex files{locks, "files", {.ttl = 30s}};
        for (int round = 0; round < 60; ++round) {
            if (writes) {
                const std::unique_lock writing(files);
                const std::string next = std::to_string(std::stol(bytes_of(first)) + 1);
                write_file(first, next);
                std::this_thread::yield();
                write_file(second, next);
            } else {
                const std::shared_lock reading(files);
                if (bytes_of(first) != bytes_of(second)) return 1;
            }
        }
        return 0;
    };
    std::vector<std::unique_ptr<child_process>> children;
    for (int i = 0; i < 6; ++i)
        children.push_back(
            std::make_unique<child_process>([&, i](const auto&) { return work(i % 3 == 0); }));
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(bytes_of(first), "120");
    EXPECT_EQ(bytes_of(second), "120");
}

TEST_F(sqlite_shares, of_a_killed_process_end_alone) {
    locker locks{url()};
    const acquire_options permit{.ttl = 1min, .permits = 2};
    auto own = locks.try_acquire("pool", permit);
    ASSERT_TRUE(own);
    child_process holder([&](const auto& parent) {
        locker mine{url()};
        const auto held = mine.try_acquire("pool", {.ttl = 2s, .permits = 2});
        parent.tell(held ? 'y' : 'n');
        parent.hear();
        return 0;
    });
    ASSERT_EQ(holder.parent_line().hear(), 'y');
    EXPECT_EQ(locks.try_acquire("pool", permit).error().code, errc::contended);
    holder.kill();
    const auto next = locks.acquire("pool", {.wait = 30s, .permits = 2});
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_FALSE(own->lost().stop_requested());
    EXPECT_EQ(locks.inspect("pool").value()->holders, 2U);
}

}  // namespace
}  // namespace holdfast::test
