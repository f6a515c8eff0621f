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

// CMD ends at once, and leaves one child in its group and one in a session of its own. A shell's
// background jobs ignore SIGINT, but for what env(1) does.
std::string leaves_two_behind(const cli_store& store) {
    return "echo $$ >" + store.path("command") +
           "; env --default-signal sleep 31 & setsid env --default-signal sleep 32 & exit 3";
}

// Until then the group's name is sure, and the signal goes to it.
bool is_reaped_before_its_two(const cli_store& store) {
    const auto left = processes_under("job");
    const auto command = read_file(store.path("command"));
    return left.size() == 2 && describe_processes(left).find("env") == std::string::npos &&
           !file_exists("/proc/" + command.substr(0, command.find('\n')));
}

class ends_what_is_left : public testing::TestWithParam<int> {};

// Why: nothing was sent any more once CMD was reaped, so that only SIGKILL ended `run`.
TEST_P(ends_what_is_left, once_the_command_has_ended) {
    const cli_store store;
    cli_process holder{store.options({"run", "job", "--", "sh", "-c", leaves_two_behind(store)})};
    ASSERT_TRUE(poll_until([&] { return is_reaped_before_its_two(store); }));
    holder.signal(GetParam());
    const bool ended = poll_until([&] { return processes_under("job").empty(); });
    EXPECT_TRUE(ended) << describe_processes(processes_under("job"));
    if (!ended) holder.signal(SIGKILL);  // The guardian ends them then.
    EXPECT_EQ(holder.wait().code, 3);
    EXPECT_FALSE(store.held("job"));
}

INSTANTIATE_TEST_SUITE_P(signals, ends_what_is_left, testing::Values(SIGTERM, SIGINT, SIGHUP),
                         label_of);

TEST(signals, others_go_to_what_is_left_of_the_group_alone) {
    const cli_store store;
    cli_process holder{store.options({"run", "job", "--", "sh", "-c", leaves_two_behind(store)})};
    ASSERT_TRUE(poll_until([&] { return is_reaped_before_its_two(store); }));
    holder.signal(SIGUSR1);
    const bool told = poll_until([&] { return processes_under("job").size() == 1; });
    EXPECT_TRUE(told) << describe_processes(processes_under("job"));
    EXPECT_NE(describe_processes(processes_under("job")).find("sleep 32"), std::string::npos);
    holder.signal(told ? SIGTERM : SIGKILL);
    EXPECT_EQ(holder.wait().code, 3);
}

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
