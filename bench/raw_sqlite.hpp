// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a lock in an SQLite file can reach: the statements of the SQLite store
// on one connection with the same settings, prepared once, and the same notice to those who may
// wait. It looks at nothing but whether SQLite was content, and sweeps no old rows.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace holdfast::bench {

/// See the top of the file.
class raw_sqlite {
public:
    /// @param path  Of a file of its own, which is made anew.
    /// @throws std::runtime_error  If SQLite refuses.
    raw_sqlite(const std::string& path, bool fenced);
    raw_sqlite(const raw_sqlite&) = delete;
    raw_sqlite& operator=(const raw_sqlite&) = delete;
    ~raw_sqlite();

    /// Acquires and releases until that time on CLOCK_MONOTONIC. @return How many pairs were made.
    std::uint64_t pairs_until(std::int64_t nanoseconds);

private:
    struct closer {
        void operator()(sqlite3* connection) const noexcept;
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    using prepared = std::unique_ptr<sqlite3_stmt, closer>;

    void open(const std::string& path);
    [[nodiscard]] prepared prepare(const char* sql) const;
    void acquire();
    void release();
    void finish(sqlite3_stmt* statement, int rows) const;

    bool fenced_;
    int notice_{-1};
    std::string boot_;
    std::unique_ptr<sqlite3, closer> connection_;
    prepared acquire_;
    prepared release_;
};

}  // namespace holdfast::bench
