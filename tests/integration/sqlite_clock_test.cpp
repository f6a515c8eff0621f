// SPDX-License-Identifier: BSL-1.0
#include <holdfast/sqlite.hpp>
#include <holdfast/store.hpp>

#include "integration/sqlite_raw.hpp"
#include "lock/session.hpp"
#include "sqlite/machine.hpp"
#include "support/manual_timeline.hpp"
#include "support/run.hpp"
#include "support/seeded_entropy.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

// SQLite's own system, but for a wall clock that the test sets. Everything else is left as it is.
class stepped_wall_clock {
public:
    stepped_wall_clock() : system_(sqlite3_vfs_find(nullptr)), stepped_(*system_) {
        stepped_.zName = "stepped";
        stepped_.xCurrentTimeInt64 = now;
        sqlite3_vfs_register(&stepped_, 1);
        here = this;
    }
    stepped_wall_clock(const stepped_wall_clock&) = delete;
    stepped_wall_clock& operator=(const stepped_wall_clock&) = delete;
    ~stepped_wall_clock() {
        sqlite3_vfs_unregister(&stepped_);
        sqlite3_vfs_register(system_, 1);
        here = nullptr;
    }
    std::chrono::milliseconds offset{0};

private:
    static int now(sqlite3_vfs*, sqlite3_int64* julian_ms) {
        const int code = here->system_->xCurrentTimeInt64(here->system_, julian_ms);
        *julian_ms += here->offset.count();
        return code;
    }
    static inline stepped_wall_clock* here = nullptr;
    sqlite3_vfs* system_;
    sqlite3_vfs stepped_;
};

class sqlite_clock : public testing::Test {
protected:
    sqlite_clock() { where_ = open(); }
    ~sqlite_clock() override {
        where_->stop();
        context_.poll();
    }
    std::shared_ptr<store> open() {
        const auto make = lock::factory_for("sqlite:" + path()).value();
        return make({context_.get_executor(), time_, random_, {}}).value();
    }
    void open_again() {
        where_->stop();
        context_.poll();
        where_ = open();
    }
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }

    result<grant> acquire(const std::string& name, std::chrono::milliseconds ttl = 30s) {
        const claim wanted{name, "value " + std::to_string(++values_), ttl, true};
        last_value_ = wanted.value;
        return run(context_, where_->acquire(wanted, attempt::first, time_.now() + 1s));
    }
    /// @return The token of an acquisition that is released at once.
    std::uint64_t token(const std::string& name) {
        const auto granted = acquire(name);
        EXPECT_TRUE(granted);
        EXPECT_TRUE(run(context_, where_->release(name, last_value_, time_.now() + 1s)));
        return granted ? granted->fencing_token : 0;
    }
    bool is_held(const std::string& name) {
        return run(context_, where_->inspect(name, "", time_.now() + 1s)).value().has_value();
    }

    stepped_wall_clock wall_;
    temp_dir directory_;
    asio::io_context context_;
    manual_timeline time_;
    seeded_entropy random_{1};
    std::shared_ptr<store> where_;
    int values_{0};
    std::string last_value_;
};

// Why: administrators and NTP set wall clocks; a lease must last neither longer nor shorter for it.
TEST_F(sqlite_clock, lets_leases_last_as_long_whatever_the_wall_clock_does) {
    ASSERT_TRUE(acquire("job", 1000ms));
    for (const auto step : {0h, 24h, -24h, 24h * 365 * 20, -24h * 365 * 20}) {
        wall_.offset = step;
        time_.advance(100ms);
        EXPECT_TRUE(is_held("job"));
        EXPECT_FALSE(acquire("job"));
    }
    time_.advance(499ms);
    EXPECT_TRUE(is_held("job"));
    time_.advance(1ms);
    EXPECT_FALSE(is_held("job"));
    EXPECT_TRUE(acquire("job"));
}

TEST_F(sqlite_clock, draws_rising_tokens_whatever_the_wall_clock_does) {
    std::uint64_t last = 0;
    for (const auto step : {0h, 1h, -1h, 24h * 365, -24h * 365, 0h}) {
        wall_.offset = step;
        for (int round = 0; round < 3; ++round) {
            const auto next = token("job");
            EXPECT_GT(next, last);
            last = next;
        }
    }
}

