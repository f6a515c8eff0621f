// SPDX-License-Identifier: BSL-1.0
//
// What it is: acquire, renew, release, break, show and list, as text and as JSON.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <regex>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;

bool matches(const std::string& text, const std::string& pattern) {
    return std::regex_match(text, std::regex{pattern});
}

TEST(acquire, prints_name_id_fence_and_remaining_time) {
    const cli_store store;
    const auto result = store.run({"acquire", "job", "--ttl", "20s"});
    EXPECT_EQ(result.code, 0) << result.err;
    const auto fields = parse_fields(result.out);
    EXPECT_EQ(fields.at("name"), "job");
    EXPECT_TRUE(matches(fields.at("id"), "[0-9a-f]{32}"));
    EXPECT_GT(std::stoull(fields.at("fence")), 0U);
    EXPECT_GT(std::stol(fields.at("remaining_ms")), 15'000);
    EXPECT_LE(std::stol(fields.at("remaining_ms")), 20'000);
    EXPECT_TRUE(store.held("job"));
}

TEST(acquire, prints_one_json_object) {
    const cli_store store;
    const auto result = store.run({"--json", "acquire", "job"});
    EXPECT_TRUE(matches(result.out,
                        R"(\{"name":"job","id":"[0-9a-f]{32}","fence":\d+,"remaining_ms":\d+\}\n)"))
        << result.out;
}

TEST(acquire, of_a_taken_lock_is_75_and_says_who_has_it) {
    const cli_store store;
    ASSERT_EQ(store.run({"acquire", "job", "--owner", "night shift"}).code, 0);
    const auto result = store.run({"acquire", "job"});
    EXPECT_EQ(result.code, 75);
    EXPECT_THAT(result.err,
                HasSubstr("holdfast: acquire: \"job\" is taken by \"night shift\" (pid"));
}

TEST(acquire, waits_until_the_holder_releases) {
    const cli_store store;
    const auto first = store.acquire("job");
    cli_process waiter{store.options({"acquire", "job", "--wait", "20s"})};
    ASSERT_EQ(store.run({"release", "job", first.at("id")}).code, 0);
    EXPECT_EQ(waiter.wait().code, 0);
}

TEST(acquire, a_signal_ends_the_wait_and_nothing_is_held_afterwards) {
    const cli_store store;
    const auto first = store.acquire("job");
    cli_process waiter{store.options({"acquire", "job", "--wait", "forever"})};
    ASSERT_TRUE(poll_until([&] { return children_of(::getpid()).size() == 1; }));
    ASSERT_TRUE(poll_until([&] { return state_of(waiter.pid()) == 'S'; }));
    waiter.signal(SIGTERM);
    const auto result = waiter.wait();
    EXPECT_EQ(result.code, 128 + SIGTERM) << result.err;
    ASSERT_EQ(store.run({"release", "job", first.at("id")}).code, 0);
    EXPECT_FALSE(store.held("job"));
}

// Why: without its id nobody could give the lock back before its ttl.
TEST(acquire, gives_the_lock_back_if_the_id_cannot_be_printed) {
    const cli_store store;
    auto options = store.options({"-c", "exec \"$0\" acquire job >/dev/full", HOLDFAST_PROGRAM});
    options.program = "sh";
    cli_process program{options};
    EXPECT_EQ(program.wait().code, 69);
    EXPECT_FALSE(store.held("job"));
}

TEST(acquire, draws_a_higher_fence_each_time) {
    const cli_store store;
    unsigned long long last = 0;
    for (int round = 0; round < 5; ++round) {
        const auto taken = store.acquire("job");
        EXPECT_GT(std::stoull(taken.at("fence")), last);
        last = std::stoull(taken.at("fence"));
        ASSERT_EQ(store.run({"release", "job", taken.at("id")}).code, 0);
    }
}

TEST(renew, extends_the_lock_of_whoever_knows_the_id) {
    const cli_store store;
    const auto taken = store.acquire("job", "5s");
    const auto result = store.run({"renew", "job", taken.at("id"), "--ttl", "1h"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_GT(std::stol(parse_fields(result.out).at("remaining_ms")), 3'000'000);
    const auto shown = parse_fields(store.run({"show", "job"}).out);
    EXPECT_GT(std::stol(shown.at("remaining_ms")), 3'000'000);
}

TEST(renew, prints_json) {
    const cli_store store;
    const auto taken = store.acquire("job");
    const auto result = store.run({"--json", "renew", "job", taken.at("id"), "--ttl", "30s"});
    EXPECT_TRUE(matches(result.out, R"(\{"name":"job","renewed":true,"remaining_ms":\d+\}\n)"))
        << result.out;
}

TEST(renew, with_another_id_or_of_a_free_lock_is_1) {
    const cli_store store;
    store.acquire("job");
    const std::string other(32, 'a');
    const auto not_mine = store.run({"renew", "job", other, "--ttl", "5s"});
    EXPECT_EQ(not_mine.code, 1);
    EXPECT_THAT(not_mine.err, HasSubstr("held by another id"));
    const auto free = store.run({"renew", "nothing", other, "--ttl", "5s"});
    EXPECT_EQ(free.code, 1);
    EXPECT_THAT(free.err, HasSubstr("is not held"));
}

// Why: who reads JSON gets an object for each outcome, as from show and break.
TEST(renew, and_release_print_json_also_for_what_is_not_held_by_that_id) {
    const cli_store store;
    store.acquire("job");
    const std::string other(32, 'a');
    for (const std::string name : {"job", "nothing"}) {
        const auto renewed = store.run({"--json", "renew", name, other, "--ttl", "5s"});
        EXPECT_EQ(renewed.code, 1);
        EXPECT_EQ(renewed.out, "{\"name\":\"" + name + "\",\"renewed\":false}\n");
        const auto released = store.run({"--json", "release", name, other});
        EXPECT_EQ(released.code, 1);
        EXPECT_EQ(released.out, "{\"name\":\"" + name + "\",\"released\":false}\n");
        EXPECT_EQ(store.run({"renew", name, other, "--ttl", "5s"}).out, "");
    }
    EXPECT_TRUE(store.held("job"));
}

TEST(release, frees_the_lock_and_a_second_one_is_1) {
    const cli_store store;
    const auto taken = store.acquire("job");
    EXPECT_EQ(store.run({"release", "job", taken.at("id")}).code, 0);
    EXPECT_FALSE(store.held("job"));
    EXPECT_EQ(store.run({"release", "job", taken.at("id")}).code, 1);
}

TEST(release, reads_the_id_from_stdin) {
    const cli_store store;
    const auto taken = store.acquire("job");
    const auto result = store.run({"--json", "release", "job", "-"}, taken.at("id") + "\n");
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "{\"name\":\"job\",\"released\":true}\n");
}

TEST(release, by_another_id_is_1_and_frees_nothing) {
    const cli_store store;
    store.acquire("job");
    EXPECT_EQ(store.run({"release", "job", std::string(32, 'b')}).code, 1);
    EXPECT_TRUE(store.held("job"));
}

TEST(break_lock, takes_the_lock_away_and_says_who_had_it) {
    const cli_store store;
    const auto taken = store.acquire("job");
    const auto result = store.run({"break", "job"});
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(parse_fields(result.out).at("id"), taken.at("id").substr(0, 8) + dots);
    EXPECT_FALSE(store.held("job"));
}

TEST(break_lock, of_a_free_lock_is_1) {
    const cli_store store;
    EXPECT_EQ(store.run({"break", "job"}).code, 1);
    EXPECT_EQ(store.run({"--json", "break", "job"}).out, "{\"name\":\"job\",\"held\":false}\n");
}

TEST(show, tells_the_holder_as_text_and_as_json) {
    const cli_store store;
    const auto taken = parse_fields(store.run({"acquire", "job", "--owner", "me"}).out);
    const auto shown = parse_fields(store.run({"show", "job"}).out);
    EXPECT_EQ(shown.at("name"), "job");
    EXPECT_EQ(shown.at("owner"), "me");
    EXPECT_EQ(shown.at("fence"), taken.at("fence"));
    EXPECT_FALSE(shown.at("host").empty());
    EXPECT_GT(std::stol(shown.at("pid")), 0);
    EXPECT_EQ(shown.at("mode"), "exclusive");
    EXPECT_EQ(shown.at("holders"), "1");
    EXPECT_EQ(shown.at("waiters"), "0");
    const auto json = store.run({"--json", "show", "job"}).out;
    EXPECT_TRUE(matches(json, R"(\{"name":"job","held":true,"id":"[0-9a-f]{8})" + dots +
                                  R"(","owner":"me","host":"[^"]+","pid":\d+,"fence":)" +
                                  taken.at("fence") +
                                  R"(,"remaining_ms":\d+,"mode":"exclusive","holders":1,)"
                                  R"("waiters":0\}\n)"))
        << json;
}

TEST(show, of_a_free_lock_is_1) {
    const cli_store store;
    const auto result = store.run({"show", "job"});
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.err, "holdfast: show: \"job\" is not held\n");
}

