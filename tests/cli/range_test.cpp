// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range hold|get|release` on the servers of the Node package range-lock.
#include "cli_process.hpp"
#include "support/mariadb_server.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const std::string canary = "kanarienvogel";
const std::string id_shape = "[0-9]{5}-[0-9]{5}-[0-9a-f-]{36}";

class cli_range : public testing::Test {
protected:
    cli_range() { sql_session(sql_server()).try_ask("DELETE FROM `lock`"); }
    static void SetUpTestSuite() {
        if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    }
    static mariadb_server& sql_server() {
        static mariadb_server shared{{.tcp = true}};
        return shared;
    }
    static redis_server& redis() {
        static redis_server shared{{.tcp = true}};
        return shared;
    }
    /// `holdfast [--json] range VERB ARGUMENTS`, with both servers.
    [[nodiscard]] static words with_servers(words arguments) {
        arguments.insert(arguments.begin(), "range");
        arguments.insert(arguments.end(), {"--store", sql_server().url(), "--mutex", redis().url(),
                                           "--dialect", "range-lock"});
        return arguments;
    }
    [[nodiscard]] process_result range(words arguments, const std::string& input = {}) const {
        return holdfast_cli(with_servers(std::move(arguments)), {}, input);
    }
    static void expect_one_line(const process_result& how) {
        EXPECT_EQ(std::count(how.err.begin(), how.err.end(), '\n'), 1) << how.err;
        EXPECT_THAT(how.err, testing::StartsWith("holdfast: "));
    }
    [[nodiscard]] static std::string rows() {
        return sql_session(sql_server()).value("SELECT COUNT(*) FROM `lock`");
    }
};

TEST_F(cli_range, hold_get_release) {
    const auto held =
        range({"hold", "room 1", "10", "20", "--ttl", "5m", "--data", "for the choir"});
    ASSERT_EQ(held.code, 0) << held.err;
    EXPECT_EQ(held.err, "");
    auto said = parse_fields(held.out);
    EXPECT_THAT(said["id"], testing::MatchesRegex(id_shape));
    EXPECT_EQ(said["key"], "room 1");
    EXPECT_EQ(said["from"], "10");
    EXPECT_EQ(said["to"], "20");
    EXPECT_EQ(said["data"], "for the choir");
    EXPECT_EQ(
        sql_session(sql_server()).ask("SELECT id, `key`, `from`, `to`, expiry, data FROM `lock`"),
        (sql_rows{{said["id"], "room 1", "10", "20", said["expiry"], "for the choir"}}));

    const auto found = range({"get", "room 1", said["id"]});
    ASSERT_EQ(found.code, 0) << found.err;
    auto again = parse_fields(found.out);
    EXPECT_EQ(again["expiry"], said["expiry"]);
    EXPECT_EQ(again["id"], said["id"].substr(0, 8) + "…") << "whoever knows it can release it";
    EXPECT_EQ(range({"get", "another", said["id"]}).code, 1);

    EXPECT_EQ(range({"release", "another", said["id"]}).code, 1);
    const auto gone = range({"release", "room 1", "-"}, said["id"] + "\n");
    EXPECT_EQ(gone.code, 0) << gone.err;
    EXPECT_EQ(gone.out + gone.err, "");
    for (const char* const verb : {"get", "release"}) {
        const auto nothing = range({verb, "room 1", said["id"]});
        EXPECT_EQ(nothing.code, 1);
        EXPECT_EQ(nothing.out, "");
        expect_one_line(nothing);
        EXPECT_THAT(nothing.err, HasSubstr("\"room 1\" has no such lock"));
    }
}

TEST_F(cli_range, a_range_that_is_taken_is_75_and_tells_the_blocker) {
    const auto first = parse_fields(range({"hold", "k", "10", "20", "--data", "me"}).out);
    const auto how = range({"hold", "k", "15", "25"});
    EXPECT_EQ(how.code, 75);
    expect_one_line(how);
    EXPECT_THAT(how.err, HasSubstr("\"k\" is taken from 10 to 20"));
    auto blocker = parse_fields(how.out);
    EXPECT_EQ(blocker["id"], first.at("id").substr(0, 8) + "…");
    EXPECT_EQ(blocker["from"], "10");
    EXPECT_EQ(blocker["to"], "20");
    EXPECT_EQ(blocker["data"], "me");
    EXPECT_EQ(range({"hold", "k", "20", "25"}).code, 0) << "touching";
    EXPECT_EQ(range({"hold", "k", "-20", "-10"}).code, 0) << "below zero";
    EXPECT_EQ(range({"hold", "k", "-12", "-11"}).code, 75);
    EXPECT_EQ(rows(), "3");
}

