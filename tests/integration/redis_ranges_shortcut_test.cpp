// SPDX-License-Identifier: BSL-1.0
//
// Why: a plain hold and its release go by a shortcut, all else by the verbs; it must never show.
// How: both are asked the same of servers in the same state.
#include "integration/redis_ranges.hpp"
#include "support/tcp_cutter.hpp"

#include <array>
#include <thread>

namespace holdfast::test {
namespace {

/// Hears of answers.
struct hearing final : shortcut::caller {
    void on_answer() override { heard = true; }
    bool heard{false};
};

class redis_ranges_shortcut : public redis_ranges {
protected:
    // A shortcut needs a connection that stands, and scripts that the server knows.
    redis_ranges_shortcut() {
        static_cast<void>(hold("nobody's", {0, 1}));
        static_cast<void>(release("nobody's"));
    }

    result<std::uint64_t> quickly_hold(const range_claim& wanted) {
        hearing ear;
        if (!way_->start_hold(wanted, soon(), ear)) return failure{errc::misuse, "not started"};
        EXPECT_FALSE(ear.heard) << "not within the call";
        if (!comes([&] { return ear.heard; })) return failure{errc::misuse, "not answered"};
        const auto given = way_->granted();
        plain_ = given.has_value();
        if (given) return given->fencing_token;
        const auto told = run(way_->conclude_hold(wanted, soon()));
        if (!told) return told.error();
        return told->fencing_token;
    }
    result<void> quickly_release(std::string_view id, bool& plain,
                                 released_hold which = released_hold::passing) {
        hearing ear;
        if (!way_->start_release("room", id, which, soon(), ear))
            return failure{errc::misuse, "not started"};
        if (!comes([&] { return ear.heard; })) return failure{errc::misuse, "not answered"};
        plain = way_->released();
        if (plain) return {};
        return run(way_->conclude_release("room", id, which, soon()));
    }
    /// Both ways refuse it with the same words.
    void expect_same_refusal(const range_claim& wanted, errc code) {
        const auto quick = quickly_hold(wanted);
        const auto slow = hold(wanted);
        ASSERT_FALSE(quick);
        ASSERT_FALSE(slow);
        EXPECT_EQ(quick.error().code, code);
        EXPECT_EQ(quick.error().code, slow.error().code);
        EXPECT_EQ(quick.error().text, slow.error().text);
        EXPECT_EQ(quick.error().name, slow.error().name);
        EXPECT_EQ(quick.error().blockers.size(), slow.error().blockers.size());
    }

