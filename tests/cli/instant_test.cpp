// SPDX-License-Identifier: BSL-1.0
//
// The ends of ranges on the command line: whole numbers and RFC 3339.
#include "../../apps/cli/instant.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace holdfast::cli {
namespace {

TEST(parse_instant, takes_whole_numbers) {
    EXPECT_EQ(parse_instant("0"), 0);
    EXPECT_EQ(parse_instant("10"), 10);
    EXPECT_EQ(parse_instant("-20"), -20);
    EXPECT_EQ(parse_instant("007"), 7);
    EXPECT_EQ(parse_instant("2026"), 2026) << "a year alone is a number";
    EXPECT_EQ(parse_instant("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(parse_instant("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
}

TEST(parse_instant, takes_rfc_3339_as_milliseconds_since_1970) {
    EXPECT_EQ(parse_instant("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parse_instant("2026-11-21T10:00:00Z"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("2026-11-21t10:00:00z"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("1969-12-31T23:59:59.999Z"), -1);
    EXPECT_EQ(parse_instant("2000-02-29T00:00:00Z"), 951'782'400'000);
    EXPECT_EQ(parse_instant("0000-01-01T00:00:00Z"), -62'167'219'200'000);
    EXPECT_EQ(parse_instant("9999-12-31T23:59:59.999Z"), 253'402'300'799'999);
}

TEST(parse_instant, takes_offsets) {
    EXPECT_EQ(parse_instant("2026-11-21T11:00:00+01:00"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("2026-11-21T04:30:00-05:30"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("2026-11-22T09:59:00+23:59"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("2026-11-21T10:00:00-00:00"), 1'795'255'200'000);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:00+00:01"), -60'000);
}

TEST(parse_instant, takes_fractions_and_never_rounds) {
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.5Z"), 1500);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.25Z"), 1250);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.125+00:00"), 1125);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.125000000Z"), 1125);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.1251Z"), std::nullopt);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01.0000000001Z"), std::nullopt);
    EXPECT_EQ(parse_instant("1970-01-01T00:00:01." + std::string(10'000, '0') + "Z"), 1000);
}

TEST(instead_of_instant, names_the_rule_that_was_broken) {
    const std::string either{instead_of_instant("ten")};
    EXPECT_EQ(either.find("a whole number, or an instant"), 0U);
    EXPECT_EQ(instead_of_instant("2026-11-21"), either);
    const auto names = [](std::string_view text, std::string_view rule) {
        const std::string_view said = instead_of_instant(text);
        return said.find(rule) != std::string_view::npos
                   ? std::string()
                   : std::string(text) + ": " + std::string(said);
    };
    EXPECT_EQ(names("99999999999999999999", "from -9223372036854775808 to 9223372036854775807"),
              "");
    EXPECT_EQ(names("-9223372036854775809", "from -9223372036854775808 to 9223372036854775807"),
              "");
    EXPECT_EQ(names("2026-11-21T10:00:00", "offset"), "");
    EXPECT_EQ(names("2026-11-21T10:00:00.250", "offset"), "");
    EXPECT_EQ(names("2026-11-21T10:00:00.123456Z", "no finer than a millisecond"), "");
    EXPECT_EQ(names("2026-02-29T10:00:00Z", "that exist"), "");
    EXPECT_EQ(names("2026-11-21T23:59:60Z", "leap second"), "");
}

TEST(parse_instant, refuses_everything_else) {
    for (const char* const text : {"",
                                   " ",
                                   "-",
                                   "+5",
                                   "--5",
                                   "1.5",
                                   "1e3",
                                   "0x10",
                                   "10 ",
                                   " 10",
                                   "5ms",
                                   "nan",
                                   "9223372036854775808",
                                   "-9223372036854775809",  // Too large.
                                   "2026-11-21",
                                   "2026-11-21T10:00:00",
                                   "2026-11-21T10:00Z",
                                   "2026-11-21 10:00:00Z",
                                   "26-11-21T10:00:00Z",
                                   "2026-1-21T10:00:00Z",
                                   "20261121T100000Z",
                                   "02026-11-21T10:00:00Z",
                                   "-2026-11-21T10:00:00Z",
                                   "+2026-11-21T10:00:00Z",
                                   "2026-11-21T1:00:00Z",
                                   "2026-13-21T10:00:00Z",
                                   "2026-00-21T10:00:00Z",
                                   "2026-11-31T10:00:00Z",
                                   "2026-11-00T10:00:00Z",
                                   "2025-02-29T10:00:00Z",
                                   "1900-02-29T10:00:00Z",
                                   "2026-11-21T24:00:00Z",
                                   "2026-11-21T10:60:00Z",
                                   "2016-12-31T23:59:60Z",  // Leap second.
                                   "2026-11-21T10:00:00.Z",
                                   "2026-11-21T10:00:00,5Z",
                                   "2026-11-21T10:00:00.5",
                                   "2026-11-21T10:00:00+0100",
                                   "2026-11-21T10:00:00+01",
                                   "2026-11-21T10:00:00+24:00",
                                   "2026-11-21T10:00:00+01:60",
                                   "2026-11-21T10:00:00+1:00",
                                   "2026-11-21T10:00:00ZZ",
                                   "2026-11-21T10:00:00Z ",
                                   " 2026-11-21T10:00:00Z",
                                   "2026-11-21T10:00:00 Z",
                                   "2026-11-21T10:00:00\xe2\x88\x92"
                                   "01:00",
                                   "tomorrow"})
        EXPECT_EQ(parse_instant(text), std::nullopt) << '"' << text << '"';
    EXPECT_EQ(parse_instant(std::string_view("2026-11-21T10:00:00Z\0", 21)), std::nullopt);
}

TEST(instant, is_told_in_utc) {
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(rfc3339(1'795'255'200'000), "2026-11-21T10:00:00Z");
    EXPECT_EQ(rfc3339(1'795'255'200'007), "2026-11-21T10:00:00.007Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(rfc3339(std::numeric_limits<std::int64_t>::min()), std::nullopt);
    EXPECT_EQ(rfc3339(std::numeric_limits<std::int64_t>::max()), std::nullopt);
}

TEST(instant, that_is_told_is_the_one_that_is_read) {
    for (const char* const text : {"0000-01-01T00:00:00Z", "1582-10-15T00:00:00.001Z",
                                   "2024-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999Z"})
        EXPECT_EQ(rfc3339(*parse_instant(text)), text);
    EXPECT_EQ(rfc3339(*parse_instant("9999-12-31T23:59:59.999Z") + 1), std::nullopt);
    EXPECT_EQ(rfc3339(*parse_instant("0000-01-01T00:00:00Z") - 1), std::nullopt);
}

}  // namespace
}  // namespace holdfast::cli