// Why: who reads an id can release the lock, so only who took it gets to see it.
TEST(show, never_prints_an_id_in_full) {
    const cli_store store;
    const auto taken = store.acquire("job");
    for (const auto& command :
         {words{"show", "job"}, words{"--json", "show", "job"}, words{"list"},
          words{"--json", "list"}, words{"acquire", "job"}, words{"--json", "break", "job"}}) {
        const auto result = store.run(command);
        EXPECT_THAT(result.out + result.err, Not(HasSubstr(taken.at("id").substr(0, 12))));
    }
}

TEST(list, prints_what_begins_with_the_prefix_in_order) {
    const cli_store store;
    for (const auto* name : {"b:2", "a:1", "b:1"}) store.acquire(name);
    const auto all = store.run({"--json", "list"}).out;
    EXPECT_LT(all.find("\"a:1\""), all.find("\"b:1\""));
    EXPECT_LT(all.find("\"b:1\""), all.find("\"b:2\""));
    const auto some = store.run({"list", "b:"}).out;
    EXPECT_TRUE(matches(some,
                        "NAME[^\n]*REMAINING_MS  MODE       HOLDERS  WAITERS\n"
                        "b:1 [^\n]*exclusive  1        0\nb:2 [^\n]*\n"))
        << some;
}

