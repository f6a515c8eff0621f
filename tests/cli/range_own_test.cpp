// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range ...` on holdfast's own ranges, in an SQLite file.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <regex>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void expect_match(const std::string& text, const std::string& pattern) {
    EXPECT_TRUE(std::regex_match(text, std::regex{pattern})) << text;
}

void expect_one_line(const process_result& how) {
    EXPECT_EQ(std::count(how.err.begin(), how.err.end(), '\n'), 1) << how.err;
    EXPECT_THAT(how.err, StartsWith("holdfast: "));
}

class own_range : public testing::Test {
protected:
    /// `holdfast range ARGUMENTS`.
    [[nodiscard]] process_result range(words arguments, const std::string& input = {}) const {
        arguments.insert(arguments.begin(), "range");
        return store_.run(arguments, input);
    }
    /// Holds a range of `room`, for 5 minutes. @return What was printed.
    std::map<std::string, std::string> hold(const std::string& start, const std::string& end,
                                            const words& more = {}) const {
        words all{"hold", "room", start, end, "--ttl", "5m"};
        all.insert(all.end(), more.begin(), more.end());
        const auto how = range(all);
        EXPECT_EQ(how.code, 0) << how.err;
        EXPECT_EQ(how.err, "");
        return parse_fields(how.out);
    }
    [[nodiscard]] cli_process start(words arguments) const {
        arguments.insert(arguments.begin(), "range");
        return cli_process{store_.options(std::move(arguments))};
    }
    /// The holds of `room`, as JSON.
    [[nodiscard]] std::string listed() const { return range({"list", "room", "--json"}).out; }
    /// The same command, with its output where `redirection` of a shell says.
    [[nodiscard]] process_result redirected(words arguments, const std::string& redirection) const {
        arguments.insert(arguments.begin(),
                         {"-c", "exec \"$0\" range \"$@\" " + redirection, HOLDFAST_PROGRAM});
        auto options = store_.options(std::move(arguments));
        options.program = "sh";
        return cli_process{options}.wait();
    }

    void refused(const words& arguments, const std::string& why) const {
        const auto how = range(arguments);
        EXPECT_EQ(how.code, 64) << testing::PrintToString(arguments) << how.err;
        EXPECT_EQ(how.out, "");
        expect_one_line(how);
        EXPECT_THAT(how.err, HasSubstr(why));
    }
    void hold_refused(const words& options, const std::string& why) const {
        words all{"hold", "room", "30", "40"};
        all.insert(all.end(), options.begin(), options.end());
        refused(all, why);
    }

    cli_store store_;
};

// ---- hold

