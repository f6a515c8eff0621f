// SPDX-License-Identifier: BSL-1.0
//
// How a range is held. One transaction locks the row of the key, so that ours take turns; only then
// it looks, and writes. The write carries a time on the server's clock after which it does nothing,
// so it happens while the caller's mutex is valid, however long it had to wait; and because an
// original cannot see the row before the commit, the commit has to be known in that time too. Then
// it looks again, for an original that had looked before us and wrote beside us.
#include "mysql/client/server_error.hpp"
#include "mysql/seed_cells.hpp"
#include "mysql/seed_table.hpp"
#include "mysql/sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>

namespace holdfast::mysql {
namespace {

using std::chrono::microseconds;

constexpr unsigned no_sql = 1064;
constexpr unsigned not_to_be_prepared = 1295;
/// What only the row that is to be written brings about, so nothing was committed: a value that its
/// column cannot hold, an id that is there already, a trigger's refusal.
constexpr std::array row_refusals{duplicate_key, signalled_by_trigger, 1264U, 1366U, 1406U, 3988U};

/// Enough of an id to find its row, and not enough to clear it.
std::string short_id(const std::string& id) { return id.substr(0, 11) + "..."; }

}  // namespace

/// One attempt.
struct seed_table::set_try {
    enum class state { open, found, written, doubtful, over };

    time_point mutex_until;
    time_point deadline;
    state at{state::open};
    bool again{false};  ///< Over, without effect, and worth another attempt.
    result<set_outcome> outcome{failure{}};
    std::int64_t server_us{0};     ///< The server's clock ...
    time_point read_at{};          ///< ... when this had come already.
    std::int64_t server_until{0};  ///< By when the row has to be written, on that clock.
    std::int64_t expiry_ms{0};
    std::uint64_t fence{0};
    failure lost{};                    ///< Why it is doubtful ...
    unsigned lost_number{0};           ///< ... and the server's number for that.
    std::optional<seed_row> beside{};  ///< Another row, seen behind the commit ...
    bool looked_again{false};          ///< ... if that was looked for.

