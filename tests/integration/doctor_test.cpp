// SPDX-License-Identifier: BSL-1.0
//
// What a look at a database, a file and the memory finds.
#include <holdfast/async_locker.hpp>
#include <holdfast/holdfast.hpp>

#include "integration/doctor_codes.hpp"
#include "support/mariadb_server.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>

namespace holdfast::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A server whose commits are as safe as they are where nothing is changed.
class doctor_on_mysql : public testing::Test {
protected:
    static mariadb_server& server() {
        static mariadb_server only{
            {.tcp = true, .arguments = {"--innodb-flush-log-at-trx-commit=1", "--log-bin"}}};
        return only;
    }
    void set_global(const std::string& name, const std::string& value) {
        before_.emplace_back(name, root_.value("SELECT @@GLOBAL." + name));
        root_.ask("SET GLOBAL " + name + " = " + value);
    }
    void TearDown() override {
        for (const auto& [name, value] : before_) {
            const bool whole = value.find_first_not_of("0123456789") == std::string::npos;
            const std::string quote = whole ? "" : "'";
            root_.ask("SET GLOBAL " + name + " = " + quote + value + quote);
        }
    }
    sql_session root_{server()};

private:
    std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(doctor_on_mysql, finds_nothing_where_all_is_well) {
    locker locks(server().url());
    ASSERT_TRUE(locks.acquire("x"));
    const auto found = locks.diagnose();
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_THAT(found->findings, IsEmpty());
    EXPECT_THAT(found->servers.at(0).version, HasSubstr("MariaDB"));
    EXPECT_THAT(found->servers.at(0).id, testing::Not(IsEmpty()));
}

TEST_F(doctor_on_mysql, finds_that_there_is_no_table_and_makes_none) {
    root_.ask("CREATE DATABASE locks_empty");
    EXPECT_THAT(codes_at(server().url("locks_empty")), ElementsAre("note no-table"));
    EXPECT_THAT(root_.ask("SHOW TABLES FROM locks_empty"), IsEmpty());
}

TEST_F(doctor_on_mysql, finds_a_server_that_only_reads) {
    set_global("read_only", "1");
    EXPECT_THAT(codes_at(server().url()), Contains("problem read-only"));
}

TEST_F(doctor_on_mysql, finds_commits_that_a_crash_forgets) {
    set_global("innodb_flush_log_at_trx_commit", "2");
    EXPECT_THAT(codes_at(server().url()), Contains("warning commit-not-flushed"));
}

TEST_F(doctor_on_mysql, finds_a_binary_log_of_statements) {
    set_global("binlog_format", "STATEMENT");
    EXPECT_THAT(codes_at(server().url()), Contains("problem binlog-of-statements"));
}

TEST_F(doctor_on_mysql, finds_connections_that_are_closed_early_or_run_out) {
    set_global("wait_timeout", "10");
    EXPECT_THAT(codes_at(server().url()), Contains("warning short-wait-timeout"));
    set_global("max_connections", "10");  // The least that it takes.
    std::vector<std::unique_ptr<sql_session>> crowd;
    for (int i = 0; i < 7; ++i) crowd.push_back(std::make_unique<sql_session>(server()));
    EXPECT_THAT(codes_at(server().url()), Contains("warning clients-nearly-full"));
}

TEST_F(doctor_on_mysql, finds_a_table_without_transactions_and_rights_that_are_missing) {
    root_.ask("CREATE DATABASE locks_old");
    root_.ask(
        "CREATE TABLE locks_old.holdfast_lock (name VARBINARY(512) NOT NULL, "
        "value VARBINARY(2048) NOT NULL, expires BIGINT NOT NULL, fence BIGINT NOT NULL) "
        "ENGINE=Aria");
    EXPECT_THAT(codes_at(server().url("locks_old")), Contains("problem table-engine"));
    root_.ask("CREATE USER reader@'%' IDENTIFIED BY 'pw'");
    root_.ask("GRANT SELECT, UPDATE ON locks_old.* TO reader@'%'");
    const auto codes =
        codes_at("mysql://reader:pw@127.0.0.1:" + std::to_string(server().port()) + "/locks_old");
    EXPECT_EQ(codes.count("problem missing-right"), 2U) << "INSERT and DELETE";
}

TEST(doctor_on_sqlite, finds_nothing_where_all_is_well) {
    const temp_dir place;
    const std::string url = "sqlite:" + place / "locks.db";
    EXPECT_THAT(codes_at(url), Contains("note no-file"));
    EXPECT_FALSE(std::filesystem::exists(place / "locks.db")) << "none is made for that";
    locker locks(url);
    ASSERT_TRUE(locks.acquire("x"));
    const auto found = locks.diagnose();
    ASSERT_TRUE(found);
    EXPECT_TRUE(!found->worst() || found->worst() == severity::note);
}

TEST(doctor_on_sqlite, finds_who_else_may_use_the_file) {
    const temp_dir place;
    const std::string file = place / "locks.db";
    ASSERT_TRUE(locker("sqlite:" + file).acquire("x"));
    namespace fs = std::filesystem;
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    EXPECT_THAT(codes_at("sqlite:" + file), Contains("warning open-to-others"));
    fs::permissions(place.path(), fs::perms::others_write, fs::perm_options::add);
    EXPECT_THAT(codes_at("sqlite:" + file), Contains("warning directory-open-to-others"));
}

TEST(doctor_on_sqlite, finds_a_journal_that_another_program_has_set_and_a_log_that_grows) {
    const temp_dir place;
    const std::string file = place / "locks.db";
    ASSERT_TRUE(locker("sqlite:" + file).acquire("x"));
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(other, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr),
              SQLITE_OK);
    EXPECT_THAT(codes_at("sqlite:" + file), Contains("warning journal-mode"));
    EXPECT_EQ(sqlite3_exec(other, "PRAGMA journal_mode = WAL; BEGIN; SELECT * FROM sqlite_master",
                           nullptr, nullptr, nullptr),
              SQLITE_OK);
    std::filesystem::resize_file(file + "-wal", std::uintmax_t{65} << 20U);
    EXPECT_THAT(codes_at("sqlite:" + file), Contains("warning long-log"));
    sqlite3_close(other);
}

