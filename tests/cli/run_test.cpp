// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast run` when all goes well: what CMD gets, when it starts, what its end means.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <regex>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

words sh(const std::string& script, words before = {"run", "job"}) {
    before.insert(before.end(), {"--", "sh", "-c", script});
    return before;
}

TEST(run, ends_with_the_code_of_the_command) {
    const cli_store store;
    for (const int code : {0, 1, 3, 64, 75, 76, 255}) {
        EXPECT_EQ(store.run(sh("exit " + std::to_string(code))).code, code);
    }
}

TEST(run, ends_with_128_and_the_signal_that_killed_the_command) {
    const cli_store store;
    EXPECT_EQ(store.run(sh("kill -KILL $$")).code, 128 + SIGKILL);
    EXPECT_EQ(store.run(sh("kill -TERM $$")).code, 128 + SIGTERM);
}

TEST(run, is_127_for_what_is_not_found_and_126_for_what_cannot_be_executed) {
    const cli_store store;
    const auto missing = store.run({"run", "job", "--", "no-such-program"});
    EXPECT_EQ(missing.code, 127);
    EXPECT_EQ(missing.err, "holdfast: run: no-such-program: No such file or directory\n");
    EXPECT_EQ(store.run({"run", "job", "--", "/etc/passwd"}).code, 126);
    EXPECT_EQ(store.run({"run", "job", "--", "/"}).code, 126);
    EXPECT_FALSE(store.held("job"));
}

TEST(run, holds_the_lock_while_the_command_runs_and_not_after_it) {
    const cli_store store;
    EXPECT_EQ(store.run({"run", "job", "--", HOLDFAST_PROGRAM, "show", "job"}).code, 0);
    EXPECT_FALSE(store.held("job"));
}

TEST(run, tells_the_command_name_id_fence_and_store) {
    const cli_store store;
    const auto result = store.run(sh("env | grep ^HOLDFAST_ | sort"));
    const auto text = result.out;
    EXPECT_TRUE(std::regex_match(text, std::regex{"HOLDFAST_FENCE=[1-9]\\d*\n"
                                                  "HOLDFAST_ID=[0-9a-f]{32}\n"
                                                  "HOLDFAST_NAME=job\n"
                                                  "HOLDFAST_STORE=sqlite:/[^\n]*/locks.db\n"}))
        << text;
}

TEST(run, gives_each_command_a_higher_fence) {
    const cli_store store;
    unsigned long long last = 0;
    for (int round = 0; round < 5; ++round) {
        const auto fence = std::stoull(store.run(sh("echo $HOLDFAST_FENCE")).out);
        EXPECT_GT(fence, last);
        last = fence;
    }
}

// Why: a command may use the lock's id on the very store that the wrapper uses.
TEST(run, a_relative_store_reaches_the_command_as_an_absolute_one) {
    const cli_store store;
    auto options = store.options(sh("cd / && \"$PROGRAM\" show job"));
    options.environment["HOLDFAST_STORE"] = "sqlite:locks.db";
    options.environment["PROGRAM"] = HOLDFAST_PROGRAM;
    options.directory = store.directory().path();
    cli_process program{options};
    EXPECT_EQ(program.wait().code, 0) << program.err();
}

TEST(run, gives_the_command_stdin_stdout_and_stderr) {
    const cli_store store;
    const auto result = store.run(sh("cat; echo to-stderr >&2"), "to-stdin");
    EXPECT_EQ(result.out, "to-stdin");
    EXPECT_EQ(result.err, "to-stderr\n");
}

TEST(run, hands_arguments_over_untouched) {
    const cli_store store;
    const auto result = store.run({"run", "job", "--", "printf", "<%s>", "", "--", "-n", "[a,b]",
                                   "a b", "$HOME", "--store", "{}", "%%"});
    EXPECT_EQ(result.out, "<><--><-n><[a,b]><a b><$HOME><--store><{}><%%>");
}

