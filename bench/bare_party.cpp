// SPDX-License-Identifier: BSL-1.0
#include "bare_party.hpp"

#include "redis/resp/command.hpp"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace holdfast::bench {
namespace {

using redis::resp::append_command;

/// As many as the library makes before the next process has its turn.
constexpr int passes_max = 8;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// KEYS: lock, fence, line. ARGV: our channel, which is our value too; how many tokens.
constexpr std::string_view ask_script =
    "if redis.call('EXISTS', KEYS[3]) == 0 "
    "and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', 30000) then "
    "return redis.call('INCRBY', KEYS[2], ARGV[2]) end "
    "redis.call('RPUSH', KEYS[3], ARGV[1]) return 0";

// The same, and ARGV[3]: 1 to stand in line again.
constexpr std::string_view release_script =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('not ours') end "
    "if ARGV[3] == '1' then redis.call('RPUSH', KEYS[3], ARGV[1]) end "
    "local next = redis.call('LPOP', KEYS[3]) "
    "if not next then redis.call('DEL', KEYS[1]) return 0 end "
    "redis.call('SET', KEYS[1], next, 'PX', 30000) "
    "local token = redis.call('INCRBY', KEYS[2], ARGV[2]) "
    "if next == ARGV[1] then return token end "
    "redis.call('PUBLISH', next, token) return 0";

std::int64_t nanoseconds_of(double milliseconds) { return std::llround(milliseconds * 1e6); }

}  // namespace

bare_party::bare_party(const contest& what, board& shared, int process, const std::string& run)
    : what_(what),
      board_(shared),
      process_(process),
      hold_(nanoseconds_of(what.hold_ms)),
      think_(nanoseconds_of(what.think_ms)),
      wire_(what.url) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // Else each pause is 50 µs longer.
    set_up(run);
    for (int i = process; i < what.contenders; i += what.processes) waiting_.push_back(i);
    left_ = static_cast<int>(waiting_.size());
}

void bare_party::set_up(const std::string& run) {
    const std::string key = "{bare:" + run + "}";
    const std::string channel = "bare:" + run + ":" + std::to_string(process_);
    const std::string ask_hash = wire_.load_script(ask_script);
    const std::string release_hash = wire_.load_script(release_script);
    const int tokens = what_.fair ? 1 : passes_max + 1;
    const auto call = [&](std::string& into, const std::string& hash, std::string_view again) {
        append_command(into, "EVALSHA", hash, 3, key, key + ":f", key + ":q", channel, tokens,
                       again);
    };
    call(ask_, ask_hash, "0");
    call(release_, release_hash, "0");
    call(pass_on_, release_hash, "1");
    std::string begin;
    append_command(begin, "HELLO", 3);
    append_command(begin, "SUBSCRIBE", channel);
    append_command(begin, "PING");
    wire_.send(begin);
    std::array<char, 4096> chunk{};
    std::string answers;
    while (!answers.ends_with("+PONG\r\n")) answers.append(chunk.data(), wire_.receive(chunk));
}

void bare_party::work() {
    while (left_ > 0) {
        end_of_thinking();
        end_of_hold();
        ask_if_needed();
        if (left_ > 0) await_news();
    }
}

void bare_party::command(const std::string& bytes) {
    wire_.send(bytes);
    reply_missing_ = true;
}

void bare_party::ask_if_needed() {
    if (stands_in_line_ || reply_missing_ || holding_ || waiting_.empty()) return;
    stands_in_line_ = true;
    command(ask_);
}

void bare_party::granted() {
    stands_in_line_ = false;
    passes_ = 0;
    serve();
}

// The first of the process has it; and those behind it, as long as it goes from hand to hand.
void bare_party::serve() {
    bool ours = true;
    while (ours) {
        const int who = waiting_.front();
        waiting_.pop_front();
        board_.note_grant(who, process_);
        if (hold_ > 0) {
            holding_ = who;
            hold_until_ = nanoseconds_now() + hold_;
            return;
        }
        ours = give_up(who);
    }
}

// @return Whether the next of this process has it now.
bool bare_party::give_up(int who) {
    while (!board_.may_go_on()) sleep_for(0.001);
    board_.note_release(process_);
    if (!what_.fair && passes_ < passes_max && !waiting_.empty()) {
        ++passes_;
        come_back(who);
        return true;
    }
    releasing_ = who;
    stands_in_line_ = !waiting_.empty();
    command(stands_in_line_ ? pass_on_ : release_);
    return false;
}

void bare_party::come_back(int who) {
    if (board_.over)
        --left_;
    else if (think_ > 0)
        thinking_.push_back({who, nanoseconds_now() + think_});
    else
        waiting_.push_back(who);
}

void bare_party::end_of_hold() {
    if (!holding_ || nanoseconds_now() < hold_until_) return;
    const int who = *holding_;
    holding_.reset();
    if (give_up(who)) serve();
}

void bare_party::end_of_thinking() {
    if (thinking_.empty()) return;
    const std::int64_t now = nanoseconds_now();
    while (!thinking_.empty() && thinking_.front().until <= now) {
        waiting_.push_back(thinking_.front().who);
        thinking_.pop_front();
    }
}

std::int64_t bare_party::next_time() const {
    const std::int64_t thought = thinking_.empty() ? never : thinking_.front().until;
    return std::min(thought, holding_ ? hold_until_ : never);
}

void bare_party::await_news() {
    std::array<char, 4096> chunk{};
    const std::int64_t until = next_time();
    if (until == never) return take({chunk.data(), wire_.receive(chunk)});
    take({chunk.data(), wire_.receive_until(chunk, until)});
}

void bare_party::take(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\n') {
            take_line(line_kind_, line_digit_);
            line_kind_ = line_digit_ = 0;
        } else if (line_kind_ == 0) {
            line_kind_ = c;
        } else if (line_digit_ == 0) {
            line_digit_ = c;
        }
    }
}

// A message is >3, and a length and a text for each of `message`, the channel, and the token. All
// that is sent to us is that we have it. A reply is a number: 0 in line, else we have it.
void bare_party::take_line(char kind, char first_digit) {
    if (message_lines_ > 0) {
        if (--message_lines_ == 0) granted();
        return;
    }
    if (kind == '>') {
        message_lines_ = 6;
        return;
    }
    if (kind != ':') throw std::runtime_error("bare queue: the server refused");
    reply_missing_ = false;
    if (releasing_) come_back(*releasing_);
    releasing_.reset();
    if (first_digit != '0') granted();
}

}  // namespace holdfast::bench
