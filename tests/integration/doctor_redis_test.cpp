// SPDX-License-Identifier: BSL-1.0
//
// What a look at a Redis server finds: each ill is planted on a real one and found by its code; a
// server that is set up as docs/stores/redis.md wants it has none.
#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>
#include <holdfast/redis_acl.hpp>

#include "integration/doctor_codes.hpp"
#include "integration/redis_link.hpp"
#include "support/acl_user.hpp"
#include "support/poll.hpp"
#include "support/redis_cluster.hpp"
#include "support/redis_server.hpp"
#include "support/sentinel_set.hpp"
#include "support/tcp_proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

/// How a server is set up that has no finding.
std::vector<std::string> healthy() {
    return {"--appendonly", "yes", "--appendfsync", "always", "--enable-protected-configs", "yes"};
}

/// Not as the user that the suite may be run as: a doctor that may see all.
std::string as_default(std::string url) {
    if (const std::string& who = acl_user_part(); !who.empty())
        if (const auto at = url.find(who); at != std::string::npos) url.erase(at, who.size());
    return url;
}

class doctor_on_redis : public testing::Test {
protected:
    static redis_server& server() {
        static redis_server only({.tcp = true, .arguments = healthy()});
        return only;
    }
    // Not those of the user that the suite may be run as.
    static std::string tcp_url() { return "redis://127.0.0.1:" + std::to_string(server().port()); }
    static std::string admin_url() { return "redis+unix://" + server().socket_path(); }
    void config(const std::string& name, const std::string& value) {
        const auto told = link_.ask({"CONFIG", "GET", name});
        ASSERT_EQ(told.items.size(), 2U) << name;
        before_.emplace_back(name, told.items[1].text);
        ASSERT_EQ(link_.ask({"CONFIG", "SET", name, value}).text, "OK") << name << " " << value;
    }
    void TearDown() override {
        for (auto each = before_.rbegin(); each != before_.rend(); ++each)
            EXPECT_EQ(link_.ask({"CONFIG", "SET", each->first, each->second}).text, "OK");
    }
    std::int64_t used_memory() {
        const std::string info = link_.ask({"INFO", "memory"}).text;
        return std::stoll(info.substr(info.find("used_memory:") + 12));
    }
    /// What a user with `rules` finds.
    std::multiset<std::string> as_user(std::vector<std::string> rules) {
        command_words words{"ACL", "SETUSER", "worker", "reset", "on", ">word"};
        words.insert(words.end(), rules.begin(), rules.end());
        EXPECT_EQ(link_.ask(words).text, "OK");
        return codes_at("redis://worker:word@127.0.0.1:" + std::to_string(server().port()));
    }

    redis_link link_{server().socket_path()};

private:
    std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(doctor_on_redis, finds_nothing_where_all_is_well) {
    const auto found = locker(admin_url()).diagnose();
    EXPECT_THAT(codes_of(found), IsEmpty());
    ASSERT_EQ(found->servers.size(), 1U);
    EXPECT_THAT(found->servers[0].version, HasSubstr("Redis "));
    EXPECT_EQ(found->servers[0].id.size(), 40U);
    EXPECT_TRUE(found->servers[0].clock_ahead && found->servers[0].round_trip);
    EXPECT_FALSE(found->worst());
    EXPECT_THAT(codes_at(tcp_url()), IsEmpty()) << "by TCP too";
}

TEST_F(doctor_on_redis, changes_nothing_and_leaves_no_connection) {
    link_.ask({"FLUSHALL"});
    link_.ask({"SET", "{hf:doctor}", "kept"});
    {
        locker locks(admin_url());
        ASSERT_TRUE(locks.diagnose());
        EXPECT_EQ(link_.ask({"GET", "{hf:doctor}"}).text, "kept");
        EXPECT_EQ(link_.ask({"DBSIZE"}).integer, 1);
        EXPECT_TRUE(poll_until([&] {
            const std::string clients = link_.ask({"CLIENT", "LIST"}).text;
            return clients.find("name=holdfast") == std::string::npos;
        }));
    }
    link_.ask({"FLUSHALL"});
}

TEST_F(doctor_on_redis, finds_a_policy_that_throws_locks_away) {
    config("maxmemory-policy", "allkeys-random");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("note eviction-policy"));
    config("maxmemory", "1gb");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("problem eviction-policy"));
}

TEST_F(doctor_on_redis, finds_memory_that_runs_out) {
    config("maxmemory", std::to_string(used_memory() * 100 / 95));
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning memory-nearly-full"));
    config("maxmemory", std::to_string(used_memory() / 2));
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("problem memory-full"));
}

TEST_F(doctor_on_redis, finds_data_that_a_restart_forgets) {
    config("appendfsync", "everysec");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning appendfsync"));
    EXPECT_THAT(codes_at(admin_url() + "?durability=strict"), ElementsAre("note appendfsync"));
    config("appendfsync", "no");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning appendfsync"));
    config("appendonly", "no");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning no-persistence"));
    config("save", "3600 1");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning snapshots-only"));
}