TEST_F(cli_range, prints_json) {
    const auto held = range({"hold", "k", "10", "20", "--data", "me", "--json"});
    ASSERT_EQ(held.code, 0) << held.err;
    EXPECT_THAT(held.out, testing::MatchesRegex("\\{\"held\":true,\"id\":\"" + id_shape +
                                                "\",\"key\":\"k\",\"from\":10,\"to\":20,\"expiry\":"
                                                "[0-9]{13},\"data\":\"me\"\\}\n"));
    const std::string id = held.out.substr(held.out.find("\"id\":\"") + 6, 48);
    const auto taken = range({"hold", "k", "15", "25", "--json"});
    EXPECT_EQ(taken.code, 75);
    EXPECT_THAT(taken.out, testing::MatchesRegex(
                               "\\{\"held\":false,\"blocker\":\\{\"id\":\"[0-9-]{8}…\",\"key\":"
                               "\"k\",\"from\":10,\"to\":20,\"expiry\":[0-9]{13},\"data\":"
                               "\"me\"\\}\\}\n"));
    EXPECT_THAT(range({"get", "k", id, "--json"}).out,
                ContainsRegex("^\\{\"held\":true,\"id\":\"[0-9-]{8}…\",\"key\":\"k\""));
    EXPECT_EQ(range({"release", "k", id, "--json"}).out, "{\"key\":\"k\",\"released\":true}\n");
    EXPECT_EQ(range({"get", "k", id, "--json"}).out, "{\"key\":\"k\",\"held\":false}\n");
    const auto gone = range({"release", "k", id, "--json"});
    EXPECT_EQ(gone.code, 1);
    EXPECT_EQ(gone.out, "{\"key\":\"k\",\"held\":false}\n");
}

