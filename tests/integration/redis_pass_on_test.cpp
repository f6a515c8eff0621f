// SPDX-License-Identifier: BSL-1.0
//
// The scripts of the line go a short way where they can, and a long one where they cannot. Both
// have to come to the same end.
#include "integration/redis_link.hpp"
#include "redis/resp/reply.hpp"
#include "redis/script.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using redis::scripts;
using resp_kind = redis::resp::kind;

constexpr int seats = 6;  // The last two are of a process that is gone.
constexpr int seats_that_hear = 4;
constexpr unsigned version = 7;

/// @return `text` with its only `from` replaced.
std::string with(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

/// A lock with its line, moved by one way of the scripts.
class world {
public:
    world(const redis_server& server, std::string name, std::string line, std::string release)
        : link_(server.socket_path()),
          told_(server.socket_path()),
          lock_("{hf:" + name + "}"),
          alive_("hf:" + name),
          line_(std::move(line)),
          release_(std::move(release)) {
        static_cast<void>(told_.ask({"HELLO", "3"}));
        static_cast<void>(told_.ask({"SUBSCRIBE", alive_}));
    }

    std::string ask(const command_words& arguments) {
        command_words all{"EVAL", line_, "1", lock_, seat(arguments.front())};
        all.insert(all.end(), arguments.begin() + 1, arguments.end());
        return described(link_.ask(all));
    }
    std::string release(const std::string& value) {
        return described(link_.ask({"EVAL", release_, "1", lock_, value}));
    }
    std::string holder() { return link_.ask({"GET", lock_}).text; }
    void command(std::string verb, const std::string& behind, const command_words& rest) {
        command_words all{std::move(verb), lock_ + behind};
        all.insert(all.end(), rest.begin(), rest.end());
        static_cast<void>(link_.ask(all));
    }
    /// The lease of a seat's place ends.
    void let_run_out(const std::string& number) {
        const std::string place = link_.ask({"HGET", lock_ + ":w", seat(number)}).text;
        if (place.empty()) return;
        static_cast<void>(
            link_.ask({"HSET", lock_ + ":w", seat(number), "1" + place.substr(place.find(':'))}));
    }

    /// @return What there is now, and what was published since the last time. Tokens and times are
    ///         left out, but for whether there are any.
    std::string state() {
        std::string all = "holder " + described(link_.ask({"GET", lock_}));
        // Their order is that of their ends, which are a millisecond apart, or none.
        std::set<std::string> shares;
        for (const auto& one : link_.ask({"ZRANGE", lock_, "0", "-1"}).items)
            shares.insert(one.text);
        for (const auto& one : shares) all += ", share " + one;
        const std::int64_t left = link_.ask({"PTTL", lock_}).integer;
        all += left > 0 ? ", ends" : ", no end";
        all += ", line";
        for (const auto& one : link_.ask({"ZRANGE", lock_ + ":q", "0", "-1"}).items) {
            const std::string place = link_.ask({"HGET", lock_ + ":w", one.text}).text;
            all += " " + number(one.text) + "=" +
                   place.substr(std::min(place.size(), place.find(':')));
        }
        all += ", places " + std::to_string(link_.ask({"HLEN", lock_ + ":w"}).integer);
        for (const char* const key : {":q", ":w"}) {
            if (link_.ask({"EXISTS", lock_ + key}).integer == 0) continue;
            EXPECT_GT(link_.ask({"PTTL", lock_ + key}).integer, 0) << key;
        }
        for (const auto& [who, what] : heard()) all += ", told " + who + what;
        return all;
    }

    /// @return Who was told to be the first of the line, before the last `state`.
    [[nodiscard]] const std::set<std::string>& first() const { return first_; }

private:
    /// @return What was published: who was handed the lock. Who was told to be the first, and was
    ///         not handed it at once, is in `first_`.
    std::map<std::string, std::string> heard() {
        static_cast<void>(link_.ask({"PUBLISH", alive_, "end"}));
        first_.clear();
        std::map<std::string, std::string> all;
        for (;;) {  // Ends with our own message.
            const auto push = told_.receive();
            const std::string& message = push.items.back().text;
            if (message == "end") break;
            const auto space = message.find(' ');
            const std::string number = message.substr(0, space);
            if (message.ends_with(" h"))
                first_.insert(number);
            else
                all[number] = message.substr(space, message.rfind(' ') - space) +
                              (message.ends_with(" 0") ? " without a token" : " with a token");
        }
        for (const auto& [number, what] : all) first_.erase(number);
        return all;
    }
    [[nodiscard]] std::string seat(const std::string& number) const {
        return (std::stoi(number) < seats_that_hear ? alive_ : alive_ + "-gone") + "." + number;
    }
    static std::string number(const std::string& seat) { return seat.substr(seat.rfind('.') + 1); }
    // Without times and tokens.
    static std::string described(const redis::resp::reply& answer) {
        if (answer.is(resp_kind::error)) return answer.text.substr(0, answer.text.find(' '));
        if (answer.is(resp_kind::integer))
            return answer.integer > 1000 ? "many" : std::to_string(answer.integer);
        if (!answer.is(resp_kind::array)) return answer.text;
        std::string all = "[";
        for (const auto& one : answer.items) all += described(one) + " ";
        return all + "]";
    }

    std::set<std::string> first_;
    redis_link link_;
    redis_link told_;
    std::string lock_;
    std::string alive_;
    std::string line_;
    std::string release_;
};

// Why: the short way repeats what the long one does, in other words. How: two locks, one of them
// with scripts that never go the short way; the same random steps for both; then all is compared.
TEST(the_short_way_of_the_line, comes_to_the_same_end_as_the_long_one) {
    const redis_server server;
    const std::string line(scripts().line.text(version));
    const std::string release(scripts().release.text(version));
    world quick(server, "quick", line, release);
    world slow(server, "slow", with(line, "string.byte(wish) == 120", "false"),
               with(release, "= pass_on(", "= false and pass_on("));
    const std::array<world*, 2> both{&quick, &slow};
    std::mt19937 random(20260707);
    const auto below = [&](unsigned limit) { return std::uint32_t(random() % limit); };
    std::map<std::string, std::string> values;  // By seat, of its last asking.
    int serial = 0;
    int handed_over = 0;
    int told_more = 0;
    for (int step = 0; step < 4'000; ++step) {
        const std::string seat = std::to_string(below(seats));
        const std::string held = below(8) == 0 ? "nobody's" : quick.holder();
        const unsigned what = below(40);
        std::string done;
        if (what < 24) {
            const bool passes = what < 12;
            const bool again = below(4) == 0 && values.contains(seat);
            if (!again) values[seat] = "value:" + std::to_string(++serial);
            const std::string mode = below(12) > 0 ? "x:0" : below(2) == 0 ? "s:0" : "c:2";
            const std::string tokens = std::to_string(below(3));
            const std::string wish = mode + ":" + tokens + ":" + std::to_string(below(6) ? 1 : 0) +
                                     ":" + std::to_string(++serial) + ":" + values[seat];
            const std::string waited = below(2) == 0 ? "" : std::to_string(below(50)) + "000000";
            done = (passes ? "pass " : "ask ") + seat + " " + held + " " + wish + " " + waited;
            const command_words call{
                seat,  passes ? "pass" : "ask", passes ? held : "", wish, "600000", "300000",
                waited};
            const std::string first = quick.ask(call);
            EXPECT_EQ(first, slow.ask(call)) << done;
            if (passes && first.starts_with("[0 ")) ++handed_over;
        } else if (what < 34) {
            done = "release " + held;
            EXPECT_EQ(quick.release(held), slow.release(held)) << done;
        } else if (what < 37) {
            done = "leave " + seat;
            const command_words call{seat, "leave", below(2) == 0 ? "" : values[seat]};
            EXPECT_EQ(quick.ask(call), slow.ask(call)) << done;
        } else if (what == 37) {
            done = "runs out " + seat;
            for (world* const one : both) one->let_run_out(seat);
        } else if (below(3) > 0) {
            done = "a stranger deletes";
            for (world* const one : both) one->command("DEL", "", {});
        } else {
            done = "the counter is gone, or no number";
            const bool gone = below(2) == 0;
            for (world* const one : both)
                if (gone)
                    one->command("DEL", ":f", {});
                else
                    one->command("SET", ":f", {"no number"});
        }
        ASSERT_EQ(quick.state(), slow.state()) << "step " << step << ": " << done;
        // The short way may tell one more, and find out then that it cannot be gone to its end.
        ASSERT_TRUE(std::ranges::includes(quick.first(), slow.first())) << step << ": " << done;
        if (quick.first() != slow.first()) ++told_more;
    }
    EXPECT_LT(told_more, 60);
    EXPECT_GT(handed_over, 50) << "the short way was hardly gone";
}

}  // namespace
}  // namespace holdfast::test
