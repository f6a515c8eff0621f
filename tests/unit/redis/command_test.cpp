// SPDX-License-Identifier: BSL-1.0
#include "redis/resp/command.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using redis::resp::append_command;

TEST(a_command, is_written_as_an_array_of_counted_strings) {
    std::string out;
    append_command(out, "PING");
    EXPECT_EQ(out, "*1\r\n$4\r\nPING\r\n");
    append_command(out, "SET", "k"s, std::string_view("v"), "PX", 30000LL);
    EXPECT_EQ(out,
              "*1\r\n$4\r\nPING\r\n"
              "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nPX\r\n$5\r\n30000\r\n");
}

// Why: no byte of a name or label may end an argument and begin a command.
TEST(an_argument, may_hold_any_bytes) {
    std::string out;
    append_command(out, "GET", "a\r\nFLUSHALL\r\n\0\xff"s, "");
    EXPECT_EQ(out, "*3\r\n$3\r\nGET\r\n$15\r\na\r\nFLUSHALL\r\n\0\xff\r\n$0\r\n\r\n"s);
}

TEST(a_number, is_written_in_decimal_from_the_lowest_to_the_highest) {
    std::string out;
    append_command(out, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(out, "*1\r\n$20\r\n-9223372036854775808\r\n");
    out.clear();
    append_command(out, std::numeric_limits<std::uint64_t>::max(), 0);
    EXPECT_EQ(out, "*2\r\n$20\r\n18446744073709551615\r\n$1\r\n0\r\n");
}

}  // namespace
}  // namespace holdfast::test