TEST_F(doctor_on_redis, finds_a_snapshot_that_failed) {
    config("save", "3600 1");
    config("dir", "/proc");
    link_.ask({"SET", "x", "y"});
    link_.ask({"BGSAVE", "SCHEDULE"});
    ASSERT_TRUE(poll_until([&] {
        const std::string info = link_.ask({"INFO", "persistence"}).text;
        return info.find("rdb_last_bgsave_status:err") != std::string::npos;
    }));
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("problem snapshot-failed"));
    config("stop-writes-on-bgsave-error", "no");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning snapshot-failed"));
    config("dir", server().directory());
    link_.ask({"BGSAVE", "SCHEDULE"});
    ASSERT_TRUE(poll_until([&] {
        const std::string info = link_.ask({"INFO", "persistence"}).text;
        return info.find("rdb_last_bgsave_status:ok") != std::string::npos;
    }));
    EXPECT_THAT(codes_at(admin_url()), IsEmpty());
}

TEST_F(doctor_on_redis, finds_a_replica) {
    ASSERT_EQ(link_.ask({"REPLICAOF", "127.0.0.1", "1"}).text, "OK");
    EXPECT_THAT(codes_at(admin_url()), Contains("problem replica"));
    EXPECT_THAT(codes_at(admin_url() + "?durability=strict"), Contains("problem replica"));
    ASSERT_EQ(link_.ask({"REPLICAOF", "NO", "ONE"}).text, "OK");
    EXPECT_THAT(codes_at(admin_url()), IsEmpty());
}

TEST_F(doctor_on_redis, finds_replicas_that_nobody_waits_for) {
    redis_server replica(
        {.arguments = {"--replicaof", "127.0.0.1 " + std::to_string(server().port())}});
    ASSERT_TRUE(poll_until([&] {
        return link_.ask({"INFO", "replication"}).text.find("connected_slaves:1") !=
               std::string::npos;
    }));
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("note unacknowledged-replicas"));
    config("min-replicas-to-write", "1");
    EXPECT_THAT(codes_at(admin_url()), IsEmpty());
}

TEST_F(doctor_on_redis, finds_a_server_that_is_full_of_clients) {
    config("maxclients", "2");  // The test's own connection, and the first of the doctor's.
    EXPECT_THAT(codes_at(admin_url()),
                UnorderedElementsAre("warning clients-nearly-full", "warning second-connection"));
}

TEST_F(doctor_on_redis, finds_a_table_of_tracked_keys_that_is_full) {
    redis_link tracker(server().socket_path());
    tracker.ask({"HELLO", "3"});
    tracker.ask({"CLIENT", "TRACKING", "ON"});
    tracker.ask({"GET", "x"});
    config("tracking-table-max-keys", "1");
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("warning tracking-table-full"));
}

TEST_F(doctor_on_redis, finds_a_script_that_does_not_end) {
    config("busy-reply-threshold", "20");
    redis_link busy(server().socket_path());
    busy.send({"EVAL", "while true do end", "0"});
    ASSERT_TRUE(poll_until([&] { return link_.ask({"PING"}).text.starts_with("BUSY"); }));
    EXPECT_THAT(codes_at(admin_url()), ElementsAre("problem busy-script"));
    ASSERT_EQ(link_.ask({"SCRIPT", "KILL"}).text, "OK");
    EXPECT_THAT(busy.receive().text, HasSubstr("killed"));
}

TEST_F(doctor_on_redis, finds_a_way_that_is_slow) {
    tcp_proxy slow(server().socket_path());
    slow.to_client({.delay = 320ms});
    const auto found = locker("redis://" + slow.host_and_port(), {.timeout = 60s}).diagnose();
    EXPECT_THAT(codes_of(found), ElementsAre("warning slow-server"));
    EXPECT_GE(found->servers.at(0).round_trip, 320ms);
}

TEST_F(doctor_on_redis, finds_rights_that_are_missing) {
    const std::vector<std::string> all = redis_acl_rules({});
    EXPECT_THAT(as_user(all), ElementsAre("note config-unreadable"))
        << "what the doctor prints is enough, for itself too";
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), all.begin(), all.end());
        return as_user(more);
    };
    EXPECT_THAT(
        with({"-scan", "-client"}),
        ElementsAre("note config-unreadable", "warning missing-right", "warning missing-right"));
    EXPECT_THAT(with({"-set"}), ElementsAre("note config-unreadable", "problem missing-right"));
    EXPECT_THAT(with({"-exec"}), ElementsAre("note config-unreadable", "problem missing-right"));
    EXPECT_THAT(with({"-multi"}),
                UnorderedElementsAre("note config-unreadable", "note rights-untried",
                                     "problem missing-right"));
    EXPECT_THAT(with({"-info"}), Contains("warning missing-right"));
    EXPECT_THAT(with({"resetchannels"}),
                ElementsAre("note config-unreadable", "warning missing-channel-right"));
    EXPECT_THAT(with({"resetkeys", "~other:*"}),
                ElementsAre("note config-unreadable", "problem missing-key-right"));
    const auto found =
        locker("redis://worker:word@127.0.0.1:" + std::to_string(server().port())).diagnose();
    for (const finding& one : found->findings)
        EXPECT_THAT(one.text + one.remedy + one.subject, Not(HasSubstr("word"))) << one.code;
}

