// SPDX-License-Identifier: BSL-1.0
#include "sqlite/database.hpp"

#include "sqlite/place.hpp"
#include "sqlite/sql.hpp"

#include <utility>

namespace holdfast::sqlite {
namespace {

// "hold", as schema.sql writes it.
constexpr std::int64_t our_application_id = 1'752'132'708;
constexpr std::int64_t our_version = 1;
// Tables that `extend` makes.
constexpr std::int64_t added_tables = 5;

errc meaning_of(int code) noexcept {
    switch (code & 0xFF) {
        case SQLITE_NOTADB: return errc::wrong_type;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_NOMEM: return errc::denied;
        default: return errc::protocol;  // Damaged, or not what we wrote.
    }
}

// Whether to open the file afresh next time. A disk or a quota that is full is no reason: what is
// open goes on reading, and to open it might need space.
bool spoils_connection(int code) noexcept {
    return code != SQLITE_FULL && code != SQLITE_NOMEM && code != SQLITE_IOERR_WRITE;
}

}  // namespace

database::database(const store_environment& environment, std::string path, std::string address)
    : environment_(environment),
      address_(std::move(address)),
      path_(std::move(path)),
      waiters_(std::make_shared<wake_file>(environment.executor)) {}

void database::close() noexcept {
    ready_ = false;
    forget();
    connection_.close();
    waiters_->close();
}

int database::open_if_needed() {
    if (ready_ && !moved()) return SQLITE_OK;
    close();
    const int code = open();
    if (code != SQLITE_OK) close();
    // Those who wait watched the file that is gone.
    waiters_->wake_all();
    return code;
}

int database::open() {
    int code = open_files();
    if (code == SQLITE_OK) code = set_up();
    if (code == SQLITE_OK && moved()) return SQLITE_BUSY;
    return code;
}

// Whether the path leads elsewhere: the file has another name or none, or a link another target.
bool database::moved() const noexcept {
    return connection_.moved() || (true_path_ != path_ && identity_of(path_) != opened_);
}

int database::open_files() {
    if (sqlite3_threadsafe() == 0)
        return refuse({errc::denied, "needs an SQLite library that was built for threads"});
    const auto bad_place = check_place(path_);
    if (bad_place) return refuse(*bad_place);
    auto leads_to = true_path(path_);
    if (!leads_to)
        return leads_to.error().code == errc::contended ? SQLITE_BUSY : refuse(leads_to.error());
    true_path_ = std::move(*leads_to);
    const auto woken = waiters_->open(true_path_);
    if (!woken) return refuse(woken.error());
    const auto made = make_file(true_path_, waiters_->fd());
    if (!made) return made.error().code == errc::contended ? SQLITE_BUSY : refuse(made.error());
    // Waiters on a file that was there before would not notice that it is gone.
    if (*made == file_origin::made) waiters_->touch();
    opened_ = identity_of(true_path_);
    if (!opened_) return SQLITE_BUSY;
    const int code = connection_.open(true_path_);
    return code == SQLITE_OK ? code : explain(code);
}

int database::set_up() {
    auto here = this_machine();
    if (!here) return refuse(here.error());
    contents has{};
    int code = check_identity(has);
    if (code == SQLITE_OK && has == contents::nothing) code = turn_log_on();
    if (code == SQLITE_OK && has != contents::all) code = make_tables();
    if (code == SQLITE_OK) code = connection_.execute(sql::connect);
    if (code == SQLITE_OK) code = prepare(connection_, std::move(*here));
    ready_ = code == SQLITE_OK;
    // `why_` is set already where it was not SQLite that failed.
    return code == SQLITE_OK || code == SQLITE_ABORT ? code : explain(code);
}

int database::check_identity(contents& has) {
    statement identity;
    int code = identity.prepare(connection_, sql::identity);
    if (code != SQLITE_OK) return code;
    run asked(identity);
    code = asked->start();
    if (code != SQLITE_ROW) return code;
    const auto application = asked->integer(0);
    const auto version = asked->integer(1);
    const bool empty = application == 0 && version == 0 && asked->integer(2) == 0;
    has = empty                               ? contents::nothing
          : asked->integer(3) == added_tables ? contents::all
                                              : contents::leases;
    if (connection_.read_only()) return refuse({errc::denied, "can only be read"});
    if (empty) return SQLITE_OK;
    if (application != our_application_id)
        return refuse({errc::wrong_type, "is a database of another application"});
    if (version > our_version)
        return refuse({errc::denied, "was made by a newer version of holdfast"});
    return SQLITE_OK;
}

int database::turn_log_on() {
    statement journal;
    const int code = journal.prepare(connection_, sql::journal);
    if (code != SQLITE_OK) return code;
    run switched(journal);
    const int row = switched->start();
    if (row != SQLITE_ROW) return row;
    if (switched->bytes(0) == "wal") return SQLITE_OK;
    return refuse({errc::denied,
                   "its file system cannot share memory, which a "
                   "write-ahead log needs"});
}

std::string database::journal_mode() const {
    statement journal;
    if (journal.prepare(connection_, sql::journal_look) != SQLITE_OK) return {};
    run looked(journal);
    return looked->start() == SQLITE_ROW ? std::string(looked->bytes(0)) : std::string();
}

int database::make_tables() {
    transaction_statements statements;
    int code = statements.prepare(connection_);
    if (code != SQLITE_OK) return code;
    transaction all(statements);
    code = all.begin();
    // Another process may have been faster.
    contents has{};
    if (code == SQLITE_OK) code = check_identity(has);
    if (code != SQLITE_OK || has == contents::all) return code;
    if (has == contents::nothing) code = connection_.execute(sql::schema);
    if (code == SQLITE_OK) code = connection_.execute(sql::extend);
    return code == SQLITE_OK ? all.commit() : code;
}

int database::refuse(const failure& why) {
    why_ = failure(why.code, address_ + ": " + why.text);
    return SQLITE_ABORT;
}

int database::explain(int code) {
    if (is_busy(code)) return code;
    if (identity_of(path_) != opened_) {
        close();
        return SQLITE_BUSY;
    }
    why_ = failure(meaning_of(code), address_ + ": " + connection_.describe(code));
    if (spoils_connection(code)) close();
    return code;
}

}  // namespace holdfast::sqlite
