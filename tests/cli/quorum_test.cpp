// SPDX-License-Identifier: BSL-1.0
//
// Several stores: most of them have to agree.
#include "cli_process.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class three_stores : public testing::Test {
protected:
    [[nodiscard]] process_result with(const words& rest) const {
        words all;
        for (const redis_server& each : servers_) all.insert(all.end(), {"--store", each.url()});
        all.insert(all.end(), rest.begin(), rest.end());
        return holdfast_cli(all, {});
    }
    /// Without a password, which children do not get.
    [[nodiscard]] std::string all_urls() const {
        std::string all;
        for (const redis_server& each : servers_) all += each.admin_url() + " ";
        return all;
    }
    std::array<redis_server, 3> servers_;
};

TEST_F(three_stores, of_which_one_is_down_give_locks_with_tokens_that_rise) {
    const auto first = with({"run", "job", "--", "sh", "-c", "echo $HOLDFAST_FENCE"});
    ASSERT_EQ(first.code, 0) << first.err;
    servers_[0].kill();
    const auto second = with({"run", "job", "--", "sh", "-c", "echo $HOLDFAST_FENCE"});
    ASSERT_EQ(second.code, 0) << second.err;
    EXPECT_GT(std::stoull(second.out), std::stoull(first.out));
    const auto taken = with({"acquire", "job", "--ttl", "1m"});
    ASSERT_EQ(taken.code, 0) << taken.err;
    const auto refused = with({"acquire", "job"});
    EXPECT_EQ(refused.code, 75) << refused.err;
    EXPECT_EQ(with({"show", "job"}).code, 0);
    EXPECT_EQ(with({"release", "job", parse_fields(taken.out).at("id")}).code, 0);
    EXPECT_EQ(with({"show", "job"}).code, 1);
}

TEST_F(three_stores, of_which_two_are_down_say_so_for_each) {
    servers_[0].kill();
    servers_[1].kill();
    const auto refused = with({"acquire", "job"});
    EXPECT_EQ(refused.code, 69);
    EXPECT_THAT(refused.err, HasSubstr(servers_[0].socket_path()));
    EXPECT_THAT(refused.err, HasSubstr(servers_[1].socket_path()));
    EXPECT_EQ(servers_[2].command({"EXISTS", "{hf:job}"}), ":0\r\n");
}

TEST_F(three_stores, may_stand_in_the_environment_which_children_get_too) {
    const auto nested = holdfast_cli(
        {"run", "job", "--", HOLDFAST_PROGRAM, "run", "other", "--", "sh", "-c", "echo done"},
        {{"HOLDFAST_STORE", all_urls()}});
    EXPECT_EQ(nested.code, 0) << nested.err;
    EXPECT_EQ(nested.out, "done\n");
    for (const redis_server& each : servers_)
        EXPECT_EQ(each.command({"EXISTS", "{hf:other}:f"}), ":1\r\n");
}

TEST_F(three_stores, have_exclusive_locks_only_and_say_why) {
    for (const char* const mode : {"--shared", "--fair"}) {
        const auto refused = with({"run", "job", mode, "--", "true"});
        EXPECT_EQ(refused.code, 64) << refused.err;
        EXPECT_THAT(refused.err, HasSubstr("several servers"));
    }
}

TEST_F(three_stores, have_one_vote_each) {
    const auto twice = holdfast_cli(
        {"--store", servers_[0].url(), "--store", servers_[0].url(), "acquire", "job"}, {});
    EXPECT_EQ(twice.code, 64);
    EXPECT_THAT(twice.err, HasSubstr("is given twice"));
}

}  // namespace
}  // namespace holdfast::test
