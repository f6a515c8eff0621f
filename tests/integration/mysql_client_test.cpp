// SPDX-License-Identifier: BSL-1.0
//
// The connection to a server, and what may happen to it.
#include "integration/mysql_table.hpp"
#include "mysql/client/pool.hpp"
#include "mysql/sql.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <csignal>
#include <fstream>

namespace holdfast::test {
namespace {

using mysql::answer;
using mysql::cell;
using mysql::connection;
using mysql::read_settings;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view echo = "SELECT ?, ?, ?, ?";
constexpr std::string_view nap = "SELECT SLEEP(?)";

/// One connection, and what drives it.
struct caller {
    explicit caller(const std::string& url) : line(environment, read_settings(url).value()) {}
    result<void> open(boot_clock::duration limit = 20s) {
        return run(context, line.open(table_user::in(limit)));
    }
    result<answer> ask(std::string_view sql, std::vector<cell> values,
                       boot_clock::duration limit = 20s) {
        return run(context, line.run(sql, std::move(values), table_user::in(limit)));
    }
    asio::io_context context{1};
    system_timeline time{context.get_executor()};
    system_entropy random;
    store_environment environment{context.get_executor(), time, random, {}};
    connection line;
};

mariadb_server& server() {
    static mariadb_server shared({.tcp = true});
    return shared;
}

std::string socket_url(const std::string& user, const std::string& database = "locks") {
    return "mysql+unix://" + user + "@" + server().socket_path() + "?db=" + database;
}

TEST(a_mysql_connection, brings_values_there_and_back) {
    for (const std::string& url : {server().url(), socket_url("app:app%20pw")}) {
        caller one(url);
        const auto opened = one.open();
        ASSERT_TRUE(opened) << opened.error().message();
        const std::string text = std::string("'\"\\\0%_\n", 7) + "\xf0\x9f\x94\x92";
        for (const std::int64_t whole : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0},
                                         std::numeric_limits<std::int64_t>::max()}) {
            const auto said = one.ask(echo, {whole, 0.1, text, cell{}});
            ASSERT_TRUE(said) << said.error().message();
            const std::vector<cell> same{whole, 0.1, text, cell{}};
            ASSERT_EQ(said->rows.size(), 1U);
            EXPECT_EQ(said->rows[0], same);
        }
        EXPECT_TRUE(one.line.clean());
        EXPECT_TRUE(one.line.silent());
    }
}

TEST(a_mysql_connection, sets_its_session_up) {
    caller one(server().url());
    ASSERT_TRUE(one.open());
    const auto said =
        one.ask("SELECT @@tx_isolation, @@time_zone, @@character_set_client, @@sql_mode", {});
    ASSERT_TRUE(said);
    const std::vector<cell> wanted{std::string("READ-COMMITTED"), std::string("+00:00"),
                                   std::string("utf8mb4"),
                                   std::string("STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION")};
    EXPECT_EQ(said->rows.at(0), wanted);
}

TEST(a_mysql_connection, is_denied_with_a_wrong_password_or_database_and_says_neither) {
    const std::pair<std::string, const char*> bad[] = {
        {socket_url("app:wrong%20horse"), "Access denied"},
        {socket_url("nobody:wrong%20horse"), "Access denied"},
        {socket_url("app:app%20pw", "locks_no"), "Unknown database"},
        {socket_url("app:app%20pw", "mysql"), "Access denied"},
    };
    for (const auto& [url, text] : bad) {
        caller one(url);
        const auto opened = one.open();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, errc::denied) << opened.error().message();
        EXPECT_THAT(opened.error().text, HasSubstr(text));
        EXPECT_THAT(opened.error().text, Not(HasSubstr("wrong horse")));
        EXPECT_THAT(opened.error().text, Not(HasSubstr("app pw")));
    }
}

TEST(a_mysql_connection, reads_its_password_from_a_file_each_time) {
    const temp_dir place;
    const std::string url = "mysql://app@127.0.0.1:" + std::to_string(server().port()) +
                            "/locks?password_file=" + (place / "secret");
    std::ofstream(place / "secret") << "wrong\n";
    EXPECT_EQ(caller(url).open().error().code, errc::denied);
    std::ofstream(place / "secret") << "app pw\n";
    EXPECT_TRUE(caller(url).open());
}

