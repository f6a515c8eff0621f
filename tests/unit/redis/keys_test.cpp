// SPDX-License-Identifier: BSL-1.0
#include "redis/keys.hpp"

#include <gtest/gtest.h>

#include <fnmatch.h>
#include <set>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using redis::fence_key;
using redis::lock_key;
using redis::lock_key_pattern;
using redis::name_of_key;

TEST(the_keys_of_a_name, are_these) {
    EXPECT_EQ(lock_key("invoices/42"), "{hf:invoices/42}");
    EXPECT_EQ(fence_key("invoices/42"), "{hf:invoices/42}:f");
    EXPECT_EQ(lock_key("a:b"), "{hf:a%3Ab}");
}

TEST(the_keys_of_a_name, are_the_same_without_an_allocation) {
    for (const std::string& name :
         {"invoices/42"s, "a:b{c}%"s, "\0"s, std::string(512, '{'), std::string(512, 'x')}) {
        redis::key_texts keys(name);
        EXPECT_EQ(keys.lock(), lock_key(name));
        EXPECT_EQ(keys.fence(), fence_key(name));
        EXPECT_EQ(keys.line(), redis::line_key(name));
        EXPECT_EQ(keys.waiters(), redis::waiters_key(name));
        EXPECT_EQ(keys.lock(), lock_key(name));
    }
}

// Why: a name that could spell another's key would share or break its lock. How: all names of up to
// three of the characters that the keys are built with.
TEST(the_keys_of_a_name, are_no_other_names_keys) {
    const std::vector<std::string> parts{"",   "a",   "{",   "}",   "%",  ":",  "f",
                                         ":f", "}:f", "hf:", "%7D", "\n", "\0"s};
    std::set<std::string> names;
    for (const auto& a : parts)
        for (const auto& b : parts)
            for (const auto& c : parts) names.insert(a + b + c);
    names.erase("");
    std::set<std::string> keys;
    for (const std::string& name : names) {
        ASSERT_TRUE(keys.insert(lock_key(name)).second) << lock_key(name);
        ASSERT_TRUE(keys.insert(fence_key(name)).second) << fence_key(name);
        ASSERT_EQ(name_of_key(lock_key(name)), name);
        ASSERT_FALSE(name_of_key(fence_key(name)));
    }
    EXPECT_EQ(keys.size(), 2 * names.size());
}

// Why: in a cluster both keys must lie in the slot that the text between the first '{' and the next
// '}' says (redis.io, "Redis cluster specification", hash tags).
TEST(the_keys_of_a_name, have_one_hash_tag_which_no_name_can_move) {
    for (const auto& name : {"a"s, "}{x}"s, "{"s, "}"s, "\n"s}) {
        for (const auto& key : {lock_key(name), fence_key(name)}) {
            EXPECT_EQ(key.find('{'), 0U);
            EXPECT_EQ(key.substr(1, key.find('}') - 1),
                      lock_key(name).substr(1, lock_key(name).size() - 2));
        }
    }
}

TEST(a_key_of_others, has_no_name) {
    for (const char* const key : {"", "x", "{hf:}", "{hf:a", "hf:a}", "{hf:a}b}", "{hf:a:b}",
                                  "{hf:%41}", "{hf:a}:f", "{hf:%3a}"})
        EXPECT_FALSE(name_of_key(key)) << key;
    EXPECT_FALSE(name_of_key("{hf:" + std::string(513, 'a') + "}"));
    EXPECT_EQ(name_of_key("{hf:a}"), "a");
}

// How: fnmatch(3) reads these patterns as Redis does.
TEST(a_prefix, is_looked_for_as_it_is) {
    const auto finds = [](const std::string& prefix, const std::string& name) {
        return ::fnmatch(lock_key_pattern(prefix).c_str(), lock_key(name).c_str(), 0) == 0;
    };
    EXPECT_TRUE(finds("", "anything"));
    EXPECT_TRUE(finds("job/", "job/1"));
    EXPECT_FALSE(finds("job/", "jobs"));
    for (const char* const odd : {"*", "?", "[a]", "[^a]", "\\", "]", "{", "a:b", "%"}) {
        EXPECT_TRUE(finds(odd, std::string(odd) + "tail")) << odd;
        EXPECT_FALSE(finds(odd, "aaaa")) << odd;
    }
    EXPECT_EQ(lock_key_pattern("a*[b]?\\"), "{hf:a\\*\\[b\\]\\?\\\\*}");
}

}  // namespace
}  // namespace holdfast::test
