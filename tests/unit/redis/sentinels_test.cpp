// SPDX-License-Identifier: BSL-1.0
//
// Why: what sentinels say is as little to be trusted as any other reply.
#include "redis/client/sentinels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using base::server_place;
using redis::read_master_place;
using redis::read_switch;
using redis::resp::kind;
using redis::resp::reply;

reply bulk(std::string words) { return {.type = kind::text, .text = std::move(words)}; }

reply pair(std::string host, std::string port) {
    return {.type = kind::array, .items = {bulk(std::move(host)), bulk(std::move(port))}};
}

TEST(the_place_of_a_master, is_read_from_a_reply) {
    EXPECT_EQ(read_master_place(pair("10.0.0.1", "6380")).value(),
              (server_place{"10.0.0.1", 6380}));
}

TEST(the_place_of_a_master, is_refused_where_it_makes_no_sense) {
    const reply unknown{.type = kind::nil};
    EXPECT_EQ(read_master_place(unknown).error().code, errc::denied);
    const reply error{.type = kind::error, .text = "NOAUTH Authentication required."};
    EXPECT_EQ(read_master_place(error).error().code, errc::denied);
    for (const reply& odd : {pair("h", "0"), pair("h", "65536"), pair("h", "6x"), pair("", "6379"),
                             bulk("h"), reply{.type = kind::array, .items = {bulk("h")}}})
        EXPECT_EQ(read_master_place(odd).error().code, errc::protocol);
}

TEST(a_switch, names_the_new_place_of_its_master) {
    const auto place = read_switch("mymaster 10.0.0.1 6379 ::1 6380", "mymaster");
    ASSERT_TRUE(place);
    EXPECT_EQ(*place, (server_place{"::1", 6380}));
}

TEST(a_switch, of_another_master_or_without_sense_is_passed_over) {
    for (const char* const words :
         {"", "other 10.0.0.1 6379 10.0.0.2 6379", "mymaster 10.0.0.1 6379 10.0.0.2",
          "mymaster 10.0.0.1 6379 10.0.0.2 0", "mymaster 10.0.0.1 6379 10.0.0.2 6379 more",
          "mymaster 10.0.0.1 6379  6379"})
        EXPECT_FALSE(read_switch(words, "mymaster")) << words;
}

}  // namespace
}  // namespace holdfast::test
