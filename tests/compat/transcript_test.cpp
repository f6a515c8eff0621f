// SPDX-License-Identifier: BSL-1.0
//
// Golden transcripts: every command that a verb of a facade sends, and no other. What the pages
// under docs/compat/ say of the wire is this.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/process_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>

#include "compat/relayed_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class transcript : public testing::Test {
protected:
    transcript() { wire_.load_scripts(); }

    relayed_server wire_;
    on_server there_{wire_.server()};
};

// A client does not know the server's version before its first call, and so which form of a script.
TEST_F(transcript, of_the_first_call_of_a_client_and_of_a_server) {
    const std::string by_hash = "EVALSHA take_keys 1 a:lock <id> 10000 0 '' 86400";
    const std::string in_full = "EVAL take_keys 1 a:lock <id> 10000 0 '' 86400";
    compat::warlock locks(wire_.url());
    auto got = locks.lock("a", 10s).value();
    EXPECT_THAT(wire_.heard({got.id}), ElementsAre("HELLO 3 SETNAME holdfast", by_hash, in_full));
    EXPECT_EQ(got.unlock().value(), 1);
    got = locks.lock("a", 10s).value();
    EXPECT_EQ(got.unlock().value(), 1);
    EXPECT_EQ(wire_.heard({got.id})[1], by_hash);
    there_.ask({"SCRIPT", "FLUSH"});
    got = locks.lock("a", 10s).value();
    EXPECT_THAT(wire_.heard({got.id}), ElementsAre(by_hash, in_full));
}

TEST_F(transcript, of_redlock) {
    compat::redlock locks({wire_.url()}, {.retry_count = 1, .retry_delay = 0ms});
    EXPECT_THAT(wire_.heard(), IsEmpty()) << "it connects at the first call";
    auto one = locks.lock("a", 10s).value();
    EXPECT_THAT(
        wire_.heard({one.value()}),
        ElementsAre("HELLO 3 SETNAME holdfast", "EVALSHA take_keys 1 a <id> 10000 0 '' 86400",
                    "EVAL take_keys 1 a <id> 10000 0 '' 86400"));
    EXPECT_TRUE(one.extend(1001ms));
    EXPECT_THAT(wire_.heard({one.value()}), ElementsAre("EVALSHA renew_keys 1 a <id> 1001"));
    EXPECT_TRUE(one.unlock());
    EXPECT_THAT(wire_.heard({one.value()}), ElementsAre("EVALSHA release_keys 1 a <id>"));

    auto two = locks.lock({"a", "b"}, 10s).value();
    EXPECT_THAT(wire_.heard({two.value()}),
                ElementsAre("EVALSHA take_keys 2 a b <id> 10000 0 '' 86400"));
    EXPECT_TRUE(locks.extend(two, 20s));
    EXPECT_TRUE(locks.unlock(two));
    EXPECT_THAT(wire_.heard({two.value()}), ElementsAre("EVALSHA renew_keys 2 a b <id> 20000",
                                                        "EVALSHA release_keys 2 a b <id>"));
}

// Each attempt has a value of its own: a release of the last may still be on its way.
TEST_F(transcript, of_redlock_when_it_is_refused) {
    compat::redlock locks({wire_.url()}, {.retry_count = 2, .retry_delay = 0ms});
    there_.put("a", "somebody else");
    EXPECT_FALSE(locks.lock("a", 10s));
    static_cast<void>(wire_.heard());
    EXPECT_FALSE(locks.lock("a", 10s));
    const auto lines = wire_.heard();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_THAT(lines, testing::Each(testing::MatchesRegex(
                           "EVALSHA take_keys 1 a [0-9a-f]{32} 10000 0 '' 86400")));
    EXPECT_NE(lines[0], lines[1]);
}

TEST_F(transcript, of_warlock) {
    compat::warlock locks(wire_.url());
    const auto got = locks.lock("a", 10s).value();
    EXPECT_TRUE(locks.touch("a", got.id, 1234ms).value());
    EXPECT_EQ(got.unlock().value(), 1);
    EXPECT_EQ(locks.unlock("a", got.id).value(), 0);
    EXPECT_THAT(
        wire_.heard({got.id}),
        ElementsAre("HELLO 3 SETNAME holdfast", "EVALSHA take_keys 1 a:lock <id> 10000 0 '' 86400",
                    "EVAL take_keys 1 a:lock <id> 10000 0 '' 86400",
                    "EVALSHA renew_keys 1 a:lock <id> 1234", "EVALSHA release_keys 1 a:lock <id>",
                    "EVALSHA release_keys 1 a:lock <id>"));
    const auto later = locks.optimistic("a", 10s, 3, 1ms).value();
    EXPECT_THAT(wire_.heard({later.id}),
                ElementsAre("EVALSHA take_keys 1 a:lock <id> 10000 0 '' 86400"));
}

