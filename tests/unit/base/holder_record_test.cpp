// SPDX-License-Identifier: BSL-1.0
#include "base/holder_record.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using base::read_holder_record;
using base::write_holder_record;

const std::string id = "0123456789abcdef0123456789abcdef";

TEST(a_holder_record, is_the_id_then_pid_and_host_then_the_label) {
    EXPECT_EQ(write_holder_record(id, 42, "web-1", "night shift"), id + "|42@web-1|night shift");
    EXPECT_EQ(write_holder_record(id, 0, "", ""), id + "|0@|");
}

TEST(a_holder_record, comes_back_as_it_was) {
    for (const char* const owner : {"", "night shift", "a|b|c", "x@y", "Ü"}) {
        const auto record = read_holder_record(write_holder_record(id, 7, "web-1", owner));
        EXPECT_EQ(record.id, id);
        EXPECT_EQ(record.holder.pid, 7);
        EXPECT_EQ(record.holder.host, "web-1");
        EXPECT_EQ(record.holder.owner, owner);
        EXPECT_EQ(record.holder.remaining.count(), -1);
    }
}

TEST(a_host_name, cannot_move_the_borders_of_a_record) {
    EXPECT_EQ(write_holder_record(id, 1, "a|b\nc", "o"), id + "|1@abc|o");
}

// Why: other programs take locks with values of their own, and people look at them.
TEST(a_value_of_another_form, is_all_id) {
    EXPECT_EQ(read_holder_record("some-uuid").id, "some-uuid");
    EXPECT_EQ(read_holder_record("").id, "");
    EXPECT_EQ(read_holder_record("\0\xff"s).id, "\0\xff"s);
    for (const char* const value :
         {"x|", "x|y", "x|@", "x|-1@h", "x|1", "x|1h", "x|@h", "x|99999999999999999999@h"}) {
        const auto record = read_holder_record(value);
        EXPECT_EQ(record.id, "x") << value;
        EXPECT_EQ(record.holder.pid, 0) << value;
        EXPECT_EQ(record.holder.host, "") << value;
    }
    EXPECT_EQ(read_holder_record("x|junk|label").holder.owner, "label");
}

TEST(text_that_others_wrote, is_made_printable) {
    const auto record = read_holder_record("x|1@ho\nst|la\x1b[31mbel\0\x7f"s);
    EXPECT_EQ(record.holder.host, "ho?st");
    EXPECT_EQ(record.holder.owner, "la?[31mbel??");
}

}  // namespace
}  // namespace holdfast::test
