// SPDX-License-Identifier: BSL-1.0
//
// `holdfast doctor` and `holdfast watch` as people and scripts use them. What they find and see is
// tested with the library.
#include "cli_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <filesystem>
#include <iterator>
#include <sstream>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class doctor_command : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    }
    redis_server server_{
        {.tcp = true, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}}};
    std::string url_ = "redis+unix://" + server_.socket_path();
    cli_store store_{url_};
};

TEST_F(doctor_command, finds_nothing_on_a_server_that_is_well) {
    const auto quiet = store_.run({"doctor"});
    EXPECT_EQ(quiet.code, 0) << quiet.err;
    EXPECT_EQ(quiet.out, "nothing found\n");
    EXPECT_THAT(store_.run({"doctor", "-a"}).out, StartsWith(url_ + "  Redis "));
    const auto json = store_.run({"--json", "doctor"});
    EXPECT_EQ(json.code, 0);
    EXPECT_THAT(json.out,
                StartsWith("{\"worst\":null,\"findings\":[],\"servers\":[{\"address\":\"" + url_ +
                           "\",\"version\":\"Redis "));
}

TEST_F(doctor_command, prints_what_it_finds_with_a_remedy_and_exits_with_1) {
    static_cast<void>(server_.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}));
    EXPECT_EQ(store_.run({"doctor"}).out, "nothing found\n") << "a note is for those who ask";
    EXPECT_THAT(store_.run({"doctor", "--all"}).out, HasSubstr("note: eviction-policy ("));
    static_cast<void>(server_.command({"CONFIG", "SET", "maxmemory", "1gb"}));
    const auto told = store_.run({"doctor"});
    EXPECT_EQ(told.code, 1) << told.err;
    EXPECT_THAT(told.out, HasSubstr("problem: eviction-policy (" + url_ + ")\n"));
    EXPECT_THAT(told.out, HasSubstr("\n  remedy: CONFIG SET maxmemory-policy noeviction"));
    EXPECT_THAT(store_.run({"--json", "doctor"}).out,
                StartsWith("{\"worst\":\"problem\",\"findings\":[{\"severity\":\"problem\","
                           "\"code\":\"eviction-policy\",\"subject\":\"" +
                           url_ + "\","));
}

TEST_F(doctor_command, says_that_there_is_no_server) {
    server_.kill();
    const auto told = store_.run({"doctor"});
    EXPECT_EQ(told.code, 69);
    EXPECT_THAT(told.err, StartsWith("holdfast: doctor: unreachable"));
}

TEST_F(doctor_command, looks_at_all_nodes_of_a_quorum) {
    const std::string tcp = "redis://127.0.0.1:" + std::to_string(server_.port());
    const auto told = holdfast_cli({"--store", url_, "--store", tcp, "doctor"}, {});
    EXPECT_EQ(told.code, 1) << told.err;
    EXPECT_THAT(told.out, HasSubstr("problem: same-server (" + tcp + ")"));
    EXPECT_THAT(told.out, HasSubstr("warning: even-nodes"));
}

TEST_F(doctor_command, knows_a_file_that_is_given_twice) {
    const std::string file = store_.path("locks.db");
    ASSERT_EQ(holdfast_cli({"--store", "sqlite:" + file, "run", "job", "--", "true"}, {}).code, 0);
    std::filesystem::create_symlink(file, store_.path("same.db"));
    const auto told = holdfast_cli(
        {"--store", "sqlite:" + file, "--store", "sqlite:" + store_.path("same.db"), "doctor"}, {});
    EXPECT_EQ(told.code, 1) << told.err;
    EXPECT_THAT(told.out, HasSubstr("problem: same-server"));
}