    void end(result<set_outcome> how) {
        at = state::over;
        outcome = std::move(how);
    }
    void end_without_effect(failure why, unsigned number) {
        // What was not committed is gone with its connection.
        again = is_passing(why.code) || number == signalled_by_trigger;
        if (why.code == errc::in_doubt) why.code = errc::unreachable;
        if (number == signalled_by_trigger) why.code = errc::denied;
        end(std::move(why));
    }
    // It may have been committed: what the server refuses may be the look behind that.
    void end_in_doubt(failure why, unsigned number) {
        const auto refused = std::find(row_refusals.begin(), row_refusals.end(), number);
        if (why.code == errc::cancelled) {
            end(std::move(why));
        } else if (refused != row_refusals.end()) {
            end_without_effect(std::move(why), number);
        } else {
            at = state::doubtful;
            lost = std::move(why);
            lost_number = number;
        }
    }
    void end_too_late(const std::string& where) {
        end(failure{errc::timed_out,
                    where + ": the mutex ran out before the row was written; nothing is held"});
    }
};

asio::awaitable<result<set_outcome>> seed_table::set(seed_wish wanted, time_point mutex_valid_until,
                                                     time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_wish(wanted)) co_return *wrong;
    for (unsigned tries = 1;; ++tries) {
        set_try how{.mutex_until = mutex_valid_until, .deadline = deadline};
        co_await try_set(wanted, how);
        if (!how.again || tries >= tries_max) co_return how.outcome;
        const wake_reason woken = co_await pause(tries, std::min(deadline, mutex_valid_until));
        if (woken == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        if (woken == wake_reason::woken) co_return how.outcome;
    }
}

asio::awaitable<void> seed_table::try_set(const seed_wish& wanted, set_try& how) {
    using state = set_try::state;
    if (env_.time.now() >= how.mutex_until) {
        how.end_too_late(address());
        co_return;
    }
    co_await transact(wanted, how);
    if (how.at == state::doubtful) {
        const auto written = co_await was_written(wanted, how.deadline);
        if (!written) {
            const bool cancelled = written.error().code == errc::cancelled;
            how.end(failure{cancelled ? errc::cancelled : errc::in_doubt,
                            address() + ": whether the row " + short_id(wanted.id) +
                                " was written is not known: " + written.error().text});
            co_return;
        }
        how.at = state::written;
        if (!*written) how.end_without_effect(std::move(how.lost), how.lost_number);
    }
    if (how.at == state::written) co_await confirm(wanted, how);
}

// Leaves the connection in order, or closed, which takes back what was not committed.
asio::awaitable<void> seed_table::transact(const seed_wish& wanted, set_try& how) {
    using state = set_try::state;
    auto line = co_await pool_->take(how.deadline);
    if (!line) {
        how.end(line.error());
        co_return;
    }
    connection& session = **line;
    co_await look(wanted, session, how);
    if (how.at == state::open) co_await write(wanted, session, how);
    if (how.at == state::written) co_return;
    const auto taken_back = co_await session.say(sql::rollback, how.deadline);
    static_cast<void>(taken_back);  // What is not in order then is closed, which is as good.
    if (how.at == state::found) how.at = state::written;
}

// Begins the transaction, at once or step by step.
asio::awaitable<result<answer>> seed_table::lock_and_look(const seed_wish& wanted, connection& line,
                                                          time_point deadline) {
    if (has_compounds_) {
        std::vector<cell> values{wanted.key, wanted.to, wanted.from, wanted.key};
        auto said = co_await line.run(sql::lock_and_look, std::move(values), deadline);
        const unsigned number = line.number();
        if (said || (number != no_sql && number != not_to_be_prepared)) co_return said;
        has_compounds_ = false;
    }
    auto begun = co_await line.say(sql::begin, deadline);
    if (!begun) co_return begun.error();
    std::vector<cell> key{wanted.key};
    auto said = co_await line.run(sql::lock_key, std::move(key), deadline);
    if (!said) co_return said;
    std::vector<cell> range{wanted.to, wanted.from, wanted.key};
    co_return co_await line.run(sql::look, std::move(range), deadline);
}

asio::awaitable<void> seed_table::look(const seed_wish& wanted, connection& line, set_try& how) {
    auto said = co_await lock_and_look(wanted, line, how.deadline);
    if (!said) {
        how.end_without_effect(said.error(), line.number());
        co_return;
    }
    how.read_at = env_.time.now();
    if (said->rows.size() != 1 || said->rows[0].size() < 2) {
        how.end(failure{errc::protocol, address() + ": the row of the key is not there"});
        co_return;
    }
    note_server_time(*said);
    how.server_us = whole_of(said->rows[0][0]);
    how.fence = static_cast<std::uint64_t>(whole_of(said->rows[0][1]));
    how.expiry_ms = how.server_us / 1000 + wanted.ttl.count();
    auto blocker = read_row(*said);
    if (!blocker) co_return;
    if (blocker->id == wanted.id && blocker->from == wanted.from && blocker->to == wanted.to) {
        how.expiry_ms = blocker->expiry_ms;  // An earlier attempt of the caller's wrote it.
        how.at = set_try::state::found;
    } else {
        how.end(set_outcome{.blocker = std::move(blocker)});
    }
}

asio::awaitable<void> seed_table::write(const seed_wish& wanted, connection& line, set_try& how) {
    const auto left = std::chrono::duration_cast<microseconds>(how.mutex_until - how.read_at);
    if (left <= microseconds(0)) {
        how.end_too_late(address());
        co_return;
    }
    const std::int64_t until = how.server_us + left.count();
    cell data;
    if (wanted.data) data = *wanted.data;
    std::vector<cell> row{wanted.id,
                          wanted.key,
                          std::to_string(wanted.from),
                          std::to_string(wanted.to),
                          std::to_string(how.expiry_ms),
                          std::move(data),
                          until};
    if (has_compounds_)
        co_await write_at_once(std::move(row), wanted, line, how);
    else
        co_await write_and_commit(std::move(row), line, how);
}

asio::awaitable<void> seed_table::write_at_once(std::vector<cell> row, const seed_wish& wanted,
                                                connection& line, set_try& how) {
    row.insert(row.end(), {wanted.key, wanted.id, wanted.to, wanted.from});
    const auto said = co_await line.run(sql::write_and_look, std::move(row), how.deadline);
    if (!said) {
        how.end_in_doubt(said.error(), line.number());
        co_return;
    }
    if (said->rows.size() != 1) {
        how.end_in_doubt({errc::protocol, address() + ": no row where one was asked for"}, 0);
        co_return;
    }
    if (whole_of(said->rows[0].at(1)) == 0) {
        how.end_too_late(address());
        co_return;
    }
    how.at = set_try::state::written;
    how.beside = read_row(*said);
    how.looked_again = true;
}

asio::awaitable<void> seed_table::write_and_commit(std::vector<cell> row, connection& line,
                                                   set_try& how) {
    const auto said = co_await line.run(sql::insert, std::move(row), how.deadline);
    if (!said) {
        how.end_without_effect(said.error(), line.number());
        co_return;
    }
    if (said->affected == 0) {
        how.end_too_late(address());
        co_return;
    }
    const auto committed = co_await line.say(sql::commit, how.deadline);
    if (committed)
        how.at = set_try::state::written;
    else
        how.end_in_doubt(committed.error(), 0);
}

// The row is there for all to see. It stays if that was known while the mutex was valid, and if
// nobody has written beside it.
asio::awaitable<void> seed_table::confirm(const seed_wish& wanted, set_try& how) {
    if (env_.time.now() >= how.mutex_until) {
        failure late(errc::timed_out, address() +
                                          ": the mutex ran out while the row was written, "
                                          "which was taken back; nothing is held");
        const bool gone = co_await withdraw(wanted, how);
        if (gone) how.end(std::move(late));
        co_return;
    }
    if (!how.looked_again) {
        std::vector<cell> range{wanted.key, wanted.id, wanted.to, wanted.from};
        auto said =
            co_await ask(sql::look_again, std::move(range), repeats::harmless, how.deadline);
        if (!said) {
            failure why = said.error();
            if (why.code != errc::cancelled) why.code = errc::in_doubt;
            why.text +=
                "; the row " + short_id(wanted.id) + " was written, and may not stand alone";
            how.end(std::move(why));
            co_return;
        }
        how.beside = read_row(*said);
    }
    if (!how.beside) {
        how.end(set_outcome{.expiry_ms = how.expiry_ms, .fence = how.fence});
        co_return;
    }
    const bool gone = co_await withdraw(wanted, how);
    if (gone) how.end(set_outcome{.blocker = std::move(how.beside)});
}

// @return Whether the row is gone; if not, that was the end, in doubt.
asio::awaitable<bool> seed_table::withdraw(const seed_wish& wanted, set_try& how) {
    std::vector<cell> id{wanted.id};
    auto said = co_await ask(sql::withdraw, std::move(id), repeats::harmless, how.deadline);
    if (said) co_return true;
    failure doubt = said.error();
    if (doubt.code != errc::cancelled) doubt.code = errc::in_doubt;
    doubt.text += "; the row " + short_id(wanted.id) + " was written, and could not be taken back";
    how.end(std::move(doubt));
    co_return false;
}

// Asks until there is an answer: the row of the key is free only when the transaction whose commit
// was not answered has ended, one way or the other.
asio::awaitable<result<bool>> seed_table::was_written(const seed_wish& wanted,
                                                      time_point deadline) {
    for (unsigned tries = 1;; ++tries) {
        auto found = co_await find_behind(wanted, deadline);
        if (found || !is_passing(found.error().code)) co_return found;
        const wake_reason woken = co_await pause(tries, deadline);
        if (woken == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        if (woken == wake_reason::woken) co_return found;
    }
}

asio::awaitable<result<bool>> seed_table::find_behind(const seed_wish& wanted,
                                                      time_point deadline) {
    auto line = co_await pool_->take(deadline);
    if (!line) co_return line.error();
    connection& session = **line;
    auto begun = co_await session.say(sql::begin, deadline);
    if (!begun) co_return begun.error();
    std::vector<cell> key{wanted.key};
    auto said = co_await session.run(sql::await_key, std::move(key), deadline);
    if (said) {
        std::vector<cell> id{wanted.id};
        said = co_await session.run(sql::find, std::move(id), deadline);
    }
    if (!said) co_return said.error();  // The connection is closed, as a transaction is open.
    const bool found = read_row(*said).has_value();
    const auto ended = co_await session.say(sql::rollback, deadline);
    static_cast<void>(ended);
    co_return found;
}

}  // namespace holdfast::mysql