TEST_F(own_range, hold_prints_what_is_held_with_its_whole_id) {
    const auto said = hold("10", "20", {"--data", "for the choir", "--owner", "me"});
    EXPECT_EQ(said.at("key"), "room");
    expect_match(said.at("id"), "[0-9a-f]{32}");
    EXPECT_EQ(said.at("start"), "10");
    EXPECT_EQ(said.at("end"), "20");
    EXPECT_GT(std::stoull(said.at("fence")), 0U);
    EXPECT_GT(std::stol(said.at("remaining_ms")), 200'000);
    EXPECT_LE(std::stol(said.at("remaining_ms")), 300'000);
    EXPECT_EQ(said.at("owner"), "me");
    EXPECT_EQ(said.at("data"), "for the choir");
    EXPECT_EQ(said.count("units"), 0U);
    const auto later = hold("20", "30", {"--capacity", "3", "--units", "2"});
    EXPECT_EQ(later.at("units"), "2");
    EXPECT_GT(std::stoull(later.at("fence")), std::stoull(said.at("fence")));
}

TEST_F(own_range, is_in_the_file_of_the_user_by_default) {
    const temp_dir home;
    const std::map<std::string, std::string> environment{{"HOME", home.path().string()}};
    const auto held = holdfast_cli({"range", "hold", "list", "-20", "-10"}, environment);
    ASSERT_EQ(held.code, 0) << held.err;
    EXPECT_TRUE(file_exists(home / ".local/state/holdfast/locks.db"));
    EXPECT_EQ(holdfast_cli({"range", "hold", "list", "-11", "0"}, environment).code, 75);
    EXPECT_EQ(holdfast_cli({"list"}, environment).out, "") << "they are no locks";
}

TEST_F(own_range, that_is_taken_is_75_and_tells_all_that_is_in_the_way) {
    const auto first = hold("10", "20", {"--owner", "me", "--data", "x\ny"});
    const auto second = hold("20", "30");
    ASSERT_EQ(range({"confirm", "room", second.at("id")}).code, 0);
    hold("40", "50");
    const auto how = range({"hold", "room", "15", "40"});
    EXPECT_EQ(how.code, 75);
    EXPECT_EQ(how.err,
              "holdfast: range hold: \"room\" is taken from 10 to 20 by \"me\", and 1 more\n");
    expect_match(how.out,
                 "START  END  OWNER  REMAINING_MS  DATA\n"
                 "10     20   me     [0-9]{6}        x\\\\x0ay\n"
                 "20     30   -      confirmed     -\n");
    const auto json = range({"hold", "room", "15", "40", "--json"});
    EXPECT_EQ(json.code, 75);
    expect_match(json.out,
                 R"(\{"held":false,"blockers":\[\{"key":"room","start":10,"end":20,"units":1,)"
                 R"("fence":\d+,"confirmed":false,"remaining_ms":\d+,"owner":"me",)"
                 R"("data":"x\\ny"\},\{"key":"room","start":20,"end":30,"units":1,"fence":\d+,)"
                 R"("confirmed":true,"remaining_ms":null,"owner":"","data":""\}\]\}\n)");
    for (const auto& one : {first, second})
        EXPECT_THAT(how.out + how.err + json.out, Not(HasSubstr(one.at("id").substr(0, 8))));
    hold("30", "40");
}

TEST_F(own_range, prints_json) {
    const auto held = range({"hold", "room", "10", "20", "--data", "d", "--json"});
    ASSERT_EQ(held.code, 0) << held.err;
    expect_match(held.out,
                 R"(\{"held":true,"key":"room","id":"[0-9a-f]{32}","start":10,"end":20,"units":1,)"
                 R"("fence":\d+,"confirmed":false,"remaining_ms":\d+,"owner":"","data":"d"\}\n)");
    const std::string id = held.out.substr(held.out.find("\"id\":\"") + 6, 32);
    const std::string row = R"("key":"room","id":"[0-9a-f]{8})" + dots +
                            R"(","start":10,"end":20,"units":1,"fence":\d+,"confirmed":false,)"
                            R"("remaining_ms":\d+,"owner":"","data":"d"\}\n)";
    expect_match(range({"get", "room", id, "--json"}).out, R"(\{"held":true,)" + row);
    expect_match(listed(), R"(\{)" + row);
    expect_match(range({"move", "room", id, "10", "20", "--json"}).out, R"(\{"moved":true,)" + row);
    expect_match(range({"renew", "room", id, "--ttl", "1m", "--json"}).out,
                 R"(\{"key":"room","renewed":true,"remaining_ms":\d+\}\n)");
    EXPECT_THAT(range({"confirm", "room", id, "--json"}).out,
                HasSubstr(R"("confirmed":true,"remaining_ms":null)"));
    EXPECT_EQ(range({"capacity", "room", "--json"}).out, "{\"key\":\"room\",\"capacity\":1}\n");
    const words look{"free", "room", "--length", "5", "--from", "0", "--json"};
    const auto until = [&](const std::string& end) {
        words all = look;
        all.insert(all.end(), {"--to", end});
        return range(all).out;
    };
    EXPECT_EQ(until("9"), "{\"key\":\"room\",\"free\":true,\"start\":0,\"end\":5}\n");
    EXPECT_EQ(until("4"), "{\"key\":\"room\",\"free\":false}\n");
    EXPECT_EQ(range({"release", "room", id, "--json"}).out,
              "{\"key\":\"room\",\"released\":true}\n");
    const std::string none = "{\"key\":\"room\",\"held\":false}\n";
    for (const words& verb : {words{"get", "room", id}, words{"renew", "room", id, "--ttl", "1m"},
                              words{"confirm", "room", id}, words{"move", "room", id, "1", "2"},
                              words{"release", "room", id}}) {
        words asked = verb;
        asked.emplace_back("--json");
        EXPECT_EQ(range(asked).out, none) << verb.front();
    }
}

