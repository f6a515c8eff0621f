// SPDX-License-Identifier: BSL-1.0
//
// Which rights a user needs who holds ranges.
#include "integration/redis_ranges.hpp"

#include <fstream>
#include <sstream>

namespace holdfast::test {
namespace {

using testing::IsEmpty;
using testing::Not;

class redis_ranges_access : public redis_ranges {
protected:
    redis_ranges_access() : redis_ranges({.tcp = true}) {}

    /// What the page for operators says behind `begin`.
    static std::string rules_behind(const std::string& begin) {
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
        return rules;
    }
    static std::string range_rules() { return rules_behind("ACL SETUSER locks '~{hr:*' "); }
    static std::string all_rules() {
        return rules_behind("ACL SETUSER locks on '>PASSWORD' ") + " ~{hr:* " + range_rules();
    }

    void become(const std::string& rules) {
        ask({"ACL", "DELUSER", "worker"});
        std::vector<std::string> words{"ACL", "SETUSER", "worker", "on", ">word"};
        std::istringstream each(rules);
        for (std::string rule; each >> rule;) words.push_back(rule);
        ASSERT_EQ(ask(words).text, "OK") << rules;
        store_ = open("redis://worker:word@127.0.0.1:" + std::to_string(server_.port()));
    }
    /// Every verb. @return What was denied.
    std::vector<std::string> denials() {
        std::vector<std::string> texts;
        const auto note = [&](const auto& outcome) {
            if (!outcome && outcome.error().code == errc::denied)
                texts.push_back(outcome.error().text);
        };
        ask({"FLUSHALL"});
        ask({"SCRIPT", "FLUSH"});
        note(set_capacity(2));
        for (const char* const id : {"a", "b", "c"}) note(hold(id, {0, 10}));
        note(set_capacity(1));
        note(hold("d", {10, 20}));
        note(hold("e", {20, 30}));
        note(hold("f", {15, 16}));
        for (const std::int64_t start : {0, 1, 2}) {
            range_claim other = claim_of(std::to_string(start), {start, start + 1});
            other.key = "other room";
            note(hold(other));
        }
        note(renew("d", 20min));
        note(renew("d", 10s));
        note(move("d", {30, 40}));
        note(get("d"));
        note(list());
        note(confirm("d"));
        const range_claim wanted = claim_of("w", {0, 10});
        run(store_->await_change(wanted, range_change::freed, time_.now() + 50ms));
        for (const char* const id : {"a", "b", "d", "e"}) note(release(id));
        ask({"SET", key_ + ":m", "x"});
        const auto wrong = hold("a", {0, 10});
        if (wrong.error().text.find("string") == std::string::npos) texts.emplace_back("TYPE");
        return texts;
    }
};

TEST_F(redis_ranges_access, needs_no_more_rights_than_the_page_says) {
    ASSERT_THAT(range_rules(), testing::HasSubstr("+zrangebylex"));
    become(all_rules());
    EXPECT_THAT(denials(), IsEmpty());
    ASSERT_TRUE(comes([&] {
        return ask({"PUBSUB", "CHANNELS", "{hr:*"}).items.size() == 1;
    })) << "it is told, too";
    ASSERT_TRUE(comes([&] { return ask({"PUBSUB", "CHANNELS", "*"}).items.empty(); }, 20s));
    EXPECT_THAT(ask({"ACL", "LOG"}).items, IsEmpty()) << "nothing was tried in vain";
}

TEST_F(redis_ranges_access, needs_each_right_that_the_page_says) {
    std::istringstream each(range_rules());
    int tried = 0;
    for (std::string rule; each >> rule;) {
        // Without it a channel is followed for longer than it has to be.
        if (!rule.starts_with("+") || rule == "+unsubscribe") continue;
        become(all_rules() + " -" + rule.substr(1));
        EXPECT_THAT(denials(), Not(IsEmpty())) << rule;
        ++tried;
    }
    EXPECT_GT(tried, 4);
}

}  // namespace
}  // namespace holdfast::test
