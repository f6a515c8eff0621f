// SPDX-License-Identifier: BSL-1.0
//
// What it is: `--dialect`: the program takes and sees the locks of the Node packages, whose side is
// played by the raw commands that they send.
#include "cli_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class dialects : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    }
};

struct wire {
    const char* dialect;
    const char* key;
    const char* type;
};

constexpr wire wires[] = {{"redlock", "job", "string"},
                          {"warlock", "job:lock", "string"},
                          {"dist-lock", "lock:job", "hash"},
                          {"dist-lock-1", "lock:job", "string"},
                          {"process-lock", "job", "string"}};

TEST_F(dialects, are_taken_seen_renewed_and_released_under_the_originals_key) {
    for (const wire& how : wires) {
        SCOPED_TRACE(how.dialect);
        const redis_server server;
        const cli_store store{server.url()};
        const auto taken = store.run({"acquire", "job", "--ttl", "20s", "--dialect", how.dialect});
        ASSERT_EQ(taken.code, 0) << taken.err;
        EXPECT_EQ(server.command({"TYPE", how.key}), "+" + std::string(how.type) + "\r\n");
        const auto id = parse_fields(taken.out).at("id");
        const auto seen = store.run({"show", "job", "--dialect", how.dialect});
        EXPECT_EQ(seen.code, 0) << seen.err;
        EXPECT_THAT(parse_fields(seen.out).at("id"), HasSubstr(id.substr(0, 8)));
        EXPECT_EQ(store.run({"acquire", "job", "--dialect", how.dialect}).code, 75);
        EXPECT_EQ(store.run({"renew", "job", id, "--ttl", "90s", "--dialect", how.dialect}).code,
                  0);
        EXPECT_THAT(server.command({"TTL", how.key}), testing::AnyOf(":90\r\n", ":89\r\n"));
        EXPECT_EQ(store.run({"release", "job", "wrong", "--dialect", how.dialect}).code, 1);
        EXPECT_EQ(store.run({"release", "job", "-", "--dialect", how.dialect}, id + "\n").code, 0);
        EXPECT_EQ(server.command({"EXISTS", how.key}), ":0\r\n");
        EXPECT_EQ(store.run({"show", "job", "--dialect", how.dialect}).code, 1);
    }
}

TEST_F(dialects, of_a_node_holder_show_tells_id_owner_and_remaining_time) {
    const redis_server server;
    const cli_store store{server.url()};
    static_cast<void>(
        server.command({"SET", "job:lock", "iXuYsOWhEfGMXhNTTXdONw==", "PX", "50000"}));
    const auto seen = store.run({"--json", "show", "job", "--dialect", "warlock"});
    EXPECT_EQ(seen.code, 0) << seen.err;
    EXPECT_THAT(seen.out, HasSubstr(R"("id":"iXuYsOWh…")"));
    EXPECT_THAT(seen.out, HasSubstr(R"("remaining_ms":4)"));
    static_cast<void>(
        server.command({"HSET", "lock:job", "id", "cmwqchj7i0000ym7d9zh6akpr", "owner", "web 3"}));
    static_cast<void>(server.command({"PEXPIRE", "lock:job", "50000"}));
    const auto refused = store.run({"acquire", "job", "--dialect", "dist-lock"});
    EXPECT_EQ(refused.code, 75);
    EXPECT_THAT(refused.err, HasSubstr("\"web 3\""));
    EXPECT_THAT(store.run({"show", "job", "--dialect", "dist-lock"}).out, HasSubstr("web 3"));
}

TEST_F(dialects, a_key_of_another_type_is_named_and_left_alone) {
    const redis_server server;
    const cli_store store{server.url()};
    static_cast<void>(server.command({"HSET", "job", "a", "b"}));
    const auto refused = store.run({"acquire", "job", "--dialect", "redlock"});
    EXPECT_EQ(refused.code, 69);
    EXPECT_THAT(refused.err, HasSubstr("is a hash, where a lock is a string"));
    EXPECT_EQ(server.command({"HGET", "job", "a"}), "$1\r\nb\r\n");
}

