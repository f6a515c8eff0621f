// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/connection.hpp"

#include "mysql/client/library.hpp"
#include "mysql/client/server_error.hpp"

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mysql.h>
#include <utility>

namespace holdfast::mysql {
namespace {

using boost::system::error_code;

/// How often a call that is given up may ask to wait once more: for each wait it has left.
constexpr int last_steps_max = 64;

/// Why there is no answer to what was sent.
failure in_doubt(failure why) {
    if (why.code == errc::unreachable) why.code = errc::in_doubt;
    return why;
}

}  // namespace

connection::connection(const store_environment& environment, const settings& where)
    : env_(environment),
      where_(where),
      bound_(std::make_unique<parameters>()),
      line_(environment.executor) {}

connection::~connection() {
    // A call that waits belongs to a coroutine that was destroyed.
    if (pending_) {
        give_up();
    } else {
        close();
    }
}

void connection::abort() noexcept {
    aborted_ = true;
    if (bell_) bell_->wake();
}

bool connection::clean() const noexcept {
    if (!mysql_ || pending_ || aborted_) return false;
    unsigned int status = 0;
    return mariadb_get_infov(mysql_, MARIADB_CONNECTION_SERVER_STATUS, &status) == 0 &&
           (status & SERVER_STATUS_IN_TRANS) == 0;
}

bool connection::silent() const noexcept {
    char byte = 0;
    return line_.is_open() && ::recv(watched_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

// Under TLS the library reads as the socket is set, and sets it to block when it has connected.
void connection::keep_from_blocking() noexcept {
    if (where_.tls == tls_mode::off || watched_ < 0) return;
    const int flags = ::fcntl(watched_, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(watched_, F_SETFL, flags | O_NONBLOCK);
}

// Starts a call. @return What it waits for; 0 when it has ended.
int connection::begin(std::function<int()> start, std::function<int(int)> go_on) {
    const pipe_signal_shield shield(where_.tls != tls_mode::off);
    keep_from_blocking();
    number_ = 0;
    const int waits = start();
    if (waits != 0) pending_ = std::move(go_on);
    return waits;
}

int connection::step(int events) {
    const pipe_signal_shield shield(where_.tls != tls_mode::off);
    keep_from_blocking();
    const int waits = pending_(events);
    if (waits == 0) pending_ = nullptr;
    return waits;
}

// Runs the call under way to its end, or gives it up, and the connection with it.
asio::awaitable<result<void>> connection::proceed(int waits, time_point deadline) {
    while (waits != 0) {
        const auto ready = co_await wait_for(waits, deadline);
        if (!ready) {
            give_up();
            co_return ready.error();
        }
        waits = step(*ready);
    }
    co_return result<void>{};
}

// Runs the execution of `statement` to its end, or leaves it to `finish`.
asio::awaitable<result<void>> connection::proceed_or_leave(int waits, st_mysql_stmt* statement,
                                                           time_point deadline) {
    while (waits != 0) {
        const auto ready = co_await wait_for(waits, deadline);
        if (!ready && aborted_) give_up();
        if (!ready && !aborted_) {
            left_ = statement;
            left_waits_ = waits;
        }
        if (!ready) co_return ready.error();
        waits = step(*ready);
    }
    co_return result<void>{};
}

const std::vector<cell>& connection::left_values() const noexcept { return bound_->values; }

asio::awaitable<void> connection::finish(time_point deadline) {
    MYSQL_STMT* const statement = std::exchange(left_, nullptr);
    if (!statement) co_return;
    answer unread;
    auto done = co_await proceed(left_waits_, deadline);
    if (done && status_ == 0) done = co_await read_results(statement, unread, deadline);
    if (done && status_ != 0)
        static_cast<void>(refusal(mysql_stmt_errno(statement), mysql_stmt_error(statement)));
}

// The library makes its socket within a call, and may make another one.
result<void> connection::watch_socket() {
    const my_socket socket = mysql_get_socket(mysql_);
    if (socket == watched_ && line_.is_open()) return {};
    error_code failed;
    if (line_.is_open()) line_.close(failed);
    watched_ = socket;
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    const int duplicate = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) return failure{errc::unreachable, "the connection has no socket"};
    line_.assign(duplicate, failed);
    if (!failed) return {};
    ::close(duplicate);
    return failure{errc::unreachable, "the socket cannot be waited for: " + failed.message()};
}

asio::awaitable<result<int>> connection::wait_for(int events, time_point deadline) {
    if (auto watched = watch_socket(); !watched) co_return watched.error();
    alarm bell(env_.time);
    const auto state = std::make_shared<wait_state>();
    const farewell at_end(*state, bell_, bell);
    if (aborted_) bell.wake();
    auto tell = [state](int event) {
        return [state, event](const error_code&) {
            if (!state->bell) return;
            state->ready |= event;
            state->bell->wake();
        };
    };
    using descriptor = asio::posix::stream_descriptor;
    const bool writes = (events & MYSQL_WAIT_WRITE) != 0;
    const bool reads = !writes || (events & MYSQL_WAIT_READ) != 0;
    if (reads) line_.async_wait(descriptor::wait_read, tell(MYSQL_WAIT_READ));
    if (writes) line_.async_wait(descriptor::wait_write, tell(MYSQL_WAIT_WRITE));
    if ((events & MYSQL_WAIT_EXCEPT) != 0)
        line_.async_wait(descriptor::wait_error, tell(MYSQL_WAIT_EXCEPT));
    const wake_reason why = co_await bell.wait_until(deadline);
    if (aborted_) co_return failure{errc::cancelled, "the store was closed"};
    if (state->ready == 0) {
        if (why == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        co_return failure{errc::unreachable, where_.address + ": no answer in time"};
    }
    if (reads && writes) {
        error_code ignored;  // What did not happen is not waited for any more.
        line_.cancel(ignored);
    }
    co_return state->ready;
}

// Closes hard. The call under way is run to its end, so that what it holds is freed; it cannot wait
// for the server any more, and is told that its time is up.
void connection::give_up() noexcept {
    const pipe_signal_shield shield(where_.tls != tls_mode::off);
    if (mysql_) {
        if (const my_socket socket = mysql_get_socket(mysql_); socket >= 0)
            ::shutdown(socket, SHUT_RDWR);
        for (int i = 0; pending_ && i < last_steps_max; ++i)
            if (pending_(MYSQL_WAIT_TIMEOUT) == 0) pending_ = nullptr;
    }
    pending_ = nullptr;
    left_ = nullptr;
    close();
}

// On a connection in order this says goodbye: a few bytes into an empty buffer, which cannot block.
void connection::close() noexcept {
    const pipe_signal_shield shield(where_.tls != tls_mode::off);
    error_code ignored;
    if (line_.is_open()) line_.close(ignored);
    watched_ = -1;
    if (mysql_) mysql_close(mysql_);
    mysql_ = nullptr;
    for (const auto& [sql, statement] : prepared_) mysql_stmt_close(statement);
    prepared_.clear();
}

failure connection::refusal(unsigned number, const char* text) {
    number_ = number;
    const error_meaning meaning = classify(number);
    failure why(meaning.code, where_.address + ": " + tidy_text(text));
    // The server quotes it, and an id is a capability.
    if (number == duplicate_key) why.text = where_.address + ": the id is in use";
    if (meaning.what == verdict::gone) give_up();
    return why;
}

asio::awaitable<result<void>> connection::say(std::string_view sql, time_point deadline) {
    if (!mysql_) co_return failure{errc::unreachable, where_.address + ": not connected"};
    const int waits = begin(
        [this, sql] { return mysql_real_query_start(&status_, mysql_, sql.data(), sql.size()); },
        [this](int ready) { return mysql_real_query_cont(&status_, mysql_, ready); });
    auto done = co_await proceed(waits, deadline);
    if (!done) co_return in_doubt(done.error());
    if (status_ != 0) {
        failure why = refusal(mysql_errno(mysql_), mysql_error(mysql_));
        if (!mysql_) why.code = errc::in_doubt;
        co_return why;
    }
    if (mysql_field_count(mysql_) == 0) co_return result<void>{};
    give_up();
    co_return failure{errc::protocol, where_.address + ": rows where none were asked for"};
}

asio::awaitable<result<st_mysql_stmt*>> connection::prepare(std::string_view sql,
                                                            time_point deadline) {
    if (const auto known = prepared_.find(sql.data()); known != prepared_.end())
        co_return known->second;
    MYSQL_STMT* const statement = mysql_stmt_init(mysql_);
    if (!statement) co_return failure{errc::unreachable, "no memory for a statement"};
    const my_bool yes = 1;
    mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
    prepared_.emplace(sql.data(), statement);
    const int waits = begin(
        [this, statement, sql] {
            return mysql_stmt_prepare_start(&status_, statement, sql.data(), sql.size());
        },
        [this, statement](int ready) {
            return mysql_stmt_prepare_cont(&status_, statement, ready);
        });
    if (auto done = co_await proceed(waits, deadline); !done) co_return done.error();
    if (status_ == 0) co_return statement;
    failure why = refusal(mysql_stmt_errno(statement), mysql_stmt_error(statement));
    if (mysql_) {
        prepared_.erase(sql.data());
        mysql_stmt_close(statement);
    }
    co_return why;
}

asio::awaitable<result<answer>> connection::run(std::string_view sql, std::vector<cell> values,
                                                time_point deadline) {
    const auto loaded = co_await load(sql, std::move(values), deadline);
    if (!loaded) co_return loaded.error();
    co_return co_await execute(*loaded, false, deadline);
}

asio::awaitable<result<answer>> connection::take(std::string_view sql, std::vector<cell> values,
                                                 time_point deadline) {
    const auto loaded = co_await load(sql, std::move(values), deadline);
    if (!loaded) co_return loaded.error();
    co_return co_await execute(*loaded, true, deadline);
}

// Prepares a statement, unless it is, and gives it its values.
asio::awaitable<result<st_mysql_stmt*>> connection::load(std::string_view sql,
                                                         std::vector<cell> values,
                                                         time_point deadline) {
    if (!mysql_) co_return failure{errc::unreachable, where_.address + ": not connected"};
    const auto prepared = co_await prepare(sql, deadline);
    if (!prepared) co_return prepared.error();
    MYSQL_STMT* const statement = *prepared;
    bound_->take(std::move(values));
    if (mysql_stmt_param_count(statement) != bound_->values.size())
        co_return failure{errc::misuse, "a statement and its values do not go together"};
    if (!bound_->values.empty()) mysql_stmt_bind_param(statement, bound_->bindings.data());
    co_return statement;
}

asio::awaitable<result<answer>> connection::execute(st_mysql_stmt* statement, bool takes,
                                                    time_point deadline) {
    const int waits =
        begin([this, statement] { return mysql_stmt_execute_start(&status_, statement); },
              [this, statement](int ready) {
                  return mysql_stmt_execute_cont(&status_, statement, ready);
              });
    answer all;
    result<void> done{};
    if (takes)
        done = co_await proceed_or_leave(waits, statement, deadline);
    else
        done = co_await proceed(waits, deadline);
    if (done && status_ == 0) done = co_await read_results(statement, all, deadline);
    if (!done) co_return in_doubt(done.error());
    if (status_ != 0) {
        failure why = refusal(mysql_stmt_errno(statement), mysql_stmt_error(statement));
        if (!mysql_) why.code = errc::in_doubt;
        co_return why;
    }
    co_return all;
}

// A CALL has a result for each of its selects, and one behind them.
asio::awaitable<result<void>> connection::read_results(st_mysql_stmt* statement, answer& into,
                                                       time_point deadline) {
    for (;;) {  // Ends with the last result.
        result<void> done;
        if (mysql_stmt_field_count(statement) == 0) {
            into.affected = mysql_stmt_affected_rows(statement);
            into.inserted_id = mysql_stmt_insert_id(statement);
        } else {
            done = co_await keep_rows(statement, deadline);
            if (done && status_ == 0) done = collect(statement, into);
        }
        if (!done || status_ != 0 || mysql_stmt_more_results(statement) == 0) co_return done;
        done = co_await go_to_next(statement, deadline);
        if (!done || status_ != 0) co_return done;
    }
}

asio::awaitable<result<void>> connection::go_to_next(st_mysql_stmt* statement,
                                                     time_point deadline) {
    const int waits =
        begin([this, statement] { return mysql_stmt_next_result_start(&status_, statement); },
              [this, statement](int ready) {
                  return mysql_stmt_next_result_cont(&status_, statement, ready);
              });
    co_return co_await proceed(waits, deadline);
}

asio::awaitable<result<void>> connection::keep_rows(st_mysql_stmt* statement, time_point deadline) {
    const int waits =
        begin([this, statement] { return mysql_stmt_store_result_start(&status_, statement); },
              [this, statement](int ready) {
                  return mysql_stmt_store_result_cont(&status_, statement, ready);
              });
    co_return co_await proceed(waits, deadline);
}

// The rows are all here already, so nothing below waits.
result<void> connection::collect(st_mysql_stmt* statement, answer& into) {
    const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> shape(
        mysql_stmt_result_metadata(statement), [](MYSQL_RES* old) { mysql_free_result(old); });
    int code = 1;
    if (shape) {
        row_buffer buffer(*shape);
        if (mysql_stmt_bind_result(statement, buffer.bindings()) == 0)
            while ((code = mysql_stmt_fetch(statement)) == 0) into.rows.push_back(buffer.row());
    }
    mysql_stmt_free_result(statement);
    if (code == MYSQL_NO_DATA) return {};
    give_up();
    return failure{errc::protocol, where_.address + ": rows that cannot be read"};
}

}  // namespace holdfast::mysql
