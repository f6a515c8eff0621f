// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast run` on a terminal, started by a shell with job control, as people do it;
// and the picture of ranges, which is for terminals only.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <pty.h>
#include <string>
#include <utility>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

const std::string ctrl_c = "\x03";
const std::string ctrl_z = "\x1a";

// An interactive bash on a terminal of its own.
class shell_session {
public:
    explicit shell_session(const cli_store& store) {
        pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
        if (pid_ == 0) become_shell(store);
        ::fcntl(terminal_, F_SETFL, O_NONBLOCK);
        ::fcntl(terminal_, F_SETFD, FD_CLOEXEC);
    }
    shell_session(const shell_session&) = delete;
    shell_session& operator=(const shell_session&) = delete;
    ~shell_session() {
        ::close(terminal_);  // Hangs up: the shell and its jobs get SIGHUP.
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    void type(const std::string& text) {
        ASSERT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    // @return Whether `text` came since the last call that found something.
    [[nodiscard]] bool sees(const std::string& text) {
        return poll_until(
            [&] {
                std::array<char, 4096> part{};
                for (ssize_t got = 0; (got = ::read(terminal_, part.data(), part.size())) > 0;) {
                    screen_.append(part.data(), static_cast<std::size_t>(got));
                }
                const auto at = screen_.find(text, seen_);
                if (at != std::string::npos) seen_ = at + text.size();
                return at != std::string::npos;
            },
            10s);
    }
    [[nodiscard]] const std::string& screen() const { return screen_; }

private:
    [[noreturn]] static void become_shell(const cli_store& store) {
        ::setenv("HOLDFAST_STORE", store.url().c_str(), 1);
        ::setenv("HOLDFAST", HOLDFAST_PROGRAM, 1);
        ::setenv("TEST_PID", std::to_string(::getppid()).c_str(), 1);
        ::setenv("PS1", "prompt> ", 1);
        ::setenv("TERM", "dumb", 1);
        ::execlp("bash", "bash", "--norc", "--noprofile", "--noediting", "-i", nullptr);
        ::_exit(125);
    }

    pid_t pid_{-1};
    int terminal_{-1};
    std::string screen_;
    std::size_t seen_{0};
};

TEST(terminal, the_command_is_the_foreground_group_and_reads_from_it) {
    const cli_store store;
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("$HOLDFAST run job -- sh -c 'read line; echo \"got <$line>\"'; echo code=$?\n");
    ASSERT_TRUE(shell.sees("code=$?"));
    shell.type("some words\n");
    EXPECT_TRUE(shell.sees("got <some words>")) << shell.screen();
    EXPECT_TRUE(shell.sees("code=0")) << shell.screen();
    shell.type("echo still=here\n");
    EXPECT_TRUE(shell.sees("still=here\r\nprompt> ")) << shell.screen();
}

TEST(terminal, ctrl_c_ends_the_command_and_the_lock_is_free) {
    const cli_store store;
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("$HOLDFAST run job -- sleep 100; echo code=$?\n");
    ASSERT_TRUE(poll_until([] { return processes_under("job").size() == 1; }));
    shell.type(ctrl_c);
    ASSERT_TRUE(poll_until([] { return processes_under("job").empty(); }));
    EXPECT_TRUE(poll_until([&] { return !store.held("job"); }));
    shell.type("echo back=$((1+1))\n");
    EXPECT_TRUE(shell.sees("back=2")) << shell.screen();
}

TEST(terminal, ctrl_c_ends_the_wait) {
    const cli_store store;
    store.acquire("job");
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("$HOLDFAST run job --wait forever -- echo ran; echo code=$?\n");
    EXPECT_TRUE(shell.sees("waiting for \"job\" since 1 s")) << shell.screen();
    shell.type(ctrl_c);
    shell.type("\necho back=$((1+1))\n");
    EXPECT_TRUE(shell.sees("back=2")) << shell.screen();
    EXPECT_EQ(shell.screen().find("ran\r\n"), std::string::npos);
}

TEST(terminal, ctrl_z_gives_the_shell_its_prompt_and_fg_goes_on) {
    const cli_store store;
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("$HOLDFAST run job -- sh -c 'echo ready; read line; echo \"got <$line>\"'\n");
    ASSERT_TRUE(shell.sees("\nready\r\n")) << shell.screen();
    shell.type(ctrl_z);
    EXPECT_TRUE(shell.sees("Stopped")) << shell.screen();
    shell.type("echo at=prompt\n");
    EXPECT_TRUE(shell.sees("at=prompt\r\n")) << shell.screen();
    shell.type("fg\n");
    ASSERT_TRUE(shell.sees("run job"));
    shell.type("more words\n");
    EXPECT_TRUE(shell.sees("got <more words>")) << shell.screen();
    EXPECT_TRUE(shell.sees("prompt> ")) << shell.screen();
}

TEST(terminal, a_job_that_is_stopped_for_longer_than_its_ttl_is_killed_and_reports_76) {
    const cli_store store;
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    // No child of sh here: a SIGTSTP amid its vfork would stop the child alone, and hang any shell.
    shell.type("$HOLDFAST run job --ttl 1s -- sh -c 'echo ready; read line'\n");
    ASSERT_TRUE(shell.sees("\nready\r\n")) << shell.screen();
    shell.type(ctrl_z);
    ASSERT_TRUE(shell.sees("Stopped")) << shell.screen();
    const auto stopped_at = boot_now();
    ASSERT_TRUE(poll_until([] { return processes_under("job").empty(); }));
    EXPECT_LT(boot_now() - stopped_at, 1s);
    shell.type("fg; echo code=$?\n");
    EXPECT_TRUE(shell.sees("was lost while the command ran")) << shell.screen();
    EXPECT_TRUE(shell.sees("code=76")) << shell.screen();
}

// Why: the others in a pipeline are in the wrapper's group, which must stay in the foreground.
TEST(terminal, a_pipeline_keeps_the_terminal_and_its_command_still_may_read_it) {
    const cli_store store;
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("$HOLDFAST run job -- sh -c 'read line </dev/tty; echo \"got <$line>\"' | cat\n");
    ASSERT_TRUE(poll_until([] { return !processes_under("job").empty(); }));
    shell.type("piped words\n");
    EXPECT_TRUE(shell.sees("got <piped words>")) << shell.screen();
    EXPECT_TRUE(shell.sees("prompt> ")) << shell.screen();
}

TEST(terminal, a_hang_up_ends_everything) {
    const cli_store store;
    {
        shell_session shell{store};
        ASSERT_TRUE(shell.sees("prompt> "));
        shell.type("$HOLDFAST run job -- sleep 100\n");
        ASSERT_TRUE(poll_until([] { return processes_under("job").size() == 1; }));
    }
    EXPECT_TRUE(poll_until([] { return processes_under("job").empty(); }));
    EXPECT_TRUE(poll_until([&] { return !store.held("job"); }));
}

TEST(terminal, range_list_draws_its_holds_at_the_width_of_the_terminal) {
    const cli_store store;
    ASSERT_EQ(store.run({"range", "hold", "room", "0", "4", "--owner", "me"}).code, 0);
    ASSERT_EQ(store.run({"range", "hold", "room", "2", "10", "--capacity", "2"}).code, 0);
    shell_session shell{store};
    ASSERT_TRUE(shell.sees("prompt> "));
    shell.type("stty cols 20; $HOLDFAST range list room\n");
    EXPECT_TRUE(
        shell.sees("\n0                 10\r\n▒▒▒▒▒▒▒░\r\n    ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░\r\n"
                   "\r\nSTART  END"))
        << shell.screen();
    shell.type("$HOLDFAST range list room --json; $HOLDFAST range list room | cat\n");
    EXPECT_TRUE(shell.sees("\"end\":10")) << shell.screen();
    EXPECT_TRUE(shell.sees("START  END")) << shell.screen();
    EXPECT_EQ(shell.screen().find("░", shell.screen().find("--json")), std::string::npos);
}

}  // namespace
}  // namespace holdfast::test
