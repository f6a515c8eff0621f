// SPDX-License-Identifier: BSL-1.0
//
// The samples of range-lock's README, line by line: with callbacks, and blocking.
#include "compat/range_lock_servers.hpp"

#include <future>
#include <optional>
#include <string>

namespace holdfast::test {
namespace {

class range_lock_readme : public range_lock_test {};

// set(key, from, to, data, ttl, callback): success, and then the overlapping lock.
TEST_F(range_lock_readme, set_with_callbacks) {
    std::promise<std::string> id;
    locks_->set("my-key", 10, 20, "this is a test", 30000ms, [&](result<range_lock::answer> got) {
        if (!got) return id.set_value(got.error().message());
        if (got->success) {
            // lock.id can now be used beside the key, in another process too.
            id.set_value(got->lock.id());
        } else {
            id.set_value("overlaps");
        }
    });
    const std::string mine = id.get_future().get();
    EXPECT_THAT(mine, testing::MatchesRegex("[0-9]{5}-[0-9]{5}-[0-9a-f-]{36}"));

    std::promise<range_lock::lock> other;
    locks_->set("my-key", 15, 25, std::nullopt, 30000ms, [&](result<range_lock::answer> got) {
        EXPECT_FALSE(got->success);
        other.set_value(got->lock);  // The overlapping lock, to be looked at.
    });
    const auto overlapping = other.get_future().get();
    EXPECT_EQ(overlapping.id(), mine);
    EXPECT_EQ(overlapping.data(), "this is a test");
    EXPECT_EQ(overlapping.from(), 10);
    EXPECT_EQ(overlapping.to(), 20);
}

TEST_F(range_lock_readme, set_blocking) {
    const auto got = locks_->set("my-key", 10, 20, "this is a test", 30000ms);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(got->success);
    EXPECT_TRUE(*got);
    const auto other = locks_->set("my-key", 15, 25, {}, 30000ms);
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_FALSE(other->success);
    EXPECT_FALSE(*other);
    EXPECT_EQ(other->lock.id(), got->lock.id());
}

// get(key, id, callback): the lock, or that it has gone away.
TEST_F(range_lock_readme, get_with_a_callback) {
    const std::string id = locks_->set("my-key", 10, 20, "data", 30000ms).value().lock.id();
    const told<std::optional<range_lock::lock>> answer;
    locks_->get("my-key", id, answer);
    const auto lock = answer.get().value();
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->id(), id);
    EXPECT_EQ(lock->data(), "data");  // The string that was passed in.

    const told<std::optional<range_lock::lock>> nothing;
    locks_->get("my-key", "lock-id-returned-from-set", nothing);
    EXPECT_FALSE(nothing.get().value()) << "the lock has gone away";
}

TEST_F(range_lock_readme, get_blocking) {
    const auto set = locks_->set("my-key", 10, 20, "data", 30000ms).value().lock;
    const auto lock = locks_->get("my-key", set.id()).value();
    ASSERT_TRUE(lock);
    // The same that set gave.
    EXPECT_EQ(lock->id(), set.id());
    EXPECT_EQ(lock->key(), set.key());
    EXPECT_EQ(lock->from(), set.from());
    EXPECT_EQ(lock->to(), set.to());
    EXPECT_EQ(lock->expiry(), set.expiry());
    EXPECT_EQ(lock->data(), set.data());
    EXPECT_FALSE(locks_->get("my-key", "lock-id-returned-from-set").value());
}

// clear(key, id, callback)
TEST_F(range_lock_readme, clear_with_a_callback_and_blocking) {
    const std::string id = locks_->set("my-key", 10, 20, {}, 30000ms).value().lock.id();
    const told<bool> cleared;
    locks_->clear("my-key", id, cleared);
    EXPECT_TRUE(cleared.get().value());
    EXPECT_EQ(rows(), "0");
    const std::string next = locks_->set("my-key", 10, 20, {}, 30000ms).value().lock.id();
    EXPECT_TRUE(locks_->clear("my-key", next).value());
    EXPECT_EQ(rows(), "0");
}

// lock.release(optionalCallback), of a lock from set or get.
TEST_F(range_lock_readme, release_with_a_callback_and_blocking) {
    const std::string id = locks_->set("my-key", 10, 20, {}, 30000ms).value().lock.id();
    std::promise<bool> done;
    locks_->get("my-key", id, [&](result<std::optional<range_lock::lock>> got) {
        if (!got || !*got) return done.set_value(false);
        // We have a valid lock: do something, and then release it.
        (*got)->release([&](result<bool> gone) { done.set_value(gone && *gone); });
    });
    EXPECT_TRUE(done.get_future().get());
    EXPECT_EQ(rows(), "0");

    auto mine = locks_->set("my-key", 10, 20, {}, 30000ms).value().lock;
    auto copy = locks_->get("my-key", mine.id()).value();
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->release().value());
    EXPECT_FALSE(mine.release().value()) << "it was the same lock";
}

}  // namespace
}  // namespace holdfast::test
