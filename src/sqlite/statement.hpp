// SPDX-License-Identifier: BSL-1.0
//
// What it is: owners for SQLite's handles: a connection, a prepared statement, one run of a
// statement, and a transaction. Functions give SQLite's result codes as they are.
// Thread safety: none; a connection and all that was made from it belong to one thread at a time.
// Invariants: statements end before their connection; a statement is reset whenever no run is on.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::sqlite {

/// @return Whether `code` says that another connection is at it, and that nothing was done.
[[nodiscard]] bool is_busy(int code) noexcept;

/// @return SQLITE_OK for the codes of a statement that gives one row or none.
[[nodiscard]] int row_or_none(int code) noexcept;

/// Bytes that are bound as a BLOB, where a plain string is bound as TEXT.
struct blob {
    std::string_view bytes;
};

/// An open database file.
class connection {
public:
    /// Opens `path` for reading and writing; does not create it, and reads nothing yet.
    [[nodiscard]] int open(const std::string& path);
    void close() noexcept { handle_.reset(); }

    /// Runs all statements of `sql`, which must end in a NUL byte as literals do.
    [[nodiscard]] int execute(std::string_view sql) const;
    /// @return Whether the file can only be read.
    [[nodiscard]] bool read_only() const noexcept;
    /// @return Whether the path leads to another file by now, or to none.
    [[nodiscard]] bool moved() const noexcept;
    /// @return SQLite's own words for `code`.
    [[nodiscard]] std::string describe(int code) const;

    [[nodiscard]] bool is_open() const noexcept { return handle_ != nullptr; }
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }

private:
    struct closer {
        void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, closer> handle_;
};

/// A prepared statement.
class statement {
public:
    /// @param parameters  In the order in which `sql` first names them; run() takes that order.
    [[nodiscard]] int prepare(const connection& db, std::string_view sql,
                              std::initializer_list<const char*> parameters = {});

    /// Binds `values` to the parameters and takes the first step.
    template <class... Values>
    [[nodiscard]] int start(const Values&... values) noexcept {
        int index = 0;
        int code = SQLITE_OK;
        ((code = code == SQLITE_OK ? bind(++index, values) : code), ...);
        return code == SQLITE_OK ? step() : code;
    }
    /// @return SQLITE_ROW, SQLITE_DONE or an error.
    [[nodiscard]] int step() noexcept { return sqlite3_step(handle_.get()); }
    void reset() noexcept { sqlite3_reset(handle_.get()); }

    [[nodiscard]] std::int64_t integer(int column) noexcept {
        return sqlite3_column_int64(handle_.get(), column);
    }
    /// @return How many rows the latest statement of the connection wrote.
    [[nodiscard]] int changes() const noexcept {
        return sqlite3_changes(sqlite3_db_handle(handle_.get()));
    }
    /// @return The column's bytes, until the next step.
    [[nodiscard]] std::string_view bytes(int column) noexcept;

private:
    [[nodiscard]] int bind(int index, std::int64_t value) noexcept;
    [[nodiscard]] int bind(int index, const blob& value) noexcept;
    [[nodiscard]] int bind(int index, const std::string& value) noexcept;

    struct finalizer {
        void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// A statement that is to be prepared.
struct preparation {
    statement& what;
    std::string_view sql;
    std::initializer_list<const char*> parameters;
};

/// Prepares all of them, up to the first that fails.
[[nodiscard]] int prepare_all(const connection& db, std::initializer_list<preparation> all);

/// One run of a statement; what was bound must live as long. Resets the statement at its end.
class run {
public:
    explicit run(statement& what) noexcept : what_(what) {}
    run(const run&) = delete;
    run& operator=(const run&) = delete;
    ~run() { what_.reset(); }
    [[nodiscard]] statement* operator->() noexcept { return &what_; }

    /// Runs to the end. @return SQLITE_OK, or an error; rows are passed over.
    template <class... Values>
    [[nodiscard]] int all(const Values&... values) noexcept {
        return finish(what_.start(values...));
    }
    /// Steps on from a first step that ended as `code`, as `all` does.
    [[nodiscard]] int finish(int code) noexcept;
    /// @return How many rows the latest statement of the connection wrote.
    [[nodiscard]] int changes() const noexcept { return what_.changes(); }

private:
    statement& what_;
};

/// The statements of a transaction.
struct transaction_statements {
    statement begin;
    statement commit;
    statement rollback;
    [[nodiscard]] int prepare(const connection& db);
};

/// A transaction that writes. Takes back what was not committed.
class transaction {
public:
    explicit transaction(transaction_statements& how) noexcept : how_(how) {}
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction();
    [[nodiscard]] int begin() noexcept;
    [[nodiscard]] int commit() noexcept;

private:
    transaction_statements& how_;
    bool open_{false};
};

}  // namespace holdfast::sqlite
