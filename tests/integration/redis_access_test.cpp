// SPDX-License-Identifier: BSL-1.0
//
// Who may become a client of a server, and with which rights; what is told of it, and what is not.
#include <holdfast/holdfast.hpp>

#include "integration/redis_link.hpp"
#include "redis/keys.hpp"
#include "support/acl_user.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// A password that must be found nowhere; with what a URL has to encode.
constexpr const char* canary = "canary-7f3a";

class redis_access : public testing::Test {
protected:
    // Makes the user `worker` anew, with the canary as password and these rules.
    void make_worker(const std::string& rules) const {
        static_cast<void>(server_.command({"ACL", "DELUSER", "worker"}));
        std::vector<std::string> words{"ACL", "SETUSER", "worker", "on", std::string(">") + canary};
        std::istringstream each(rules);
        for (std::string rule; each >> rule;) words.push_back(rule);
        ASSERT_EQ(server_.command(words), "+OK\r\n") << rules;
    }
    [[nodiscard]] std::string url(const std::string& user_and_password,
                                  const std::string& behind = "") const {
        return "redis://" + user_and_password + "@127.0.0.1:" + std::to_string(server_.port()) +
               behind;
    }
    [[nodiscard]] std::string worker_url() const { return url(std::string("worker:") + canary); }
    [[nodiscard]] bool taken(const std::string& name) const {
        return server_.command({"EXISTS", redis::lock_key(name)}) == ":1\r\n";
    }

    redis_server server_{{.tcp = true}};
};

TEST_F(redis_access, is_given_to_a_user_with_its_password) {
    make_worker("~* +@all");
    locker locks(worker_url());
    auto held = locks.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_THAT(server_.command({"CLIENT", "LIST"}), HasSubstr("name=holdfast"));
    EXPECT_THAT(server_.command({"CLIENT", "LIST"}), HasSubstr("user=worker"));
    EXPECT_THAT(locks.address(), Not(HasSubstr(canary)));
    EXPECT_TRUE(held->release());
}

TEST_F(redis_access, is_denied_with_a_wrong_password_at_once_even_to_those_who_would_wait) {
    make_worker("~* +@all");
    locker locks(url("worker:wrong-canary"));
    const time_point start = boot_clock::now();
    auto held = locks.acquire("job", {.wait = 60s});
    EXPECT_LT(boot_clock::now() - start, 30s);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::denied);
    EXPECT_THAT(held.error().text, HasSubstr("WRONGPASS"));
}

TEST_F(redis_access, is_denied_without_a_password_where_one_is_required) {
    ASSERT_EQ(server_.command({"CONFIG", "SET", "requirepass", canary}), "+OK\r\n");
    auto refused = locker("redis://127.0.0.1:" + std::to_string(server_.port())).acquire("job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied);
    EXPECT_THAT(refused.error().text, HasSubstr("NOAUTH"));
    EXPECT_TRUE(locker(url(std::string(":") + canary)).acquire("job"));
    EXPECT_TRUE(locker(url(std::string("default:") + canary)).acquire("other"));
}

TEST_F(redis_access, with_a_password_file_takes_the_password_that_stands_in_it_now) {
    make_worker("~* +@all");
    const temp_dir directory;
    const std::string file = directory / "password";
    std::ofstream(file) << "outdated\n";
    locker locks(url("worker", "?password_file=" + file));
    EXPECT_EQ(locks.acquire("job").error().code, errc::denied);
    std::ofstream(file, std::ios::trunc) << canary << "\n";
    // Within the back-off the last answer is repeated; a rotated password needs no new locker.
    result<guard> held = errc::cancelled;
    EXPECT_TRUE(poll_until([&] { return bool(held = locks.acquire("job")); }, 10s));
    std::ofstream(file, std::ios::trunc) << "";
    static_cast<void>(server_.command({"CLIENT", "KILL", "TYPE", "normal"}));
    auto none = locks.acquire("other", {.wait = 5s});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::denied);
    EXPECT_THAT(none.error().text, HasSubstr(file));
}

