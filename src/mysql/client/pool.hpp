// SPDX-License-Identifier: BSL-1.0
//
// What it is: the connections to one server, lent to one coroutine at a time, first come, first
// served. A connection that was given back in order is lent again; what hung up is replaced. After
// a failed attempt to connect its failure is the answer for a short, growing and jittered while.
// Thread safety: none; it belongs to its executor.
// Invariants: at most `size` connections are lent, and as many more may be set aside; a connection
// with a call under way or a transaction begun is never lent again.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "mysql/client/connection.hpp"
#include "mysql/client/settings.hpp"

#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace holdfast::mysql {

class pool;

/// A connection on loan; it goes back when this does.
class lent {
public:
    lent(lent&&) noexcept = default;
    lent& operator=(lent&&) = delete;
    ~lent();
    [[nodiscard]] connection* operator->() const noexcept { return line_.get(); }
    [[nodiscard]] connection& operator*() const noexcept { return *line_; }
    /// Makes room for another one to be lent, unless that was done for as many as may be lent. This
    /// connection is not lent again.
    void set_aside() noexcept;

private:
    friend class pool;
    explicit lent(std::shared_ptr<pool> from) noexcept : from_(std::move(from)) {}

    std::shared_ptr<pool> from_;
    std::unique_ptr<connection> line_;
    bool opened_{false};    // It was connected when it was lent.
    bool finished_{false};  // It is closed when it comes back ...
    bool aside_{false};     // ... and does not count as lent.
};

/// See the top of the file.
class pool : public std::enable_shared_from_this<pool> {
public:
    pool(const store_environment& environment, settings where, unsigned size);

    /// Waits for its turn, and connects if it has to.
    /// @par Errors  `unreachable`, `denied`, `protocol`, `cancelled`; nothing has any effect.
    [[nodiscard]] asio::awaitable<result<lent>> take(time_point deadline);

    /// Ends everything; who asks later is told `cancelled`.
    void stop() noexcept;

    [[nodiscard]] const settings& where() const noexcept { return where_; }

private:
    friend class lent;
    struct turn {
        alarm bell;
        bool granted{false};
    };
    class place_in_line;

    asio::awaitable<result<void>> wait_for_turn(time_point deadline);
    asio::awaitable<result<void>> connect(std::unique_ptr<connection>& into, time_point deadline);
    void give_back(lent& mine) noexcept;
    void tell_ended(const char* why) noexcept;
    void pass_turn_on() noexcept;

    store_environment env_;
    settings where_;
    unsigned size_;
    unsigned lent_{0};
    unsigned aside_{0};  // Lent, too, and not counted there.
    std::deque<turn*> line_up_;
    std::vector<std::unique_ptr<connection>> idle_;
    std::vector<connection*> busy_;
    failure last_failure_;         // Of the last attempt to connect ...
    time_point back_off_until_{};  // ... which is repeated to callers until then.
    unsigned failures_{0};
    bool stopped_{false};
};

}  // namespace holdfast::mysql
