// SPDX-License-Identifier: BSL-1.0
//
// What it is: a database file seen past the library, as another program would see it.
// Thread safety: none.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::test {

/// A plain connection. Takes part in SQLite's own locking.
class raw_database {
public:
    explicit raw_database(const std::string& path) {
        if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK)
            throw std::runtime_error("cannot open " + path);
        sqlite3_busy_timeout(handle_, 10'000);
    }
    raw_database(const raw_database&) = delete;
    raw_database& operator=(const raw_database&) = delete;
    ~raw_database() { sqlite3_close(handle_); }

    /// Runs `sql`. @return The first column of the last row as text; empty without one.
    std::string query(const std::string& sql) {
        std::string last;
        char* wrong = nullptr;
        auto take = [](void* to, int, char** columns, char**) {
            *static_cast<std::string*>(to) = columns[0] == nullptr ? "" : columns[0];
            return 0;
        };
        if (sqlite3_exec(handle_, sql.c_str(), take, &last, &wrong) != SQLITE_OK) {
            ADD_FAILURE() << sql << ": " << (wrong == nullptr ? "?" : wrong);
            sqlite3_free(wrong);
        }
        return last;
    }
    /// @return That column of all rows.
    std::vector<std::string> column(const std::string& sql, int which) {
        std::vector<std::string> all;
        sqlite3_stmt* made = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &made, nullptr), SQLITE_OK) << sql;
        while (sqlite3_step(made) == SQLITE_ROW)
            all.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(made, which)));
        sqlite3_finalize(made);
        return all;
    }

private:
    sqlite3* handle_{nullptr};
};

/// @return All bytes of a file.
inline std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Makes a file of `bytes`.
inline void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace holdfast::test