TEST(a_mysql_connection, is_unreachable_where_nobody_listens) {
    for (const std::string& url :
         {"mysql://app:x@127.0.0.1:" + std::to_string(free_tcp_port()) + "/locks",
          "mysql://app:x@localhost:" + std::to_string(free_tcp_port()) + "/locks",
          std::string("mysql+unix://app:x@/nowhere/sql.sock?db=locks"),
          std::string("mysql://app:x@no-such-host.invalid/locks")}) {
        caller one(url);
        const auto opened = one.open();
        ASSERT_FALSE(opened) << url;
        EXPECT_EQ(opened.error().code, errc::unreachable) << opened.error().message();
    }
}

TEST(a_mysql_connection, finds_a_host_by_name) {
    const std::string url =
        "mysql://app:app%20pw@localhost:" + std::to_string(server().port()) + "/locks";
    caller one(url);
    const auto opened = one.open();
    EXPECT_TRUE(opened) << opened.error().message();
}

// Why: a peer that accepts and says nothing is the longest wait there is.
TEST(a_mysql_connection, ends_at_the_deadline_with_a_server_that_is_frozen) {
    mariadb_server frozen({.tcp = true});
    caller open_one(frozen.url());
    ASSERT_TRUE(open_one.open());
    frozen.signal(SIGSTOP);
    caller new_one(frozen.url());
    const auto start = boot_clock::now();
    EXPECT_EQ(new_one.open(300ms).error().code, errc::unreachable);
    const auto said = open_one.ask(echo, {1, 2, 3, 4}, 300ms);
    EXPECT_LT(boot_clock::now() - start, 5s);
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().code, errc::unreachable) << "it was not even prepared";
    EXPECT_FALSE(open_one.line.clean());
    EXPECT_EQ(open_one.ask(echo, {1, 2, 3, 4}).error().code, errc::unreachable) << "it is closed";
    frozen.signal(SIGCONT);
    const auto opened = open_one.open();
    EXPECT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(open_one.ask(echo, {1, 2, 3, 4}));
}

TEST(a_mysql_connection, leaves_a_statement_in_doubt_whose_answer_does_not_come) {
    caller one(server().url());
    ASSERT_TRUE(one.open());
    ASSERT_TRUE(one.ask(nap, {0.0}));
    const auto late = one.ask(nap, {30.0}, 200ms);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::in_doubt);
    EXPECT_THAT(late.error().text, HasSubstr("no answer in time"));
}

TEST(a_mysql_connection, notices_that_it_was_killed) {
    caller one(server().url());
    ASSERT_TRUE(one.open());
    const auto id = one.ask("SELECT CONNECTION_ID()", {});
    ASSERT_TRUE(id);
    sql_session root(server(), "");
    const std::string number = std::to_string(std::get<std::int64_t>(id->rows.at(0).at(0)));
    // In the middle of a statement.
    const auto napping = start(one.context, one.line.run(nap, {30.0}, table_user::in(20s)));
    bool killed = false;
    ASSERT_TRUE(drive_until(one.context, [&] {
        if (!killed &&
            root.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = " + number +
                       " AND STATE = 'User sleep'") == "1")
            killed = root.try_ask("KILL " + number) == 0;
        return napping->ended();
    }));
    EXPECT_EQ(napping->answer->error().code, errc::in_doubt);
    // While it is idle.
    ASSERT_TRUE(one.open());
    const auto next = one.ask("SELECT CONNECTION_ID()", {});
    root.ask("KILL " + std::to_string(std::get<std::int64_t>(next->rows.at(0).at(0))));
    EXPECT_TRUE(poll_until([&] { return !one.line.silent(); }));
}