// Why: a file that was removed has forgotten all tokens; the wall clock has not.
TEST_F(sqlite_clock, draws_rising_tokens_when_the_file_is_made_anew) {
    const auto before = token("job");
    for (const char* end : {"", "-wal", "-shm", "-notify"}) std::filesystem::remove(path() + end);
    EXPECT_GT(token("job"), before);
}

// Why: names that are used once must not stay for ever, and must not start from below if they come
// back, not even when the wall clock was set back meanwhile.
TEST_F(sqlite_clock, forgets_old_names_but_not_their_tokens) {
    const auto before = token("once");
    wall_.offset = -24h;
    for (int i = 0; i < 300; ++i) static_cast<void>(token("early " + std::to_string(i)));
    EXPECT_GT(std::stoi(raw_database(path()).query("SELECT count(*) FROM lease")), 300);
    time_.advance(2min);
    for (int i = 0; i < 600; ++i) static_cast<void>(token("hot"));
    EXPECT_EQ(raw_database(path()).query("SELECT count(*) FROM lease"), "1");
    EXPECT_GT(token("once"), before);
}

TEST_F(sqlite_clock, never_sweeps_what_is_held) {
    ASSERT_TRUE(acquire("held", 1h));
    for (int i = 0; i < 200; ++i) static_cast<void>(token("once " + std::to_string(i)));
    time_.advance(10min);
    for (int i = 0; i < 600; ++i) static_cast<void>(token("hot"));
    EXPECT_EQ(raw_database(path()).query("SELECT count(*) FROM lease"), "2");
    EXPECT_TRUE(is_held("held"));
    EXPECT_FALSE(acquire("held"));
}

// Why: a clock that starts at the boot says nothing about what was written before it.
TEST_F(sqlite_clock, takes_the_leases_of_another_boot_for_expired) {
    const auto before = acquire("job", 24h);
    ASSERT_TRUE(before);
    const std::string mine = last_value_;
    raw_database(path()).query("UPDATE lease SET boot = '00000000-0000-0000-0000-000000000000'");
    EXPECT_FALSE(is_held("job"));
    renewal late{"job", mine, 30s};
    run(context_, where_->renew(std::span(&late, 1), time_.now() + 1s));
    EXPECT_EQ(late.outcome.error().reason, lost_reason::deleted);
    EXPECT_EQ(run(context_, where_->release("job", mine, time_.now() + 1s)).error().code,
              errc::lost);
    const auto next = acquire("job");
    ASSERT_TRUE(next);
    EXPECT_GT(next->fencing_token, before->fencing_token);
    EXPECT_TRUE(is_held("job"));
}

TEST_F(sqlite_clock, keeps_leases_while_no_process_has_the_file_open) {
    ASSERT_TRUE(acquire("job", 1min));
    open_again();
    EXPECT_TRUE(is_held("job"));
    EXPECT_FALSE(acquire("job"));
    time_.advance(1min);
    EXPECT_TRUE(acquire("job"));
}

TEST(sqlite_machine, knows_this_boot) {
    const auto here = sqlite::this_machine();
    ASSERT_TRUE(here);
    EXPECT_EQ(here->boot.size(), 36U);
    EXPECT_EQ(here->boot, sqlite::this_machine()->boot);
}

TEST(sqlite_machine, reads_the_offset_of_a_time_namespace) {
    EXPECT_EQ(sqlite::read_clock_offset(""), 0ns);
    EXPECT_EQ(sqlite::read_clock_offset("monotonic 5 6\nboottime           0         0\n"), 0ns);
    EXPECT_EQ(sqlite::read_clock_offset("monotonic 5 6\nboottime 86400 7\n"), 24h + 7ns);
    EXPECT_EQ(sqlite::read_clock_offset("1 5 6\n7 -3 7\n"), -3s + 7ns);
    EXPECT_EQ(sqlite::read_clock_offset("nonsense"), 0ns);
}

}  // namespace
}  // namespace holdfast::test
