// SPDX-License-Identifier: BSL-1.0
//
// The rights that the pages under docs/compat/ name are enough for each facade, on its own keys.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/process_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>
#include <holdfast/dialect.hpp>
#include <holdfast/locker.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class acl_rights : public testing::Test {
protected:
    /// @return A URL of a user who may send `commands` on `key` and nothing else.
    std::string url_with(const std::string& key, std::initializer_list<const char*> commands) {
        std::vector<std::string> words{"ACL",     "SETUSER",       "locks", "on",    ">secret",
                                       "~" + key, "resetchannels", "-@all", "+hello"};
        for (const char* command : commands) words.push_back("+" + std::string(command));
        EXPECT_EQ(there_.ask(words).text, "OK");
        return "redis+unix://locks:secret@" + server_.socket_path();
    }
    redis_server server_;
    on_server there_{server_};
};

TEST_F(acl_rights, of_redlock_and_warlock_are_enough) {
    const auto rights = {"evalsha", "eval", "type", "get", "set", "del", "pexpire", "pttl"};
    compat::redlock red({url_with("a", rights)}, {.retry_count = 0});
    auto held = red.lock("a", 60s);
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_FALSE(red.lock("a", 60s));
    EXPECT_TRUE(held->extend(60s));
    EXPECT_TRUE(held->unlock());
    EXPECT_EQ(red.lock("b", 60s).error().code, errc::denied) << "it must be able to fail";

    compat::warlock war(url_with("a:lock", rights));
    const auto got = war.lock("a", 60s);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_FALSE(war.lock("a", 60s).value());
    EXPECT_TRUE(war.touch("a", got->id, 60s).value());
    EXPECT_EQ(got->unlock().value(), 1);
}

TEST_F(acl_rights, of_dist_lock_are_enough) {
    for (const auto wire : {compat::dist_lock_wire::one, compat::dist_lock_wire::two}) {
        const auto rights = {"evalsha", "eval",  "type",  "exists", "get",     "set",
                             "hget",    "hmget", "hmset", "del",    "pexpire", "pttl"};
        const std::string url = url_with("lock:a", rights);
        compat::dist_lock locks(url, {.max_retries = 0, .wire = wire});
        auto held = locks.acquire("a", "me");
        ASSERT_TRUE(held && *held);
        EXPECT_FALSE(locks.acquire("a").value());
        EXPECT_TRUE(locks.get_acquired_lock("a").value());
        EXPECT_TRUE((*held)->extend(60s).value());
        EXPECT_TRUE((*held)->release().value());
        EXPECT_EQ(locks.acquire("b").error().code, errc::denied) << "it must be able to fail";
    }
}

TEST_F(acl_rights, of_process_lock_are_enough) {
    const auto rights = {"evalsha", "eval", "type",    "exists", "get",
                         "set",     "del",  "pexpire", "pttl"};
    compat::process_lock lock("job", 60s, url_with("job", rights));
    EXPECT_TRUE(lock.lock().value());
    EXPECT_TRUE(lock.lock().value());
    EXPECT_TRUE(lock.update().value());
    EXPECT_EQ(lock.state().value(), compat::process_lock_state::locked);
    EXPECT_EQ(lock.clear().value(), true);
    EXPECT_EQ(lock.clear(true).value(), std::nullopt);
}

// Why: a server that refuses half of what taking a lock needs must not keep the other half: the
// lock would block everybody, for ever where it was the expiry that was refused.
TEST_F(acl_rights, that_do_not_reach_leave_no_lock_behind) {
    const auto no_token = {"evalsha", "eval", "type", "get", "set", "del", "pttl"};
    locker with_tokens(open_dialect(dialect::warlock, url_with("*", no_token)).value());
    EXPECT_EQ(with_tokens.acquire("a").error().code, errc::denied);
    EXPECT_FALSE(there_.has("a:lock"));

    const auto no_expiry = {"evalsha", "eval", "type", "hget", "hmget", "hmset", "del", "pttl"};
    compat::dist_lock locks(url_with("*", no_expiry), {.max_retries = 0});
    EXPECT_EQ(locks.acquire("a").error().code, errc::denied);
    EXPECT_FALSE(there_.has("lock:a"));
}

TEST_F(acl_rights, that_are_enough_are_not_if_the_counter_is_no_number) {
    locker locks(open_dialect(dialect::dist_lock, server_.url()).value());
    there_.put("{lock:a}:hf:fence", "9223372036854775807");
    EXPECT_FALSE(locks.acquire("a"));
    EXPECT_FALSE(there_.has("lock:a"));
}

}  // namespace
}  // namespace holdfast::test
