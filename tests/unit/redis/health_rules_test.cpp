// SPDX-License-Identifier: BSL-1.0
//
// What servers say of themselves that no test can make a real one say, and what it means.
#include "redis/health_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

server_account account_of(std::string_view more) {
    server_account told;
    told.info.add_lines(more);  // What comes first counts.
    told.info.add_lines(
        "# Server\r\nredis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\n"
        "maxmemory:0\r\nmaxmemory_policy:noeviction\r\nappendfsync:always\r\n"
        "connected_clients:1\r\nmaxclients:10000\r\n");
    told.config_read = true;
    told.resp3 = true;
    told.clock_ahead = 0us;
    return told;
}

settings place(std::string_view url) { return read_settings(url).value(); }

std::vector<std::string> codes(const server_account& told,
                               std::string_view url = "redis://127.0.0.1") {
    std::vector<std::string> all;
    for (const finding& one : judge_server(told, place(url)))
        all.push_back(std::string(to_string(one.level)) + " " + one.code);
    return all;
}

TEST(health_rules, find_nothing_in_a_server_that_is_well) {
    EXPECT_THAT(codes(account_of("")), IsEmpty());
}

TEST(health_rules, find_old_versions) {
    EXPECT_THAT(codes(account_of("redis_version:6.0.16\n")), ElementsAre("problem old-version"));
    EXPECT_THAT(codes(account_of("redis_version:5.0.3\n")), ElementsAre("problem old-version"));
    EXPECT_THAT(codes(account_of("redis_version:6.2.7\n")),
                ElementsAre("note scripts-without-flags"));
    EXPECT_THAT(codes(account_of("redis_version:10.1.0\n")), IsEmpty());
    EXPECT_EQ(version_text(account_of("redis_version:7.2.4\nvalkey_version:8.0.1\n").info),
              "Valkey 8.0.1");
}

TEST(health_rules, find_servers_that_serve_nothing) {
    EXPECT_THAT(codes(account_of("loading:1\n")), ElementsAre("problem loading"));
    EXPECT_THAT(codes(account_of("redis_mode:sentinel\n")), ElementsAre("problem sentinel-node"));
    EXPECT_THAT(codes(account_of("aof_last_write_status:err\n")),
                ElementsAre("problem aof-write-failed"));
    for (const auto& [words, code] :
         {std::pair("LOADING Redis is loading the dataset in memory", "problem loading"),
          std::pair("MASTERDOWN Link with MASTER is down", "problem replica"),
          std::pair("BUSY Redis is busy", "problem busy-script"),
          std::pair("ERR whatever", "problem refused")}) {
        server_account told = account_of("");
        told.info_refused = words;
        EXPECT_THAT(codes(told), ElementsAre(code)) << words;
    }
}

TEST(health_rules, find_replicas_that_grants_wait_for_and_that_are_not_there) {
    const char* const url = "redis://127.0.0.1?durability=replicated&replicas=2";
    EXPECT_THAT(codes(account_of("connected_slaves:1\n"), url),
                ElementsAre("problem too-few-replicas"));
    EXPECT_THAT(codes(account_of("connected_slaves:2\n"), url), IsEmpty());
    EXPECT_THAT(codes(account_of("connected_slaves:2\n")),
                ElementsAre("note unacknowledged-replicas"));
    EXPECT_THAT(codes(account_of("connected_slaves:2\nmin_slaves_good_slaves:2\n")), IsEmpty());
}

// What is within the doubt of a slow way is no offset.
TEST(health_rules, compare_clocks_as_well_as_they_can) {
    server_account told = account_of("");
    told.clock_ahead = 900ms;
    EXPECT_THAT(codes(told), IsEmpty());
    told.clock_ahead = -1500ms;
    EXPECT_THAT(codes(told), ElementsAre("warning clock-offset"));
    told.clock_doubt = 600ms;
    EXPECT_THAT(codes(told), IsEmpty());
    told.clock_ahead.reset();
    EXPECT_THAT(codes(told), IsEmpty());
}

TEST(health_rules, find_what_goes_over_a_network_in_plain_text) {
    const server_account told = account_of("");
    EXPECT_THAT(codes(told, "redis://far.example"), ElementsAre("note plain-text"));
    EXPECT_THAT(codes(told, "redis://:secret@far.example"), ElementsAre("warning plain-text"));
    EXPECT_THAT(codes(told, "rediss://:secret@far.example"), IsEmpty());
    EXPECT_THAT(codes(told, "redis://:secret@localhost"), IsEmpty());
    EXPECT_THAT(codes(told, "redis://:secret@[::1]"), IsEmpty());
}

// Redis 7.0 and 7.2 say it in different words.
TEST(health_rules, know_the_words_for_rights_that_are_missing) {
    const right command{"set", purposes{1}, "", ""};
    const auto found = [&](const char* words) {
        std::vector<std::string> all;
        for (const finding& one : judge_rights({{&command, words}}, "ann", "r1", "{hf:*"))
            all.push_back(one.code);
        return all;
    };
    EXPECT_THAT(found(""), IsEmpty());
    EXPECT_THAT(found("OOM command not allowed"), IsEmpty());
    EXPECT_THAT(found("NOPERM this user has no permissions to run the 'set' command"),
                ElementsAre("missing-right"));
    EXPECT_THAT(found("NOPERM User ann has no permissions to run the 'set' command"),
                ElementsAre("missing-right"));
    EXPECT_THAT(found("NOPERM this user has no permissions to access one of the keys used as "
                      "arguments"),
                ElementsAre("missing-key-right"));
    EXPECT_THAT(found("NOPERM No permissions to access a key"), ElementsAre("missing-key-right"));
    EXPECT_THAT(found("NOPERM this user has no permissions to access one of the channels used as "
                      "arguments"),
                ElementsAre("missing-channel-right"));
    EXPECT_THAT(found("NOPERM No permissions to access a channel"),
                ElementsAre("missing-channel-right"));
}

}  // namespace
}  // namespace holdfast::redis