// Why: numbers of thirteen digits say nothing to people; programs get them still.
TEST_F(own_range, given_as_instants_is_told_as_instants_too) {
    const auto said = hold("2026-11-21T10:00:00Z", "2026-11-21T12:00:00.5+01:00");
    EXPECT_EQ(said.at("start"), "1795255200000 (2026-11-21T10:00:00Z)");
    EXPECT_EQ(said.at("end"), "1795258800500 (2026-11-21T11:00:00.500Z)");
    const auto taken = range({"hold", "room", "2026-11-21T10:30:00Z", "1795258800501"});
    EXPECT_EQ(taken.code, 75);
    EXPECT_THAT(taken.err, HasSubstr("from 1795255200000 (2026-11-21T10:00:00Z) to"));
    EXPECT_THAT(range({"list", "room", "--from", "2026-11-21T00:00:00Z"}).out,
                HasSubstr("\n1795255200000 (2026-11-21T10:00:00Z)  1795258800500 ("));
    EXPECT_THAT(listed(), HasSubstr("\"start\":1795255200000,\"end\":1795258800500,"));
    const auto gap = range({"free", "room", "--length", "30m", "--from", "2026-11-21T09:45:00Z",
                            "--to", "2026-11-21T12:00:00Z"});
    EXPECT_EQ(gap.out,
              "start  1795258800500 (2026-11-21T11:00:00.500Z)\n"
              "end    1795260600500 (2026-11-21T11:30:00.500Z)\n");
}

