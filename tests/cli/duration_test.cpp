// SPDX-License-Identifier: BSL-1.0
//
// What it is: durations, URLs for children, and what is hidden of URLs, without any process.
#include "../../apps/cli/duration.hpp"

#include "../../apps/cli/store_address.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace holdfast::cli {
namespace {

using namespace std::chrono_literals;

TEST(parse_duration, takes_whole_numbers_with_a_unit) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("0s"), 0s);
    EXPECT_EQ(parse_duration("007s"), 7s);
}

TEST(parse_duration, refuses_everything_else) {
    for (const auto* text :
         {"", "s", "30", "1.5s", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "1d", "1sec", "1s1",
          "0x1s", "99999999999999999999s", "9223372036854775807h"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(parse_seconds, takes_decimals_as_flock_does) {
    EXPECT_EQ(parse_seconds("10"), 10s);
    EXPECT_EQ(parse_seconds("0.25"), 250ms);
    EXPECT_EQ(parse_seconds(".5"), 500ms);
    EXPECT_EQ(parse_seconds("1."), 1s);
    EXPECT_EQ(parse_seconds("0.0001"), 1ms);
    EXPECT_EQ(parse_seconds("0.0010"), 1ms);
    EXPECT_EQ(parse_seconds("1.00000000000000000000"), 1s);
}

TEST(parse_seconds, refuses_everything_else) {
    for (const auto* text : {"", ".", "1s", "-1", "1e3", "1.2.3", "nan", "1,5", "0x10"}) {
        EXPECT_EQ(parse_seconds(text), std::nullopt) << text;
    }
}

TEST(url_for_children, strips_the_password_and_nothing_else) {
    EXPECT_EQ(url_for_children("redis://u:pw@h:1/2?password_file=/f&x=a@b"),
              "redis://u@h:1/2?password_file=/f&x=a@b");
    EXPECT_EQ(url_for_children("redis://:pw@h"), "redis://h");
    EXPECT_EQ(url_for_children("redis://h:6379/?x=a@b"), "redis://h:6379/?x=a@b");
    EXPECT_EQ(url_for_children("redis+unix://:p:w@/run/r@1.sock?db=3"),
              "redis+unix:///run/r@1.sock?db=3");
    EXPECT_EQ(url_for_children("redis+unix:///run/a:b@c.sock"), "redis+unix:///run/a:b@c.sock");
    EXPECT_EQ(url_for_children("sqlite:/a/b.db?x=1"), "sqlite:/a/b.db?x=1");
    EXPECT_TRUE(url_for_children("sqlite:b.db").starts_with("sqlite:/"));
    EXPECT_EQ(url_for_children("mysql://u:pw@h/d?notify=redis://:s@c&tls=on"),
              "mysql://u@h/d?tls=on");
    EXPECT_EQ(url_for_children("mysql://u@h/d?tls=on&notify=redis%3A%2F%2F%3As%40c"),
              "mysql://u@h/d?tls=on");
    EXPECT_EQ(url_for_children("mysql://u@h/d?notify=redis://u:s@c"), "mysql://u@h/d");
    EXPECT_EQ(url_for_children("mysql://u:pw@h/d?notify=redis://cache:6379"),
              "mysql://u@h/d?notify=redis://cache:6379");
}

TEST(hide_passwords, finds_each_url_in_a_text) {
    EXPECT_EQ(hide_passwords("x redis://u:pw@h and rediss://:s/e@c@h:1 y"),
              "x redis://u:***@h and rediss://:***@h:1 y");
    EXPECT_EQ(hide_passwords("redis://h:1 says a@b"), "redis://h:1 says a@b");
    EXPECT_EQ(hide_passwords("mysql://u:pw@h/d?notify=redis%3a%2f%2f%3as%40c&tls=on: no"),
              "mysql://u:***@h/d?notify=***&tls=on: no");
    EXPECT_EQ(hide_passwords("x?notify=redis://u:s@c y?notify=redis://u:t@c"),
              "x?notify=*** y?notify=***");
}

TEST(wipe_passwords, leaves_none_in_the_arguments) {
    std::string first = "holdfast";
    std::string second = "mysql://u:pw@h/d?notify=redis%3A%2F%2F%3As%40c&tls=on";
    std::string third = "redis://:pw@h";
    char* arguments[] = {first.data(), second.data(), third.data()};
    wipe_passwords(3, arguments);
    EXPECT_EQ(second, "mysql://u:**@h/d?notify=" + std::string(22, '*') + "&tls=on");
    EXPECT_EQ(third, "redis://:**@h");
}

}  // namespace
}  // namespace holdfast::cli