TEST_F(redis_access, reaches_the_database_of_the_url_and_no_other) {
    const std::string base = "redis://127.0.0.1:" + std::to_string(server_.port());
    auto third = locker(base + "/3").acquire("job");
    ASSERT_TRUE(third);
    EXPECT_FALSE(taken("job"));
    redis_link link(server_.socket_path());
    link.ask({"SELECT", "3"});
    EXPECT_EQ(link.ask({"EXISTS", redis::lock_key("job")}).integer, 1);
    EXPECT_EQ(locker("redis+unix://" + server_.socket_path() + "?db=3").acquire("job").error().code,
              errc::contended);
    EXPECT_TRUE(locker(base).acquire("job"));
    auto none = locker(base + "/16").acquire("job");
    EXPECT_EQ(none.error().code, errc::denied);
    EXPECT_THAT(none.error().text, HasSubstr("DB index"));
}

// The page that tells operators which rights to give; what it says is what is tested.
std::string documented_rules() {
    std::ifstream page(std::string(HOLDFAST_SOURCE_DIR) + "/docs/stores/redis.md");
    const std::string begin = "ACL SETUSER locks on '>PASSWORD' ";
    std::string rules;
    for (std::string line; std::getline(page, line);) {
        const auto at = line.find(begin);
        if (at == std::string::npos && rules.empty()) continue;
        rules += at == std::string::npos ? line : line.substr(at + begin.size());
        if (!rules.ends_with('\\')) break;
        rules.back() = ' ';
    }
    std::erase(rules, '\'');
    return rules;
}

// What several may hold, and what is waited for. `note` is told each outcome.
void share_and_wait(const std::string& url, const auto& note) {
    for (const bool counted : {false, true}) {
        locker locks(url);
        const acquire_options how{.mode = counted ? lock_mode::exclusive : lock_mode::shared,
                                  .permits = counted ? 1U : 0U};
        auto held = locks.acquire("shared", how);
        note(held);
        note(locks.acquire("shared", how));
        note(locks.inspect("shared"));
        if (!held) continue;
        note(held->renew(30s));
        note(held->release());
    }
    locker locks(url);
    auto held = locks.acquire("waited for");
    if (!held) return;
    locker other(url);
    result<guard> next = errc::cancelled;
    std::jthread waiter([&] { next = other.acquire("waited for", {.wait = 1s, .fair = true}); });
    const auto waits = [&] {
        const auto told = locks.inspect("waited for");
        return !told || !*told || (*told)->waiters > 0 || next.has_value() ||
               next.error().code != errc::cancelled;
    };
    static_cast<void>(poll_until(waits, 2s));
    note(held->release());
    waiter.join();
    note(next);
}

// Every verb once. @return The texts of those that were denied.
std::vector<std::string> denials(const std::string& url, const redis_server& server) {
    std::vector<std::string> texts;
    const auto note = [&](const auto& outcome) {
        if (!outcome && outcome.error().code == errc::denied) texts.push_back(outcome.error().text);
    };
    redis_link admin(server.socket_path());
    for (const bool fence : {true, false}) {
        admin.ask({"FLUSHALL"});
        admin.ask({"SCRIPT", "FLUSH"});
        locker locks(url);
        auto held = locks.acquire("job", {.ttl = 30s, .fence = fence});
        note(held);
        if (!held) admin.ask({"SET", redis::lock_key("job"), "id|1@host|", "PX", "30000"});
        note(locks.acquire("job", {.wait = 20ms, .fence = fence}));
        note(locks.inspect("job"));
        note(locks.list("j"));
        if (held) note(held->renew(30s));
        if (held) note(held->release());
        note(locks.renew({.name = "job", .id = "id"}));
        note(locks.break_lock("job"));
        note(locks.release({.name = "job", .id = "id"}));
    }
    share_and_wait(url, note);
    admin.ask({"RPUSH", redis::lock_key("list"), "x"});
    locker locks(url);
    auto refused = locks.acquire("list");
    if (refused.error().text.find("non-string") != std::string::npos) texts.push_back("TYPE");
    return texts;
}

