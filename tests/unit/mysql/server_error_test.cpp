// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/server_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using mysql::classify;
using mysql::verdict;

TEST(a_mysql_error, says_whether_trying_again_helps) {
    for (const unsigned busy : {1205U, 1213U, 1969U, 3024U}) {
        EXPECT_EQ(classify(busy).what, verdict::busy) << busy;
        EXPECT_EQ(classify(busy).code, errc::timed_out) << busy;
    }
    for (const unsigned gone : {1053U, 1927U, 2002U, 2003U, 2006U, 2013U, 4031U}) {
        EXPECT_EQ(classify(gone).what, verdict::gone) << gone;
        EXPECT_EQ(classify(gone).code, errc::unreachable) << gone;
    }
    for (const unsigned refused : {1044U, 1045U, 1049U, 1142U, 1419U}) {
        EXPECT_EQ(classify(refused).what, verdict::refused) << refused;
        EXPECT_EQ(classify(refused).code, errc::denied) << refused;
    }
    EXPECT_EQ(classify(1366).code, errc::misuse);
    EXPECT_EQ(classify(1406).code, errc::misuse);
    EXPECT_EQ(classify(1146).code, errc::wrong_type);
    EXPECT_EQ(classify(1064).code, errc::protocol);
    EXPECT_EQ(classify(4151).code, errc::denied);
}

TEST(a_mysql_error, is_told_in_one_line_of_bounded_length) {
    EXPECT_EQ(mysql::tidy_text("a\nb\x1b[31m\x7f"), "a?b?[31m?");
    EXPECT_EQ(mysql::tidy_text(std::string(5000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace holdfast::test