    std::unique_ptr<range_shortcut> way_ = store_->make_shortcut();
    bool plain_{false};  // Whether the last hold was had by the first answer.
};

TEST_F(redis_ranges_shortcut, holds_and_releases_what_the_verbs_see) {
    range_claim wanted = claim_of("0123456789abcdef0123456789abcdef", {-5, 10}, 50s);
    wanted.owner = "desk";
    wanted.data = std::string(300, 'd');
    for (const std::uint32_t units : {1U, 2U}) {
        wanted.units = units;
        wanted.capacity = units == 1 ? 0 : 3;
        const auto token = quickly_hold(wanted);
        ASSERT_TRUE(token) << token.error().message();
        EXPECT_TRUE(plain_);
        const range_hold there = get(wanted.id).value().value();
        EXPECT_EQ(there.start, -5);
        EXPECT_EQ(there.end, 10);
        EXPECT_EQ(there.units, units);
        EXPECT_EQ(there.fencing_token, *token);
        EXPECT_EQ(there.owner, "desk");
        EXPECT_EQ(there.data, wanted.data);
        EXPECT_GT(there.remaining, 40s);
        EXPECT_EQ(quickly_hold(wanted).value(), *token) << "it is the same one";
        bool plain = false;
        ASSERT_TRUE(quickly_release(wanted.id, plain));
        EXPECT_TRUE(plain);
        EXPECT_TRUE(ids().empty());
    }
}

TEST_F(redis_ranges_shortcut, is_refused_as_the_verb_is) {
    ASSERT_TRUE(hold("a", {0, 10}));
    ASSERT_TRUE(hold("b", {10, 20}));
    ASSERT_TRUE(confirm("b"));
    expect_same_refusal(claim_of("c", {5, 15}), errc::contended);
    expect_same_refusal(claim_of("a", {0, 11}), errc::misuse);
    expect_same_refusal(claim_of("b", {10, 20}), errc::misuse);
    range_claim many = claim_of("d", {30, 40});
    many.units = 2;
    expect_same_refusal(many, errc::misuse);
    EXPECT_EQ(quickly_hold(claim_of("c", {5, 15})).error().blockers.size(), 2U);
}

TEST_F(redis_ranges_shortcut, releases_only_what_is_held_and_not_for_good) {
    bool plain = true;
    const auto gone = quickly_release("a", plain);
    EXPECT_EQ(gone.error().reason, lost_reason::deleted);
    EXPECT_FALSE(plain);
    ASSERT_TRUE(hold("b", {10, 20}));
    ASSERT_TRUE(confirm("b"));
    const auto stays = quickly_release("b", plain);
    EXPECT_EQ(stays.error().reason, lost_reason::taken);
    EXPECT_EQ(ids(), std::vector<std::string>{"b"});
}

TEST_F(redis_ranges_shortcut, needs_no_script_that_the_server_knows) {
    ask({"SCRIPT", "FLUSH"});
    ASSERT_TRUE(quickly_hold(claim_of("a", {0, 10})));
    EXPECT_FALSE(plain_);
    ask({"SCRIPT", "FLUSH"});
    bool plain = true;
    ASSERT_TRUE(quickly_release("a", plain));
    EXPECT_FALSE(plain);
    EXPECT_TRUE(ids().empty());
}

TEST_F(redis_ranges_shortcut, says_of_what_type_a_key_is_that_is_in_the_way) {
    ask({"SET", key_ + ":h", "text"});
    expect_same_refusal(claim_of("a", {0, 10}), errc::wrong_type);
    bool plain = true;
    const auto quick = quickly_release("a", plain);
    EXPECT_EQ(quick.error().code, errc::wrong_type);
    EXPECT_EQ(quick.error().text, release("a").error().text);
}

// How: so much has run out where it looks that the script only puts some of it away.
TEST_F(redis_ranges_shortcut, asks_again_where_much_had_to_be_put_away) {
    constexpr milliseconds ttl = 2s;
    ASSERT_TRUE(set_capacity(2));
    std::vector<range_claim> some;
    for (int i = 0; i < 1'600; ++i) {
        some.push_back(claim_of("old" + std::to_string(i), {i, i + 1}, ttl));
        if (some.size() < 64) continue;
        ASSERT_TRUE(hold_all(some));
        some.clear();
    }
    settle(ttl);
    ASSERT_TRUE(quickly_hold(claim_of("new", {0, 1'600})));
    EXPECT_FALSE(plain_);
    EXPECT_EQ(ids(), std::vector<std::string>{"new"});
}

TEST_F(redis_ranges_shortcut, is_for_a_connection_that_stands) {
    hearing ear;
    const auto fresh = open();
    const auto way = fresh->make_shortcut();
    EXPECT_FALSE(way->start_hold(claim_of("a", {0, 10}), soon(), ear));
    EXPECT_FALSE(way->start_release("room", "a", released_hold::passing, soon(), ear));
    EXPECT_FALSE(way_->start_hold(claim_of("a", {0, 10}), time_.now(), ear)) << "no time is left";
    settle();
    EXPECT_FALSE(ear.heard);
    EXPECT_TRUE(ids().empty());
}

// How: the line is cut when it says the id, behind a hold that made the connection.
TEST_F(redis_ranges_shortcut, had_once_what_it_lost_the_answer_to) {
    for (const cut when : {cut::before_it_is_heard, cut::after_it_is_heard}) {
        const tcp_cutter line(server_.socket_path(), "the-id", when);
        range_locker user(line.url());
        ASSERT_TRUE(user.hold("room", 50, 60).value().release());
        range_options how;
        how.ttl = long_ttl;
        how.id = "the-id";
        auto held = user.hold("room", 10, 20, how);
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_EQ(line.cuts(), 1);
        EXPECT_EQ(list().value().holds.at(0).fencing_token, held->fencing_token());
        EXPECT_TRUE(held->release());
        EXPECT_TRUE(ids().empty());
    }
}

// Why: callers who share a connection must not wait for each other's turns.
// How: as many holds as can be made by threads of one locker, each of whose commands is told.
TEST_F(redis_ranges_shortcut, serves_many_threads_with_two_commands_a_pair) {
    constexpr int threads = 8;
    constexpr int rounds = 50;
    range_locker ranges(server_.url());
    ASSERT_TRUE(ranges.hold("room", 0, 1).value().release());
    const auto calls = [&] {
        const std::string told = ask({"INFO", "commandstats"}).text;
        const auto at = told.find("cmdstat_evalsha:calls=");
        return at == told.npos ? 0L : std::strtol(told.c_str() + at + 22, nullptr, 10);
    };
    const long before = calls();
    {
        std::vector<std::jthread> all;
        for (int t = 0; t < threads; ++t)
            all.emplace_back([&, t] {
                for (int i = 0; i < rounds; ++i) {
                    auto held = ranges.hold("room", t, t + 1);
                    ASSERT_TRUE(held) << held.error().message();
                    ASSERT_TRUE(held->release());
                }
            });
    }
    EXPECT_EQ(calls() - before, 2 * threads * rounds);
    EXPECT_EQ(ranges.statistics().grants, 1U + threads * rounds);
    EXPECT_EQ(ranges.statistics().releases, 1U + threads * rounds);
}

}  // namespace
}  // namespace holdfast::test
