// SPDX-License-Identifier: BSL-1.0
//
// What the originals that use one server do wrong, and ours does not: the comment above a test says
// who has the defect.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/process_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>

#include "compat/relayed_server.hpp"
#include "support/poll.hpp"

#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::test {
namespace {

using testing::AnyOf;
using namespace std::chrono_literals;

/// A server on which somebody takes a lock over just after the reply to the `turn`-th command.
class takeover : public testing::Test {
protected:
    static constexpr int steps_max = 6;  // More than any verb sends.

    /// Arms it: `act` is done after `turn` more replies; 0 is now.
    void after(int turn, std::function<void(on_server&)> act) {
        act_ = std::move(act);
        if (turn == 0) return act_(there_);
        left_ = turn;
    }
    void disarm() { left_ = 0; }

    std::function<void(on_server&)> act_;
    std::atomic<int> left_{0};
    relayed_server wire_{[this](const command_words&) {
        if (left_ <= 0 || --left_ > 0) return;
        on_server there(wire_.server());
        act_(there);
    }};
    on_server there_{wire_.server()};
};

void take_string(on_server& there, const std::string& key) {
    there.ask({"SET", key, "somebody else", "PX", "5000"});
}

// process-lock and dist-lock 1: GET, then DEL or EXPIRE of what may be somebody else's by then.
TEST_F(takeover, between_the_steps_of_a_clear_or_update_is_not_undone) {
    for (int step = 0; step <= steps_max; ++step) {
        compat::process_lock mine("job", 60s, wire_.url());
        ASSERT_TRUE(mine.lock().value());
        after(step, [](on_server& there) { take_string(there, "job"); });
        static_cast<void>(mine.clear());
        if (left_ > 0) break;  // The verb was over: then there was no such step.
        EXPECT_EQ(there_.text("job"), "somebody else") << step;
        after(step, [](on_server& there) { take_string(there, "job"); });
        static_cast<void>(mine.update());
        EXPECT_EQ(there_.text("job"), "somebody else") << step;
        EXPECT_LE(there_.left("job"), 5s) << step;
        disarm();
        there_.remove("job");
    }
    EXPECT_GT(left_, 0) << "the steps did not end: raise steps_max";
}

TEST_F(takeover, between_the_steps_of_a_release_or_extend_is_not_undone) {
    for (const auto wire : {compat::dist_lock_wire::one, compat::dist_lock_wire::two}) {
        compat::dist_lock::options how;
        how.wire = wire;
        compat::dist_lock locks(wire_.url(), how);
        const auto act = [wire](on_server& there) {
            there.remove("lock:a");
            if (wire == compat::dist_lock_wire::one) return take_string(there, "lock:a");
            there.ask({"HSET", "lock:a", "id", "somebody else", "owner", ""});
            there.ask({"PEXPIRE", "lock:a", "5000"});
        };
        for (const bool extends : {false, true}) {
            for (int step = 0; step <= 2; ++step) {
                auto held = locks.acquire("a").value().value();
                after(step, act);
                static_cast<void>(extends ? held.extend(60s) : held.release());
                EXPECT_LE(left_, 1) << "a verb is one step";
                if (left_ == 0) {
                    EXPECT_TRUE(there_.has("lock:a")) << step << extends;
                    EXPECT_LE(there_.left("lock:a"), 5s);
                }
                disarm();
                there_.remove("lock:a");
            }
        }
    }
}

// process-lock: `lock` answers yes as long as the object remembers that it once was the owner.
TEST_F(takeover, is_seen_by_lock_whenever_it_happens) {
    compat::process_lock mine("job", 60s, wire_.url());
    compat::process_lock other("job", 60s, wire_.server().url());
    ASSERT_TRUE(mine.lock().value());
    ASSERT_TRUE(mine.lock().value());
    EXPECT_EQ(other.clear(true).value(), true);
    ASSERT_TRUE(other.lock().value());
    EXPECT_FALSE(mine.lock().value());
    EXPECT_EQ(other.clear().value(), true);
    EXPECT_TRUE(mine.lock().value());
    EXPECT_FALSE(other.lock().value());
}

// redlock 0.2: EXPIRE with a number of milliseconds: a thousand times too long.
TEST_F(takeover, is_not_put_off_by_seconds_that_were_meant_to_be_milliseconds) {
    compat::redlock red({wire_.url()});
    auto held = red.lock("a", 20s).value();
    ASSERT_TRUE(held.extend(1500ms));
    EXPECT_LE(there_.left("a"), 1500ms);
    compat::warlock war(wire_.server().url());
    const auto got = war.lock("b", 20s).value();
    EXPECT_TRUE(war.touch("b", got.id, 1500ms).value());
    EXPECT_LE(there_.left("b:lock"), 1500ms);
    compat::dist_lock dist(wire_.server().url());
    auto lock = dist.acquire("c").value().value();
    EXPECT_TRUE(lock.extend(1500ms).value());
    EXPECT_LE(there_.left("lock:c"), 1500ms);
}

// dist-lock 2: a ttl of 0 is "acquired" without a key, one of 1.5 never ends, and an extend by -1
// deletes the lock and says true.
TEST_F(takeover, needs_no_help_from_impossible_ttls) {
    compat::dist_lock::options how;
    how.ttl = 0ms;
    EXPECT_THROW(compat::dist_lock(wire_.url(), how), lock_error);
    compat::dist_lock locks(wire_.server().url());
    auto held = locks.acquire("a").value().value();
    EXPECT_EQ(held.extend(-1ms).error().code, errc::misuse);
    EXPECT_EQ(held.extend(0ms).error().code, errc::misuse);
    EXPECT_EQ(there_.field("lock:a", "id"), held.id());
    EXPECT_GT(there_.left("lock:a"), 10s);
}

// warlock: an error on the way is dropped, and the callback of unlock and touch is told nothing.
TEST(server_gone, is_an_error_of_every_verb) {
    auto server = std::make_unique<redis_server>();
    compat::warlock war(server->url(), {.make_key = {}, .timeout = 200ms});
    const auto got = war.lock("a", 60s).value();
    compat::dist_lock dist(server->url(), {.timeout = 200ms});
    auto held = dist.acquire("a").value().value();
    compat::redlock red({server->url()}, {.retry_count = 0, .timeout = 200ms});
    auto lock = red.lock("a", 60s).value();
    compat::process_lock process("job", 60s, server->url());
    ASSERT_TRUE(process.lock().value());
    server->kill();

    const auto gone = AnyOf(errc::unreachable, errc::in_doubt, errc::no_quorum);
    const auto code_of = [](const auto& answer) {
        return answer ? errc::misuse : answer.error().code;
    };
    EXPECT_THAT(code_of(war.lock("b", 60s)), gone);
    EXPECT_THAT(code_of(war.touch("a", got.id, 60s)), gone);
    EXPECT_THAT(code_of(war.unlock("a", got.id)), gone);
    EXPECT_THAT(code_of(got.unlock()), gone);
    const told<int> unlocked;
    war.unlock("a", got.id, unlocked);
    EXPECT_THAT(code_of(unlocked.get()), gone);
    EXPECT_THAT(code_of(held.extend(60s)), gone);
    EXPECT_THAT(code_of(held.release()), gone);
    EXPECT_THAT(code_of(dist.get_acquired_lock("a")), gone);
    EXPECT_THAT(code_of(red.lock("b", 60s)), gone);
    EXPECT_THAT(code_of(lock.extend(60s)), gone);
    EXPECT_THAT(code_of(lock.unlock()), gone);
    EXPECT_THAT(code_of(process.lock()), gone);
    EXPECT_THAT(code_of(process.update()), gone);
    EXPECT_THAT(code_of(process.state()), gone);
    EXPECT_THAT(code_of(process.clear()), gone);
    EXPECT_THAT(code_of(process.clear(true)), gone);
}

TEST(facade_gone, with_calls_under_way_answers_them) {
    const redis_server server;
    on_server there(server);
    std::future<result<compat::warlock::answer>> unlocking;
    std::future<result<std::optional<compat::dist_lock::lock>>> waiting;
    std::future<result<compat::redlock::held_lock>> retrying;
    std::future<result<bool>> locking;
    take_string(there, "war:lock");
    there.ask({"HSET", "lock:dist", "id", "somebody else", "owner", ""});
    take_string(there, "red");
    {
        compat::warlock war(server.url());
        compat::dist_lock dist(server.url(), {.retry_delay = 1ms});
        compat::redlock red({server.url()}, {.retry_count = -1, .retry_delay = 1ms});
        compat::process_lock process("process", 60s, server.url());
        unlocking = war.optimistic("war", 60s, 1'000'000, 1ms, asio::use_future);
        waiting = dist.acquire("dist", asio::use_future);
        retrying = red.lock("red", 60s, asio::use_future);
        locking = process.lock(asio::use_future);
    }
    EXPECT_EQ(unlocking.wait_for(0s), std::future_status::timeout);
    for (const char* const key : {"war:lock", "lock:dist", "red"}) there.remove(key);
    EXPECT_TRUE(unlocking.get().value());
    EXPECT_TRUE(waiting.get().value());
    EXPECT_TRUE(retrying.get());
    EXPECT_TRUE(locking.get().value());
    EXPECT_EQ(there.keys(), 4);
}

// dist-lock waits for a lock, not for a server that is down: its README asks for that very error.
TEST(server_gone, ends_an_acquire_with_an_error_and_not_with_no_lock) {
    auto server = std::make_unique<redis_server>();
    server->kill();
    for (const std::int64_t retries : {-1, 3}) {
        compat::dist_lock locks(server->url(), {.retry_delay = 1ms, .max_retries = retries});
        const auto answer = locks.acquire("a");
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, errc::unreachable);
    }
}

}  // namespace
}  // namespace holdfast::test