// Why: a call whose answer was lost can be repeated.
TEST_F(own_range, asked_for_again_with_the_same_id_is_the_same_hold) {
    const auto first = hold("10", "20", {"--id", "order-4711", "--data", "first"});
    EXPECT_EQ(first.at("id"), "order-4711");
    const auto again =
        range({"hold", "room", "10", "20", "--ttl", "1s", "--id", "-", "--data", "second"},
              "order-4711\n");
    ASSERT_EQ(again.code, 0) << again.err;
    const auto said = parse_fields(again.out);
    EXPECT_EQ(said.at("fence"), first.at("fence"));
    EXPECT_EQ(said.at("data"), "first") << "what is kept is told";
    EXPECT_GT(std::stol(said.at("remaining_ms")), 200'000);
    EXPECT_EQ(range({"hold", "room", "30", "40", "--id", "order-4711"}).code, 64);
    EXPECT_THAT(listed(), HasSubstr("\"id\":\"order" + dots + "\""));
}

TEST_F(own_range, of_several_units_share_a_capacity) {
    EXPECT_EQ(range({"capacity", "room"}).out, "key       room\ncapacity  1\n");
    ASSERT_EQ(range({"capacity", "room", "3"}).code, 0);
    EXPECT_EQ(range({"capacity", "room"}).out, "key       room\ncapacity  3\n");
    hold("10", "20", {"--units", "2"});
    hold("10", "20");
    const auto full = range({"hold", "room", "15", "16"});
    EXPECT_EQ(full.code, 75);
    EXPECT_THAT(full.out, StartsWith("START  END  UNITS  OWNER"));
    hold("15", "16", {"--capacity", "4"});
    const auto gap = [&](const std::string& units) {
        return range(
            {"free", "room", "--length", "5", "--from", "10", "--to", "25", "--units", units});
    };
    EXPECT_THAT(gap("3").out, StartsWith("start  20\n"));
    EXPECT_EQ(gap("4").code, 1);
}

// ---- one hold

TEST_F(own_range, get_renew_move_confirm_and_release_know_it_by_its_id) {
    const auto held = hold("10", "20");
    const auto& id = held.at("id");
    const auto found = parse_fields(range({"get", "room", "-"}, id + "\n").out);
    EXPECT_EQ(found.at("id"), id.substr(0, 8) + dots) << "whoever knows it can release it";
    EXPECT_EQ(found.at("fence"), held.at("fence"));

    const auto renewed = parse_fields(range({"renew", "room", "-", "--ttl", "1h"}, id + "\n").out);
    EXPECT_GT(std::stol(renewed.at("remaining_ms")), 3'000'000);

    hold("40", "50");
    const auto stays = range({"move", "room", id, "15", "41"});
    EXPECT_EQ(stays.code, 75);
    expect_one_line(stays);
    EXPECT_THAT(stays.err, HasSubstr("\"room\" is taken from 40 to 50"));
    EXPECT_THAT(range({"move", "room", id, "15", "41", "--json"}).out,
                StartsWith("{\"moved\":false,\"blockers\":[{\"key\":\"room\",\"start\":40,"));
    const auto moved = range({"move", "room", "-", "15", "40"}, id + "\n");
    ASSERT_EQ(moved.code, 0) << moved.err;
    EXPECT_EQ(parse_fields(moved.out).at("start"), "15");
    EXPECT_GT(std::stoull(parse_fields(moved.out).at("fence")), std::stoull(held.at("fence")));

    const auto kept = range({"confirm", "room", "-"}, id + "\n");
    ASSERT_EQ(kept.code, 0) << kept.err;
    EXPECT_EQ(parse_fields(kept.out).at("remaining_ms"), "confirmed");
    const auto gone = range({"release", "room", "-"}, id + "\n");
    EXPECT_EQ(gone.code, 0) << gone.err;
    EXPECT_EQ(gone.out + gone.err, "");
    hold("10", "40");
}

TEST_F(own_range, that_is_not_held_by_that_id_is_1_in_one_line) {
    const auto held = hold("10", "20");
    const auto before = listed();
    for (const words& verb :
         {words{"get", "room", "nobody"}, words{"renew", "room", "nobody", "--ttl", "1m"},
          words{"confirm", "room", "nobody"}, words{"move", "room", "nobody", "1", "2"},
          words{"release", "room", "nobody"}, words{"release", "another", held.at("id")}}) {
        const auto how = range(verb);
        EXPECT_EQ(how.code, 1) << verb.front();
        EXPECT_EQ(how.out, "");
        expect_one_line(how);
        EXPECT_EQ(how.err, "holdfast: range " + verb[0] + ": \"" + verb[1] +
                               "\" has no such hold, or it has run out\n");
    }
    EXPECT_EQ(range({"get", "room", held.at("id")}).code, 0);
}

TEST_F(own_range, whose_ttl_is_over_is_1_and_cannot_be_confirmed) {
    const auto short_one = range({"hold", "room", "10", "20", "--ttl", "2s"});
    ASSERT_EQ(short_one.code, 0) << short_one.err;
    const auto id = parse_fields(short_one.out).at("id");
    ASSERT_TRUE(poll_until([&] { return range({"get", "room", id}).code == 1; }));
    EXPECT_EQ(range({"confirm", "room", id}).code, 1);
    EXPECT_EQ(listed(), "");
}

// ---- several

TEST_F(own_range, list_prints_a_window_in_order) {
    hold("30", "40", {"--owner", "c"});
    const auto a = hold("10", "20", {"--owner", "a"});
    hold("20", "30", {"--owner", "b"});
    expect_match(range({"list", "room"}).out,
                 "START  END  UNITS  OWNER  FENCE +REMAINING_MS  ID\n"
                 "10     20   1      a      [0-9]+  [0-9]{6}        [0-9a-f]{8}" +
                     dots +
                     "\n"
                     "20     30   1      b      [0-9]+  [0-9]{6}        [0-9a-f]{8}" +
                     dots +
                     "\n"
                     "30     40   1      c      [0-9]+  [0-9]{6}        [0-9a-f]{8}" +
                     dots + "\n");
    const auto owners = [&](words window) {
        window.insert(window.begin(), {"list", "room"});
        std::string all;
        auto text = range(window).out;
        for (std::smatch found; std::regex_search(text, found, std::regex("  ([abc])  "));
             text = found.suffix())
            all += found[1];
        return all;
    };
    EXPECT_EQ(owners({"--from", "20"}), "bc");
    EXPECT_EQ(owners({"--to", "20"}), "a");
    EXPECT_EQ(owners({"--from", "19", "--to", "21"}), "ab");
    EXPECT_EQ(owners({"--from", "-5", "--to", "-1"}), "");
    EXPECT_EQ(range({"list", "nothing"}).out, "");
    EXPECT_THAT(range({"list", "room"}).out, Not(HasSubstr(a.at("id").substr(0, 9))));
    const auto two = range({"list", "room", "--limit", "2", "--json"});
    EXPECT_EQ(two.code, 0);
    EXPECT_EQ(std::count(two.out.begin(), two.out.end(), '\n'), 2);
    EXPECT_THAT(two.err, HasSubstr("there are more than these 2"));
    EXPECT_EQ(range({"list", "room", "--limit", "3"}).err, "");
}

TEST_F(own_range, free_finds_the_first_gap) {
    hold("10", "20");
    hold("25", "30");
    const auto gap = [&](const std::string& length, const std::string& to = "40") {
        return range({"free", "room", "--length", length, "--from", "10", "--to", to});
    };
    EXPECT_EQ(gap("5").out, "start  20\nend    25\n");
    EXPECT_EQ(gap("6").out, "start  30\nend    36\n");
    EXPECT_EQ(gap("10ms").out, "start  30\nend    40\n");
    const auto none = gap("6", "35");
    EXPECT_EQ(none.code, 1);
    EXPECT_EQ(none.out, "");
    expect_one_line(none);
}

// ---- waiting

TEST_F(own_range, that_is_waited_for_is_held_at_the_release) {
    const auto first = hold("10", "20");
    auto waiter = start({"hold", "room", "15", "25", "--wait", "30s", "--owner", "next"});
    ASSERT_TRUE(poll_until([&] { return state_of(waiter.pid()) == 'S'; }));
    EXPECT_FALSE(waiter.ended());
    ASSERT_EQ(range({"release", "room", first.at("id")}).code, 0);
    const auto how = waiter.wait();
    EXPECT_EQ(how.code, 0) << how.err;
    EXPECT_EQ(parse_fields(how.out).at("owner"), "next");
}

TEST_F(own_range, that_is_not_free_in_time_is_75) {
    hold("10", "20", {"--owner", "me"});
    const auto how = range({"hold", "room", "15", "25", "--wait", "100ms"});
    EXPECT_EQ(how.code, 75);
    EXPECT_GE(how.took, std::chrono::milliseconds(100));
    EXPECT_THAT(how.err, HasSubstr("is taken from 10 to 20 by \"me\" (not free in time)"));
    EXPECT_THAT(how.out, StartsWith("START"));
}

TEST_F(own_range, is_not_waited_for_any_more_when_a_signal_comes_and_nothing_is_held) {
    const auto first = hold("10", "20");
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        auto waiter = start({"hold", "room", "15", "25", "--wait", "forever"});
        ASSERT_TRUE(poll_until([&] { return state_of(waiter.pid()) == 'S'; }));
        waiter.signal(signal);
        const auto how = waiter.wait();
        EXPECT_EQ(how.code, 128 + signal) << how.err;
        EXPECT_EQ(how.out, "");
    }
    ASSERT_EQ(range({"release", "room", first.at("id")}).code, 0);
    EXPECT_EQ(listed(), "");
}

