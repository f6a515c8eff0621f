// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast run` on a Redis server that freezes, and passwords, which must be seen
// nowhere.
#include "cli_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string canary = "kanarienvogel";

class run_on_redis : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    }
};

// Why: nobody answers, so the wrapper learns nothing; only the clock can end the command in time.
TEST_F(run_on_redis, a_frozen_server_costs_the_stubborn_tree_its_life_before_validity_ends) {
    const redis_server server;
    const cli_store store{server.url()};
    const auto beats = "; while :; do echo >" + store.path("beat") + "; sleep 0.01; done";
    const auto script = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; touch " +
                        store.path("ready") + beats + "' & )" + beats;
    cli_process holder{store.options({"run", "job", "--ttl", "2s", "--", "sh", "-c", script})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")); })) << holder.err();
    const auto frozen_at = wall_now();
    server.signal(SIGSTOP);
    ASSERT_TRUE(poll_until([] { return processes_under("job").empty(); }, 20s));
    // What counts is the last thing that was done; see run_loss_test.cpp.
    EXPECT_LT(written_at(store.path("beat")), frozen_at + 2s);
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76);
    EXPECT_THAT(result.err, HasSubstr("\"job\" was lost while the command ran"));
    server.signal(SIGCONT);
}

TEST_F(run_on_redis, a_server_that_freezes_for_less_than_the_ttl_costs_nothing) {
    const redis_server server;
    const cli_store store{server.url()};
    const auto script = "touch " + store.path("ready") + "; while [ ! -e " + store.path("go") +
                        " ]; do sleep 0.02; done; exit 6";
    cli_process holder{store.options({"run", "job", "--ttl", "3s", "--", "sh", "-c", script})};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")); })) << holder.err();
    server.signal(SIGSTOP);
    const auto frozen_at = boot_now();
    ASSERT_TRUE(poll_until([&] { return boot_now() - frozen_at > 800ms; }));
    server.signal(SIGCONT);
    ASSERT_EQ(store.run({"run", "job", "-w", "2.5", "--", "true"}).code, 75);
    cli_process go{{.arguments = {store.path("go")}, .program = "touch"}};
    EXPECT_EQ(holder.wait().code, 6) << holder.err();
}

TEST_F(run_on_redis, a_server_that_is_not_there_is_69) {
    std::string url;
    {
        const redis_server server;
        url = server.url();
    }
    const cli_store store{url};
    for (const auto& command : {words{"acquire", "job"}, words{"show", "job"}, words{"list"},
                                words{"run", "job", "--", "true"}}) {
        const auto result = store.run(command);
        EXPECT_EQ(result.code, 69) << result.err;
        EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    }
}

TEST_F(run_on_redis, a_server_that_freezes_before_the_lock_is_taken_is_69_within_the_timeout) {
    const redis_server server;
    const cli_store store{server.url()};
    server.signal(SIGSTOP);
    const auto result = store.run({"--timeout", "300ms", "run", "job", "--", "true"});
    EXPECT_EQ(result.code, 69) << result.err;
    EXPECT_LT(result.took, 3s);
    server.signal(SIGCONT);
}

// A server with a password, and its URL with another one or the same.
class passwords : public run_on_redis {
protected:
    static std::string url_with(const redis_server& server, const std::string& password) {
        return "redis://:" + password + "@127.0.0.1:" + std::to_string(server.port());
    }
};

TEST_F(passwords, that_are_wrong_appear_in_no_output) {
    const redis_server server{{.tcp = true}};
    static_cast<void>(server.command({"CONFIG", "SET", "requirepass", "the-right-one"}));
    const cli_store store{url_with(server, canary)};
    for (const auto& command :
         {words{"acquire", "job"}, words{"show", "job"}, words{"list"}, words{"break", "job"},
          words{"run", "job", "--", "true"}, words{"--json", "list"},
          words{"release", "job", std::string(32, 'a')}, words{"show", "job", store.url()},
          words{"--store", store.url(), "--store", store.url(), "show", "job"}}) {
        const auto result = store.run(command);
        EXPECT_TRUE(result.code == 69 || result.code == 64) << result.code << result.err;
        EXPECT_THAT(result.out + result.err, Not(HasSubstr(canary)));
    }
    static_cast<void>(server.command({"AUTH", "the-right-one"}));
}

TEST_F(passwords, reach_neither_the_command_nor_the_list_of_processes) {
    const redis_server server{{.tcp = true}};
    static_cast<void>(server.command({"CONFIG", "SET", "requirepass", canary}));
    const cli_store store;
    auto options = store.options({"run", "--owner", "--", "--store", url_with(server, canary),
                                  "job", "--", "sh", "-c",
                                  "env; touch " + store.path("ready") + "; while [ ! -e " +
                                      store.path("go") + " ]; do sleep 0.02; done"});
    options.environment.erase("HOLDFAST_STORE");
    cli_process holder{options};
    ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")) || holder.ended(); }));
    EXPECT_FALSE(holder.ended()) << holder.err();
    EXPECT_THAT(holder.out(), HasSubstr("HOLDFAST_STORE=redis://127.0.0.1:"));
    EXPECT_THAT(holder.out(), Not(HasSubstr(canary)));
    std::vector<pid_t> family{holder.pid()};
    for (const auto pid : children_of(holder.pid())) family.push_back(pid);
    for (const auto pid : processes_under("job")) family.push_back(pid);
    for (const auto pid : family) {
        EXPECT_THAT(read_file("/proc/" + std::to_string(pid) + "/cmdline"), Not(HasSubstr(canary)));
    }
    cli_process go{{.arguments = {store.path("go")}, .program = "touch"}};
    EXPECT_EQ(holder.wait().code, 0) << holder.err();
}

TEST_F(run_on_redis, passes_no_password_of_the_mutex_on_to_the_command) {
    const cli_store store;
    auto options = store.options({"run", "job", "--", "env"});
    options.environment["HOLDFAST_MUTEX"] = "redis://:" + canary + "@localhost:7000";
    cli_process holder{std::move(options)};
    const auto ended = holder.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("HOLDFAST_MUTEX=redis://localhost:7000\n"));
    EXPECT_THAT(ended.out + ended.err, Not(HasSubstr(canary)));
}

}  // namespace
}  // namespace holdfast::test
