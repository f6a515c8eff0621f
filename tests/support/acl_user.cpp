// SPDX-License-Identifier: BSL-1.0
#include "support/acl_user.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace holdfast::test {
namespace {

constexpr const char* user = "tester";
constexpr const char* password = "tests-only";

// Of the form ACL SETUSER NAME reset on '>PASSWORD' RULE...
std::vector<std::string> rules_in(std::istream& file) {
    std::vector<std::string> words{"ACL",           "SETUSER", user,
                                   "reset",         "on",      ">" + std::string(password),
                                   "resetchannels", "-@all"};
    const std::size_t before = words.size();
    for (std::string line; std::getline(file, line);) {
        std::erase(line, '\'');
        const auto rules = line.find(">PASSWORD ");
        if (rules == std::string::npos) continue;
        std::istringstream each(line.substr(rules + 10));
        for (std::string rule; each >> rule;)
            if (rule != "resetchannels" && rule != "-@all") words.push_back(rule);
    }
    // Where a dialect's keys may be any, the server takes no other pattern.
    if (std::ranges::count(words, "~*") > 0)
        std::erase_if(
            words, [](const std::string& rule) { return rule.starts_with('~') && rule != "~*"; });
    if (words.size() == before) throw std::runtime_error("HOLDFAST_TEST_ACL has no rules in it");
    return words;
}

}  // namespace

const std::vector<std::string>& acl_user_rules() {
    static const std::vector<std::string> rules = [] {
        const char* const path = std::getenv("HOLDFAST_TEST_ACL");
        if (path == nullptr || *path == '\0') return std::vector<std::string>();
        std::ifstream file(path);
        return rules_in(file);
    }();
    return rules;
}

const std::string& acl_user_part() {
    static const std::string part =
        acl_user_rules().empty() ? std::string() : std::string(user) + ":" + password + "@";
    return part;
}

}  // namespace holdfast::test
