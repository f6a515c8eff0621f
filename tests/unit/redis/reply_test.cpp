// SPDX-License-Identifier: BSL-1.0
#include "redis/resp/reply.hpp"

#include "unit/redis/reply_samples.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using redis::resp::reply_bytes_max;
using redis::resp::reply_depth_max;

std::string times(const std::string& text, unsigned count) {
    std::string all;
    for (unsigned i = 0; i < count; ++i) all += text;
    return all;
}

TEST(the_reader, finds_replies_of_every_type_however_the_bytes_arrive) {
    for (const sample& one : samples())
        for (std::size_t piece = 1; piece <= one.bytes.size(); ++piece) {
            const reading found = read_in_pieces(one.bytes, piece);
            EXPECT_EQ(found.replies, one.replies) << one.bytes << " in pieces of " << piece;
            EXPECT_EQ(found.end, reader::state::incomplete) << one.bytes;
        }
}

TEST(the_reader, finds_all_replies_of_a_long_stream) {
    std::string stream;
    std::vector<std::string> replies;
    for (const sample& one : samples()) {
        stream += one.bytes;
        replies.insert(replies.end(), one.replies.begin(), one.replies.end());
    }
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
        const reading found = read_in_pieces(stream, piece);
        EXPECT_EQ(found.replies, replies);
        EXPECT_EQ(found.end, reader::state::incomplete);
    }
}

// How: cut every sample at every place; what is whole before the cut comes out, and nothing else.
TEST(the_reader, waits_for_the_rest_of_a_reply_that_is_cut_off) {
    for (const sample& one : samples())
        for (std::size_t cut = 0; cut < one.bytes.size(); ++cut) {
            const reading found = read_in_pieces(one.bytes.substr(0, cut), cut + 1);
            EXPECT_EQ(found.end, reader::state::incomplete) << one.bytes << " cut at " << cut;
            EXPECT_LT(found.replies.size(), one.replies.size());
            for (std::size_t i = 0; i < found.replies.size(); ++i)
                EXPECT_EQ(found.replies[i], one.replies[i]);
        }
}

