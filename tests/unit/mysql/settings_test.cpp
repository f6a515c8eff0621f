// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/settings.hpp"

#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using mysql::current_password;
using mysql::read_settings;
using mysql::settings;
using mysql::tls_mode;
using testing::HasSubstr;
using testing::Not;

TEST(mysql_settings, are_read_from_a_url) {
    const settings at = read_settings(
                            "mysql://ops:p%40ss@db.example:3307/locks?tls=verify&ca=%2Fca.pem&"
                            "connect_timeout=250ms")
                            .value();
    EXPECT_EQ(at.host, "db.example");
    EXPECT_EQ(at.port, 3307);
    EXPECT_EQ(at.user, "ops");
    EXPECT_EQ(at.password.reveal(), "p@ss");
    EXPECT_EQ(at.database, "locks");
    EXPECT_EQ(at.tls, tls_mode::verify);
    EXPECT_EQ(at.ca_file, "/ca.pem");
    EXPECT_EQ(at.connect_timeout, 250ms);
    EXPECT_THAT(at.address, Not(HasSubstr("ss")));
}

TEST(mysql_settings, have_defaults) {
    const settings at = read_settings("mysql://root@localhost/locks").value();
    EXPECT_EQ(at.port, 3306);
    EXPECT_EQ(at.tls, tls_mode::off);
    EXPECT_EQ(at.connect_timeout, 5s);
    EXPECT_TRUE(at.password.empty());
    EXPECT_EQ(read_settings("mysql://root@h/d?tls=on").value().tls, tls_mode::on);
    EXPECT_EQ(read_settings("mysql://root@h/d?connect_timeout=3s").value().connect_timeout, 3s);
}

TEST(mysql_settings, of_a_unix_socket_name_the_database_as_an_option) {
    const settings at = read_settings("mysql+unix:///run/mysqld.sock?db=locks&user=ops").value();
    EXPECT_EQ(at.unix_path, "/run/mysqld.sock");
    EXPECT_EQ(at.database, "locks");
    EXPECT_EQ(at.user, "ops");
    EXPECT_EQ(read_settings("mysql+unix://u:p@/s?db=d").value().password.reveal(), "p");
}

TEST(mysql_settings, of_a_store_may_allow_a_cluster) {
    using mysql::url_use;
    const std::string url = "mysql://root@localhost/locks";
    EXPECT_FALSE(read_settings(url, url_use::store)->galera_allowed);
    EXPECT_TRUE(read_settings(url + "?galera=allow", url_use::store)->galera_allowed);
    EXPECT_FALSE(read_settings(url + "?galera=deny", url_use::store));
    EXPECT_FALSE(read_settings(url + "?galera=allow"));
}

TEST(mysql_settings, that_are_unknown_are_refused_naming_all_that_are_known) {
    using mysql::url_use;
    for (const char* url : {"mysql://u@h/d?foo=1", "mysql+unix:///s?db=d&user=u&foo=1"}) {
        const std::string of_store = read_settings(url, url_use::store).error().text;
        const std::string of_table = read_settings(url).error().text;
        EXPECT_THAT(of_store, HasSubstr("'foo' is no option"));
        for (const char* known : {"password_file", "connect_timeout", "galera", "notify"})
            EXPECT_THAT(of_store, HasSubstr(known));
        EXPECT_THAT(of_table, HasSubstr("connect_timeout"));
        EXPECT_THAT(of_table, Not(HasSubstr("galera")));
    }
}

TEST(mysql_settings, that_break_a_rule_are_refused_naming_it) {
    const std::pair<const char*, const char*> bad[] = {
        {"redis://h", "scheme"},
        {"mysql://u@h", "no database"},
        {"mysql://u@h/", "no database"},
        {"mysql://u@h/a/b", "a database"},
        {"mysql://h/d", "no user"},
        {"mysql:///d", "host"},
        {"mysql://u@h/d?db=x", "'db' is no option"},
        {"mysql://u@h/d?tls=yes", "tls is"},
        {"mysql://u@h/d?tls=", "tls is"},
        {"mysql://u@h/d?ca=x", "ca goes with"},
        {"mysql://u@h/d?tls=on&ca=x", "ca goes with"},
        {"mysql://u@h/d?connect_timeout=5", "connect_timeout"},
        {"mysql://u@h/d?connect_timeout=0s", "connect_timeout"},
        {"mysql://u@h/d?connect_timeout=-1s", "connect_timeout"},
        {"mysql://u@h/d?connect_timeout=3601s", "connect_timeout"},
        {"mysql://u@h/d?connect_timeout=99999999999999999999s", "connect_timeout"},
        {"mysql://u:p@h/d?password_file=x", "not in both"},
        {"mysql://u:p%00@h/d", "NUL"},
        {"mysql+unix://h/s?db=d&user=u", "form"},
        {"mysql+unix:///s?user=u", "no database"},
        {"mysql+unix:///s?db=d", "no user"},
        {"mysql+unix://u@/s?db=d&user=u", "either"},
        {"mysql+unix:///s?db=d&user=u&tls=on", "'tls' is no option"},
    };
    for (const auto& [url, rule] : bad) {
        const auto read = read_settings(url);
        ASSERT_FALSE(read) << url;
        EXPECT_EQ(read.error().code, errc::misuse);
        EXPECT_THAT(read.error().text, HasSubstr(rule)) << url;
    }
}

TEST(a_mysql_password, may_stand_in_a_file) {
    const temp_dir place;
    settings at = read_settings("mysql://u@h/d?password_file=" + (place / "secret")).value();
    EXPECT_EQ(current_password(at).error().code, errc::denied);
    std::ofstream(place / "secret") << "pa ss\r\nmore";
    EXPECT_EQ(current_password(at).value().reveal(), "pa ss");
    std::ofstream(place / "secret") << "\n";
    EXPECT_EQ(current_password(at).error().code, errc::denied);
}

}  // namespace
}  // namespace holdfast::test
