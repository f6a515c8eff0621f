// SPDX-License-Identifier: BSL-1.0
//
// What it is: one connection to a MySQL or MariaDB server as coroutines, over libmariadb's
// non-blocking API: the library runs each call on a stack of its own and comes back when it would
// have to wait; the wait is Asio's, and ends at the deadline, by cancellation or by `abort`.
//
// Thread safety: none; one coroutine at a time. It may go on on another thread than the one that it
// began on, as long as the two do not overlap: the library keeps nothing in its threads.
// Invariants: a call that was given up has closed the connection before its caller goes on, without
// ever blocking: the socket is shut down first, and the library's call is then run to its end. Only
// what `take` has sent goes on behind its caller, until `finish` or the connection ends.
// What a call points to lives as long as the connection, because the call may end after its caller.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "base/secret.hpp"
#include "mysql/client/settings.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The library's own types, so that its headers stay in one .cpp file.
struct st_mysql;
struct st_mysql_stmt;

namespace holdfast::mysql {

namespace asio = boost::asio;

/// Bytes that are sent as they are. They come back as a string.
struct octets {
    std::string bytes;
    friend bool operator==(const octets&, const octets&) = default;
};

/// A value that is sent or came back: NULL, a whole number, a number, text in UTF-8, or bytes.
using cell = std::variant<std::monostate, std::int64_t, double, std::string, octets>;

/// What a statement brought.
struct answer {
    std::vector<std::vector<cell>> rows{};  ///< Of all results, if there are several.
    std::uint64_t affected{0};              ///< Rows written.
    std::uint64_t inserted_id{0};           ///< What LAST_INSERT_ID was given.
};

/// @return `why`, of a statement that changes nothing, or whose transaction has ended with it.
[[nodiscard]] inline failure without_effect(failure why) {
    if (why.code == errc::in_doubt) why.code = errc::unreachable;
    return why;
}

/// See the top of the file.
class connection {
public:
    connection(const store_environment& environment, const settings& where);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    /// Connects, and sets the session up: READ COMMITTED, strict, UTC, UTF-8, short lock waits.
    /// @par Errors  `unreachable`, `denied`, `protocol`, `cancelled`.
    [[nodiscard]] asio::awaitable<result<void>> open(time_point deadline);

    /// Runs a statement with `values` for its parameters; prepared once for each connection. It may
    /// be a CALL.
    /// @param sql  One of the room's own texts, which live for ever.
    /// @par Errors  `in_doubt`: it was sent, and no answer came. `unreachable`: certainly not sent.
    ///              What the server says of it, by `classify`; `number()` has the server's number.
    [[nodiscard]] asio::awaitable<result<answer>> run(std::string_view sql,
                                                      std::vector<cell> values,
                                                      time_point deadline);
    /// As `run`, for a statement that takes something for good when it ends. The server does not
    /// end it because the connection has: so when it is given up, by its deadline or a
    /// cancellation, it is left under way, and `left` says so.
    /// @param values  Begin with what is taken, and for whom.
    [[nodiscard]] asio::awaitable<result<answer>> take(std::string_view sql,
                                                       std::vector<cell> values,
                                                       time_point deadline);
    /// @return Whether a statement of `take` is under way that was given up.
    [[nodiscard]] bool left() const noexcept { return left_ != nullptr; }
    /// @return What that was given.
    [[nodiscard]] const std::vector<cell>& left_values() const noexcept;
    /// Sees it to its end, whatever the answer is. At the deadline the connection is closed.
    [[nodiscard]] asio::awaitable<void> finish(time_point deadline);
    /// Runs a statement that cannot be prepared: without parameters and without rows.
    [[nodiscard]] asio::awaitable<result<void>> say(std::string_view sql, time_point deadline);

    /// Lets whatever is under way end as `cancelled`, soon.
    void abort() noexcept;

    /// @return Whether it can be spoken with.
    [[nodiscard]] bool usable() const noexcept { return mysql_ != nullptr && !pending_; }
    /// @return Whether it is open, with nothing under way and no transaction begun.
    [[nodiscard]] bool clean() const noexcept;
    /// @return Whether the server has said nothing and not hung up since the last answer.
    [[nodiscard]] bool silent() const noexcept;
    /// @return The number of the last error, the server's or the library's; 0 if it had none.
    [[nodiscard]] unsigned number() const noexcept { return number_; }

private:
    struct parameters;
    struct wait_state;
    class farewell;

    asio::awaitable<result<void>> connect_to(std::string host, time_point deadline);
    asio::awaitable<result<std::vector<std::string>>> look_up(time_point deadline);
    asio::awaitable<result<void>> set_session_up(time_point deadline);
    asio::awaitable<result<st_mysql_stmt*>> prepare(std::string_view sql, time_point deadline);
    asio::awaitable<result<st_mysql_stmt*>> load(std::string_view sql, std::vector<cell> values,
                                                 time_point deadline);
    asio::awaitable<result<answer>> execute(st_mysql_stmt* statement, bool takes,
                                            time_point deadline);
    asio::awaitable<result<void>> read_results(st_mysql_stmt* statement, answer& into,
                                               time_point deadline);
    asio::awaitable<result<void>> keep_rows(st_mysql_stmt* statement, time_point deadline);
    asio::awaitable<result<void>> go_to_next(st_mysql_stmt* statement, time_point deadline);
    result<void> collect(st_mysql_stmt* statement, answer& into);
    result<void> set_options(time_point deadline);

    int begin(std::function<int()> start, std::function<int(int)> go_on);
    int step(int events);
    void keep_from_blocking() noexcept;
    asio::awaitable<result<void>> proceed(int waits, time_point deadline);
    asio::awaitable<result<void>> proceed_or_leave(int waits, st_mysql_stmt* statement,
                                                   time_point deadline);
    asio::awaitable<result<int>> wait_for(int events, time_point deadline);
    result<void> watch_socket();
    failure refusal(unsigned number, const char* text);
    void give_up() noexcept;
    void close() noexcept;

    store_environment env_;
    settings where_;
    base::secret password_;
    std::string host_;
    st_mysql* mysql_{nullptr};
    std::map<const char*, st_mysql_stmt*> prepared_;
    std::unique_ptr<parameters> bound_;
    asio::posix::stream_descriptor line_;  // A duplicate: the socket itself is the library's.
    int watched_{-1};                      // The library's socket that `line_` is a duplicate of.
    std::function<int(int)> pending_;      // Goes on with the call that waits; empty: none does.
    int status_{0};                        // Where the library puts what a call returns ...
    st_mysql* connected_{nullptr};         // ... and what connecting does.
    st_mysql_stmt* left_{nullptr};         // What `take` left under way, ...
    int left_waits_{0};                    // ... and what it waits for.
    alarm* bell_{nullptr};                 // Of the wait under way.
    unsigned number_{0};
    bool aborted_{false};
};

}  // namespace holdfast::mysql
