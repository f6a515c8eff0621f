// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a look at a store finds, as short texts.
// Thread safety: plain functions.
#pragma once

#include <holdfast/locker.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast::test {

/// @return `severity code` of each finding; or the failure's message.
inline std::multiset<std::string> codes_of(const result<diagnosis>& found) {
    std::multiset<std::string> codes;
    if (!found) return {found.error().message()};
    for (const finding& one : found->findings) {
        codes.insert(std::string(to_string(one.level)) + " " + one.code);
        EXPECT_FALSE(one.subject.empty() || one.text.empty() || one.remedy.empty()) << one.code;
        EXPECT_FALSE(one.text.ends_with('.')) << one.text;
    }
    return codes;
}

inline std::multiset<std::string> codes_at(const std::string& url) {
    return codes_of(locker(url).diagnose());
}

}  // namespace holdfast::test
