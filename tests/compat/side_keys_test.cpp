// SPDX-License-Identifier: BSL-1.0
//
// Fencing tokens beside the originals' locks: whoever opens a dialect as a store of its own may ask
// for them, and they stand in a key of our own that no original looks at.
#include <holdfast/dialect.hpp>
#include <holdfast/locker.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

struct expected_keys {
    dialect which;
    std::string key;
    std::string side_key;
};

class side_keys : public testing::TestWithParam<expected_keys> {
protected:
    redis_server server_;
    on_server there_{server_};
};

TEST_P(side_keys, hold_a_counter_in_the_same_slot_and_nothing_else_is_added) {
    locker locks(open_dialect(GetParam().which, server_.url()).value());
    auto first = locks.acquire("a", {.ttl = 60s});
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_TRUE(there_.has(GetParam().key));
    EXPECT_EQ(there_.text(GetParam().side_key), std::to_string(first->fencing_token()));
    EXPECT_GT(there_.left(GetParam().side_key), 23h);
    EXPECT_EQ(there_.keys(), 2);
    const auto before = first->fencing_token();
    EXPECT_TRUE(first->release());
    EXPECT_FALSE(there_.has(GetParam().key));
    auto second = locks.acquire("a", {.ttl = 60s}).value();
    EXPECT_GT(second.fencing_token(), before);
    EXPECT_TRUE(second.release());
}

TEST_P(side_keys, are_not_made_by_who_asks_for_no_token) {
    locker locks(open_dialect(GetParam().which, server_.url()).value());
    auto held = locks.acquire("a", {.ttl = 60s, .fence = false});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_EQ(there_.keys(), 1);
    EXPECT_EQ(held->fencing_token(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    dialects, side_keys,
    testing::Values(expected_keys{dialect::warlock, "a:lock", "{a:lock}:hf:fence"},
                    expected_keys{dialect::dist_lock, "lock:a", "{lock:a}:hf:fence"},
                    expected_keys{dialect::dist_lock_1, "lock:a", "{lock:a}:hf:fence"},
                    expected_keys{dialect::process_lock, "a", "{a}:hf:fence"}),
    [](const auto& which) {
        std::string name(to_string(which.param.which));
        for (char& c : name) c = c == '-' ? '_' : c;
        return name;
    });

TEST(side_keys_of_redlock, are_never_made) {
    const redis_server server;
    on_server there(server);
    locker locks(open_dialect(dialect::redlock, server.url()).value());
    auto held = locks.acquire("a", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_EQ(held->fencing_token(), 0U);
    EXPECT_EQ(there.keys(), 1);
}

// A name may hold the hash tag itself; then the counter goes into the tag's slot.
TEST(side_keys_of_tagged_names, go_into_the_same_slot) {
    const redis_server server;
    on_server there(server);
    locker locks(open_dialect(dialect::process_lock, server.url()).value());
    auto held = locks.acquire("jobs{7}x", {.ttl = 60s});
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(there.has("jobs{7}x:hf:fence"));
}

}  // namespace
}  // namespace holdfast::test