// ---- output

// Why: without its id nobody could give it back before its ttl.
TEST_F(own_range, is_given_back_if_its_id_cannot_be_printed) {
    const auto how = redirected({"hold", "room", "10", "20", "--ttl", "1h"}, ">/dev/full");
    EXPECT_EQ(how.code, 69);
    expect_one_line(how);
    EXPECT_THAT(how.err, HasSubstr("the range was given back"));
    EXPECT_EQ(listed(), "");
}

// Why: an id that was released must not be used again, and whoever chose it knows it.
TEST_F(own_range, stays_held_if_its_id_was_chosen_by_the_caller) {
    const auto how = redirected({"hold", "room", "10", "20", "--id", "order-4711"}, ">/dev/full");
    EXPECT_EQ(how.code, 69);
    expect_one_line(how);
    EXPECT_THAT(how.err, HasSubstr("by the id that was given"));
    EXPECT_EQ(range({"release", "room", "order-4711"}).code, 0);
}

TEST_F(own_range, output_that_cannot_be_written_is_69) {
    const auto id = hold("10", "20").at("id");
    for (const words& verb :
         {words{"get", "room", id}, words{"list", "room"}, words{"list", "room", "--json"},
          words{"capacity", "room"}, words{"renew", "room", id, "--ttl", "1m"},
          words{"free", "room", "--length", "1", "--from", "0", "--to", "9"},
          words{"hold", "room", "1", "20", "--json"}, words{"move", "room", id, "10", "21"},
          words{"confirm", "room", id}, words{"release", "room", id, "--json"}}) {
        const auto how = redirected(verb, ">/dev/full");
        EXPECT_EQ(how.code, 69) << verb.front();
        EXPECT_THAT(how.err, HasSubstr("No space left on device")) << verb.front();
    }
    EXPECT_EQ(listed(), "");
}

