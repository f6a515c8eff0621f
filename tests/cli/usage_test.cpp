// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the program refuses: one line on stderr, the right exit code, nothing on stdout.
#include "cli_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

void expect_one_line(const std::string& text) {
    EXPECT_THAT(text, StartsWith("holdfast: "));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

struct bad_input {
    std::string label;
    words arguments;
};

class usage : public testing::TestWithParam<bad_input> {};

TEST_P(usage, is_refused_with_64_and_one_line) {
    const cli_store store;
    const auto result = store.run(GetParam().arguments);
    EXPECT_EQ(result.code, 64) << result.err;
    EXPECT_EQ(result.out, "");
    expect_one_line(result.err);
}

const std::string long_name(513, 'x');

INSTANTIATE_TEST_SUITE_P(
    bad_input, usage,
    testing::Values(
        bad_input{"no_command", {}}, bad_input{"unknown_command", {"frobnicate"}},
        bad_input{"unknown_option", {"show", "x", "--frobnicate"}}, bad_input{"no_name", {"show"}},
        bad_input{"empty_name", {"acquire", ""}},
        bad_input{"name_of_513_bytes", {"acquire", long_name}},
        bad_input{"two_names", {"show", "a", "b"}},
        bad_input{"ttl_zero", {"acquire", "x", "--ttl", "0s"}},
        bad_input{"ttl_of_25_hours", {"acquire", "x", "--ttl", "25h"}},
        bad_input{"ttl_below_10_ms", {"acquire", "x", "--ttl", "9ms"}},
        bad_input{"ttl_without_unit", {"acquire", "x", "--ttl", "30"}},
        bad_input{"ttl_with_unknown_unit", {"acquire", "x", "--ttl", "30d"}},
        bad_input{"ttl_with_a_space", {"acquire", "x", "--ttl", "30 s"}},
        bad_input{"ttl_negative", {"acquire", "x", "--ttl=-5s"}},
        bad_input{"ttl_overflowing", {"acquire", "x", "--ttl", "99999999999999999999h"}},
        bad_input{"wait_of_25_hours", {"acquire", "x", "--wait", "25h"}},
        bad_input{"wait_never", {"acquire", "x", "--wait", "never"}},
        bad_input{"timeout_zero", {"--timeout", "0s", "show", "x"}},
        bad_input{"timeout_of_2_hours", {"--timeout", "2h", "show", "x"}},
        bad_input{"owner_too_long", {"acquire", "x", "--owner", std::string(257, 'o')}},
        bad_input{"owner_with_a_newline", {"acquire", "x", "--owner", "a\nb"}},
        bad_input{"two_stores", {"--store", "memory:", "--store", "memory:", "show", "x"}},
        bad_input{"unknown_scheme", {"--store", "nosuch://host", "show", "x"}},
        bad_input{"sqlite_with_a_host", {"--store", "sqlite://x", "show", "x"}},
        bad_input{"sqlite_with_a_host_for_run",
                  {"--store", "sqlite://x", "run", "x", "--", "true"}},
        bad_input{"memory_with_a_host", {"--store", "memory://x", "show", "x"}},
        bad_input{"store_without_scheme", {"--store", "locks.db", "show", "x"}},
        bad_input{"bench_of_no_time", {"bench", "--seconds", "0"}},
        bad_input{"bench_of_over_an_hour", {"bench", "--seconds", "3600.1"}},
        bad_input{"bench_with_a_unit", {"bench", "--seconds", "3s"}},
        bad_input{"bench_of_nobody", {"bench", "--clients", "0"}},
        bad_input{"bench_of_too_many", {"bench", "--clients", "257"}},
        bad_input{"renew_without_ttl", {"renew", "x", std::string(32, 'a')}},
        bad_input{"unknown_shell", {"completion", "tcsh"}}),
    [](const auto& given) { return given.param.label; });

INSTANTIATE_TEST_SUITE_P(
    bad_run, usage,
    testing::Values(
        bad_input{"run_without_name", {"run", "--", "true"}},
        bad_input{"run_without_mark", {"run", "x", "true"}},
        bad_input{"run_without_command", {"run", "x", "--"}},
        bad_input{"run_grace_over_half",
                  {"run", "x", "--ttl", "10s", "--grace", "5001ms", "--", "true"}},
        bad_input{"run_max_hold_zero", {"run", "x", "--max-hold", "0s", "--", "true"}},
        bad_input{"run_min_hold_over_max_hold",
                  {"run", "x", "--max-hold", "1s", "--min-hold", "2s", "--", "true"}},
        bad_input{"run_two_waits", {"run", "x", "-n", "-w", "1", "--", "true"}},
        bad_input{"run_wait_and_w", {"run", "x", "--wait", "1s", "-w", "1", "--", "true"}},
        bad_input{"run_w_with_unit", {"run", "x", "-w", "1s", "--", "true"}},
        bad_input{"run_code_256", {"run", "x", "-E", "256", "--", "true"}},
        bad_input{"run_no_permits", {"run", "x", "--permits", "0", "--", "true"}},
        bad_input{"run_negative_permits", {"run", "x", "--permits=-1", "--", "true"}},
        bad_input{"run_too_many_permits", {"run", "x", "--permits", "100001", "--", "true"}},
        bad_input{"run_permits_text", {"run", "x", "--permits", "few", "--", "true"}},
        bad_input{"run_shared_and_permits",
                  {"run", "x", "--shared", "--permits", "2", "--", "true"}},
        bad_input{"run_fair_without_a_line", {"run", "x", "--fair", "--", "true"}},
        bad_input{"run_code_text", {"run", "x", "-E", "five", "--", "true"}}),
    [](const auto& given) { return given.param.label; });

TEST(usage, takes_a_name_of_512_bytes) {
    const cli_store store;
    EXPECT_EQ(store.run({"acquire", std::string(512, 'x')}).code, 0);
}

TEST(usage, takes_a_grace_of_exactly_half_of_the_ttl) {
    const cli_store store;
    const auto result = store.run({"run", "x", "--ttl", "4s", "--grace", "2s", "--", "true"});
    EXPECT_EQ(result.code, 0) << result.err;
}

TEST(usage, takes_the_shared_options_behind_the_command_too) {
    const cli_store store;
    const auto result = store.run({"show", "x", "--json", "--timeout", "2s"});
    EXPECT_EQ(result.out, "{\"name\":\"x\",\"held\":false}\n");
}

// Why: the option may be given several times, and must not take the words behind its value.
TEST(usage, takes_the_store_anywhere_and_a_name_behind_it) {
    const cli_store store;
    const cli_store elsewhere;
    elsewhere.acquire("x");
    const auto& url = elsewhere.url();
    for (const words& arguments :
         {words{"--store", url, "show", "x"}, words{"show", "--store", url, "x"},
          words{"show", "--store=" + url, "x"}, words{"show", "x", "--store", url}})
        EXPECT_EQ(store.run(arguments).code, 0) << testing::PrintToString(arguments);
    EXPECT_EQ(store.run({"run", "--store", url, "y", "--", "echo", "hi"}).out, "hi\n");
}

// Why: commands of later versions must not half exist.
TEST(usage, help_names_the_commands_that_there_are_and_no_others) {
    const cli_store store;
    const auto result = store.run({"--help"});
    EXPECT_EQ(result.code, 0);
    std::istringstream lines(result.out.substr(result.out.find("\nSubcommands:\n") + 1));
    std::string line;
    std::getline(lines, line);
    std::vector<std::string> commands;
    while (std::getline(lines, line) && line.starts_with("  "))
        commands.push_back(line.substr(2, line.find(' ', 2) - 2));
    EXPECT_THAT(commands,
                testing::ElementsAre("run", "acquire", "renew", "release", "break", "show", "list",
                                     "watch", "doctor", "bench", "range", "completion"));
}

TEST(usage, tells_its_version) {
    const cli_store store;
    const auto result = store.run({"--version"});
    EXPECT_EQ(result.code, 0);
    EXPECT_THAT(result.out, testing::MatchesRegex("holdfast [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(usage, tells_who_gives_a_file_two_slashes_how_to_write_it) {
    const cli_store store{"sqlite://locks.db"};
    const auto result = store.run({"show", "x"});
    EXPECT_THAT(result.err, HasSubstr("write sqlite:PATH, or sqlite:/DIR/FILE"));
}

TEST(usage, takes_a_file_with_three_slashes) {
    const temp_dir directory;
    const cli_store store{"sqlite://" + (directory / "locks.db")};
    EXPECT_EQ(store.run({"run", "x", "--", HOLDFAST_PROGRAM, "show", "x"}).code, 0);
    EXPECT_TRUE(file_exists(directory / "locks.db"));
}

TEST(usage, a_file_that_is_no_database_is_69) {
    const temp_dir directory;
    std::ofstream{directory / "locks.db"} << std::string(8192, 'n');
    const auto result = cli_store{"sqlite:" + (directory / "locks.db")}.run({"show", "x"});
    EXPECT_EQ(result.code, 69) << result.err;
    expect_one_line(result.err);
}

TEST(usage, a_directory_in_place_of_a_file_is_69) {
    const temp_dir directory;
    const auto result = cli_store{"sqlite:" + directory.path().string()}.run({"show", "x"});
    EXPECT_EQ(result.code, 69) << result.err;
    expect_one_line(result.err);
}

// Why: names come from elsewhere, and a terminal obeys escape sequences.
TEST(usage, shows_control_bytes_of_a_name_as_text) {
    const cli_store store;
    const auto result = store.run({"show", "a\x1b[31m\nb"});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("a\\x1b[31m\\x0ab"));
    expect_one_line(result.err);
}

TEST(usage, closed_standard_streams_do_no_harm) {
    const cli_store store;
    auto options =
        store.options({"-c", "exec \"$0\" run x -- true <&- >&- 2>&-", HOLDFAST_PROGRAM});
    options.program = "sh";
    cli_process program{options};
    EXPECT_EQ(program.wait().code, 0);
}

}  // namespace
}  // namespace holdfast::test
