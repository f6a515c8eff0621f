// SPDX-License-Identifier: BSL-1.0
//
// F23: certificates as they should be, and every way in which they should not.
#include <holdfast/holdfast.hpp>

#include "integration/redis_fake.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;

/// Makes keys and certificates with the openssl program: an authority of our own, one that nobody
/// knows, and what they sign.
class certificates {
public:
    certificates() {
        authority("ca");
        authority("stranger");
        sign("good", "ca", "DNS:localhost,IP:127.0.0.1", 2);
        sign("other_name", "ca", "DNS:db.example,DNS:localhost.example", 2);
        sign("name_only", "ca", "DNS:localhost", 2);
        sign("expired", "ca", "DNS:localhost,IP:127.0.0.1", -1);
        sign("unknown", "stranger", "DNS:localhost,IP:127.0.0.1", 2);
        sign("client", "ca", "DNS:client", 2);
        sign("odd_client", "stranger", "DNS:client", 2);
        run("openssl req -x509 -new -key good.key -subj /CN=localhost -days 2 "
            "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out self.pem && cp good.key "
            "self.key");
    }
    [[nodiscard]] std::string operator/(const std::string& file) const { return directory_ / file; }

private:
    void run(const std::string& command) const {
        const std::string line =
            "cd " + directory_.path().string() + " && { " + command + "; } 2>openssl.log >&2";
        if (std::system(line.c_str()) != 0) throw std::runtime_error("openssl failed: " + command);
    }
    void make_key(const std::string& name) const {
        run("openssl ecparam -name prime256v1 -genkey -noout -out " + name + ".key");
    }
    void authority(const std::string& name) const {
        make_key(name);
        run("openssl req -x509 -new -key " + name + ".key -subj /CN=" + name + " -days 2 -out " +
            name + ".pem");
    }
    void sign(const std::string& name, const std::string& by, const std::string& alternatives,
              int days) const {
        make_key(name);
        run("openssl req -new -key " + name + ".key -subj /CN=" + name + " -out " + name +
            ".csr && echo subjectAltName=" + alternatives + " > ext && openssl x509 -req -in " +
            name + ".csr -CA " + by + ".pem -CAkey " + by + ".key -CAcreateserial -days " +
            std::to_string(days) + " -extfile ext -out " + name + ".pem");
    }

    temp_dir directory_;
};

class redis_over_tls : public testing::Test {
protected:
    static void SetUpTestSuite() { made_ = new certificates; }
    static void TearDownTestSuite() { delete made_; }

    void serve(const std::string& certificate, const std::string& clients = "no",
               const std::vector<std::string>& more = {}) {
        port_ = free_tcp_port();
        std::vector<std::string> words{"--tls-port", std::to_string(port_)};
        for (const auto& [option, value] : tls_lines(certificate))
            words.insert(words.end(), {"--" + option, value});
        words.insert(words.end(), {"--tls-auth-clients", clients});
        words.insert(words.end(), more.begin(), more.end());
        server_ = std::make_unique<redis_server>(
            redis_options{.tcp = true, .arguments = std::move(words)});
    }
    /// How a server speaks TLS with that certificate.
    static std::vector<std::pair<std::string, std::string>> tls_lines(const std::string& name) {
        return {{"tls-cert-file", files() / name + ".pem"},
                {"tls-key-file", files() / name + ".key"},
                {"tls-ca-cert-file", files() / "ca.pem"}};
    }
    [[nodiscard]] std::string url(const std::string& host, const std::string& more = "") const {
        return "rediss://" + host + ":" + std::to_string(port_) + "?ca_file=" + files() / "ca.pem" +
               more;
    }
    static result<guard> take(const std::string& url) {
        return locker(url, {.timeout = 5s}).acquire("job");
    }
    // Refused for good: those who would wait are told at once, and nothing was taken.
    void expect_denied(const std::string& url, const std::string& why) const {
        const time_point start = boot_clock::now();
        auto held = locker(url).acquire("job", {.wait = 60s});
        EXPECT_LT(boot_clock::now() - start, 30s);
        ASSERT_FALSE(held) << url;
        EXPECT_EQ(held.error().code, errc::denied) << held.error().message();
        EXPECT_THAT(held.error().text, HasSubstr(why));
        EXPECT_EQ(server_->command({"DBSIZE"}), ":0\r\n");
    }
    static const certificates& files() { return *made_; }

    std::unique_ptr<redis_server> server_;
    std::uint16_t port_{0};

private:
    static inline certificates* made_ = nullptr;
};

TEST_F(redis_over_tls, takes_a_lock_where_certificate_and_name_are_right) {
    serve("good");
    for (const char* const host : {"localhost", "127.0.0.1"}) {
        locker locks(url(host));
        auto held = locks.acquire(host, {.ttl = 20s});
        ASSERT_TRUE(held) << held.error().message();
        EXPECT_GT(held->fencing_token(), 0U);
        EXPECT_TRUE(held->renew(20s));
        EXPECT_TRUE(held->release());
    }
}

TEST_F(redis_over_tls, sees_a_killed_connection_and_makes_another) {
    serve("good");
    locker locks(url("localhost"));
    auto held = locks.acquire("held", {.ttl = 20s});
    ASSERT_TRUE(held);
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(server_->command({"CLIENT", "KILL", "TYPE", "normal"}));
        EXPECT_TRUE(locks.acquire("job", {.wait = 20s}));
    }
    EXPECT_TRUE(held->renew(20s));
}

TEST_F(redis_over_tls, refuses_a_certificate_for_another_host) {
    serve("other_name");
    expect_denied(url("localhost"), "hostname mismatch");
    expect_denied(url("127.0.0.1"), "IP address mismatch");
}

