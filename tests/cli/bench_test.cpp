// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast bench` on a file: what it prints, what it leaves, and how a signal ends it.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <regex>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

TEST(bench, prints_operations_a_second_and_how_long_they_took) {
    const cli_store store;
    const auto result = store.run({"bench", "--seconds", "0.3", "--clients", "2"});
    EXPECT_EQ(result.code, 0) << result.err;
    const auto fields = parse_fields(result.out);
    EXPECT_EQ(fields.at("clients"), "2");
    EXPECT_GE(std::stol(fields.at("elapsed_ms")), 250);
    EXPECT_GT(std::stol(fields.at("operations")), 0);
    EXPECT_GT(std::stol(fields.at("ops_per_s")), 0);
    EXPECT_GE(std::stol(fields.at("p99_us")), std::stol(fields.at("p50_us")));
}

TEST(bench, prints_one_json_object) {
    const cli_store store;
    const auto result = store.run({"--json", "bench", "--seconds", "0.2"});
    EXPECT_EQ(result.code, 0) << result.err;
    const std::regex shape{R"(\{"clients":1,"elapsed_ms":\d+,"operations":\d+,)"
                           R"("ops_per_s":\d+,"p50_us":\d+,"p99_us":\d+\}\n)"};
    EXPECT_TRUE(std::regex_match(result.out, shape)) << result.out;
}

TEST(bench, leaves_no_lock_behind_and_touches_nobody_elses) {
    const cli_store store;
    const auto held = store.acquire("job");
    ASSERT_EQ(store.run({"bench", "--seconds", "0.1", "--clients", "4"}).code, 0);
    const auto list = store.run({"--json", "list"});
    EXPECT_EQ(std::count(list.out.begin(), list.out.end(), '\n'), 1) << list.out;
    EXPECT_EQ(store.run({"release", "job", held.at("id")}).code, 0);
}

// Why: whoever has seen enough wants the figures, not an error.
TEST(bench, tells_what_it_has_measured_when_a_signal_ends_it) {
    const cli_store store;
    cli_process long_one{store.options({"bench", "--seconds", "600"})};
    // It works once its file is there; what it measures until the signal is more than nothing.
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("locks.db-wal")); }));
    const auto started = boot_now();
    ASSERT_TRUE(poll_until([&] { return boot_now() > started + 300ms; }));
    long_one.signal(SIGINT);
    const auto result = long_one.wait();
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_GT(std::stol(parse_fields(result.out).at("operations")), 0);
    EXPECT_LT(result.took, 20s);
    EXPECT_EQ(store.run({"list"}).out, "");
}

TEST(bench, of_a_store_that_cannot_be_had_is_69_and_one_line) {
    const temp_dir directory;
    const cli_store store{"sqlite:" + (directory / "no/such/directory/locks.db")};
    const auto result = store.run({"bench", "--seconds", "0.1"});
    EXPECT_EQ(result.code, 69);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, testing::StartsWith("holdfast: bench: "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

}  // namespace
}  // namespace holdfast::test
