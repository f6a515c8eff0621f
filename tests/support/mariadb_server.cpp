// SPDX-License-Identifier: BSL-1.0
#include "support/mariadb_server.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <mysql.h>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

// Nothing is flushed: a server that is killed leaves what it wrote to the kernel, and a disk that
// is busy for a second is no fault that a test asked for.
std::vector<std::string> small_memory() {
    return {"--no-defaults",
            "--user=root",
            "--innodb-flush-method=nosync",
            "--innodb-log-file-size=4M",
            "--innodb-buffer-pool-size=16M",
            "--innodb-data-file-path=ibdata1:8M:autoextend",
            "--skip-log-bin"};
}

/// What a new server starts from; made once, because it takes seconds.
class template_data {
public:
    template_data() {
        // Made before the fork: where there are threads, the child may not allocate.
        std::vector<std::string> words{"mariadb-install-db"};
        for (std::string& word : small_memory()) words.push_back(std::move(word));
        words.insert(words.end(), {"--datadir=" + (directory_ / "data"), "--skip-test-db",
                                   "--tmpdir=" + directory_.path().string(),
                                   "--auth-root-authentication-method=normal"});
        const std::vector<char*> arguments = arguments_of(words);
        const std::string log = directory_ / "log";
        const pid_t child = ::fork();
        if (child < 0) throw std::runtime_error("fork failed");
        if (child == 0) make(arguments, log.c_str());
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            throw std::runtime_error("mariadb-install-db failed:\n" + text_of(log));
    }
    void copy_to(const std::string& place) const {
        std::filesystem::copy(directory_ / "data", place, std::filesystem::copy_options::recursive);
    }

private:
    [[noreturn]] static void make(const std::vector<char*>& arguments, const char* log) {
        const int file = ::open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0 || ::dup2(file, STDOUT_FILENO) < 0 || ::dup2(file, STDERR_FILENO) < 0)
            ::_exit(127);
        become(arguments);
    }
    temp_dir directory_;
};

}  // namespace

mariadb_server::mariadb_server(mariadb_options options) : options_(std::move(options)) {
    static const template_data fresh;
    socket_path_ = directory_ / "sql.sock";
    fresh.copy_to(directory_ / "data");
    if (options_.tcp) port_ = free_tcp_port();
    start();
    sql_session root(*this, "");
    root.ask("CREATE DATABASE locks");
    for (const char* const host : {"%", "localhost"}) {
        const std::string user = "app@'" + std::string(host) + "'";
        root.ask("CREATE USER " + user + " IDENTIFIED BY 'app pw'");
        root.ask("GRANT ALL ON `locks%`.* TO " + user);
    }
}

std::string mariadb_server::url(const std::string& database) const {
    if (options_.tcp)
        return "mysql://app:app%20pw@127.0.0.1:" + std::to_string(port_) + "/" + database;
    return "mysql+unix://app:app%20pw@" + socket_path_ + "?db=" + database;
}

void mariadb_server::start() {
    std::filesystem::remove(socket_path_);
    std::vector<std::string> words{"mariadbd"};
    for (std::string& word : small_memory()) words.push_back(std::move(word));
    words.insert(
        words.end(),
        {"--datadir=" + (directory_ / "data"), "--socket=" + socket_path_,
         "--pid-file=" + (directory_ / "sql.pid"), "--tmpdir=" + directory_.path().string(),
         "--log-error=" + (directory_ / "sql.log"), "--bind-address=127.0.0.1",
         "--performance-schema=off", "--skip-name-resolve", "--skip-slave-start",
         "--max-connections=200"});
    if (options_.tcp)
        words.push_back("--port=" + std::to_string(port_));
    else
        words.emplace_back("--skip-networking");
    words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    process_.start(std::move(words), directory_ / "sql.log", [this] { return answers(); });
}

bool mariadb_server::answers() const {
    MYSQL* const probe = mysql_init(nullptr);
    const bool there = mysql_real_connect(probe, nullptr, "root", "", nullptr, 0,
                                          socket_path_.c_str(), 0) != nullptr;
    mysql_close(probe);
    return there;
}

void mariadb_server::signal(int number) const { process_.signal(number); }

void mariadb_server::kill() { process_.kill(); }

void mariadb_server::restart() {
    kill();
    start();
}

sql_session::sql_session(const mariadb_server& server, const std::string& database)
    : handle_(mysql_init(nullptr)) {
    const unsigned seconds = 60;
    mysql_options(handle_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(handle_, MYSQL_OPT_READ_TIMEOUT, &seconds);
    if (mysql_real_connect(handle_, nullptr, "root", "",
                           database.empty() ? nullptr : database.c_str(), 0,
                           server.socket_path().c_str(), 0))
        return;
    const std::string why = mysql_error(handle_);
    mysql_close(handle_);
    throw std::runtime_error("no session: " + why);
}

sql_session::~sql_session() { mysql_close(handle_); }

unsigned sql_session::try_ask(const std::string& sql) {
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0) return mysql_errno(handle_);
    mysql_free_result(mysql_store_result(handle_));
    return 0;
}

sql_rows sql_session::ask(const std::string& sql) {
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0)
        throw std::runtime_error(sql + ": " + mysql_error(handle_));
    sql_rows rows;
    MYSQL_RES* const kept = mysql_store_result(handle_);
    if (!kept) return rows;
    while (char** const row = mysql_fetch_row(kept)) {
        rows.emplace_back();
        const unsigned long* const lengths = mysql_fetch_lengths(kept);
        for (unsigned i = 0; i < mysql_num_fields(kept); ++i)
            rows.back().push_back(row[i] ? std::string(row[i], lengths[i]) : "NULL");
    }
    mysql_free_result(kept);
    return rows;
}

std::string sql_session::value(const std::string& sql) { return ask(sql).at(0).at(0); }

}  // namespace holdfast::test