TEST_F(doctor_command, prints_rights_with_which_all_works) {
    const auto rights = store_.run({"doctor", "--acl", "ann"});
    EXPECT_EQ(rights.code, 0);
    EXPECT_THAT(rights.out, StartsWith("ACL SETUSER ann reset on '>PASSWORD' '~{hf:*' "));
    EXPECT_THAT(store_.run({"--json", "doctor", "--acl", "ann"}).out,
                StartsWith("{\"user\":\"ann\",\"rules\":[\"~{hf:*\","));
    std::string line = rights.out;
    std::erase(line, '\'');
    line.replace(line.find("PASSWORD"), 8, "pw");
    std::istringstream each(line);
    const words rules{std::istream_iterator<std::string>(each), {}};
    ASSERT_EQ(server_.command(rules), "+OK\r\n");
    const cli_store hers("redis+unix://ann:pw@" + server_.socket_path());
    EXPECT_EQ(hers.run({"doctor"}).out, "nothing found\n");
    EXPECT_EQ(hers.run({"run", "job", "--", "true"}).code, 0);
    EXPECT_THAT(store_.run({"doctor", "--acl", "ann", "--dialect", "warlock"}).out,
                HasSubstr("'~*:lock'"));
    const auto more = [](const std::string& url) {
        return holdfast_cli({"--store", url, "doctor", "--acl", "ann"}, {}).out;
    };
    EXPECT_THAT(more("redis://x"), Not(HasSubstr("+role")));
    EXPECT_THAT(more("redis-sentinel://x/main"), HasSubstr(" +role +info\n"));
    EXPECT_THAT(more("redis-sentinel://x/main?durability=replicated"), HasSubstr(" +role +wait "));
    EXPECT_THAT(more("redis-cluster://x"), HasSubstr("'+cluster|slots'"));
    for (const char* const bad : {"", "a b", "a'b", "a;b"})
        EXPECT_EQ(store_.run({"doctor", "--acl", bad}).code, 64) << bad;
}

TEST_F(doctor_command, watch_prints_changes_until_it_is_interrupted) {
    static_cast<void>(store_.acquire("job"));
    cli_process watch{store_.options({"watch"})};
    cli_process json{store_.options({"--json", "watch", "jo"})};
    const auto shows = [](cli_process& who, const std::string& what) {
        return poll_until([&] { return who.out().find(what) != std::string::npos; });
    };
    ASSERT_TRUE(shows(watch, " held \"job\" by ")) << watch.out();
    ASSERT_TRUE(shows(json, "\"change\":\"held\",\"name\":\"job\",\"held\":true,\"id\":\""));
    EXPECT_EQ(store_.run({"break", "job"}).code, 0);
    EXPECT_TRUE(shows(watch, " broken \"job\", was held by ")) << watch.out();
    EXPECT_TRUE(shows(json, "\"change\":\"broken\"")) << json.out();
    EXPECT_TRUE(shows(json, "\"held\":false"));
    watch.signal(SIGTERM);
    json.signal(SIGTERM);
    EXPECT_EQ(watch.wait().code, 0);
    const auto ended = json.wait();
    EXPECT_EQ(ended.code, 0);
    EXPECT_THAT(ended.out, StartsWith("{\"at_ms\":1")) << "milliseconds since 1970";
}

TEST_F(doctor_command, watch_never_tells_an_id_in_full) {
    const auto held = store_.acquire("job");
    cli_process watch{store_.options({"--json", "watch"})};
    ASSERT_TRUE(poll_until([&] { return !watch.out().empty(); }));
    watch.signal(SIGTERM);
    const auto told = watch.wait();
    EXPECT_THAT(told.out, HasSubstr(held.at("id").substr(0, 8) + dots));
    EXPECT_THAT(told.out, Not(HasSubstr(held.at("id"))));
}

TEST_F(doctor_command, watch_says_that_there_is_no_server) {
    server_.kill();
    const auto told = store_.run({"watch"});
    EXPECT_EQ(told.code, 69);
    EXPECT_THAT(told.err, StartsWith("holdfast: watch: unreachable"));
}

}  // namespace
}  // namespace holdfast::test
