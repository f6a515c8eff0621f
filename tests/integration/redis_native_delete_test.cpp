// SPDX-License-Identifier: BSL-1.0
//
// Servers that delete by value natively: Redis from 8.4 on, Valkey from 9.0 on. Debian 12 has
// neither, so something stands before a real server that calls itself so, and carries the command
// out as their documentation has it.
#include <holdfast/holdfast.hpp>
#include <holdfast/redis.hpp>

#include "integration/redis_fake.hpp"
#include "redis/client/client.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using redis::native_delete;
using redis::native_delete_of;
using testing::Contains;
using testing::ElementsAre;

/// See the top of the file.
class newer_server {
public:
    newer_server(std::string name, std::string version, bool knows = true)
        : name_(std::move(name)),
          version_(std::move(version)),
          knows_(knows),
          front_([this](fake_client& client) { serve(client); }) {}

    [[nodiscard]] std::string url() const { return front_.url(); }
    [[nodiscard]] const redis_server& behind() const noexcept { return server_; }
    /// @return The names of the commands since the last call, but for those of the greeting.
    [[nodiscard]] std::vector<std::string> heard() {
        const std::scoped_lock lock(mutex_);
        return std::exchange(heard_, {});
    }

private:
    static std::string bulk(const std::string& text) {
        return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    }
    void serve(fake_client& client) {
        redis_link server(server_.socket_path());
        while (const auto asked = client.command())
            if (!client.send(answer(server, *asked))) break;
    }
    std::string answer(redis_link& server, const command_words& asked) {
        if (asked[0] == "HELLO")
            return "%2\r\n" + bulk("server") + bulk(name_) + bulk("version") + bulk(version_);
        {
            const std::scoped_lock lock(mutex_);
            heard_.push_back(asked[0]);
        }
        const bool native = asked[0] == "DELEX" || asked[0] == "DELIFEQ";
        if (native && !knows_) return "-ERR unknown command '" + asked[0] + "'\r\n";
        if (native)
            server.send({"EVAL",
                         "if redis.call('GET', KEYS[1]) == ARGV[1] then "
                         "return redis.call('DEL', KEYS[1]) end return 0",
                         "1", asked[1], asked.back()});
        else
            server.send(asked);
        return server.receive_bytes();
    }

    std::string name_;
    std::string version_;
    bool knows_;
    redis_server server_;
    std::mutex mutex_;
    std::vector<std::string> heard_;  // Guarded by mutex_.
    fake_redis front_;
};

/// A lock that was taken and given up once, so that the name's counter is there.
void warm(locker& locks) {
    auto held = locks.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    ASSERT_TRUE(held->release());
}

TEST(native_delete, is_known_by_the_servers_name_and_version) {
    EXPECT_EQ(native_delete_of("redis", 8, 4), native_delete::delex);
    EXPECT_EQ(native_delete_of("redis", 9, 0), native_delete::delex);
    EXPECT_EQ(native_delete_of("redis", 8, 3), native_delete::none);
    EXPECT_EQ(native_delete_of("redis", 7, 9), native_delete::none);
    EXPECT_EQ(native_delete_of("valkey", 9, 0), native_delete::delifeq);
    EXPECT_EQ(native_delete_of("valkey", 8, 4), native_delete::none);
    EXPECT_EQ(native_delete_of("", 10, 0), native_delete::none);
    EXPECT_EQ(native_delete_of("dragonfly", 10, 0), native_delete::none);
}

TEST(native_delete, releases_without_a_script) {
    for (const auto& [name, version, command] :
         {std::array<const char*, 3>{"redis", "8.4.0", "DELEX"}, {"valkey", "9.0.1", "DELIFEQ"}}) {
        newer_server server(name, version);
        locker locks(server.url());
        warm(locks);
        static_cast<void>(server.heard());
        auto held = locks.acquire("job");
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_TRUE(held->release());
        EXPECT_THAT(server.heard(), ElementsAre("MULTI", "SET", "INCR", "EXEC", command, "EXISTS"));
        EXPECT_EQ(server.behind().command({"EXISTS", redis::lock_key("job")}), ":0\r\n");
    }
}

TEST(native_delete, of_what_is_not_ours_any_more_tells_why_and_touches_nothing) {
    newer_server server("redis", "8.4.0");
    locker locks(server.url());
    auto taken = locks.acquire("job");
    ASSERT_TRUE(taken);
    static_cast<void>(server.behind().command({"SET", redis::lock_key("job"), "somebody"}));
    auto gone = taken->release();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().reason, lost_reason::taken);
    EXPECT_EQ(server.behind().command({"GET", redis::lock_key("job")}), "$8\r\nsomebody\r\n");
    static_cast<void>(server.behind().command({"DEL", redis::lock_key("job")}));
    auto deleted = locks.acquire("job");
    ASSERT_TRUE(deleted);
    static_cast<void>(server.behind().command({"DEL", redis::lock_key("job")}));
    gone = deleted->release();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().reason, lost_reason::deleted);
}

TEST(native_delete, hands_over_to_who_stands_in_line) {
    newer_server server("redis", "8.4.0");
    locker locks(server.url());
    auto held = locks.acquire("job", {.ttl = 30s});
    ASSERT_TRUE(held);
    locker other(server.behind().url());
    auto waiting = std::async(std::launch::async, [&] {
        return other.acquire("job", {.ttl = 30s, .wait = 60s, .fair = true});
    });
    ASSERT_TRUE(poll_until([&] {
        return server.behind().command({"EXISTS", redis::line_key("job")}) == ":1\r\n";
    }));
    const time_point released_at = boot_clock::now();
    ASSERT_TRUE(held->release());
    auto next = waiting.get();
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_LT(boot_clock::now() - released_at, 10s) << "not before the holder's ttl";
    EXPECT_THAT(server.heard(), Contains("EVALSHA"));
}

// Why: a proxy may tell another version than the server behind it has, and a user may lack the
// right to call what is new.
TEST(native_delete, that_is_refused_is_not_asked_for_again) {
    newer_server server("redis", "8.4.0", false);
    locker locks(server.url());
    warm(locks);
    EXPECT_THAT(server.heard(), Contains("DELEX"));
    warm(locks);
    const auto later = server.heard();
    EXPECT_THAT(later, testing::Not(Contains("DELEX")));
    EXPECT_THAT(later, Contains("EVALSHA"));
    EXPECT_EQ(server.behind().command({"EXISTS", redis::lock_key("job")}), ":0\r\n");
}

}  // namespace
}  // namespace holdfast::test
