// SPDX-License-Identifier: BSL-1.0
//
// What it is: the database file of a store: opens it at the first use, checks whose it is, and
// opens it anew when the path leads to another file or when the open one turned out broken.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: a file that is not ours is not written to; no action runs on a file that is known to
// have been replaced.
#pragma once

#include <holdfast/store.hpp>

#include "sqlite/lease_table.hpp"
#include "sqlite/statement.hpp"
#include "sqlite/wake_file.hpp"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::sqlite {

/// The open file.
class database {
public:
    database(const store_environment& environment, std::string path, std::string address);

    /// Runs `action`, an `int(lease_table&)`, on the file that the path leads to now.
    /// @return SQLITE_OK; a code for which is_busy() holds; else another, and why() tells.
    template <class Action>
    [[nodiscard]] int perform(Action& action) {
        int code = open_if_needed();
        if (code == SQLITE_OK) {
            code = action(*table_);
            if (code == SQLITE_OK || is_busy(code)) return code;
            explain(code);
        }
        return code;
    }
    /// @return What went wrong last.
    [[nodiscard]] const failure& why() const noexcept { return why_; }
    [[nodiscard]] wake_file& waiters() noexcept { return *waiters_; }
    void close() noexcept;

private:
    [[nodiscard]] int open_if_needed();
    [[nodiscard]] int open();
    [[nodiscard]] int open_files();
    [[nodiscard]] int set_up();
    /// What is in a file: nothing, what the first version makes, or all that there is now.
    enum class contents { nothing, leases, all };
    [[nodiscard]] int check_identity(contents& has);
    [[nodiscard]] int turn_log_on();
    [[nodiscard]] int make_tables();
    int refuse(const failure& why);
    void explain(int code);

    const store_environment& environment_;
    std::string path_;
    std::string address_;
    failure why_;
    connection connection_;
    std::optional<lease_table> table_;  // Its statements end before the connection.
    std::shared_ptr<wake_file> waiters_;
};

}  // namespace holdfast::sqlite
