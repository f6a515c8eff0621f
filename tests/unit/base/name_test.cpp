// SPDX-License-Identifier: BSL-1.0
#include "base/name.hpp"

#include <holdfast/options.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using base::check_name;
using base::check_owner;
using base::decode_name;
using base::encode_name;

TEST(a_name, has_from_1_to_512_bytes_whatever_they_are) {
    EXPECT_FALSE(check_name("a"));
    EXPECT_FALSE(check_name("\0"s));
    EXPECT_FALSE(check_name(std::string(name_bytes_max, '\xff')));
    ASSERT_TRUE(check_name(""));
    EXPECT_EQ(check_name("")->code, errc::misuse);
    ASSERT_TRUE(check_name(std::string(name_bytes_max + 1, 'a')));
    EXPECT_NE(check_name(std::string(513, 'a'))->text.find("513"), std::string::npos);
}

TEST(an_owner_label, has_at_most_256_bytes_and_no_control_characters) {
    EXPECT_FALSE(check_owner(""));
    EXPECT_FALSE(check_owner("web-1 | nightly"));
    EXPECT_FALSE(check_owner("Übung"));
    EXPECT_FALSE(check_owner(std::string(owner_bytes_max, 'a')));
    EXPECT_TRUE(check_owner(std::string(owner_bytes_max + 1, 'a')));
    for (const char c : {'\0', '\n', '\r', '\x1b', '\x7f'}) EXPECT_TRUE(check_owner("a"s + c));
}

TEST(an_encoded_name, is_as_it_was_but_for_braces_colons_percents_and_control_bytes) {
    EXPECT_EQ(encode_name("invoices/42 *?[]\\"), "invoices/42 *?[]\\");
    EXPECT_EQ(encode_name("a:b"), "a%3Ab");
    EXPECT_EQ(encode_name("{a}%\n\0\x7f"s), "%7Ba%7D%25%0A%00%7F");
    EXPECT_EQ(encode_name("Ü"), "Ü");
}

TEST(an_encoded_name, comes_back_as_it_was_for_every_pair_of_bytes) {
    std::map<std::string, std::string> seen;
    for (int first = 0; first < 256; ++first)
        for (int second = 0; second < 256; ++second) {
            const std::string name{static_cast<char>(first), static_cast<char>(second)};
            const std::string text = encode_name(name);
            ASSERT_EQ(text.find_first_of("{}:\n\0"s), std::string::npos);
            const auto [place, fresh] = seen.emplace(text, name);
            ASSERT_TRUE(fresh) << "two names, one text: " << text;
            const auto back = decode_name(text);
            ASSERT_TRUE(back);
            ASSERT_EQ(*back, name);
        }
}

// Why: only one text may stand for a name, or two keys could be one lock.
TEST(text_that_no_name_is_written_as, is_not_decoded) {
    for (const char* const text : {"%", "%4", "%4g", "%3a", "%41", "a:b", "{", "}", "%%", "\n"})
        EXPECT_FALSE(decode_name(text)) << text;
    EXPECT_FALSE(decode_name("\0"s));
    EXPECT_EQ(decode_name("%3A"), ":");
    EXPECT_EQ(decode_name(""), "");
}

}  // namespace
}  // namespace holdfast::test
