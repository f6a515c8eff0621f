// SPDX-License-Identifier: BSL-1.0
//
// What it is: the database file of a store: opens it at the first use, checks whose it is, and
// opens it anew when the path leads to another file or when the open one turned out broken.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: a file that is not ours is not written to; no action runs on a file that is known to
// have been replaced.
#pragma once

#include <holdfast/store.hpp>

#include "sqlite/machine.hpp"
#include "sqlite/place.hpp"
#include "sqlite/statement.hpp"
#include "sqlite/wake_file.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::sqlite {

/// The open file, whatever is in it.
class database {
public:
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    /// @return What went wrong last.
    [[nodiscard]] const failure& why() const noexcept { return why_; }
    [[nodiscard]] wake_file& waiters() noexcept { return *waiters_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// @return The journal mode that the open file is in; empty if it cannot be told.
    [[nodiscard]] std::string journal_mode() const;
    void close() noexcept;

protected:
    database(const store_environment& environment, std::string path, std::string address);
    ~database() = default;

    [[nodiscard]] int open_if_needed();
    /// Notes what failed. @return `code`, or SQLITE_BUSY where the file has just gone.
    [[nodiscard]] int explain(int code);

    const store_environment& environment_;
    std::string address_;

private:
    /// Prepares the statements of the file that was opened.
    [[nodiscard]] virtual int prepare(const connection& open, machine here) = 0;
    /// Ends them. Before the connection is closed.
    virtual void forget() noexcept = 0;
    [[nodiscard]] int open();
    [[nodiscard]] int open_files();
    [[nodiscard]] int set_up();
    /// What is in a file: nothing, what the first version makes, or all that there is now.
    enum class contents { nothing, leases, all };
    [[nodiscard]] int check_identity(contents& has);
    [[nodiscard]] int turn_log_on();
    [[nodiscard]] int make_tables();
    int refuse(const failure& why);
    [[nodiscard]] bool moved() const noexcept;

    std::string path_;
    std::string true_path_;                // Of the files that are open, or about to be.
    std::optional<file_identity> opened_;  // What `path_` led to then.
    failure why_;
    connection connection_;
    bool ready_{false};
    std::shared_ptr<wake_file> waiters_;
};

/// The open file, and one of the things in it: `Table` has a constructor of a timeline, a machine
/// and an address, and `prepare(connection, random bits)`.
template <class Table>
class database_of final : public database {
public:
    database_of(const store_environment& environment, std::string path, std::string address)
        : database(environment, std::move(path), std::move(address)) {}
    ~database_of() { close(); }

    /// Runs `action`, an `int(Table&)`, on the file that the path leads to now.
    /// @return SQLITE_OK; a code for which is_busy() holds; else another, and why() tells.
    template <class Action>
    [[nodiscard]] int perform(Action& action) {
        int code = open_if_needed();
        if (code == SQLITE_OK) {
            code = action(*table_);
            if (code == SQLITE_OK || is_busy(code)) return code;
            code = explain(code);
        }
        return code;
    }

private:
    int prepare(const connection& open, machine here) override {
        table_.emplace(environment_.time, std::move(here), address_);
        return table_->prepare(open, environment_.random.jitter_bits());
    }
    void forget() noexcept override { table_.reset(); }

    std::optional<Table> table_;
};

}  // namespace holdfast::sqlite
