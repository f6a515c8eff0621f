// SPDX-License-Identifier: BSL-1.0
//
// The list of rights: what the page for operators shows is this list, and it names each command
// that a script calls.
#include "redis/rights.hpp"

#include <holdfast/redis_acl.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace holdfast::redis {
namespace {

using words = std::set<std::string>;

// The rules that docs/stores/redis.md shows behind `begin`.
words on_the_page(const std::string& begin) {
    std::ifstream page(std::string(HOLDFAST_SOURCE_DIR) + "/docs/stores/redis.md");
    std::string rules;
    for (std::string line; std::getline(page, line);) {
        const auto at = line.find(begin);
        if (at == std::string::npos && rules.empty()) continue;
        rules += at == std::string::npos ? line : line.substr(at + begin.size());
        if (!rules.ends_with('\\')) break;
        rules.back() = ' ';
    }
    std::erase(rules, '\'');
    std::istringstream each(rules);
    return {std::istream_iterator<std::string>(each), {}};
}

words as_set(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

TEST(rights, of_locks_are_those_on_the_page) {
    EXPECT_EQ(on_the_page("ACL SETUSER locks on '>PASSWORD' "),
              as_set(redis_acl_rules({.ranges = false, .info = false})));
}

TEST(rights, of_locks_and_ranges_are_those_on_the_page) {
    words both = on_the_page("ACL SETUSER locks on '>PASSWORD' ");
    both.merge(on_the_page("ACL SETUSER locks '~{hr:*' "));
    both.insert("~{hr:*");
    EXPECT_EQ(both, as_set(redis_acl_rules({.info = false})));
}

// Whoever adds a call to a script has to name it in the list.
TEST(rights, name_each_command_that_a_script_calls) {
    words known;
    for (const right& each : all_rights()) known.insert(std::string(each.command));
    const std::regex call(R"(\bp?call\(\s*'([A-Z]+)')");
    int scripts = 0;
    for (const auto& file : std::filesystem::directory_iterator(std::string(HOLDFAST_SOURCE_DIR) +
                                                                "/src/redis/scripts")) {
        std::ifstream script(file.path());
        const std::string text{std::istreambuf_iterator<char>(script), {}};
        for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) {
            std::string command = (*at)[1];
            for (char& c : command) c = static_cast<char>(c - 'A' + 'a');
            EXPECT_TRUE(known.contains(command)) << command << " in " << file.path();
        }
        ++scripts;
    }
    EXPECT_GT(scripts, 20);
}

TEST(rights, of_dialects_are_for_their_keys) {
    const auto keys = [](std::vector<dialect> whose) {
        words patterns;
        for (const std::string& rule :
             redis_acl_rules({.locks = false, .ranges = false, .dialects = std::move(whose)}))
            if (rule.starts_with("~") || rule.starts_with("&")) patterns.insert(rule);
        return patterns;
    };
    EXPECT_EQ(keys({dialect::warlock}), (words{"~*:lock", "~{*:lock}:hf:fence"}));
    EXPECT_EQ(keys({dialect::dist_lock}), (words{"~lock:*", "~{lock:*}:hf:fence"}));
    EXPECT_EQ(keys({dialect::redlock}), words{"~*"});
    EXPECT_EQ(keys({dialect::warlock, dialect::process_lock}), words{"~*"});
}

}  // namespace
}  // namespace holdfast::redis
