// SPDX-License-Identifier: BSL-1.0
//
// Why: a key that is looked for in the wrong slot is a lock that excludes nobody. The examples are
// those of the specification of Redis Cluster.
#include "redis/cluster/slot.hpp"

#include "redis/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {
namespace {

using base::server_place;
using redis::slot_of;
using redis::resp::kind;
using redis::resp::reply;

TEST(a_slot, is_that_of_what_stands_between_the_first_braces) {
    EXPECT_EQ(slot_of("123456789"), 0x31C3);
    EXPECT_EQ(slot_of("foo"), 12182);
    EXPECT_EQ(slot_of(""), 0);
    EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
    EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
    EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "nothing stands between them";
    EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
    EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
}

TEST(a_slot, is_the_same_for_all_keys_of_a_name) {
    for (const char* const name : {"job", "a}b", "{", "}{", "100% {x}:f"})
        for (const std::string& key : redis::all_keys(name))
            EXPECT_EQ(slot_of(key), slot_of(redis::lock_key(name))) << key;
}

reply number(std::int64_t value) { return {.type = kind::integer, .integer = value}; }
reply list(std::vector<reply> items) { return {.type = kind::array, .items = std::move(items)}; }
reply words(std::string value) { return {.type = kind::text, .text = std::move(value)}; }

reply row(std::int64_t first, std::int64_t last, reply host, std::int64_t port) {
    return list({number(first), number(last), list({std::move(host), number(port), words("id")})});
}

const server_place asked{"10.0.0.9", 7000};

TEST(the_slots_of_a_cluster, are_read_with_their_masters) {
    const auto all = redis::read_slots(
        list({row(0, 99, words("10.0.0.1"), 7001), row(100, 16383, words(""), 7002),
              row(5, 5, {}, 7003), row(6, 6, words("?"), 7004)}),
        asked);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 4U);
    EXPECT_EQ((*all)[0].last, 99);
    EXPECT_EQ((*all)[0].master, (server_place{"10.0.0.1", 7001}));
    for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ((*all)[i].master.host, asked.host);
}

TEST(the_slots_of_a_cluster, are_refused_where_they_make_no_sense) {
    const reply host = words("h");
    for (const reply& odd :
         {number(1), list({number(1)}), list({row(0, 16384, host, 1)}), list({row(-1, 0, host, 1)}),
          list({row(2, 1, host, 1)}), list({row(0, 1, host, 0)}), list({row(0, 1, host, 65536)}),
          list({list({number(0), number(1), host})})})
        EXPECT_EQ(redis::read_slots(odd, asked).error().code, errc::protocol);
    const reply refused{.type = kind::error, .text = "NOPERM no"};
    EXPECT_EQ(redis::read_slots(refused, asked).error().code, errc::denied);
}

TEST(a_redirection, names_a_slot_and_a_place) {
    const auto moved = redis::read_redirection("MOVED 3999 127.0.0.1:6381", asked);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->slot, 3999);
    EXPECT_EQ(moved->master, (server_place{"127.0.0.1", 6381}));
    EXPECT_TRUE(moved->lasting);
    EXPECT_FALSE(redis::read_redirection("ASK 3999 127.0.0.1:6381", asked)->lasting);
    EXPECT_EQ(redis::read_redirection("MOVED 1 :6381", asked)->master.host, asked.host);
    EXPECT_EQ(redis::read_redirection("MOVED 1 ?:6381", asked)->master.host, asked.host);
    EXPECT_EQ(redis::read_redirection("MOVED 1 ::1:6381", asked)->master.host, "::1");
}

TEST(a_redirection, without_sense_is_passed_over) {
    for (const char* const text :
         {"", "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED x h:1", "MOVED 1 h", "MOVED 1 h:0",
          "MOVED 1 h:65536", "MOVED 1 h:1x", "OK 1 h:1"})
        EXPECT_FALSE(redis::read_redirection(text, asked)) << text;
}

TEST(an_error_of_a_cluster, says_that_a_key_is_elsewhere) {
    for (const char* const text :
         {"MOVED 1 h:1", "ASK 1 h:1", "TRYAGAIN Multiple keys", "CLUSTERDOWN Hash slot not served",
          "ERR Script attempted to access a non local key in a cluster node script: x",
          "ERR Error running script (call to f_x): @user_script:1: Script attempted to access a "
          "non local key in a cluster node"})
        EXPECT_TRUE(redis::is_elsewhere(text)) << text;
    for (const char* const text : {"ERR unknown command", "NOSCRIPT No", "MOVEDX"})
        EXPECT_FALSE(redis::is_elsewhere(text)) << text;
}

}  // namespace
}  // namespace holdfast::test