TEST(the_reader, takes_nesting_up_to_its_limit_and_no_deeper) {
    const std::string deepest = times("*1\r\n", reply_depth_max) + ":1\r\n";
    EXPECT_EQ(read_in_pieces(deepest, 3).replies.size(), 1U);
    EXPECT_EQ(read_in_pieces("*1\r\n" + deepest, 3).end, reader::state::broken);
    const std::string attributes = times("|0\r\n", reply_depth_max) + ":1\r\n";
    EXPECT_EQ(read_in_pieces(attributes, 3).replies, std::vector<std::string>{"1"});
    EXPECT_EQ(read_in_pieces("|0\r\n" + attributes, 3).end, reader::state::broken);
    EXPECT_EQ(read_in_pieces(times("*1\r\n", 100'000), 4096).end, reader::state::broken);
}

// Why: a length is believed before the bytes are there; it must neither reserve nor wait for more
// than a reply may have, and arithmetic on it must not overflow.
TEST(the_reader, refuses_impossible_lengths) {
    for (const char* const bytes : {"$-2\r\n",
                                    "*-2\r\n",
                                    "~-2\r\n",
                                    ">-2\r\n",
                                    "%-1\r\n",
                                    "|-1\r\n",
                                    "!-2\r\n",
                                    "=-2\r\n",
                                    "$2097153\r\n",
                                    "*699051\r\n",
                                    "%2097153\r\n",
                                    "%600000\r\n",
                                    "|2097153\r\n",
                                    "$9223372036854775807\r\n",
                                    "*9223372036854775807\r\n",
                                    "%9223372036854775807\r\n",
                                    "%4611686018427387904\r\n",
                                    "%-9223372036854775808\r\n",
                                    "|-9223372036854775808\r\n",
                                    "$-9223372036854775808\r\n",
                                    "*-9223372036854775808\r\n",
                                    "$9223372036854775808\r\n",
                                    ":99999999999999999999\r\n",
                                    "$99999999999999999999\r\n"}) {
        EXPECT_EQ(read_in_pieces(bytes, 1).end, reader::state::broken) << bytes;
    }
}

TEST(the_reader, refuses_what_is_no_reply) {
    for (const char* const bytes : {"\r\n",         "x\r\n",     "HTTP/1.1 400 Bad Request\r\n",
                                    "\x15\x03\x03", " ",         ":\r\n",
                                    ":1x\r\n",      ": 1\r\n",   ":+1\r\n",
                                    "$\r\n",        "$x\r\n",    "$1 \r\n",
                                    "*x\r\n",       "#x\r\n",    "#\r\n",
                                    "#tt\r\n",      "$1\r\nabc", "$?\r\n",
                                    "*?\r\n",       "*1\r\nx",   ":1.5\r\n"}) {
        EXPECT_EQ(read_in_pieces(bytes, 1).end, reader::state::broken) << bytes;
        EXPECT_EQ(read_in_pieces(bytes, 100).end, reader::state::broken) << bytes;
    }
}

TEST(the_reader, tells_what_is_no_server_by_its_first_byte) {
    EXPECT_EQ(read_in_pieces("S", 1).end, reader::state::broken);  // Of "SSH-2.0-OpenSSH".
    EXPECT_EQ(read_in_pieces("\x16\x03\x01", 1).end, reader::state::broken);
}

TEST(the_reader, stays_broken_and_says_why_without_quoting) {
    reader from;
    reply one;
    from.feed("canary\r\n+OK\r\n");
    EXPECT_EQ(from.next(one), reader::state::broken);
    EXPECT_EQ(from.next(one), reader::state::broken);
    from.feed("+OK\r\n");
    EXPECT_EQ(from.next(one), reader::state::broken);
    EXPECT_FALSE(from.why_broken().empty());
    EXPECT_EQ(from.why_broken().find("canary"), std::string_view::npos);
}

TEST(the_reader, keeps_what_came_before_a_broken_reply) {
    const reading found = read_in_pieces("+OK\r\n:1\r\nx", 100);
    EXPECT_EQ(found.replies, (std::vector<std::string>{"t\"OK\"", "1"}));
    EXPECT_EQ(found.end, reader::state::broken);
}

// Why: a server that never ends its reply must not fill the memory.
TEST(the_reader, takes_at_most_a_mebibyte_for_one_reply) {
    const std::string piece(64 * 1024, 'a');
    reader line;
    reply one;
    line.feed("+");
    std::size_t fed = 0;
    while (line.next(one) == reader::state::incomplete && fed <= 2 * reply_bytes_max) {
        line.feed(piece);
        fed += piece.size();
    }
    EXPECT_EQ(line.next(one), reader::state::broken);
    EXPECT_LE(fed, reply_bytes_max + piece.size());

    const std::string longest(reply_bytes_max - 64, 'b');
    const std::string bulk = "$" + std::to_string(longest.size()) + "\r\n" + longest + "\r\n";
    EXPECT_EQ(read_in_pieces(bulk, 50'000).replies.size(), 1U);
}

TEST(the_reader, goes_on_for_ever_without_keeping_what_it_gave_out) {
    const std::string bulk = "$100000\r\n" + std::string(100'000, 'c') + "\r\n";
    reader from;
    unsigned found = 0;
    for (unsigned i = 0; i < 100; ++i) {  // Never empty in between: half of the next is there.
        from.feed(i == 0 ? bulk + bulk.substr(0, 7) : bulk.substr(7) + bulk.substr(0, 7));
        reply one;
        while (from.next(one) == reader::state::ready) {
            ASSERT_EQ(one.text.size(), 100'000U);
            ++found;
        }
    }
    EXPECT_EQ(found, 100U);
}

TEST(an_attribute, decorates_the_value_that_follows_and_is_left_out) {
    EXPECT_EQ(
        read_in_pieces("|1\r\n+key-popularity\r\n%1\r\n+a\r\n,0.1\r\n$2\r\nok\r\n", 1).replies,
        std::vector<std::string>{"t\"ok\""});
    EXPECT_EQ(read_in_pieces("|1\r\n+a\r\n+b\r\n|1\r\n+c\r\n+d\r\n_\r\n", 5).replies,
              std::vector<std::string>{"nil"});
    EXPECT_EQ(read_in_pieces("|1\r\n+a\r\n+b\r\n", 5).end, reader::state::incomplete);
}

}  // namespace
}  // namespace holdfast::test
