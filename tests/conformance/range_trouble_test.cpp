// SPDX-License-Identifier: BSL-1.0
//
// Why: clients sleep too long, and name things as they like; a booking must not suffer from it.
// How: a client in a process of its own is stopped until somebody else has what it held; names that
// differ in little are held side by side.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/child_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

/// @return 0 if all that a client does with a hold that has run out was refused as lost.
int use_what_has_run_out(range_locker& ranges, range_guard& held) {
    const auto lost = [](const auto& said) { return !said && said.error().code == errc::lost; };
    const auto confirmed = held.confirm();
    if (!lost(confirmed) || confirmed.error().reason != lost_reason::expired) return 2;
    if (held.why_lost() != lost_reason::expired || !held.lost().stop_requested()) return 3;
    if (!lost(held.move(30, 40)) || !lost(held.renew(1min))) return 4;
    // As a later request of the same customer would, which knows no guard.
    if (!lost(ranges.confirm("room", "order 17")) || !lost(ranges.renew("room", "order 17", 1min)))
        return 5;
    if (!lost(ranges.move("room", "order 17", 30, 40))) return 6;
    return lost(ranges.release("room", "order 17")) ? 0 : 7;
}

class range_trouble : public testing::TestWithParam<store_kind> {};

TEST_P(range_trouble, who_was_paused_past_the_end_of_a_hold_is_told_and_changes_nothing) {
    if (GetParam().name == "memory") GTEST_SKIP() << "processes do not share it";
    const auto place = GetParam().make_place();
    const std::string url = place->url();
    child_process client([&](const child_process::line& line) {
        range_locker ranges{url};
        // What the first call makes there may take longer than the hold lasts.
        if (!ranges.list("room")) return 1;
        range_options how;
        how.ttl = 2s;
        how.id = "order 17";
        auto held = ranges.hold("room", 10, 20, how);
        if (!held) return 1;
        line.tell();
        if (line.hear() == 0) return 8;
        return use_what_has_run_out(ranges, *held);
    });
    ASSERT_EQ(client.parent_line().hear(), '.');
    client.signal(SIGSTOP);
    range_locker ranges{url};
    range_options how;
    how.ttl = 10min;
    how.wait = 20s;
    auto mine = ranges.hold("room", 15, 25, how);
    ASSERT_TRUE(mine) << mine.error().message();
    client.signal(SIGCONT);
    client.parent_line().tell();
    EXPECT_EQ(client.wait(), 0);
    const auto there = ranges.list("room").value();
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].id, mine->id());
    EXPECT_TRUE(mine->held());
}

TEST_P(range_trouble, names_are_told_apart_byte_by_byte) {
    using namespace std::string_literals;
    const std::set<std::string> odd{
        "a",  "A",  "a ",  " a",  "a\0"s, "\0"s,       "\0\0"s, "'",    "\"",       "%",    "_",
        "%a", "\\", "\\'", "ä",   "Ä",    "a\xcc\x88", "\xff",  "\xc3", "😀",        "a\nb", "`k`",
        "?",  "{}", "{a}", "-- ", "*",    "[a]",       "\t",    "a\t",  "a\xc2\xa0"};
    const auto place = GetParam().make_place();
    range_locker ranges{place->url()};
    range_options how;
    how.ttl = 10min;
    std::int64_t at = 0;
    for (const std::string& each : odd) {
        how.id = each;
        how.data = each;
        auto apart = ranges.hold(each, 1, 2, how);
        ASSERT_TRUE(apart) << testing::PrintToString(each) << apart.error().message();
        static_cast<void>(apart->hand_over().value());
        auto beside = ranges.hold("one key", at, at + 1, how);
        ASSERT_TRUE(beside) << testing::PrintToString(each) << beside.error().message();
        static_cast<void>(beside->hand_over().value());
        ++at;
    }
    at = 0;
    for (const std::string& each : odd) {
        const auto there = ranges.list(each).value();
        ASSERT_EQ(there.size(), 1U) << testing::PrintToString(each);
        EXPECT_EQ(there[0].key, each);
        for (const range_hold& one :
             {there[0], ranges.get("one key", each).value().value_or(range_hold{})}) {
            EXPECT_EQ(one.id, each);
            EXPECT_EQ(one.data, each);
        }
        EXPECT_EQ(ranges.get("one key", each).value()->start, at++);
        EXPECT_TRUE(ranges.release(each, each));
        EXPECT_TRUE(ranges.list(each).value().empty());
    }
    EXPECT_EQ(ranges.list("one key").value().size(), odd.size()) << "of another key";
}

INSTANTIATE_TEST_SUITE_P(every_store, range_trouble, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
