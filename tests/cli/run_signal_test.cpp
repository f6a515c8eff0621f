// SPDX-License-Identifier: BSL-1.0
//
// What it is: signals to the wrapper: passed on while CMD runs, an end of the wait before.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string.h>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class passed_on : public testing::TestWithParam<int> {};

std::string label_of(const testing::TestParamInfo<int>& given) {
    return ::sigabbrev_np(given.param);
}

TEST_P(passed_on, to_the_group_of_the_command) {
    const cli_store store;
    const std::string name = ::sigabbrev_np(GetParam());
    // The trap runs in CMD once its child, which is of the same group, has ended by the signal.
    const auto script = "trap 'echo outer; exit 7' " + name +
                        "; sh -c 'trap \"echo inner; exit 0\" " + name + "; touch " +
                        store.path("ready") + "; while :; do sleep 0.02; done'; :";
    cli_process holder{store.options({"run", "job", "--", "sh", "-c", script})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")); }));
    holder.signal(GetParam());
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 7) << result.err;
    EXPECT_THAT(result.out, HasSubstr("outer"));
    EXPECT_THAT(result.out, HasSubstr("inner"));
    EXPECT_FALSE(store.held("job"));
}

INSTANTIATE_TEST_SUITE_P(signals, passed_on,
                         testing::Values(SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
                                         SIGWINCH),
                         label_of);

class ends_the_wait : public testing::TestWithParam<int> {};

TEST_P(ends_the_wait, starts_nothing_and_leaves_nothing_behind) {
    const cli_store store;
    const auto taken = store.acquire("job");
    cli_process waiter{
        store.options({"run", "job", "--wait", "forever", "--", "touch", store.path("ran")})};
    ASSERT_TRUE(poll_until([&] { return children_of(waiter.pid()).size() == 1; }));
    ASSERT_EQ(store.run({"run", "job", "-w", "0.1", "--", "true"}).code, 75);
    waiter.signal(GetParam());
    const auto result = waiter.wait();
    EXPECT_EQ(result.code, 128 + GetParam()) << result.err;
    ASSERT_EQ(store.run({"release", "job", taken.at("id")}).code, 0);
    EXPECT_EQ(store.run({"run", "job", "-n", "--", "true"}).code, 0);
    EXPECT_FALSE(file_exists(store.path("ran")));
}

INSTANTIATE_TEST_SUITE_P(signals, ends_the_wait,
                         testing::Values(SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2),
                         label_of);

TEST(signals, a_stopped_command_stays_stopped_until_continued_and_keeps_its_lock) {
    const cli_store store;
    ASSERT_EQ(::mkfifo(store.path("go").c_str(), 0600), 0);
    // No child of sh here: a SIGTSTP amid its vfork would stop the child alone, and hang any shell.
    const auto script =
        ": >" + store.path("ready") + "; read line <" + store.path("go") + "; exit 5";
    cli_process holder{store.options({"run", "job", "--ttl", "600ms", "--", "sh", "-c", script})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")); }));
    holder.signal(SIGTSTP);
    const auto all_stopped = [&] {
        for (const auto pid : processes_under("job")) {
            if (state_of(pid) != 'T') return false;
        }
        return true;
    };
    ASSERT_TRUE(poll_until(all_stopped));
    // Without a terminal the wrapper goes on, and so do its renewals.
    EXPECT_EQ(store.run({"run", "job", "-w", "1", "--", "true"}).code, 75);
    EXPECT_TRUE(all_stopped());
    holder.signal(SIGCONT);
    ASSERT_TRUE(poll_until([&] { return !all_stopped(); }));
    std::ofstream{store.path("go")} << "on\n";
    EXPECT_EQ(holder.wait().code, 5);
}

// Why: nohup(1) starts programs with SIGHUP ignored, and means the wait, too.
TEST(signals, what_the_caller_ignores_does_not_end_the_wait) {
    const cli_store store;
    const auto taken = store.acquire("job");
    auto options = store.options({"run", "job", "--wait", "20s", "--", "echo", "ran"});
    options.ignored_signals = {SIGHUP};
    cli_process waiter{options};
    ASSERT_TRUE(poll_until([&] { return children_of(waiter.pid()).size() == 1; }));
    ASSERT_EQ(store.run({"run", "job", "-w", "0.1", "--", "true"}).code, 75);
    waiter.signal(SIGHUP);
    ASSERT_EQ(store.run({"release", "job", taken.at("id")}).code, 0);
    EXPECT_EQ(waiter.wait().out, "ran\n");
}

}  // namespace
}  // namespace holdfast::test