TEST_F(dialects, run_holds_the_lock_while_the_command_runs) {
    for (const wire& how : wires) {
        SCOPED_TRACE(how.dialect);
        const redis_server server;
        const cli_store store{server.url()};
        cli_process holder{
            store.options({"run", "job", "--ttl", "2s", "--dialect", how.dialect, "--", "sh", "-c",
                           "echo \"$HOLDFAST_ID $HOLDFAST_FENCE.\"; touch " + store.path("ready") +
                               "; while [ ! -e " + store.path("go") + " ]; do sleep 0.02; done"})};
        ASSERT_TRUE(poll_until([&] { return file_exists(store.path("ready")); })) << holder.err();
        EXPECT_EQ(server.command({"EXISTS", how.key}), ":1\r\n");
        EXPECT_EQ(store.run({"run", "job", "-n", "--dialect", how.dialect, "--", "true"}).code, 75);
        EXPECT_EQ(store.run({"run", "go", "--", "touch", store.path("go")}).code, 0);
        const auto ended = holder.wait();
        EXPECT_EQ(ended.code, 0) << ended.err;
        // The originals' ids are longer than ours; a quorum has no token.
        const bool votes = std::string(how.dialect) == "redlock";
        EXPECT_THAT(ended.out, testing::ContainsRegex(votes ? "^[^ ]{32} \\.\n$"
                                                            : "^[^ ]{24,36} [0-9]{16}\\.\n$"));
        EXPECT_EQ(server.command({"EXISTS", how.key}), ":0\r\n");
    }
}

TEST_F(dialects, redlock_takes_a_majority_of_several_stores) {
    const redis_server first;
    const redis_server second;
    redis_server third;
    third.kill();
    const cli_store store{first.url()};
    const words nodes{"--store", first.url(), "--store", second.url(), "--store", third.url()};
    const auto with = [&](words rest) {
        rest.insert(rest.begin(), nodes.begin(), nodes.end());
        return holdfast_cli(rest, {});
    };
    const auto taken = with({"acquire", "job", "--dialect", "redlock"});
    ASSERT_EQ(taken.code, 0) << taken.err;
    EXPECT_EQ(first.command({"EXISTS", "job"}), ":1\r\n");
    EXPECT_EQ(second.command({"EXISTS", "job"}), ":1\r\n");
    EXPECT_EQ(with({"acquire", "job", "--dialect", "redlock"}).code, 75);
    EXPECT_EQ(with({"show", "job", "--dialect", "redlock"}).code, 0);
    const auto id = parse_fields(taken.out).at("id");
    EXPECT_EQ(with({"release", "job", id, "--dialect", "redlock"}).code, 0);
    EXPECT_EQ(with({"acquire", "job", "--dialect", "warlock"}).code, 64)
        << "several stores, but no votes to count";
    const auto twice = holdfast_cli(
        {"--store", first.url(), "--store", first.url(), "acquire", "job", "--dialect", "redlock"},
        {});
    EXPECT_EQ(twice.code, 64);
    EXPECT_THAT(twice.err, HasSubstr("is given twice"));
}

TEST_F(dialects, that_are_unknown_or_on_another_store_are_usage_errors) {
    const cli_store store;
    const auto unknown = store.run({"acquire", "job", "--dialect", "esperanto"});
    EXPECT_EQ(unknown.code, 64);
    EXPECT_THAT(unknown.err, HasSubstr("dist-lock-1"));
    const auto elsewhere = store.run({"acquire", "job", "--dialect", "warlock"});
    EXPECT_EQ(elsewhere.code, 64);
    EXPECT_THAT(elsewhere.err, HasSubstr("redis"));
    EXPECT_EQ(store.run({"list", "--dialect", "warlock"}).code, 64);
}

// Why: the originals know neither; a lock that they do not respect is worse than none.
TEST_F(dialects, have_no_shared_counted_or_fair_locks) {
    const cli_store store;
    for (const words& option : {words{"--shared"}, words{"--permits", "2"}, words{"--fair"}}) {
        words arguments{"run", "job", "--dialect", "redlock"};
        arguments.insert(arguments.end(), option.begin(), option.end());
        arguments.insert(arguments.end(), {"--", "true"});
        const auto refused = store.run(arguments);
        EXPECT_EQ(refused.code, 64);
        EXPECT_THAT(refused.err, HasSubstr("--dialect excludes " + option.front()));
    }
}

}  // namespace
}  // namespace holdfast::test