// Why: a list that names a right which is not tried would never say that it is missing.
TEST_F(doctor_on_redis, tries_each_right_that_it_prints) {
    const std::vector<std::string> all = redis_acl_rules({.ranges = false});
    for (const std::string& rule : all) {
        if (!rule.starts_with("+") || rule == "+hello" || rule == "+auth") continue;
        auto less = all;
        less.push_back("-" + rule.substr(1));
        const auto codes = as_user(less);
        EXPECT_EQ(codes.count("problem missing-right") + codes.count("warning missing-right"), 1U)
            << rule;
    }
}

TEST_F(doctor_on_redis, finds_one_server_twice_in_a_quorum_and_an_even_number) {
    const auto both = open_quorum({admin_url(), tcp_url()});
    ASSERT_TRUE(both);
    EXPECT_THAT(codes_of(locker(*both).diagnose()),
                UnorderedElementsAre("problem same-server", "warning even-nodes"));
}

TEST_F(doctor_on_redis, finds_a_node_of_a_quorum_that_is_dead) {
    redis_server second({.arguments = healthy()});
    redis_server third({.arguments = healthy()});
    const auto nodes = open_quorum({admin_url(), "redis+unix://" + second.socket_path(),
                                    "redis+unix://" + third.socket_path()});
    locker locks(*nodes);
    EXPECT_THAT(codes_of(locks.diagnose()), IsEmpty());
    third.kill();
    const auto found = locks.diagnose();
    EXPECT_THAT(codes_of(found), ElementsAre("problem node-unreachable"));
    EXPECT_THAT(found->findings.at(0).subject, HasSubstr(third.socket_path()));
    EXPECT_THAT(found->findings.at(0).remedy, HasSubstr("start it"));
    third.restart();
    EXPECT_EQ(third.command({"CONFIG", "SET", "requirepass", "secret"}), "+OK\r\n");
    const auto refused = locks.diagnose();
    EXPECT_THAT(codes_of(refused), ElementsAre("problem node-unreachable"));
    EXPECT_THAT(refused->findings.at(0).remedy, HasSubstr("mend what it says"));
}

TEST(doctor_on_other_servers, finds_a_node_of_a_cluster) {
    auto arguments = healthy();
    arguments.insert(arguments.end(), {"--cluster-enabled", "yes"});
    redis_server server({.arguments = arguments});
    EXPECT_THAT(codes_at("redis+unix://" + server.socket_path()), Contains("problem cluster-node"));
}

TEST(doctor_on_other_servers, looks_at_each_master_of_a_cluster) {
    redis_cluster cluster(healthy());
    locker locks(as_default(cluster.url()));
    const auto well = locks.diagnose();
    EXPECT_THAT(codes_of(well), Each("note unacknowledged-replicas"));
    ASSERT_EQ(well->servers.size(), redis_cluster::masters);
    ASSERT_EQ(cluster.server(1).command({"CONFIG", "SET", "appendfsync", "no"}), "+OK\r\n");
    const auto ill = locks.diagnose();
    EXPECT_EQ(codes_of(ill).count("warning appendfsync"), 1U);
}

TEST(doctor_on_other_servers, looks_at_the_master_that_sentinels_watch) {
    sentinel_set set(500ms, healthy());
    const std::string url = as_default(set.url());
    EXPECT_THAT(codes_at(url), ElementsAre("note unacknowledged-replicas"));
    EXPECT_THAT(codes_at(url + "?durability=replicated"), IsEmpty());
    EXPECT_THAT(codes_at(url + "?durability=replicated&replicas=5"),
                Contains("problem too-few-replicas"));
}

TEST(doctor_on_other_servers, finds_the_older_protocol) {
    auto arguments = healthy();
    arguments.insert(arguments.end(), {"--rename-command", "HELLO", ""});
    redis_server server({.arguments = arguments});
    EXPECT_THAT(codes_at("redis+unix://" + server.socket_path()),
                ElementsAre("warning older-protocol"));
}

TEST(doctor_on_other_servers, says_which_it_cannot_reach) {
    const auto found = locker("redis://127.0.0.1:1").diagnose();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, errc::unreachable);
}

}  // namespace
}  // namespace holdfast::test
