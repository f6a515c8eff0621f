// SPDX-License-Identifier: BSL-1.0
//
// What it is: which words are the program's and which CMD's, and what is said of words that have no
// place.
#include "cli_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const words show_arguments{"sh", "-c", "echo \"$HOLDFAST_NAME:\" \"$@\"", "sh"};

// `run WORDS sh -c ... REST`, which prints the name and what CMD got.
process_result run_with(const cli_store& store, const words& before, const words& rest = {}) {
    words all{"run"};
    for (const auto* part : {&before, &show_arguments, &rest})
        all.insert(all.end(), part->begin(), part->end());
    return store.run(all);
}

TEST(the_mark, ends_the_options_of_run_before_a_name_and_begins_the_command_behind_it) {
    const cli_store store;
    for (const words& before : {words{"--ttl", "5s", "--", "-y", "--"}, words{"--", "-y", "--"},
                                words{"-n", "--", "-y", "--"}})
        EXPECT_EQ(run_with(store, before).out, "-y:\n");
    EXPECT_EQ(run_with(store, {"--", "--json", "--"}).out, "--json:\n");
    EXPECT_EQ(run_with(store, {"--", "--", "--"}).out, "--:\n");
    EXPECT_EQ(run_with(store, {"--", "plain", "--"}).out, "plain:\n");
}

// Why: CMD may be anything, a word of ours too.
TEST(the_mark, means_nothing_behind_the_one_that_begins_the_command) {
    const cli_store store;
    EXPECT_EQ(run_with(store, {"job", "--"}, {"a", "--", "b", "--ttl", "x"}).out,
              "job: a -- b --ttl x\n");
    EXPECT_EQ(run_with(store, {"--", "job", "--"}, {"--", "b"}).out, "job: -- b\n");
    EXPECT_EQ(run_with(store, {"run", "--"}, {"run"}).out, "run: run\n");
    EXPECT_EQ(run_with(store, {"-", "--"}).out, "-:\n");
    EXPECT_EQ(run_with(store, {"-5", "--"}).out, "-5:\n");
}

// Why: a value is the next word, as everywhere; the mark behind it would else begin nothing.
TEST(the_mark, may_be_the_value_of_an_option) {
    const cli_store store;
    const words inner{"sh", "-c", "exec \"$0\" show job", HOLDFAST_PROGRAM};
    for (words all :
         {words{"run", "--owner", "--", "job", "--"}, words{"run", "job", "--owner", "--", "--"},
          words{"run", "job", "--owner=--", "--"}}) {
        all.insert(all.end(), inner.begin(), inner.end());
        const auto result = store.run(all);
        ASSERT_EQ(result.code, 0) << result.err;
        EXPECT_EQ(parse_fields(result.out).at("owner"), "--");
    }
    EXPECT_EQ(store.run({"run", "-nE", "7", "job", "--", "false"}).code, 1);
    EXPECT_THAT(store.run({"run", "-nE", "--", "job", "--", "false"}).err, HasSubstr("-E"));
    EXPECT_THAT(store.run({"--timeout", "--", "run", "job", "--", "true"}).err,
                HasSubstr("--timeout"));
}

TEST(the_mark, without_a_name_or_a_command_is_a_usage_error) {
    const cli_store store;
    for (const words& all :
         {words{"run", "--"}, words{"run", "--", "--"}, words{"run", "--", "true"},
          words{"run", "--", "job", "--"}, words{"run", "--", "job", "true"},
          words{"run", "--", "job", "--ttl", "5s", "--", "true"}, words{"run", "", "--", "true"}}) {
        const auto result = store.run(all);
        EXPECT_EQ(result.code, 64) << testing::PrintToString(all) << result.err;
        EXPECT_EQ(result.out, "");
    }
    EXPECT_THAT(store.run({"run", "--", "-y", "true"}).err, HasSubstr("stands behind --"));
}

TEST(other_commands, take_a_name_that_begins_with_a_dash_behind_the_mark) {
    const cli_store store;
    EXPECT_EQ(store.run({"acquire", "--", "-y"}).code, 0);
    EXPECT_EQ(store.run({"show", "--", "-y"}).code, 0);
}

TEST(a_word_that_has_no_place, is_named) {
    const cli_store store;
    const auto said = [&](const words& all) {
        const auto result = store.run(all);
        EXPECT_EQ(result.code, 64) << result.err;
        EXPECT_EQ(result.out, "");
        return result.err;
    };
    EXPECT_EQ(said({"nonsense"}),
              "holdfast: usage: \"nonsense\" is no command: see holdfast --help\n");
    EXPECT_THAT(said({"--json", "nonsense", "--ttl", "5s"}),
                HasSubstr("\"nonsense\" is no command"));
    EXPECT_THAT(said({"--nonsense"}), HasSubstr("\"--nonsense\" is no option"));
    EXPECT_EQ(said({}), "holdfast: usage: a command is missing: see holdfast --help\n");
    EXPECT_THAT(said({"show", "job", "one", "two"}), HasSubstr("not expected: one two\n"));
    EXPECT_THAT(said({"--ttl", "5s", "run", "job", "--", "true"}),
                HasSubstr("not expected: --ttl 5s\n"));
    EXPECT_THAT(said({"redis://u:canary@host"}), Not(HasSubstr("canary")));
}

TEST(a_word_that_has_no_place, of_run_is_told_where_the_command_stands) {
    const cli_store store;
    const auto result = store.run({"run", "job", "echo", "hi"});
    EXPECT_EQ(result.code, 64);
    EXPECT_EQ(result.err,
              "holdfast: usage: not expected: echo hi (CMD stands behind --, as in: holdfast run "
              "NAME -- CMD ARG...)\n");
    EXPECT_THAT(store.run({"run", "job", "echo", "--", "hi"}).err,
                HasSubstr("not expected: echo\n"));
}

}  // namespace
}  // namespace holdfast::test
