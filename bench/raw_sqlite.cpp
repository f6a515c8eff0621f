// SPDX-License-Identifier: BSL-1.0
#include "raw_sqlite.hpp"

#include "measure.hpp"
#include "sqlite/sql.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace holdfast::bench {
namespace {

constexpr std::string_view name = "raw0";
constexpr std::string_view value = "0123456789abcdef0123456789abcdef|12345@host|";
constexpr std::int64_t ttl_ns = 30'000'000'000;

std::int64_t nanoseconds_of(clockid_t clock) {
    timespec present{};
    ::clock_gettime(clock, &present);
    return present.tv_sec * 1'000'000'000LL + present.tv_nsec;
}

void bind_blob(sqlite3_stmt* to, int place, std::string_view bytes) {
    sqlite3_bind_blob64(to, place, bytes.data(), bytes.size(), SQLITE_STATIC);
}

}  // namespace

void raw_sqlite::closer::operator()(sqlite3* connection) const noexcept {
    sqlite3_close_v2(connection);
}

void raw_sqlite::closer::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

raw_sqlite::raw_sqlite(const std::string& path, bool fenced)
    : fenced_(fenced), boot_("01234567-89ab-cdef-0123-456789abcdef") {
    open(path);
    acquire_ = prepare(sqlite::sql::acquire.data());
    release_ = prepare(sqlite::sql::release.data());
    notice_ = ::open((path + "-notify").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (notice_ < 0 || ::pwrite(notice_, "notice", 6, 0) != 6)
        throw std::runtime_error("raw sqlite: no file for the notice");
}

raw_sqlite::~raw_sqlite() {
    if (notice_ >= 0) ::close(notice_);
}

void raw_sqlite::open(const std::string& path) {
    for (const char* const part : {"", "-wal", "-shm"}) ::unlink((path + part).c_str());
    sqlite3* opened = nullptr;
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                          SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    bool fine = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr) == SQLITE_OK;
    connection_.reset(opened);
    using namespace sqlite::sql;
    for (const std::string_view sql : {journal, schema, extend, connect})
        fine = fine && sqlite3_exec(opened, sql.data(), nullptr, nullptr, nullptr) == SQLITE_OK;
    if (!fine) throw std::runtime_error("raw sqlite: cannot set up " + path);
}

raw_sqlite::prepared raw_sqlite::prepare(const char* sql) const {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) !=
        SQLITE_OK)
        throw std::runtime_error(std::string("raw sqlite: ") + sqlite3_errmsg(connection_.get()));
    return prepared(made);
}

std::uint64_t raw_sqlite::pairs_until(std::int64_t nanoseconds) {
    std::uint64_t pairs = 0;
    while (nanoseconds_now() < nanoseconds) {
        acquire();
        release();
        ++pairs;
    }
    return pairs;
}

// Parameters are numbered in the order in which the statements name them.
void raw_sqlite::acquire() {
    sqlite3_stmt* const take = acquire_.get();
    bind_blob(take, 1, name);
    bind_blob(take, 2, value);
    sqlite3_bind_text(take, 3, boot_.data(), static_cast<int>(boot_.size()), SQLITE_STATIC);
    sqlite3_bind_int64(take, 4, nanoseconds_of(CLOCK_BOOTTIME));
    sqlite3_bind_int64(take, 5, ttl_ns);
    sqlite3_bind_int64(take, 6, fenced_ ? 1 : 0);
    sqlite3_bind_int64(take, 7, fenced_ ? nanoseconds_of(CLOCK_REALTIME) / 1000 : 0);
    finish(take, 1);
}

void raw_sqlite::release() {
    sqlite3_stmt* const give = release_.get();
    sqlite3_bind_int64(give, 1, nanoseconds_of(CLOCK_BOOTTIME));
    bind_blob(give, 2, name);
    bind_blob(give, 3, value);
    sqlite3_bind_text(give, 4, boot_.data(), static_cast<int>(boot_.size()), SQLITE_STATIC);
    finish(give, 0);
    char byte = 0;
    if (sqlite3_changes(connection_.get()) != 1 || ::pread(notice_, &byte, 1, 0) != 1)
        throw std::runtime_error("raw sqlite: not released");
}

void raw_sqlite::finish(sqlite3_stmt* statement, int rows) const {
    int seen = 0;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) ++seen;
    sqlite3_reset(statement);
    if (code != SQLITE_DONE || seen != rows)
        throw std::runtime_error(std::string("raw sqlite: ") + sqlite3_errmsg(connection_.get()));
}

}  // namespace holdfast::bench
