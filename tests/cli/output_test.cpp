// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the program does when its output cannot be written, or nobody reads it.
#include "cli_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

// Runs the program with its stdout where `redirection` of a shell says.
process_options redirected(const cli_store& store, const words& arguments,
                           const std::string& redirection) {
    auto options = store.options({"-c", "exec \"$0\" \"$@\" " + redirection, HOLDFAST_PROGRAM});
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.program = "sh";
    return options;
}

// The writing end of a pipe that nobody will read.
class unread_pipe {
public:
    unread_pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
        ::close(ends[0]);
        writing_ = ends[1];
    }
    unread_pipe(const unread_pipe&) = delete;
    unread_pipe& operator=(const unread_pipe&) = delete;
    ~unread_pipe() { ::close(writing_); }
    [[nodiscard]] int writing() const noexcept { return writing_; }

private:
    int writing_{-1};
};

void expect_a_single_line(const std::string& text) {
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

class every_command : public testing::Test {
protected:
    // All that print, in an order in which each finds what it needs. `release` prints JSON only.
    [[nodiscard]] std::vector<words> commands() const {
        return {{"--help"},
                {"run", "--help"},
                {"--version"},
                {"completion", "bash"},
                {"list"},
                {"--json", "list"},
                {"show", "job"},
                {"--json", "show", "job"},
                {"--json", "show", "nothing"},
                {"renew", "job", id_, "--ttl", "30s"},
                {"--json", "renew", "job", id_, "--ttl", "30s"},
                {"--json", "renew", "nothing", id_, "--ttl", "30s"},
                {"--json", "release", "job", id_},
                {"--json", "release", "nothing", id_},
                {"break", "other"},
                {"--json", "break", "another"}};
    }
    void SetUp() override {
        id_ = store_.acquire("job").at("id");
        store_.acquire("other");
        store_.acquire("another");
    }

    cli_store store_;
    std::string id_;
};

TEST_F(every_command, says_that_its_output_cannot_be_written_and_is_69) {
    for (const words& arguments : commands()) {
        cli_process program{redirected(store_, arguments, ">/dev/full")};
        const auto result = program.wait();
        EXPECT_EQ(result.code, 69) << testing::PrintToString(arguments);
        EXPECT_THAT(result.err, HasSubstr("holdfast: output: cannot write to standard output: No "
                                          "space left on device\n"))
            << testing::PrintToString(arguments);
    }
    for (const auto* name : {"job", "other", "another"})
        EXPECT_FALSE(store_.held(name)) << "what was asked for was done";
}

TEST_F(every_command, says_so_in_one_line) {
    for (const words& arguments : {words{"list"}, words{"--json", "list"}, words{"show", "job"},
                                   words{"acquire", "new"}, words{"--json", "acquire", "new"}}) {
        cli_process program{redirected(store_, arguments, ">/dev/full")};
        expect_a_single_line(program.wait().err);
    }
}

// Why: `holdfast list | head -1` is no failure worth a word.
TEST_F(every_command, ends_quietly_as_by_sigpipe_when_nobody_reads) {
    const unread_pipe unread;
    for (const words& arguments : commands()) {
        if (std::find(arguments.begin(), arguments.end(), "nothing") != arguments.end()) continue;
        auto options = redirected(store_, arguments, ">&" + std::to_string(unread.writing()));
        options.kept_descriptors = {unread.writing()};
        cli_process program{options};
        const auto result = program.wait();
        EXPECT_EQ(result.code, 128 + SIGPIPE) << testing::PrintToString(arguments);
        EXPECT_EQ(result.err, "");
    }
}

TEST_F(every_command, tells_who_ignores_sigpipe) {
    const unread_pipe unread;
    auto options = redirected(store_, {"list"}, ">&" + std::to_string(unread.writing()));
    options.kept_descriptors = {unread.writing()};
    options.ignored_signals = {SIGPIPE};
    cli_process program{options};
    const auto result = program.wait();
    EXPECT_EQ(result.code, 69);
    EXPECT_THAT(result.err, HasSubstr("Broken pipe"));
    expect_a_single_line(result.err);
}

// Why: nobody else could give it back.
TEST_F(every_command, acquire_gives_back_what_nobody_will_read_and_says_so) {
    const unread_pipe unread;
    auto options = redirected(store_, {"acquire", "new"}, ">&" + std::to_string(unread.writing()));
    options.kept_descriptors = {unread.writing()};
    cli_process program{options};
    const auto result = program.wait();
    EXPECT_EQ(result.code, 69);
    EXPECT_THAT(result.err, HasSubstr("the lock was given back"));
    expect_a_single_line(result.err);
    EXPECT_FALSE(store_.held("new"));
}

}  // namespace
}  // namespace holdfast::test