// ---- usage

TEST_F(own_range, that_is_none_is_64_in_one_line_and_changes_nothing) {
    hold("10", "20", {"--id", "mine"});
    ASSERT_EQ(range({"confirm", "room", "mine"}).code, 0);
    const auto before = listed();
    for (const char* const odd :
         {"NaN", "inf", "1.5", "1e3", "", " 1", "ten", "0x10", "2026-11-21"})
        refused({"hold", "room", odd, "40"}, "START: a whole number, or an instant");
    refused({"hold", "room", "9223372036854775808", "40"}, "START: a whole number from -92233");
    refused({"hold", "room", "2026-02-30T10:00:00Z", "40"}, "START: a date and a time that exist");
    refused({"hold", "room", "30", "NaN"}, "END: a whole number, or an instant");
    refused({"hold", "room", "30", "99999999999999999999"}, "END: a whole number from -9223372036");
    refused({"hold", "room", "2026-11-21T10:00:00", "40"}, "START: an instant with its offset");
    refused({"move", "room", "mine", "30", "NaN"}, "END: a whole number, or an instant");
    refused({"list", "room", "--from", "ten"}, "--from: a whole number, or an instant");
    refused({"hold", "room", "30"}, "END");
    refused({"hold", "room", "40", "40"}, "end of a range must be above its start");
    refused({"hold", "room", "41", "40"}, "end of a range must be above its start");
    refused({"hold", "room", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00+01:00"}, "above");
    refused({"move", "room", "mine", "50", "50"}, "above its start");
    refused({"list", "room", "--from", "20", "--to", "10"}, "above its start");
    refused({"free", "room", "--length", "5", "--from", "0"}, "--to");
    for (const char* const odd : {"0", "-5", "0s", "1d", "x", "1.5", "2026-11-21T10:00:00Z"})
        refused({"free", "room", "--length", odd, "--from", "0", "--to", "9"}, "--length");
    EXPECT_EQ(listed(), before);
}

TEST_F(own_range, other_bad_input_is_64_in_one_line_and_changes_nothing) {
    hold("10", "20", {"--id", "mine"});
    ASSERT_EQ(range({"confirm", "room", "mine"}).code, 0);
    const auto before = listed();
    refused({}, "command is missing");
    refused({"hold", "", "30", "40"}, "1 to 512 bytes, not 0");
    refused({"hold", std::string(513, 'k'), "30", "40"}, "1 to 512 bytes, not 513");
    refused({"release", "", "mine"}, "1 to 512 bytes, not 0");
    hold_refused({"--ttl=-5s"}, "--ttl: ");
    hold_refused({"--ttl", "-5s"}, "--ttl");
    hold_refused({"--ttl", "0s"}, "10ms to 24h");
    hold_refused({"--ttl", "30"}, "a unit");
    hold_refused({"--data", std::string(64 * 1024 + 1, 'x')}, "at most 65536 bytes");
    hold_refused({"--wait", "never"}, "--wait");
    for (const char* const odd : {"0", "-1", "1000001", "few", "1.5"})
        hold_refused({"--units", odd}, "--units");
    for (const char* const odd : {"0", "-1", "few"}) {
        hold_refused({"--capacity", odd}, "--capacity");
        refused({"capacity", "room", odd}, "N");
    }
    hold_refused({"--units", "3", "--capacity", "2"}, "at most the capacity of 2");
    hold_refused({"--id", ""}, "the id is empty");
    hold_refused({"--id", std::string(256, 'i')}, "1 to 255 bytes, not 256");
    hold_refused({"--id", "mine"}, "");
    hold_refused({"--owner", std::string(257, 'o')}, "at most 256 bytes");
    hold_refused({"--owner", "a\nb"}, "no control characters");
    refused({"get", "room", ""}, "1 to 255 bytes, not 0");
    refused({"renew", "room", "mine"}, "--ttl");
    refused({"renew", "room", "mine", "--ttl", "25h"}, "10ms to 24h");
    refused({"list", "room", "--limit", "0"}, "--limit");
    refused({"list", "room", "--limit", "100001"}, "--limit");
    EXPECT_EQ(listed(), before);
    EXPECT_EQ(range({"capacity", "room"}).out, "key       room\ncapacity  1\n");
    EXPECT_EQ(range({"list", std::string(512, 'k')}).code, 0);
}

TEST_F(own_range, what_is_another_packages_or_of_several_stores_is_64) {
    refused({"list", "room", "--store", "memory:", "--store", "memory:"},
            "ranges are kept in one store, not by a quorum");
    hold_refused({"--mutex", "redis://127.0.0.1"}, "--mutex");
    refused({"list", "room", "--dialect", "range-lock"}, "--dialect");
    refused({"list", "room", "--store", "nosuch://x"}, "nosuch");
    const cli_store two{"memory: memory:"};
    EXPECT_EQ(two.run({"range", "list", "room"}).code, 64);
}

TEST_F(own_range, in_a_directory_in_place_of_a_file_is_69) {
    const auto how = cli_store{"sqlite:" + store_.directory().path().string()}.run(
        {"range", "hold", "room", "1", "2"});
    EXPECT_EQ(how.code, 69) << how.err;
    expect_one_line(how);
}

TEST_F(own_range, key_may_be_named_as_a_command_is_and_hold_any_bytes) {
    for (const std::string key : {"list", "hold", "run", "a\xff", "--"}) {
        const words end_of_options = key == "--" ? words{"--"} : words{};
        words hold_it{"hold", "--json"};
        hold_it.insert(hold_it.end(), end_of_options.begin(), end_of_options.end());
        hold_it.insert(hold_it.end(), {key, "1", "2"});
        EXPECT_EQ(range(hold_it).code, 0) << key;
    }
    EXPECT_THAT(range({"list", "a\xff", "--json"}).out, HasSubstr("\"key_hex\":\"61ff\""));
}

TEST_F(own_range, commands_are_in_the_help_and_in_completions) {
    const auto help = store_.run({"range", "--help"});
    for (const char* const verb :
         {"hold", "get", "release", "renew", "confirm", "move", "list", "free", "capacity"})
        EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + verb + " "));
    for (const char* const shell : {"bash", "zsh", "fish"})
        EXPECT_THAT(store_.run({"completion", shell}).out,
                    HasSubstr("hold get release renew confirm move list free capacity"))
            << shell;
}

}  // namespace
}  // namespace holdfast::test