TEST_F(cli_range, instants_become_milliseconds_since_1970) {
    const auto held =
        range({"hold", "k", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00.5+01:00", "--ttl", "1h"});
    ASSERT_EQ(held.code, 0) << held.err;
    auto said = parse_fields(held.out);
    EXPECT_EQ(said["from"], "1795255200000");
    EXPECT_EQ(said["to"], "1795258800500");
    EXPECT_EQ(said.count("data"), 0U);
    EXPECT_EQ(range({"hold", "k", "1795258800499", "1795258800501"}).code, 75);
}

TEST_F(cli_range, servers_may_be_named_by_the_environment) {
    const auto held =
        holdfast_cli({"range", "hold", "k", "1", "2", "--dialect", "range-lock"},
                     {{"HOLDFAST_STORE", sql_server().url()}, {"HOLDFAST_MUTEX", redis().url()}});
    EXPECT_EQ(held.code, 0) << held.err;
    EXPECT_EQ(rows(), "1");
}

TEST_F(cli_range, usage_errors_are_64_and_write_nothing) {
    const auto refused = [&](const words& arguments, const std::string& why) {
        const auto how = holdfast_cli(arguments, {});
        EXPECT_EQ(how.code, 64) << why << ": " << how.err;
        EXPECT_EQ(how.out, "");
        expect_one_line(how);
        EXPECT_THAT(how.err, HasSubstr(why));
    };
    const std::string sql = sql_server().url();
    const std::string mutex = redis().url();
    const auto ours = [&](words arguments) { return with_servers(std::move(arguments)); };
    refused({"range"}, "command is missing");
    refused({"range", "hold", "k", "1", "2", "--store", sql, "--mutex", mutex}, "--dialect");
    refused(
        {"range", "hold", "k", "1", "2", "--store", sql, "--mutex", mutex, "--dialect", "redlock"},
        "--dialect range-lock");
    refused({"range", "get", "k", "x", "--store", sql, "--dialect", "range-lock"}, "--mutex");
    refused({"range", "get", "k", "x", "--mutex", mutex, "--dialect", "range-lock"}, "--store");
    refused(
        {"range", "get", "k", "x", "--store", mutex, "--mutex", mutex, "--dialect", "range-lock"},
        "mysql");
    refused({"range", "get", "k", "x", "--store", sql, "--mutex", sql, "--dialect", "range-lock"},
            "redis");
    refused(ours({"hold", "k", "2", "2"}), "from lies below to");
    refused(ours({"hold", "k", "2"}), "END");
    refused(ours({"hold", "k", "tomorrow", "2"}), "START");
    refused(ours({"hold", "k", "1", "2026-11-21"}), "END: a whole number, or an instant");
    refused(ours({"hold", "k", "1", "9007199254740993"}), "2^53");
    refused(ours({"hold", "k", "1", "2", "--ttl", "5ms"}), "10ms to 24h");
    refused(ours({"hold", "", "1", "2"}), "key has 1 to 255 characters");
    refused(ours({"hold", "k", "1", "2", "--data", std::string(256, 'x')}), "data");
    refused(ours({"get", "k", ""}), "id has 1 to 255");
    for (const words& option :
         {words{"--wait", "1s"}, words{"--units", "1"}, words{"--capacity", "1"},
          words{"--id", "x"}, words{"--owner", "me"}}) {
        words arguments = ours({"hold", "k", "1", "2"});
        arguments.insert(arguments.end(), option.begin(), option.end());
        refused(arguments, option.front() + " excludes --dialect");
    }
    EXPECT_EQ(range({"hold", "k", "1", "2", "--store", sql}).code, 64) << "two stores";
}

TEST_F(cli_range, a_mutex_that_somebody_keeps_is_75_without_a_blocker) {
    static_cast<void>(redis().command({"SET", "range-lock::kept:lock", "AAAA", "PX", "20000"}));
    const auto how = range({"hold", "kept", "1", "2"});
    EXPECT_EQ(how.code, 75) << how.err;
    EXPECT_EQ(how.out, "");
    expect_one_line(how);
    EXPECT_THAT(how.err, HasSubstr("unable to obtain lock"));
    static_cast<void>(redis().command({"DEL", "range-lock::kept:lock"}));
}

TEST_F(cli_range, a_server_that_is_not_there_is_69) {
    const std::string nobody = std::to_string(free_tcp_port());
    for (const words& servers :
         {words{"--store", "mysql://app:x@127.0.0.1:" + nobody + "/locks", "--mutex",
                redis().url()},
          words{"--store", sql_server().url(), "--mutex", "redis://127.0.0.1:" + nobody}}) {
        for (words verb :
             {words{"hold", "k", "1", "2"}, words{"get", "k", "x"}, words{"release", "k", "x"}}) {
            verb.insert(verb.begin(), "range");
            verb.insert(verb.end(), servers.begin(), servers.end());
            verb.insert(verb.end(), {"--dialect", "range-lock", "--timeout", "1s"});
            const auto how = holdfast_cli(verb, {});
            EXPECT_EQ(how.code, 69) << how.err;
            EXPECT_EQ(how.out, "");
            expect_one_line(how);
        }
    }
}

// Why: nobody else would ever know the id of the row that was just written.
TEST_F(cli_range, a_signal_ends_it_and_leaves_no_row) {
    ASSERT_EQ(range({"hold", "other", "1", "2"}).code, 0);
    sql_session blocker(sql_server());
    blocker.ask("LOCK TABLES `lock` READ");  // The row has to wait, the looking does not.
    cli_process program{{.arguments = with_servers({"hold", "k", "1", "2", "--ttl", "10m"})}};
    ASSERT_TRUE(poll_until([] {
        return redis().command({"EXISTS", "range-lock::k:lock"}) == ":1\r\n";
    }));
    program.signal(SIGTERM);
    blocker.ask("UNLOCK TABLES");
    EXPECT_EQ(program.wait().code, 128 + SIGTERM) << program.err();
    EXPECT_EQ(rows(), "1");
}

// ---- passwords

TEST_F(cli_range, passwords_that_are_wrong_appear_in_no_output) {
    redis_server closed{{.tcp = true}};
    static_cast<void>(closed.command({"CONFIG", "SET", "requirepass", "the-right-one"}));
    const std::string mutex = "redis://:" + canary + "@127.0.0.1:" + std::to_string(closed.port());
    const std::string sql =
        "mysql://app:" + canary + "@127.0.0.1:" + std::to_string(sql_server().port()) + "/locks";
    const std::string odd = "mysql://app:" + canary + "@127.0.0.1/locks?tls=" + canary + "no";
    for (const words& servers :
         {words{"--store", sql, "--mutex", redis().url()},
          words{"--store", sql_server().url(), "--mutex", mutex}, words{"--store", sql},
          words{"--store", sql, "--mutex", sql}, words{"--store", mutex, "--mutex", mutex},
          words{"--store=" + sql, "--mutex=" + mutex}, words{"--store", sql, "--store", sql}}) {
        for (words verb : {words{"hold", "k", "1", "2"}, words{"get", "k", "x"},
                           words{"--json", "release", "k", "x"}, words{"hold", "k", sql, mutex}}) {
            verb.insert(verb.begin(), "range");
            verb.insert(verb.end(), servers.begin(), servers.end());
            verb.insert(verb.end(), {"--dialect", "range-lock"});
            const auto how = holdfast_cli(verb, {});
            EXPECT_TRUE(how.code == 64 || how.code == 69) << how.code << how.err;
            EXPECT_THAT(how.out + how.err, Not(HasSubstr(canary)));
        }
    }
    static_cast<void>(closed.command({"AUTH", "the-right-one"}));
}

// How: the table is locked, so the program stands still while its arguments are looked at.
TEST_F(cli_range, passwords_are_wiped_from_the_list_of_processes) {
    ASSERT_EQ(range({"hold", "other", "1", "2"}).code, 0);
    redis_server closed{{.tcp = true}};
    static_cast<void>(closed.command({"CONFIG", "SET", "requirepass", canary}));
    sql_session root(sql_server(), "");
    root.ask("CREATE USER clerk IDENTIFIED BY '" + canary + "'");
    root.ask("GRANT ALL ON locks.* TO clerk");
    root.ask("LOCK TABLES locks.`lock` WRITE");
    cli_process program{
        {.arguments = {"range", "hold", "k", "1", "2", "--dialect", "range-lock",
                       "--store=mysql://clerk:" + canary +
                           "@127.0.0.1:" + std::to_string(sql_server().port()) + "/locks",
                       "--mutex",
                       "redis://:" + canary + "@127.0.0.1:" + std::to_string(closed.port())}}};
    const std::string list = "/proc/" + std::to_string(program.pid()) + "/cmdline";
    // One after the other, so the first that is seen wiped may not be the last.
    ASSERT_TRUE(poll_until([&] {
        const std::string seen = read_file(list);
        return seen.find("***") != std::string::npos && seen.find(canary) == std::string::npos;
    }));
    EXPECT_THAT(read_file(list), HasSubstr("mysql://clerk:"));
    root.ask("UNLOCK TABLES");
    const auto how = program.wait();
    EXPECT_TRUE(how.code == 0 || how.code == 75) << how.err;
    EXPECT_THAT(how.out + how.err, Not(HasSubstr(canary)));
    root.ask("DROP USER clerk");
}

TEST_F(cli_range, completion_knows_the_commands_and_their_options) {
    for (const char* const shell : {"bash", "zsh", "fish"}) {
        const auto script = holdfast_cli({"completion", shell}, {});
        EXPECT_EQ(script.code, 0);
        EXPECT_THAT(script.out, HasSubstr("hold get release")) << shell;
        EXPECT_THAT(script.out, HasSubstr("mutex")) << shell;
    }
    const auto help = holdfast_cli({"range", "--help"}, {});
    for (const char* const verb : {"\n  hold ", "\n  get ", "\n  release "})
        EXPECT_THAT(help.out, HasSubstr(verb));
}

}  // namespace
}  // namespace holdfast::test