TEST_F(redis_access, needs_no_more_rights_than_the_page_says) {
    const std::string rules = documented_rules();
    ASSERT_THAT(rules, HasSubstr("+evalsha"));
    make_worker(rules);
    EXPECT_THAT(denials(worker_url(), server_), testing::IsEmpty());
    const auto foreign = server_.command({"ACL", "DRYRUN", "worker", "GET", "other-data"});
    EXPECT_THAT(foreign, HasSubstr("has no permissions"));
}

// Why: a list of rights that is longer than it has to be is no least privilege. How: take each one
// away; something must be denied, and where it is an acquire, nothing may stay on the server.
TEST_F(redis_access, needs_each_right_that_the_page_says) {
    std::istringstream each(documented_rules());
    std::string all;
    std::vector<std::string> commands;
    for (std::string rule; each >> rule;) {
        all += rule + " ";
        if (rule.starts_with("+")) commands.push_back(rule.substr(1));
    }
    for (const std::string& command : commands) {
        if (command == "hello" || command == "auth" || command == "ping" || command == "select")
            continue;  // These make the connection; the tests below have them.
        if (command == "client|tracking" || command == "subscribe" || command == "publish")
            continue;  // Without them there is asking: redis_waiting_test.cpp.
        make_worker(all + "-" + command);
        EXPECT_THAT(denials(worker_url(), server_), Not(testing::IsEmpty())) << command;
    }
}

TEST_F(redis_access, without_a_right_denies_the_lock_and_leaves_nothing) {
    for (const char* const missing : {"set", "incr", "multi", "exec", "time"}) {
        make_worker(documented_rules() + " -" + missing);
        static_cast<void>(server_.command({"FLUSHALL"}));
        locker locks(worker_url());
        auto held = locks.acquire("job", {.wait = 5s});
        ASSERT_FALSE(held) << missing;
        EXPECT_EQ(held.error().code, errc::denied) << missing << ": " << held.error().message();
        EXPECT_FALSE(taken("job")) << missing;
    }
}

// Giving back is a script too: without the right to run one, what was taken stays, for its ttl.
TEST_F(redis_access, without_scripts_denies_the_lock_which_ends_by_its_ttl) {
    make_worker(documented_rules() + " -evalsha -eval");
    locker locks(worker_url());
    auto held = locks.acquire("job", {.ttl = 300ms});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::denied);
    EXPECT_TRUE(poll_until([&] { return !taken("job"); }, 10s));
}

TEST_F(redis_access, waits_for_a_lock_even_where_it_may_not_be_told_of_it) {
    make_worker(documented_rules() + " -client -subscribe -publish");
    locker rival("redis+unix://" + server_.socket_path());
    auto held = rival.acquire("job", {.ttl = 1s, .auto_renew = false});
    ASSERT_TRUE(held);
    auto next = locker(worker_url()).acquire("job", {.wait = 30s});
    EXPECT_TRUE(next) << next.error().message();
}

// Why: a suite that is run as a user with few rights, and in truth as another one, shows nothing.
TEST(redis_users, of_the_suite_are_those_that_the_environment_names) {
    redis_server server;
    locker locks(server.url());
    const auto held = locks.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    const bool named = !acl_user_rules().empty();
    EXPECT_THAT(server.command({"CLIENT", "LIST"}),
                HasSubstr(named ? "user=tester" : "name=holdfast"));
    const std::string user = server.command({"ACL", "GETUSER", "tester"});
    EXPECT_EQ(user.size() > 8, named) << "nil, or what it may";
    server.restart();
    EXPECT_TRUE(locks.acquire("other", {.wait = 10s}));
}

