// SPDX-License-Identifier: BSL-1.0
#include "sqlite/statement.hpp"

#include "sqlite/sql.hpp"

namespace holdfast::sqlite {

bool is_busy(int code) noexcept {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return true;  // The last: a race for the log's index, lost too often.
        // The file was replaced; the next try opens the new one.
        case SQLITE_READONLY: return code == SQLITE_READONLY_DBMOVED;
        default: return false;
    }
}

int row_or_none(int code) noexcept {
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int connection::open(const std::string& path) {
    sqlite3* opened = nullptr;
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                          SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
    handle_.reset(opened);  // SQLite gives a handle even when it fails, for the error's text.
    if (code != SQLITE_OK) return code;
    // The last one out would otherwise fold the log into the file and remove it by its path. If the
    // file was replaced in the meantime, that path is somebody else's log.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // The file may come from anywhere: nothing in it gets to run.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    return SQLITE_OK;
}

int connection::execute(std::string_view sql) const {
    return sqlite3_exec(handle_.get(), sql.data(), nullptr, nullptr, nullptr);
}

bool connection::read_only() const noexcept {
    return sqlite3_db_readonly(handle_.get(), "main") == 1;
}

bool connection::moved() const noexcept {
    int moved = 0;
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

std::string connection::describe(int code) const {
    // A rollback in between has other words than the error that led to it.
    if (handle_ && sqlite3_extended_errcode(handle_.get()) == code)
        return sqlite3_errmsg(handle_.get());
    return sqlite3_errstr(code);
}

int statement::prepare(const connection& db, std::string_view sql,
                       std::initializer_list<const char*> parameters) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(db.handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    handle_.reset(prepared);
    if (code != SQLITE_OK) return code;
    int index = 0;
    for (const char* name : parameters)
        if (sqlite3_bind_parameter_index(prepared, name) != ++index) return SQLITE_MISUSE;
    return sqlite3_bind_parameter_count(prepared) == index ? SQLITE_OK : SQLITE_MISUSE;
}

int prepare_all(const connection& db, std::initializer_list<preparation> all) {
    int code = SQLITE_OK;
    for (const preparation& each : all)
        if (code == SQLITE_OK) code = each.what.prepare(db, each.sql, each.parameters);
    return code;
}

std::string_view statement::bytes(int column) noexcept {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return data == nullptr ? std::string_view{}
                           : std::string_view(data, static_cast<std::size_t>(size));
}

int statement::bind(int index, std::int64_t value) noexcept {
    return sqlite3_bind_int64(handle_.get(), index, value);
}

int statement::bind(int index, const blob& value) noexcept {
    // A null pointer would bind NULL, which is not the empty blob.
    const char* data = value.bytes.data() == nullptr ? "" : value.bytes.data();
    return sqlite3_bind_blob64(handle_.get(), index, data, value.bytes.size(), nullptr);
}

int statement::bind(int index, const std::string& value) noexcept {
    return sqlite3_bind_text64(handle_.get(), index, value.data(), value.size(), nullptr,
                               SQLITE_UTF8);
}

int run::finish(int code) noexcept {
    while (code == SQLITE_ROW) code = what_.step();
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int transaction_statements::prepare(const connection& db) {
    return prepare_all(
        db, {{begin, sql::begin, {}}, {commit, sql::commit, {}}, {rollback, sql::rollback, {}}});
}

transaction::~transaction() {
    // Fails if SQLite has rolled back by itself, and then there is nothing left to do.
    if (open_) [[maybe_unused]]
        const int ignored = run(how_.rollback).all();
}

int transaction::begin() noexcept {
    const int code = run(how_.begin).all();
    open_ = code == SQLITE_OK;
    return code;
}

int transaction::commit() noexcept {
    const int code = run(how_.commit).all();
    if (code == SQLITE_OK) open_ = false;
    return code;
}

}  // namespace holdfast::sqlite
