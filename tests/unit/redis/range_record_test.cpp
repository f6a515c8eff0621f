// SPDX-License-Identifier: BSL-1.0
#include "redis/range_record.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using redis::class_of;
using redis::read_bound;
using redis::read_id;
using redis::read_record;
using redis::write_bound;
using redis::write_cursor;
using redis::write_id;
using redis::write_labels;
using redis::write_token;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

// Why: the server compares bytes, and what it compares are numbers.
TEST(a_bound, is_ordered_as_its_number) {
    const std::vector<std::int64_t> rising{least,
                                           least + 1,
                                           -(std::int64_t{1} << 53) - 1,
                                           -(std::int64_t{1} << 53),
                                           -256,
                                           -1,
                                           0,
                                           1,
                                           255,
                                           256,
                                           std::int64_t{1} << 32,
                                           (std::int64_t{1} << 53) + 1,
                                           most - 1,
                                           most};
    for (std::size_t i = 0; i < rising.size(); ++i) {
        const std::string bytes = write_bound(rising[i]);
        EXPECT_EQ(bytes.size(), redis::bound_bytes);
        EXPECT_EQ(read_bound(bytes), rising[i]);
        if (i > 0) {
            EXPECT_LT(write_bound(rising[i - 1]), bytes);
        }
    }
}

TEST(a_class, is_one_and_the_power_of_two_that_the_length_does_not_exceed) {
    const auto class_number = [](std::int64_t start, std::int64_t end) {
        return static_cast<int>(class_of({start, end}).at(0));
    };
    EXPECT_EQ(class_number(0, 1), 1);
    EXPECT_EQ(class_number(-1, 1), 2);
    EXPECT_EQ(class_number(0, 3), 3);
    EXPECT_EQ(class_number(0, 4), 3);
    EXPECT_EQ(class_number(0, 5), 4);
    EXPECT_EQ(class_number(0, most), 64);
    EXPECT_EQ(class_number(-1, most), 64);
    EXPECT_EQ(class_number(-2, most), 65);
    EXPECT_EQ(class_number(least, most), 65);
    EXPECT_EQ(class_of({0, 1}).size(), 1U);
}

TEST(an_id, is_written_in_one_way_and_read_as_it_was) {
    const std::string hex = "0123456789abcdef0123456789abcdef";
    EXPECT_EQ(write_id(hex), std::string("x\x01\x23\x45\x67\x89\xab\xcd\xef"
                                         "\x01\x23\x45\x67\x89\xab\xcd\xef"));
    std::vector<std::string> ids{
        hex,          hex + "0", hex.substr(1),        "A" + hex.substr(1),
        "x",          "t",       std::string(1, '\0'), std::string(255, '\xff'),
        write_id(hex)};
    std::vector<std::string> written;
    for (const std::string& id : ids) {
        EXPECT_EQ(read_id(write_id(id)), id);
        written.push_back(write_id(id));
    }
    std::sort(written.begin(), written.end());
    EXPECT_EQ(std::unique(written.begin(), written.end()), written.end());
    for (const std::string& none : {std::string(), std::string("t"), std::string("x123"),
                                    std::string("yes"), std::string("\xff")})
        EXPECT_FALSE(read_id(none)) << none;
}

TEST(a_cursor, is_behind_the_place_that_it_tells) {
    EXPECT_EQ(write_cursor({1, 0x01020304050607}),
              write_bound(1) + std::string("\x01\x02\x03\x04\x05\x06\x08"));
    EXPECT_EQ(write_cursor({most, ~std::uint64_t{0}}), write_bound(most) + std::string(7, '\xff'));
    EXPECT_LT(write_cursor({1, ~std::uint64_t{0}}), write_cursor({2, 0}));
}

TEST(range_record, writes_tokens_as_they_stand_in_a_place) {
    EXPECT_EQ(write_token(0), "");
    EXPECT_EQ(write_token(0x01020304050607), std::string("\1\2\3\4\5\6\7"));
    EXPECT_EQ(write_token(~std::uint64_t{0}), std::string(7, '\xff'));
}

TEST(a_record, is_read_as_the_hold_that_it_is) {
    const std::string token("\0\0\0\0\0\x12\x34", 7);
    const std::string labels = write_labels("owner", std::string("da\0ta", 5));
    const auto single =
        read_record(std::string(1, '\0') + write_bound(-5) + token + write_bound(7) + labels, 90);
    ASSERT_TRUE(single);
    EXPECT_EQ(single->start, -5);
    EXPECT_EQ(single->end, 7);
    EXPECT_EQ(single->units, 1U);
    EXPECT_EQ(single->fencing_token, 0x1234U);
    EXPECT_EQ(single->owner, "owner");
    EXPECT_EQ(single->data, std::string("da\0ta", 5));
    EXPECT_EQ(single->remaining, std::chrono::milliseconds(90));
    EXPECT_FALSE(single->permanent);
    const std::string whole = class_of({0, 10}) + write_bound(0) + token + write_bound(10) +
                              std::string("\x0f\x42\x40", 3) + std::string("\x0f\x42\x40", 3) +
                              write_labels(std::string(256, 'o'), "");
    const auto shared = read_record(whole, -1);
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->units, 1'000'000U);
    EXPECT_EQ(shared->owner.size(), 256U);
    EXPECT_EQ(shared->data, "");
    EXPECT_TRUE(shared->permanent);
    EXPECT_EQ(shared->remaining.count(), 0);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
        EXPECT_FALSE(read_record(whole.substr(0, bytes), 1)) << bytes;
}

}  // namespace
}  // namespace holdfast::test