TEST(list, of_nothing_is_empty_and_0) {
    const cli_store store;
    const auto result = store.run({"list"});
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.out, "");
}

// Why: names are bytes, JSON is UTF-8: what does not fit stands in a field of its own.
TEST(json, tells_the_bytes_of_a_name_that_is_no_text) {
    const cli_store store;
    const auto result = store.run({"--json", "show",
                                   "a\xff"
                                   "b"});
    EXPECT_EQ(result.out,
              "{\"name\":\"a\xEF\xBF\xBD"
              "b\",\"name_hex\":\"61ff62\",\"held\":false}\n");
}

TEST(store_choice, takes_the_file_of_the_user_by_default_and_makes_it_private) {
    const temp_dir home;
    const std::map<std::string, std::string> environment{{"HOME", home.path().string()}};
    ASSERT_EQ(holdfast_cli({"acquire", "job"}, environment).code, 0);
    const auto directory = home / ".local/state/holdfast";
    const auto mode = [](const std::string& path) {
        return static_cast<int>(std::filesystem::status(path).permissions());
    };
    EXPECT_EQ(mode(directory), 0700);
    EXPECT_EQ(mode(directory + "/locks.db"), 0600);
    EXPECT_EQ(holdfast_cli({"show", "job"}, environment).code, 0);
}

TEST(store_choice, honours_xdg_state_home) {
    const temp_dir home;
    const auto state = home / "state with space";
    const std::map<std::string, std::string> environment{{"XDG_STATE_HOME", state}};
    ASSERT_EQ(holdfast_cli({"acquire", "job"}, environment).code, 0);
    EXPECT_TRUE(file_exists(state + "/holdfast/locks.db"));
}

TEST(store_choice, prefers_the_option_to_the_environment) {
    const cli_store store;
    store.acquire("job");
    EXPECT_EQ(store.run({"--store", "memory:", "show", "job"}).code, 1);
}

TEST(store_choice, refuses_two_stores_in_the_environment) {
    EXPECT_EQ(holdfast_cli({"show", "x"}, {{"HOLDFAST_STORE", "memory: memory:"}}).code, 64);
}

TEST(completion, for_bash_parses_and_offers_commands_and_options) {
    const cli_store store;
    const auto script = store.run({"completion", "bash"});
    ASSERT_EQ(script.code, 0);
    cli_process check{{.arguments = {"-n"}, .input = script.out, .program = "bash"}};
    EXPECT_EQ(check.wait().code, 0) << check.err();
    const auto ask = script.out +
                     "COMP_WORDS=(holdfast a); COMP_CWORD=1; _holdfast; echo \"${COMPREPLY[*]}\"\n"
                     "COMP_WORDS=(holdfast run x --g); COMP_CWORD=3; _holdfast; "
                     "echo \"${COMPREPLY[*]}\"\n";
    cli_process answers{{.arguments = {"-s"}, .input = ask, .program = "bash"}};
    EXPECT_EQ(answers.wait().out, "acquire\n--grace\n");
}

TEST(completion, for_zsh_and_fish_names_every_command) {
    const cli_store store;
    for (const auto* shell : {"zsh", "fish"}) {
        const auto script = store.run({"completion", shell});
        EXPECT_EQ(script.code, 0);
        for (const auto* command :
             {"run", "acquire", "renew", "release", "break", "show", "list", "bench", "range"}) {
            EXPECT_THAT(script.out, HasSubstr(command)) << shell;
        }
        for (const auto* flag : {"max-hold", "shared", "permits", "fair", "clients"}) {
            EXPECT_THAT(script.out, HasSubstr(flag)) << shell;
        }
    }
}

}  // namespace
}  // namespace holdfast::test
