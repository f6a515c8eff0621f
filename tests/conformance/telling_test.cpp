// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_contract.hpp"

#include <algorithm>

namespace holdfast::test {
namespace {

using telling = store_contract;

std::vector<std::string> names_of(const std::vector<lock_info>& held) {
    std::vector<std::string> names;
    for (const lock_info& each : held) names.push_back(each.name);
    return names;
}

// All that once broke a store that builds keys, patterns or statements from names.
std::vector<std::string> odd_names() {
    using namespace std::string_literals;
    std::vector<std::string> names{"a",
                                   "A",
                                   " ",
                                   "a ",
                                   " a",
                                   "a\0"s,
                                   "a\0b"s,
                                   "\0"s,
                                   "a\nb",
                                   "a\r\nb",
                                   "'",
                                   "''",
                                   "\"",
                                   "'; DROP TABLE lease; --",
                                   "{a}",
                                   "{",
                                   "}",
                                   "{}a",
                                   "a{b}c",
                                   "%",
                                   "%7B",
                                   "%%",
                                   "a:b",
                                   "a:b:fence",
                                   ":",
                                   "*",
                                   "?",
                                   "[a]",
                                   "\\",
                                   "h?llo",
                                   "ä",
                                   "\xc3",
                                   "\xff",
                                   "\xff\xff",
                                   "日本語",
                                   "$1",
                                   ":name",
                                   "?1",
                                   "-",
                                   "--",
                                   "a/b",
                                   "../a",
                                   "\x01",
                                   "\x7f",
                                   std::string(512, 'n'),
                                   std::string(511, 'n'),
                                   std::string(512, '{'),
                                   std::string(512, '\0')};
    std::sort(names.begin(), names.end());
    return names;
}

TEST_P(telling, says_that_nobody_holds_a_free_name) {
    EXPECT_FALSE(inspect(*first_, "job"));
    EXPECT_TRUE(list(*first_, "").empty());
    EXPECT_FALSE(take_away(*first_, "job"));
}

TEST_P(telling, says_who_holds_a_name) {
    const std::string mine = value("the owner");
    const auto granted = acquire(*first_, "job", mine, 60s);
    ASSERT_TRUE(granted);
    const auto found = inspect(*second_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "job");
    EXPECT_EQ(found->id, mine.substr(0, 32));
    EXPECT_EQ(found->value, mine);
    EXPECT_EQ(found->holder.owner, "the owner");
    EXPECT_EQ(found->holder.host, "a-host");
    EXPECT_EQ(found->holder.pid, 4711);
    EXPECT_GT(found->holder.remaining, 30s);
    EXPECT_LE(found->holder.remaining, 60s);
    EXPECT_GE(found->fencing_token, granted->fencing_token);
}

// Why: other programs may keep records of another form in the same store.
TEST_P(telling, takes_a_value_of_any_form) {
    using namespace std::string_literals;
    const std::string odd = "no bars\n\0 but a NUL \xff"s;
    ASSERT_TRUE(acquire(*first_, "job", odd));
    const auto found = inspect(*second_, "job");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, odd);
    EXPECT_EQ(found->id, odd);
    EXPECT_TRUE(renew(*first_, "job", odd));
    EXPECT_TRUE(release(*first_, "job", odd));
}

TEST_P(telling, lists_what_is_held_sorted_by_name) {
    for (const char* name : {"b", "a:2", "a:10", "a", "c"})
        ASSERT_TRUE(acquire(*first_, name, value(name), 60s));
    ASSERT_TRUE(acquire(*first_, "a:expired", value(), brief_ttl));
    wait_until_free(*first_, "a:expired");
    const auto all = list(*second_, "");
    EXPECT_EQ(names_of(all), (std::vector<std::string>{"a", "a:10", "a:2", "b", "c"}));
    for (const lock_info& each : all) {
        EXPECT_EQ(each.holder.owner, each.name);
        EXPECT_EQ(each.id.size(), 32U);
        EXPECT_GT(each.holder.remaining, 0s);
        EXPECT_LE(each.holder.remaining, 60s);
    }
    EXPECT_EQ(names_of(list(*second_, "a:")), (std::vector<std::string>{"a:10", "a:2"}));
    EXPECT_EQ(names_of(list(*second_, "c")), (std::vector<std::string>{"c"}));
    EXPECT_TRUE(list(*second_, "d").empty());
}

// Why: names are bytes. Two that differ are two locks, however alike they look.
TEST_P(telling, keeps_odd_names_apart_and_gives_them_back_byte_by_byte) {
    const auto names = odd_names();
    std::vector<std::string> values;
    for (const std::string& name : names) {
        values.push_back(value());
        ASSERT_TRUE(acquire(*first_, name, values.back())) << testing::PrintToString(name);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto found = inspect(*second_, names[i]);
        ASSERT_TRUE(found) << testing::PrintToString(names[i]);
        EXPECT_EQ(found->name, names[i]);
        EXPECT_EQ(found->value, values[i]);
        EXPECT_TRUE(renew(*second_, names[i], values[i]));
    }
    EXPECT_EQ(names_of(list(*second_, "")), names);
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_TRUE(release(*second_, names[i], values[i]));
        EXPECT_EQ(list(*first_, "").size(), names.size() - i - 1);
    }
}

TEST_P(telling, takes_each_prefix_as_bytes_and_not_as_a_pattern) {
    const auto names = odd_names();
    for (const std::string& name : names) ASSERT_TRUE(acquire(*first_, name, value()));
    for (const std::string& prefix : names) {
        std::vector<std::string> expected;
        std::copy_if(names.begin(), names.end(), std::back_inserter(expected),
                     [&](const std::string& name) { return name.starts_with(prefix); });
        EXPECT_EQ(names_of(list(*second_, prefix)), expected) << testing::PrintToString(prefix);
    }
}

INSTANTIATE_TEST_SUITE_P(every_store, telling, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