// Why: a descriptor of ours in CMD could keep a store's connection or the guardian's socket open.
TEST(run, leaks_no_descriptor_and_keeps_those_of_the_caller) {
    const cli_store store;
    const auto plain = store.run({"run", "job", "--", "ls", "/proc/self/fd"});
    EXPECT_EQ(plain.out, "0\n1\n2\n3\n");  // 3 is the directory that ls reads.
    auto options = store.options({"run", "job", "--", "ls", "/proc/self/fd"});
    const int extra = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 17);
    options.kept_descriptors = {extra};
    cli_process program{options};
    EXPECT_EQ(program.wait().out, "0\n1\n17\n2\n3\n");
    ::close(extra);
}

TEST(run, restores_signals_and_keeps_what_the_caller_ignored) {
    const cli_store store;
    const auto plain = store.run(sh("grep ^Sig /proc/self/status"));
    EXPECT_THAT(plain.out, HasSubstr("SigBlk:\t0000000000000000"));
    EXPECT_THAT(plain.out, HasSubstr("SigIgn:\t0000000000000000"));
    auto options = store.options(sh("grep ^SigIgn /proc/self/status"));
    options.ignored_signals = {SIGHUP};
    cli_process program{options};
    EXPECT_EQ(program.wait().out, "SigIgn:\t0000000000000001\n");
}

