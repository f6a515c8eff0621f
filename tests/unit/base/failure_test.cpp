// SPDX-License-Identifier: BSL-1.0
#include <holdfast/errc.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr errc every_error[] = {errc::contended,   errc::timed_out, errc::cancelled,
                                errc::no_quorum,   errc::lost,      errc::in_doubt,
                                errc::unreachable, errc::denied,    errc::wrong_type,
                                errc::protocol,    errc::misuse,    errc::quarantined};
constexpr lost_reason every_reason[] = {
    lost_reason::none,        lost_reason::expired,  lost_reason::taken, lost_reason::deleted,
    lost_reason::unreachable, lost_reason::max_hold, lost_reason::forked};

// Why: the numbers and names are written to logs and sent over wires; they may only be added to.
TEST(errc_values, keep_their_numbers_and_names) {
    const std::pair<int, std::string_view> golden[] = {
        {1, "contended"},  {2, "timed_out"}, {3, "cancelled"},   {4, "no_quorum"},
        {5, "lost"},       {6, "in_doubt"},  {7, "unreachable"}, {8, "denied"},
        {9, "wrong_type"}, {10, "protocol"}, {11, "misuse"},     {12, "quarantined"}};
    ASSERT_EQ(std::size(golden), std::size(every_error));
    for (const auto& [number, name] : golden)
        EXPECT_EQ(to_string(static_cast<errc>(number)), name) << number;
    EXPECT_EQ(to_string(static_cast<errc>(0)), "unknown");
    EXPECT_EQ(to_string(static_cast<errc>(-1)), "unknown");
    EXPECT_EQ(to_string(static_cast<errc>(13)), "unknown");
}

TEST(lost_reasons, keep_their_numbers_and_names) {
    const std::string_view golden[] = {"none",        "expired",  "taken", "deleted",
                                       "unreachable", "max_hold", "forked"};
    ASSERT_EQ(std::size(golden), std::size(every_reason));
    for (int number = 0; number < 7; ++number)
        EXPECT_EQ(to_string(static_cast<lost_reason>(number)),
                  golden[static_cast<std::size_t>(number)]);
    EXPECT_EQ(to_string(static_cast<lost_reason>(7)), "unknown");
    EXPECT_EQ(to_string(static_cast<lost_reason>(-1)), "unknown");
}

TEST(errc_values, each_have_a_meaning_of_their_own) {
    std::set<std::string> meanings;
    for (const errc code : every_error) {
        const boost::system::error_code error = code;
        EXPECT_STREQ(error.category().name(), "holdfast");
        EXPECT_TRUE(error.failed());
        EXPECT_TRUE(meanings.insert(error.message()).second) << error.message();
        EXPECT_THAT(failure(code).message(), HasSubstr(std::string(to_string(code)) + ": "));
    }
    EXPECT_EQ(make_error_code(static_cast<errc>(13)).message(), "unknown error 13");
}

TEST(a_failure, is_told_in_one_line_with_its_code_first) {
    EXPECT_EQ(failure(errc::denied, "no rights").message(), "denied: no rights");
    EXPECT_EQ(failure(errc::contended).message(), "contended: somebody else holds the lock");
    const failure lost(lost_reason::taken, "somebody else holds it");
    EXPECT_EQ(lost.code, errc::lost);
    EXPECT_EQ(lost.reason, lost_reason::taken);
    EXPECT_EQ(lost.message(), "lost: somebody else holds it");
}

TEST(a_result_without_a_value, throws_what_it_knows_when_asked_for_its_value) {
    failure why(errc::timed_out, "still held");
    why.holder.emplace().owner = "night shift";
    const result<int> none = why;
    try {
        static_cast<void>(none.value());
        FAIL() << "nothing was thrown";
    } catch (const lock_error& thrown) {
        EXPECT_EQ(thrown.code(), std::error_code(make_error_code(errc::timed_out)));
        EXPECT_STREQ(thrown.code().category().name(), "holdfast");
        EXPECT_THAT(thrown.what(), HasSubstr("still held"));
        ASSERT_TRUE(thrown.why().holder);
        EXPECT_EQ(thrown.why().holder->owner, "night shift");
    }
}

}  // namespace
}  // namespace holdfast::test