TEST_F(redis_over_tls, refuses_an_address_that_the_certificate_does_not_list) {
    serve("name_only");
    EXPECT_TRUE(take(url("localhost")));
    static_cast<void>(server_->command({"FLUSHALL"}));
    expect_denied(url("127.0.0.1"), "IP address mismatch");
}

TEST_F(redis_over_tls, refuses_an_expired_certificate) {
    serve("expired");
    expect_denied(url("localhost"), "expired");
}

TEST_F(redis_over_tls, refuses_a_self_signed_certificate_unless_it_is_the_one_expected) {
    serve("self");
    expect_denied(url("localhost"), "self-signed");
    const std::string trusting =
        "rediss://localhost:" + std::to_string(port_) + "?ca_file=" + files() / "self.pem";
    EXPECT_TRUE(take(trusting));
}

TEST_F(redis_over_tls, refuses_an_authority_that_it_does_not_know) {
    serve("unknown");
    expect_denied(url("localhost"), "certificate");
    serve("good");
    expect_denied("rediss://localhost:" + std::to_string(port_), "certificate");
}

TEST_F(redis_over_tls, names_the_file_that_it_cannot_use) {
    serve("good");
    const std::string at = "rediss://localhost:" + std::to_string(port_) + "?ca_file=";
    expect_denied(at + files() / "nothing.pem", "nothing.pem");
    expect_denied(at + files() / "ca.key", "ca.key");
    const std::string key = "&key_file=" + files() / "client.key";
    const std::string certificate = "&cert_file=" + files() / "client.pem";
    expect_denied(url("localhost", "&cert_file=" + files() / "nothing.pem" + key), "nothing.pem");
    expect_denied(url("localhost", certificate + "&key_file=" + files() / "nothing.key"),
                  "nothing.key");
    expect_denied(url("localhost", certificate + "&key_file=" + files() / "good.key"), "good.key");
}

TEST_F(redis_over_tls, shows_a_client_certificate_where_one_is_asked_for) {
    serve("good", "yes");
    const auto as = [this](const std::string& who) {
        return url("localhost",
                   "&cert_file=" + files() / who + ".pem&key_file=" + files() / who + ".key");
    };
    EXPECT_TRUE(take(as("client")));
    static_cast<void>(server_->command({"FLUSHALL"}));
    expect_denied(url("localhost"), "certificate required");
    expect_denied(as("odd_client"), "alert");
}

// Why: no fallback to plain text, and no waiting for what will not mend itself.
TEST_F(redis_over_tls, tells_a_server_that_does_not_speak_it) {
    const fake_redis plain([](fake_client& client) {
        client.send("-ERR max number of clients reached\r\n");
        client.await_end();
    });
    auto held = locker(plain.url("rediss")).acquire("job", {.wait = 60s});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::protocol) << held.error().message();
    EXPECT_THAT(held.error().text, HasSubstr("does not speak TLS"));
}

// Why: sentinels are asked before the master is: over TLS too, each with its own certificate.
TEST_F(redis_over_tls, finds_the_master_of_a_sentinel) {
    serve("good");
    const temp_dir place;
    const std::uint16_t port = free_tcp_port();
    {
        std::ofstream lines(place / "sentinel.conf");
        lines << "port 0\nbind 127.0.0.1\nunixsocket " << place / "sock"
              << "\nlogfile " << place / "log"
              << "\ntls-port " << port << "\ntls-replication yes\ntls-auth-clients no\n";
        for (const auto& [option, value] : tls_lines("good"))
            lines << option << ' ' << value << '\n';
        lines << "sentinel monitor mymaster 127.0.0.1 " << port_ << " 1\n";
    }
    server_process sentinel;
    sentinel.start({"redis-server", place / "sentinel.conf", "--sentinel"}, place / "log", [&] {
        try {
            return redis_command(place / "sock", {"PING"}) == "+PONG\r\n";
        } catch (const std::runtime_error&) {
            return false;  // It does not listen yet.
        }
    });
    const std::string to = ":" + std::to_string(port) + "/mymaster";
    const std::string trust = "?ca_file=" + files() / "ca.pem";
    auto held = take("rediss-sentinel://localhost" + to + trust);
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(held->release());
    const auto refused = take("rediss-sentinel://localhost" + to);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
    EXPECT_THAT(refused.error().text, HasSubstr("certificate is refused"));
    EXPECT_FALSE(take("redis-sentinel://localhost" + to));
}

TEST_F(redis_over_tls, finds_the_slots_of_a_cluster) {
    serve("good", "no",
          {"--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port",
           std::to_string(free_tcp_port())});
    ASSERT_EQ(server_->command({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}), "+OK\r\n");
    std::string to = url("localhost");
    to.replace(0, to.find(':'), "rediss-cluster");
    ASSERT_TRUE(poll_until([&] { return take(to).has_value(); }));
    to.erase(to.find('?'));
    const auto refused = take(to);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
}

// A Redis server takes our greeting for the beginning of a line, and waits for its end.
TEST_F(redis_over_tls, gives_up_in_time_on_a_plain_server) {
    serve("good");
    const auto at = "rediss://localhost:" + std::to_string(server_->port());
    auto held = locker(at, {.timeout = 500ms}).acquire("job");
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().code, AnyOf(errc::protocol, errc::unreachable));
    EXPECT_EQ(server_->command({"DBSIZE"}), ":0\r\n");
}

TEST_F(redis_over_tls, gives_nothing_to_a_client_that_does_not_speak_it) {
    serve("good");
    auto held = take("redis://localhost:" + std::to_string(port_));
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().code, AnyOf(errc::protocol, errc::unreachable));
    EXPECT_EQ(server_->command({"DBSIZE"}), ":0\r\n");
}

}  // namespace
}  // namespace holdfast::test