// RESP2: servers before version 6, and those that hide HELLO.
TEST(redis_without_hello, is_spoken_to_in_the_older_protocol) {
    redis_server server({.tcp = true, .arguments = {"--rename-command", "HELLO", ""}});
    const std::string host = "@127.0.0.1:" + std::to_string(server.port());
    ASSERT_THAT(server.command({"HELLO", "3"}), HasSubstr("unknown command"));
    {
        locker locks(server.url() + "/2");
        auto held = locks.acquire("job", {.ttl = 20s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_GT(held->fencing_token(), 0U);
        EXPECT_EQ(locks.acquire("job").error().code, errc::contended);
        EXPECT_TRUE(held->renew(20s));
        EXPECT_EQ(locks.list()->size(), 1U);
        EXPECT_TRUE(held->release());
        EXPECT_EQ(held->release().error().code, errc::misuse);
    }
    static_cast<void>(server.command(
        {"ACL", "SETUSER", "worker", "on", std::string(">") + canary, "~*", "+@all"}));
    EXPECT_TRUE(locker(std::string("redis://worker:") + canary + host).acquire("job"));
    std::vector<std::string> rules{"ACL", "SETUSER", "few", "on", std::string(">") + canary};
    std::istringstream each(documented_rules());
    for (std::string rule; each >> rule;) rules.push_back(rule);
    ASSERT_EQ(server.command(rules), "+OK\r\n");
    EXPECT_THAT(denials(std::string("redis://few:") + canary + host, server), testing::IsEmpty());
    auto wrong = locker("redis://worker:wrong-canary" + host).acquire("job");
    EXPECT_EQ(wrong.error().code, errc::denied);
    EXPECT_THAT(wrong.error().text, Not(HasSubstr("canary")));
    static_cast<void>(server.command({"CONFIG", "SET", "requirepass", canary}));
    EXPECT_TRUE(locker(std::string("redis://:") + canary + host).acquire("other"));
    auto none = locker("redis://" + host.substr(1)).acquire("job");
    EXPECT_EQ(none.error().code, errc::denied);
    EXPECT_THAT(none.error().text, HasSubstr("NOAUTH"));
}

// Why: texts of failures go to logs. How: fail in every way that has to do with passwords or
// options, and look for the canary in all that is told.
TEST_F(redis_access, never_tells_a_password) {
    make_worker("~* +@all -set");
    std::map<std::string, std::string> told;
    const auto note = [&](const std::string& text_of_url) {
        auto opened = locker::open(text_of_url, {.timeout = 500ms});
        if (!opened) {
            told[text_of_url] = opened.error().message();
            return;
        }
        auto held = opened->acquire("job");
        ASSERT_FALSE(held) << text_of_url;
        told[text_of_url] = held.error().message() + " " + opened->address();
        for (const node_error& node : held.error().nodes) told[text_of_url] += node.text;
    };
    const std::string port = std::to_string(server_.port());
    note(worker_url());
    note(url("worker:wrong-canary"));
    note(url("canary%20user%0A:wrong").replace(8, 6, "Canary"));
    note("redis://:canary@127.0.0.1:1");
    note("redis://:canary@nowhere.invalid:" + port);
    note("redis://:canary@127.0.0.1:" + port + "/99");
    note("redis://:canary@127.0.0.1:" + port + "/canary");
    note("redis://:canary@127.0.0.1:" + port + "?cert_file=/canary");
    note("rediss://:canary@127.0.0.1:" + port);
    note("rediss://:canary@127.0.0.1:" + port + "?password_file=/canary");
    note("redis+unix://:canary@/nowhere/redis.sock");
    note("redis://:canary%@127.0.0.1");
    note("http://:canary@127.0.0.1");
    for (const auto& [asked, text] : told) {
        EXPECT_THAT(text, Not(HasSubstr("canary"))) << asked;
        EXPECT_THAT(text, Not(testing::IsEmpty())) << asked;
    }
    try {
        locker broken("redis://:canary@127.0.0.1/x");
        FAIL() << "a database has to be a number";
    } catch (const lock_error& thrown) {
        EXPECT_THAT(thrown.what(), Not(HasSubstr("canary")));
    }
}

}  // namespace
}  // namespace holdfast::test