// Why: CMD closing a pipe must end its reader, as without us.
TEST(run, keeps_no_pipe_open_that_the_command_has_closed) {
    const cli_store store;
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const int writing = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 9);
    ASSERT_EQ(writing, 9);
    ::close(ends[1]);
    auto options = store.options(sh("exec 9>&-; while [ ! -e go ]; do sleep 0.02; done"));
    options.directory = store.directory().path();
    options.kept_descriptors = {writing};
    cli_process program{options};
    ::close(writing);
    pollfd reading{ends[0], POLLIN, 0};
    EXPECT_EQ(::poll(&reading, 1, 10'000), 1) << "the pipe did not end";
    EXPECT_FALSE(program.ended());
    ASSERT_EQ(::close(::creat(store.path("go").c_str(), 0600)), 0);
    EXPECT_EQ(program.wait().code, 0);
    ::close(ends[0]);
}

TEST(run, with_n_is_75_at_once_while_somebody_else_holds_the_lock) {
    const cli_store store;
    store.acquire("job");
    const auto result = store.run({"run", "job", "-n", "--", "true"});
    EXPECT_EQ(result.code, 75);
    EXPECT_THAT(result.err, HasSubstr("\"job\" is taken by pid"));
}

TEST(run, with_w_is_75_when_the_seconds_are_over) {
    const cli_store store;
    store.acquire("job");
    const auto result = store.run({"run", "job", "-w", "0.4", "--", "true"});
    EXPECT_EQ(result.code, 75);
    EXPECT_GE(result.took, 400ms);
    EXPECT_LT(result.took, 3s);
}

TEST(run, with_e_ends_with_that_code_for_a_conflict_and_for_nothing_else) {
    const cli_store store;
    const auto taken = store.acquire("job");
    EXPECT_EQ(store.run({"run", "job", "-n", "-E", "9", "--", "true"}).code, 9);
    EXPECT_EQ(store.run({"run", "job", "-w", "0.1", "-E", "0", "--", "true"}).code, 0);
    EXPECT_EQ(store.run({"run", "other", "-E", "9", "--", "false"}).code, 1);
}

// Why: a waiter learns of a release by being told, not by asking now and then.
TEST(run, starts_the_waiting_command_within_50_ms_of_the_release) {
    const cli_store store;
    auto best = std::chrono::nanoseconds::max();
    for (int round = 0; round < 3; ++round) {  // The best of three: the machine may be busy.
        const auto taken = store.acquire("job");
        cli_process waiter{store.options(
            sh("cut -d' ' -f1 /proc/uptime; date +%s%N", {"run", "job", "--wait", "20s"}))};
        cli_process watcher{store.options({"run", "job", "-w", "0.3", "--", "true"})};
        ASSERT_EQ(watcher.wait().code, 75);  // By now the first one waits, too.
        cli_process release{store.options({"release", "job", taken.at("id")})};
        ASSERT_EQ(release.wait().code, 0);
        const auto released_at = boot_now();
        const auto result = waiter.wait();
        ASSERT_EQ(result.code, 0) << result.err;
        best = std::min(best, boot_now() - released_at);
    }
    EXPECT_LT(best, 50ms);
}

// Why: without renewals the lock would be free after 2 s.
TEST(run, keeps_the_lock_of_a_command_that_outlives_the_ttl) {
    const cli_store store;
    cli_process holder{store.options(sh("sleep 4", {"run", "job", "--ttl", "2s"}))};
    ASSERT_TRUE(poll_until([&] { return store.held("job"); }));
    const auto rival = store.run({"run", "job", "-w", "20", "--", "true"});
    EXPECT_TRUE(poll_until([&] { return holder.ended(); })) << "the rival ran beside the holder";
    EXPECT_EQ(holder.wait().code, 0);
    EXPECT_EQ(rival.code, 0) << rival.err;
    EXPECT_GT(rival.took, 3s);
}

// Why: flock(1) holds its lock as long as any process has the descriptor; so do we.
TEST(run, keeps_the_lock_until_the_last_descendant_is_gone) {
    const cli_store store;
    cli_process holder{store.options(
        sh("setsid sh -c 'while [ ! -e " + store.path("go") + " ]; do sleep 0.02; done' & exit 4",
           {"run", "job", "--ttl", "1500ms"}))};
    ASSERT_TRUE(poll_until([&] { return processes_under("job").size() >= 1; }));
    const auto late = store.run({"run", "job", "-w", "2.5", "--", "true"});
    EXPECT_EQ(late.code, 75) << "taken although a descendant lived: " << late.err;
    EXPECT_FALSE(holder.ended());
    EXPECT_EQ(::close(::creat(store.path("go").c_str(), 0600)), 0);
    EXPECT_EQ(holder.wait().code, 4);
    EXPECT_FALSE(store.held("job"));
}

TEST(run, keeps_the_lock_for_min_hold_after_a_quick_command) {
    const cli_store store;
    cli_process holder{
        store.options({"run", "job", "--min-hold", "1s", "--", "touch", store.path("ran")})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ran")); }));
    EXPECT_TRUE(store.held("job"));
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 0);
    EXPECT_GE(result.took, 1s);
    EXPECT_FALSE(store.held("job"));
}

TEST(run, a_signal_cuts_min_hold_short) {
    const cli_store store;
    cli_process holder{
        store.options({"run", "job", "--min-hold", "1h", "--", "touch", store.path("ran")})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ran")); }));
    ASSERT_TRUE(poll_until([&] { return children_of(holder.pid()).empty(); }));
    holder.signal(SIGTERM);
    EXPECT_EQ(holder.wait().code, 0);
    EXPECT_FALSE(store.held("job"));
}

TEST(run, works_on_a_store_within_the_process) {
    const auto result = holdfast_cli({"--store", "memory:", "run", "job", "--", "echo", "hi"}, {});
    EXPECT_EQ(result.out, "hi\n");
    EXPECT_EQ(result.code, 0);
}

// Why: the wait for a lock, or for signals, had no descriptor, and went on for ever.
TEST(run, ends_however_few_descriptors_it_may_open) {
    for (int limit = 4; limit <= 12; ++limit) {
        const cli_store store;
        auto options = store.options(
            {"-c", "ulimit -n " + std::to_string(limit) + "; exec \"$0\" run job -- true",
             HOLDFAST_PROGRAM});
        options.program = "sh";
        cli_process holder{options};
        const bool ended = poll_until([&] { return holder.ended(); });
        EXPECT_TRUE(ended) << limit;
        if (!ended) holder.signal(SIGKILL);
        const auto result = holder.wait();
        EXPECT_TRUE(result.code == 69 || result.code == 0) << limit << ": " << result.code;
        EXPECT_EQ(result.err.empty(), result.code == 0) << limit << ": " << result.err;
    }
}

TEST(run, may_be_nested) {
    const cli_store store;
    const auto result = store.run({"run", "outer", "--", HOLDFAST_PROGRAM, "run", "inner", "--",
                                   HOLDFAST_PROGRAM, "--json", "list"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("\"inner\""));
    EXPECT_THAT(result.out, HasSubstr("\"outer\""));
}

}  // namespace
}  // namespace holdfast::test