TEST_F(transcript, of_dist_lock_wire_two) {
    compat::dist_lock locks(wire_.url());
    auto held = locks.acquire("a", "me").value().value();
    EXPECT_THAT(wire_.heard({held.id()}),
                ElementsAre("HELLO 3 SETNAME holdfast",
                            "EVALSHA take_hash 1 lock:a <id> 30000 0 '' 86400 me",
                            "EVAL take_hash 1 lock:a <id> 30000 0 '' 86400 me"));
    EXPECT_TRUE(locks.get_acquired_lock("a").value());
    EXPECT_THAT(wire_.heard({held.id()}), ElementsAre("EXISTS lock:a", "HMGET lock:a id owner",
                                                      "PTTL lock:a", "GET {lock:a}:hf:fence"));
    EXPECT_TRUE(held.extend(1234ms).value());
    EXPECT_TRUE(locks.extend_lock("a", held.id(), 5s).value());
    EXPECT_TRUE(held.release().value());
    EXPECT_FALSE(locks.release_lock("a", held.id()).value());
    EXPECT_THAT(wire_.heard({held.id()}), ElementsAre("EVALSHA renew_hash 1 lock:a <id> 1234",
                                                      "EVALSHA renew_hash 1 lock:a <id> 5000",
                                                      "EVALSHA release_hash 1 lock:a <id>",
                                                      "EVALSHA release_hash 1 lock:a <id>"));
}

TEST_F(transcript, of_dist_lock_wire_one) {
    compat::dist_lock::options how;
    how.wire = compat::dist_lock_wire::one;
    compat::dist_lock locks(wire_.url(), how);
    auto held = locks.acquire("a", "me").value().value();
    EXPECT_TRUE(locks.get_acquired_lock("a").value());
    EXPECT_TRUE(held.extend(1234ms).value());
    EXPECT_TRUE(held.release().value());
    EXPECT_THAT(
        wire_.heard({held.id()}),
        ElementsAre("HELLO 3 SETNAME holdfast", "EVALSHA take_keys 1 lock:a <id> 30000 0 '' 86400",
                    "EVAL take_keys 1 lock:a <id> 30000 0 '' 86400", "EXISTS lock:a", "GET lock:a",
                    "PTTL lock:a", "GET {lock:a}:hf:fence", "EVALSHA renew_keys 1 lock:a <id> 2000",
                    "EVALSHA release_keys 1 lock:a <id>"));
}

TEST_F(transcript, of_process_lock) {
    compat::process_lock lock("job", 60s, wire_.url());
    EXPECT_TRUE(lock.lock().value());
    const std::string id = there_.text("job");
    EXPECT_THAT(wire_.heard({id}), ElementsAre("HELLO 3 SETNAME holdfast",
                                               "EVALSHA take_keys 1 job <id> 60000 0 '' 86400",
                                               "EVAL take_keys 1 job <id> 60000 0 '' 86400"));
    const auto looks = ElementsAre("EXISTS job", "GET job", "PTTL job", "GET {job}:hf:fence");
    EXPECT_TRUE(lock.lock().value());
    EXPECT_THAT(wire_.heard({id}), looks);
    EXPECT_TRUE(lock.update().value());
    EXPECT_THAT(wire_.heard({id}), ElementsAre("EVALSHA renew_keys 1 job <id> 60000"));
    EXPECT_EQ(lock.state().value(), compat::process_lock_state::locked);
    EXPECT_THAT(wire_.heard({id}), looks);
    EXPECT_EQ(lock.clear().value(), true);
    EXPECT_THAT(wire_.heard({id}), ElementsAre("EVALSHA release_keys 1 job <id>"));
    EXPECT_EQ(lock.clear().value(), std::nullopt);
    EXPECT_THAT(wire_.heard({id}), looks);
    EXPECT_EQ(lock.clear(true).value(), std::nullopt);
    EXPECT_THAT(wire_.heard({id}), ElementsAre("EVALSHA break_keys 1 job"));
    EXPECT_FALSE(lock.update().value());
    EXPECT_THAT(wire_.heard(), IsEmpty()) << "who owns nothing asks nobody";
}

}  // namespace
}  // namespace holdfast::test
