// SPDX-License-Identifier: BSL-1.0
#include "base/store_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using base::parse_store_url;
using base::store_url;
using testing::HasSubstr;
using testing::Not;

store_url parsed(std::string_view text) { return parse_store_url(text).value(); }

TEST(a_store_url, is_taken_apart) {
    const store_url url = parsed("RedisS://ops:p%40ss@db.example:6380/3?ca_file=%2Fca.pem&x=a%26b");
    EXPECT_EQ(url.scheme, "rediss");
    EXPECT_EQ(url.user, "ops");
    EXPECT_EQ(url.password.reveal(), "p@ss");
    EXPECT_EQ(url.host, "db.example");
    EXPECT_EQ(url.port, 6380);
    EXPECT_EQ(url.path, "/3");
    EXPECT_EQ(url.query.at("ca_file"), "/ca.pem");
    EXPECT_EQ(url.query.at("x"), "a&b");
}

TEST(a_store_url, may_leave_out_all_but_the_scheme_and_what_the_scheme_needs) {
    EXPECT_EQ(parsed("redis://localhost").host, "localhost");
    EXPECT_EQ(parsed("redis://localhost").port, 0);
    EXPECT_EQ(parsed("redis://:pw@h").user, "");
    EXPECT_EQ(parsed("redis://:pw@h").password.reveal(), "pw");
    EXPECT_EQ(parsed("memory:").path, "");
    EXPECT_EQ(parsed("sqlite:locks.db").path, "locks.db");
    EXPECT_EQ(parsed("sqlite:/var/lib/a%20b.db").path, "/var/lib/a b.db");
    EXPECT_EQ(parsed("redis+unix:///run/redis.sock?db=2").path, "/run/redis.sock");
    EXPECT_EQ(parsed("redis+unix:///run/redis.sock?db=2").host, "");
}

// Why: RFC 8089 writes absolute paths so, and redis+unix: does. Five are one, as for the kernel.
TEST(a_sqlite_url, may_have_an_empty_host_before_an_absolute_path) {
    EXPECT_EQ(parsed("sqlite:///var/lib/a%20b.db").path, "/var/lib/a b.db");
    EXPECT_EQ(parsed("SQLite:///locks.db").redacted(), "sqlite:/locks.db");
    EXPECT_EQ(parsed("sqlite://///a//b").path, "/a//b");
    EXPECT_EQ(parsed("sqlite:///").path, "/");
}

// Why: after redis:// it is easily typed, and led to a file in the root directory.
TEST(a_local_url, with_a_host_is_refused_and_told_how_to_be_written) {
    for (const char* const text :
         {"sqlite://", "sqlite://x", "sqlite://dir/x", "SQLITE://x", "sqlite://localhost/x"}) {
        const auto url = parse_store_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, errc::misuse) << text;
        EXPECT_THAT(url.error().text, HasSubstr("sqlite:PATH")) << text;
        EXPECT_THAT(url.error().text, HasSubstr("sqlite:/DIR/FILE")) << text;
    }
    for (const char* const text : {"memory://", "memory://x", "memory:///x"}) {
        const auto url = parse_store_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, errc::misuse) << text;
        EXPECT_THAT(url.error().text, HasSubstr("memory:NAME")) << text;
    }
    EXPECT_EQ(parsed("memory:/x").path, "/x");
}

TEST(an_ipv6_address, stands_in_brackets) {
    EXPECT_EQ(parsed("redis://[::1]").host, "::1");
    EXPECT_EQ(parsed("redis://u:p@[fe80::1]:6380/1").host, "fe80::1");
    EXPECT_EQ(parsed("redis://u:p@[fe80::1]:6380/1").port, 6380);
    EXPECT_EQ(parsed("redis://[::1]:6380").redacted(), "redis://[::1]:6380");
    EXPECT_FALSE(parse_store_url("redis://[::1"));
    EXPECT_FALSE(parse_store_url("redis://[::1]6380"));
}

TEST(a_password, may_hold_anything_that_is_encoded_and_an_at_sign_as_it_is) {
    EXPECT_EQ(parsed("redis://u:a@b@host").password.reveal(), "a@b");
    EXPECT_EQ(parsed("redis://u:a@b@host").host, "host");
    EXPECT_EQ(parsed("redis://u:%2F%3F%23%3A%00@host").password.reveal(), "/?#:\0"s);
}

TEST(a_bad_store_url, is_refused_as_misuse_naming_the_rule) {
    const std::pair<const char*, const char*> bad[] = {
        {"", "scheme"},
        {"localhost", "scheme"},
        {":x", "scheme"},
        {"1redis://h", "scheme"},
        {"redis://h:0", "port"},
        {"redis://h:65536", "port"},
        {"redis://h:", "port"},
        {"redis://h:6x", "port"},
        {"redis://h:-1", "port"},
        {"redis://u%4:p@h", "user"},
        {"redis://u:p%zz@h", "password"},
        {"redis://h%", "host"},
        {"redis://h/%f", "path"},
        {"redis://h?db", "name=value"},
        {"redis://h?=1", "name=value"},
        {"redis://h?a=%q1", "hexadecimal"},
        {"redis://h?a=1&a=2", "twice"},
        {"redis://h%00x", "NUL"},
        {"sqlite:a%00b", "NUL"},
    };
    for (const auto& [text, rule] : bad) {
        const auto url = parse_store_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, errc::misuse) << text;
        EXPECT_THAT(url.error().text, HasSubstr(rule)) << text;
    }
    EXPECT_FALSE(parse_store_url("redis://h\0x"s));
}

// Why: URLs land in logs. How: a word that stands for the password must not be in what is shown.
TEST(what_is_shown_of_a_url, never_holds_its_password_or_its_options) {
    const store_url url = parsed("redis://ops:canary@db:6380/3?password_file=/etc/canary");
    EXPECT_EQ(url.redacted(), "redis://ops@db:6380/3");
    EXPECT_EQ(parsed("redis://:canary@db").redacted(), "redis://db");
    EXPECT_EQ(parsed("sqlite:a\nb.db").redacted(), "sqlite:a?b.db");
    for (const char* const text :
         {"redis://u:canary@h:x", "redis://u:canary%@h", "redis://u:canary@[::1",
          "redis://u:canary@h?x", "redis://u:1/canary@h%", "redis://u:1?canary=2&canary=3@h",
          "canary", "redis://u:canary@h/%"}) {
        const auto bad = parse_store_url(text);
        ASSERT_FALSE(bad) << text;
        EXPECT_THAT(bad.error().message(), Not(HasSubstr("canary")));
    }
}

// Why: who typed it may not have written it, and reads the answer on a terminal.
TEST(an_unknown_option, is_named_in_printable_text) {
    const store_url url = parsed("redis://h?a%1b%5b2Jb=1");
    const auto wrong = base::check_query(url, {});
    ASSERT_TRUE(wrong);
    EXPECT_THAT(wrong->text, HasSubstr("'a?[2Jb'"));
}

TEST(an_unknown_option, is_named_together_with_those_that_are_known) {
    const store_url url = parsed("redis://h?pasword_file=/etc/canary");
    const auto wrong = base::check_query(url, {"password_file", "other"});
    ASSERT_TRUE(wrong);
    EXPECT_THAT(wrong->text, HasSubstr("'pasword_file'"));
    EXPECT_THAT(wrong->text, HasSubstr("known: password_file other"));
    EXPECT_THAT(wrong->text, Not(HasSubstr("canary")));
    EXPECT_FALSE(base::check_query(url, {"pasword_file"}));
    EXPECT_TRUE(base::check_query(url, {}));
}

}  // namespace
}  // namespace holdfast::test
