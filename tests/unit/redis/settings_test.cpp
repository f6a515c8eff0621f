// SPDX-License-Identifier: BSL-1.0
#include "redis/client/settings.hpp"

#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace holdfast::test {
namespace {

using redis::current_password;
using redis::read_settings;
using redis::settings;
using testing::HasSubstr;
using testing::Not;

TEST(a_redis_url, says_where_the_server_is) {
    const settings plain = read_settings("redis://db.example").value();
    EXPECT_EQ(plain.host, "db.example");
    EXPECT_EQ(plain.port, 6379);
    EXPECT_FALSE(plain.tls);
    EXPECT_EQ(plain.database, 0U);
    EXPECT_TRUE(plain.password.empty());
    EXPECT_EQ(plain.address, "redis://db.example");
    const settings full = read_settings("redis://ops:pw@[::1]:6380/15").value();
    EXPECT_EQ(full.host, "::1");
    EXPECT_EQ(full.port, 6380);
    EXPECT_EQ(full.user, "ops");
    EXPECT_EQ(full.password.reveal(), "pw");
    EXPECT_EQ(full.database, 15U);
    EXPECT_EQ(full.address, "redis://ops@[::1]:6380/15");
    EXPECT_EQ(read_settings("redis://h/").value().database, 0U);
}

TEST(a_rediss_url, says_what_the_tls_needs) {
    const settings tls =
        read_settings("rediss://h/2?ca_file=/ca.pem&cert_file=/c.pem&key_file=/k.pem").value();
    EXPECT_TRUE(tls.tls);
    EXPECT_EQ(tls.ca_file, "/ca.pem");
    EXPECT_EQ(tls.cert_file, "/c.pem");
    EXPECT_EQ(tls.key_file, "/k.pem");
    EXPECT_EQ(tls.database, 2U);
    EXPECT_EQ(tls.address, "rediss://h/2");
}

TEST(a_redis_unix_url, says_which_socket) {
    const settings unix_socket = read_settings("redis+unix:///run/redis.sock?db=4").value();
    EXPECT_EQ(unix_socket.unix_path, "/run/redis.sock");
    EXPECT_EQ(unix_socket.host, "");
    EXPECT_EQ(unix_socket.database, 4U);
    EXPECT_EQ(unix_socket.address, "redis+unix:///run/redis.sock");
    EXPECT_EQ(read_settings("redis+unix://u:pw@/run/redis.sock").value().user, "u");
}

TEST(a_redis_url, asks_for_the_restart_guard) {
    using namespace std::chrono_literals;
    EXPECT_EQ(read_settings("redis://h").value().longest_ttl, 0ms);
    EXPECT_EQ(read_settings("redis://h?durability=strict").value().longest_ttl, 60s);
    const char* const url = "redis+unix:///s?durability=strict&longest_ttl_ms=1500";
    EXPECT_EQ(read_settings(url).value().longest_ttl, 1500ms);
}

TEST(a_redis_url, asks_that_replicas_have_it) {
    using namespace std::chrono_literals;
    EXPECT_EQ(read_settings("redis://h?durability=strict").value().replicas, 0U);
    const settings one = read_settings("redis://h?durability=replicated").value();
    EXPECT_EQ(one.replicas, 1U);
    EXPECT_EQ(one.longest_ttl, 60s);
    const char* const url = "rediss://h?durability=replicated&replicas=2&longest_ttl_ms=500";
    EXPECT_EQ(read_settings(url).value().replicas, 2U);
    EXPECT_EQ(read_settings(url).value().longest_ttl, 500ms);
}

TEST(a_sentinel_url, names_the_sentinels_and_the_master) {
    const settings many =
        read_settings("redis-sentinel://ops:pw@s1,s2:26380,[::1]:26381/mymaster?db=3").value();
    using places = std::vector<base::server_place>;
    EXPECT_EQ(many.sentinels, (places{{"s1", 26379}, {"s2", 26380}, {"::1", 26381}}));
    EXPECT_EQ(many.master_name, "mymaster");
    EXPECT_EQ(read_settings("redis-sentinel://a,a:26379,b/m").value().sentinels,
              (places{{"a", 26379}, {"b", 26379}}));
    EXPECT_EQ(many.user, "ops");
    EXPECT_EQ(many.database, 3U);
    EXPECT_FALSE(many.tls);
    EXPECT_EQ(many.address, "redis-sentinel://ops@s1,s2:26380,[::1]:26381/mymaster");
    const settings tls = read_settings(
                             "rediss-sentinel://s/m?ca_file=/ca.pem&sentinel_user=w"
                             "&sentinel_password_file=/pw")
                             .value();
    EXPECT_TRUE(tls.tls);
    const settings watcher = sentinel_settings(tls, {"h", 7});
    EXPECT_EQ(watcher.host, "h");
    EXPECT_EQ(watcher.port, 7);
    EXPECT_EQ(watcher.ca_file, "/ca.pem");
    EXPECT_EQ(watcher.user, "w");
    EXPECT_EQ(watcher.password_file, "/pw");
    EXPECT_TRUE(watcher.sentinels.empty());
    EXPECT_TRUE(sentinel_settings(many, {"h", 7}).password.empty()) << "that of the master";
}

TEST(a_cluster_url, names_some_servers) {
    const settings some = read_settings("redis-cluster://u:pw@n1,n2:7001").value();
    using places = std::vector<base::server_place>;
    EXPECT_EQ(some.seeds, (places{{"n1", 6379}, {"n2", 7001}}));
    EXPECT_TRUE(some.in_cluster());
    EXPECT_EQ(some.address, "redis-cluster://u@n1,n2:7001");
    EXPECT_FALSE(read_settings("redis://n1").value().in_cluster());
}

TEST(a_bad_redis_url, is_misuse_naming_the_rule_and_no_password) {
    const std::pair<std::string, const char*> bad[] = {
        {"redis://", "needs a host"},
        {"redis:", "needs a host"},
        {"redis:///0", "needs a host"},
        {"rediss://:canary@", "needs a host"},
        {"redis://u:canary@h/-1", "database"},
        {"redis://u:canary@h/x", "database"},
        {"redis://u:canary@h/0/1", "database"},
        {"redis://u:canary@h/65536", "database"},
        {"redis://u:canary@h?ca_file=/canary", "'ca_file' is no option of redis"},
        {"redis://u:canary@h?db=1", "'db' is no option"},
        {"rediss://u:canary@h?cert_file=/canary", "go together"},
        {"rediss://u:canary@h?key_file=/canary", "go together"},
        {"redis://u:canary@h?password_file=/canary", "not in both"},
        {"redis://u:canary@h?durability=lax", "durability is strict or replicated"},
        {"redis://u:canary@h?durability=strict&replicas=1", "goes with durability=replicated"},
        {"redis://u:canary@h?durability=replicated&replicas=0", "from 1 to 9"},
        {"redis://u:canary@h1,h2", "names one server"},
        {"redis-sentinel://u:canary@h", "SENTINEL,SENTINEL/MASTER"},
        {"redis-sentinel://u:canary@h/", "SENTINEL,SENTINEL/MASTER"},
        {"redis-sentinel:///m", "SENTINEL,SENTINEL/MASTER"},
        {"redis-sentinel://u:canary@h/m/0", "SENTINEL,SENTINEL/MASTER"},
        {"redis-sentinel://u:canary@h,/m", "before and behind a comma"},
        {"redis-sentinel://u:canary@,h/m", "before and behind a comma"},
        {"redis-sentinel://u:canary@h,h:0/m", "a port is"},
        {"redis-sentinel://u:canary@h/m?sentinel_user=u", "goes with sentinel_password_file"},
        {"redis-sentinel://u:canary@h/m?ca_file=/c", "'ca_file' is no option"},
        {"redis-sentinel://u:canary@h/m?db=x", "database"},
        {"redis+unix-sentinel://u:canary@h/m", "redis-sentinel://"},
        {"redis-cluster://u:canary@", "SERVER,SERVER"},
        {"redis-cluster://u:canary@h1,u:canary@h2", "stand once, before the first server"},
        {"redis-sentinel://u:canary@h/my%20master", "the name of a master"},
        {"redis://h?password_file=", "names a file"},
        {"redis-cluster://u:canary@h/1", "a cluster has one database"},
        {"redis-cluster://u:canary@h?db=1", "'db' is no option"},
        {"redis://u:canary@h?longest_ttl_ms=50", "goes with durability=strict"},
        {"redis://u:canary@h?durability=strict&longest_ttl_ms=9", "from 10 to 86400000"},
        {"redis://u:canary@h?durability=strict&longest_ttl_ms=86400001", "from 10 to 86400000"},
        {"redis://u:canary@h?durability=strict&longest_ttl_ms=1s", "from 10 to 86400000"},
        {"redis://canary-user@h", "a user without a password"},
        {"redis+unix://h/run/redis.sock", "redis+unix:///PATH"},
        {"redis+unix://", "redis+unix:///PATH"},
        {"redis+unix:///s?db=x", "database"},
        {"redis+unix:///s?db=", "database"},
        {"redis+unix:///s?ca_file=/canary", "no option"},
        {"redis+unix:///" + std::string(101, 's'), "100 bytes"},
    };
    for (const auto& [url, rule] : bad) {
        const auto read = read_settings(url);
        ASSERT_FALSE(read) << url;
        EXPECT_EQ(read.error().code, errc::misuse) << url;
        EXPECT_THAT(read.error().text, HasSubstr(rule)) << url;
        EXPECT_THAT(read.error().message(), Not(HasSubstr("canary"))) << url;
    }
}

class a_password_file : public testing::Test {
protected:
    [[nodiscard]] settings with(std::string_view content) const {
        std::ofstream(directory_ / "pw", std::ios::binary) << content;
        return read_settings("redis://u@h?password_file=" + directory_ / "pw").value();
    }
    temp_dir directory_;
};

TEST_F(a_password_file, gives_its_first_line) {
    EXPECT_EQ(current_password(with("secret\n")).value().reveal(), "secret");
    EXPECT_EQ(current_password(with("secret")).value().reveal(), "secret");
    EXPECT_EQ(current_password(with("secret\r\nmore\n")).value().reveal(), "secret");
    EXPECT_EQ(current_password(with(" spaces stay \n")).value().reveal(), " spaces stay ");
}

TEST_F(a_password_file, is_read_anew_each_time) {
    const settings where = with("old\n");
    EXPECT_EQ(current_password(where).value().reveal(), "old");
    static_cast<void>(with("new\n"));
    EXPECT_EQ(current_password(where).value().reveal(), "new");
}

TEST_F(a_password_file, that_is_missing_or_empty_is_denied) {
    for (const char* const content : {"", "\n", "\r\n"}) {
        const auto none = current_password(with(content));
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code, errc::denied);
    }
    settings missing = with("x");
    missing.password_file = directory_ / "nothing";
    EXPECT_EQ(current_password(missing).error().code, errc::denied);
    missing.password_file = directory_.path();
    EXPECT_EQ(current_password(missing).error().code, errc::denied);
}

}  // namespace
}  // namespace holdfast::test