// Why: what belongs to a file lies beside the file that a link leads to.
TEST(doctor_on_sqlite, looks_at_the_file_that_a_link_leads_to) {
    const temp_dir place;
    const std::string link = place / "link";
    const std::string file = place / "there/locks.db";
    namespace fs = std::filesystem;
    fs::create_directory(place / "there");
    ASSERT_TRUE(locker("sqlite:" + file).acquire("x"));
    fs::create_symlink(file, link);
    locker linked("sqlite:" + link);
    ASSERT_TRUE(linked.acquire("x"));  // Which keeps the log from being begun anew.
    fs::resize_file(file + "-wal", std::uintmax_t{65} << 20U);
    fs::permissions(place / "there", fs::perms::others_write, fs::perm_options::add);
    EXPECT_THAT(codes_of(linked.diagnose()), Contains("warning long-log"));
    EXPECT_THAT(codes_at("sqlite:" + link), Contains("warning directory-open-to-others"));
    fs::permissions(place / "there", fs::perms::others_write, fs::perm_options::remove);
    fs::permissions(place.path(), fs::perms::others_write, fs::perm_options::add);
    EXPECT_THAT(codes_at("sqlite:" + link), Contains("warning directory-open-to-others"))
        << "the link may be replaced";
}

TEST(doctor_on_sqlite, finds_a_place_where_no_file_can_be) {
    EXPECT_THAT(codes_at("sqlite:/proc"), Contains("problem unusable-file"));
}

TEST(doctor_on_memory, says_whom_it_serves) {
    EXPECT_THAT(codes_at("memory:"), ElementsAre("note one-process"));
    boost::asio::io_context context;
    async_locker locks(context.get_executor(), "memory:");
    auto told = boost::asio::co_spawn(context, locks.diagnose(), boost::asio::use_future);
    while (told.wait_for(std::chrono::seconds(0)) != std::future_status::ready) context.run_one();
    EXPECT_EQ(told.get()->findings.size(), 1U);
}

// Why: a code that no page explains helps nobody. How: each that stands in the sources behind a
// severity has to stand on the page.
TEST(doctor_on_paper, explains_each_code) {
    const std::string root = HOLDFAST_SOURCE_DIR;
    std::ifstream file(root + "/docs/reference/findings.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    const std::regex finding_code(
        R"re(severity::\w+,\s+(?:where\.address, |address_, )?"([a-z-]+)")re");
    std::size_t codes = 0;
    for (const char* const path :
         {"/src/redis/health_rules.cpp", "/src/redis/health_check.cpp",
          "/src/mysql/health_rules.cpp", "/src/sqlite/health_check.cpp",
          "/src/lock/quorum_diagnosis.cpp", "/src/memory/memory_store.cpp"}) {
        std::ifstream source(root + path);
        const std::string text{std::istreambuf_iterator<char>(source), {}};
        for (std::sregex_iterator at(text.begin(), text.end(), finding_code), end; at != end;
             ++at) {
            EXPECT_THAT(page, HasSubstr("`" + (*at)[1].str() + "`")) << path;
            ++codes;
        }
    }
    EXPECT_GT(codes, 40U);
}

}  // namespace
}  // namespace holdfast::test