TEST(a_mysql_connection, ends_when_its_coroutine_is_cancelled_or_it_is_aborted) {
    caller one(server().url());
    ASSERT_TRUE(one.open());
    asio::cancellation_signal stop;
    auto wait = [](connection& line) -> asio::awaitable<result<answer>> {
        co_await asio::this_coro::throw_if_cancelled(false);
        std::vector<cell> long_time{30.0};
        co_return co_await line.run(nap, std::move(long_time), table_user::in(60s));
    };
    const auto napping = start(one.context, wait(one.line), [&](auto handler) {
        return asio::bind_cancellation_slot(stop.slot(), std::move(handler));
    });
    one.context.run_for(100ms);
    const auto since = boot_clock::now();
    cancel(one.context, stop, asio::cancellation_type::all);
    ASSERT_TRUE(drive_until(one.context, [&] { return napping->ended(); }));
    EXPECT_LT(boot_clock::now() - since, 5s);
    EXPECT_EQ(napping->answer->error().code, errc::cancelled);
    ASSERT_TRUE(one.open());
    const auto again = start(one.context, wait(one.line));
    one.context.restart();
    one.context.run_for(100ms);
    one.line.abort();
    ASSERT_TRUE(drive_until(one.context, [&] { return again->ended(); }));
    EXPECT_EQ(again->answer->error().code, errc::cancelled);
}

// Why: coroutines are destroyed where they wait when a context goes away.
TEST(a_mysql_connection, may_be_destroyed_in_the_middle_of_a_statement) {
    auto one = std::make_unique<caller>(server().url());
    ASSERT_TRUE(one->open());
    const auto napping = start(one->context, one->line.run(nap, {30.0}, table_user::in(20s)));
    one->context.restart();
    one->context.run_for(50ms);
    EXPECT_FALSE(napping->ended());
    one.reset();
}

TEST(a_mysql_pool, connects_again_after_a_restart_and_repeats_a_failure_only_shortly) {
    mariadb_server own;
    table_user user(own.url());
    ASSERT_TRUE(run(user.context, user.table->create(table_user::in(20s))));
    own.kill();
    const auto refused = user.set({.id = "a", .key = "k", .from = 1, .to = 2, .ttl = 30s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unreachable) << why(refused);
    own.restart();
    result<set_outcome> how = failure();
    EXPECT_TRUE(poll_until([&] {
        return holds(how = user.set({.id = "b", .key = "k", .from = 1, .to = 2, .ttl = 30s}));
    })) << why(how);
}

class tls : public testing::Test {
protected:
    static bool make_certificates(const temp_dir& place) {
        const std::string script =
            "cd '" + place.path().string() +
            "' && exec >log 2>&1 && "
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key "
            "-out ca.pem && "
            "openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out "
            "server.csr && "
            "printf 'subjectAltName=DNS:localhost' >ext && "
            "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
            "-extfile ext -out server.pem";
        return std::system(script.c_str()) == 0;
    }
};

TEST_F(tls, encrypts_and_verifies_the_host_when_told_to) {
    const temp_dir place;
    ASSERT_TRUE(make_certificates(place));
    mariadb_server secure(
        {.tcp = true,
         .arguments = {"--ssl-cert=" + (place / "server.pem"),
                       "--ssl-key=" + (place / "server.key"), "--ssl-ca=" + (place / "ca.pem")}});
    const auto url = [&](const std::string& host, const std::string& options) {
        return "mysql://app:app%20pw@" + host + ":" + std::to_string(secure.port()) + "/locks?" +
               options;
    };
    const std::string ca = "&ca=" + (place / "ca.pem");
    caller on(url("127.0.0.1", "tls=on"));
    const auto opened = on.open();
    ASSERT_TRUE(opened) << opened.error().message();
    const auto cipher = on.ask("SHOW SESSION STATUS LIKE 'Ssl_cipher'", {});
    ASSERT_TRUE(cipher);
    EXPECT_NE(cipher->rows.at(0).at(1), cell(std::string()));
    caller verified(url("localhost", "tls=verify" + ca));
    const auto trusted = verified.open();
    EXPECT_TRUE(trusted) << trusted.error().message();
    for (const std::string& bad :
         {url("127.0.0.1", "tls=verify" + ca), url("localhost", "tls=verify")}) {
        const auto refused = caller(bad).open();
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
    }
    // A frozen peer, in the middle of TLS.
    secure.signal(SIGSTOP);
    EXPECT_FALSE(on.ask(echo, {1, 2, 3, 4}, 200ms));
    EXPECT_EQ(verified.open(200ms).error().code, errc::unreachable);
    secure.kill();
}

TEST_F(tls, is_not_done_without_by_a_server_that_has_none) {
    mariadb_server plain({.tcp = true, .arguments = {"--skip-ssl"}});
    const auto refused = caller(plain.url() + "?tls=on").open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::denied) << refused.error().message();
}

}  // namespace
}  // namespace holdfast::test
