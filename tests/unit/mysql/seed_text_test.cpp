// SPDX-License-Identifier: BSL-1.0
#include "mysql/seed_id.hpp"
#include "mysql/seed_number.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace holdfast::test {
namespace {

using mysql::count_characters;
using mysql::make_seed_id;
using mysql::read_number;
using mysql::rounding;

TEST(a_seed_id, is_two_groups_of_the_time_and_a_uuid_of_version_4) {
    std::array<std::byte, 16> zeros{};
    std::array<std::byte, 16> ones{};
    ones.fill(std::byte{0xff});
    // The example of the original: the time is 1795239103464.
    EXPECT_EQ(make_seed_id(1795239103464, zeros),
              "03464-52391-00000000-0000-4000-8000-000000000000");
    EXPECT_EQ(make_seed_id(1795239103464, ones),
              "03464-52391-ffffffff-ffff-4fff-bfff-ffffffffffff");
    EXPECT_EQ(make_seed_id(0, zeros).substr(0, 12), "00000-00000-");
    EXPECT_EQ(make_seed_id(-5, zeros).substr(0, 12), "00000-00000-");
}

TEST(a_number_in_the_table, is_read_as_far_as_it_is_one) {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::int64_t least = std::numeric_limits<std::int64_t>::min();
    struct sample {
        const char* text;
        std::int64_t down;
        std::int64_t up;
    };
    const sample samples[] = {
        {"42", 42, 42},
        {"-42", -42, -42},
        {"+7", 7, 7},
        {"  7", 7, 7},
        {"7000.5", 7000, 7001},
        {"-7000.5", -7001, -7000},
        {".5", 0, 1},
        {"1.0000000017952392e+21", most, most},
        {"-1e21", least, least},
        {"1e400", most, most},
        {"-1e400", least, least},
        {"1e-400", 0, 0},
        {"9223372036854775807", most, most},
        {"9223372036854775808", most, most},
        {"-9223372036854775809", least, least},
        {"9007199254740993", 9007199254740993, 9007199254740993},
        {"12abc", 12, 12},
        {"NaN", 0, 0},
        {"nan", 0, 0},
        {"inf", 0, 0},
        {"-inf", 0, 0},
        {"Infinity", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"undefined", 0, 0},
    };
    for (const auto& [text, down, up] : samples) {
        EXPECT_EQ(read_number(text, rounding::down), down) << text;
        EXPECT_EQ(read_number(text, rounding::up), up) << text;
    }
}

TEST(characters, are_counted_and_what_is_not_utf_8_is_found) {
    EXPECT_EQ(count_characters(""), 0);
    EXPECT_EQ(count_characters("abc"), 3);
    EXPECT_EQ(count_characters("\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x92"), 3);
    for (const char* const bad :
         {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
          "\xf4\x90\x80\x80", "\xf5", "a\xff", "\xe2\x82"})
        EXPECT_EQ(count_characters(bad), -1);
}

}  // namespace
}  // namespace holdfast::test
