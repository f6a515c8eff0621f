// SPDX-License-Identifier: BSL-1.0
//
// What it is: finding and killing descendants, with this test in the guardian's place.
#include "../../apps/cli/process_tree.hpp"

#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using test::poll_until;

class tree : public testing::Test {
protected:
    tree() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
    ~tree() override {
        process_tree all{::getpid()};
        while (::waitpid(-1, nullptr, WNOHANG) != -1) all.kill();
    }
    // Starts a child that runs `body` and then waits for signals.
    template <class Body>
    static pid_t start(Body body) {
        const auto pid = ::fork();
        if (pid != 0) return pid;
        body();
        for (;;) ::pause();
    }
    static std::size_t alive() {
        const auto found = descendants_of(::getpid());
        return static_cast<std::size_t>(
            std::count_if(found.begin(), found.end(), [](const auto& one) { return one.alive(); }));
    }
};

TEST_F(tree, reads_a_process_whose_name_looks_like_its_state) {
    const auto pid = start([] { ::prctl(PR_SET_NAME, "x) Z 1 (y"); });
    ASSERT_TRUE(poll_until([&] {
        const auto found = read_process(pid);
        return found && found->state == 'S';
    }));
    const auto found = read_process(pid);
    EXPECT_EQ(found->parent, ::getpid());
    EXPECT_EQ(found->group, ::getpgrp());
    EXPECT_GT(found->started, 0U);
}

TEST_F(tree, knows_nothing_of_a_process_that_is_not_there) {
    EXPECT_EQ(read_process(0x7ffffffe), std::nullopt);
    EXPECT_TRUE(descendants_of(0x7ffffffe).empty());
}

TEST_F(tree, finds_what_left_its_session_and_lost_its_parent) {
    start([] {
        if (::fork() == 0) {
            ::setsid();
            if (::fork() != 0) ::_exit(0);
            for (;;) ::pause();
        }
    });
    EXPECT_TRUE(poll_until([] { return alive() == 2; }));
}

TEST_F(tree, terminates_all_but_the_spared_group_and_wakes_the_stopped) {
    const auto spared = start([] { ::setpgid(0, 0); });
    const auto stopped = start([] { ::raise(SIGSTOP); });
    ASSERT_TRUE(poll_until([&] {
        const auto one = read_process(spared);
        const auto two = read_process(stopped);
        return one && one->group == spared && two && two->stopped();
    }));
    EXPECT_EQ(process_tree{::getpid()}.terminate(spared), 2U);
    int status = 0;
    ASSERT_EQ(::waitpid(stopped, &status, 0), stopped);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    EXPECT_EQ(alive(), 1U);
}

TEST_F(tree, kills_what_ignores_everything_else) {
    for (int i = 0; i < 20; ++i) {
        start([] {
            ::signal(SIGTERM, SIG_IGN);
            ::setsid();
        });
    }
    process_tree all{::getpid()};
    all.kill();
    EXPECT_TRUE(poll_until([] { return alive() == 0; }));
}

}  // namespace
}  // namespace holdfast::cli
