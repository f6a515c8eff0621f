// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the stores of locks and of holds have in common: connections, tables that are
// made at the first use, and transactions that are tried again when the server was busy.
// Thread safety: none; it belongs to its executor.
// Invariants: a deadlock, or a lock that did not come, never reaches a caller as such.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "mysql/client/pool.hpp"
#include "mysql/client/server_error.hpp"
#include "mysql/client/settings.hpp"
#include "mysql/late_takings.hpp"
#include "port/bulletin.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace holdfast::mysql {

/// Tables of a store.
struct table_plan {
    std::array<std::string_view, 2> names;    ///< Empty: there is one only.
    std::array<std::string_view, 2> created;  ///< The statements that make them.
};

/// See the top of the file.
class store_access {
public:
    /// @param carrier  What tells others of changes, and us of theirs; or nullptr: nothing does.
    store_access(const store_environment& environment, settings where, const table_plan& tables,
                 std::shared_ptr<port::bulletin> carrier);

    /// Does `work(connection&)`, which answers a `result<T>`, again as long as that helps: while
    /// others are in the way, and where it certainly had no effect. What it began and did not end
    /// is taken back. `work` outlives the call.
    template <class T, class Work>
    [[nodiscard]] asio::awaitable<result<T>> converse(Work& work, time_point deadline);

    /// Waits, before `release` is run, for what `connection::take` left under way that takes `name`
    /// for `holder`.
    /// @par Errors  `in_doubt`: that is not at its end yet. When it is, `release` will be run.
    [[nodiscard]] asio::awaitable<result<void>> settle(std::string_view name,
                                                       std::string_view holder, statement release,
                                                       time_point deadline);
    /// @return Whether that may be worth it.
    [[nodiscard]] bool has_late_takings() const noexcept { return late_->any(); }

    /// @return A connection, whatever the server and its tables are like.
    [[nodiscard]] asio::awaitable<result<lent>> borrow(time_point deadline);

    /// Between two looks at what only looking tells: from 5 ms on, up to 250 ms; 1.6 s where
    /// changes are told of.
    [[nodiscard]] std::chrono::nanoseconds look_pause(unsigned looks, bool hears);

    /// What is told of a change. Those who wait for less are told of more, never the other way.
    enum class change : std::uint8_t { freed, other };

    /// Who waits for a change of what is called `name`: woken when this store itself makes one, of
    /// whatever name, and when others tell of one.
    class waiter final : private port::bulletin::listener {
    public:
        waiter(store_access& of, std::string_view name, change least);
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;
        ~waiter();

        /// @return Whether changes by others are told of from now on. Else it is woken when they
        ///         begin to be.
        [[nodiscard]] bool hears();
        /// Waits for the next look: until then, or until something is told; yet a little, so that
        /// a name that changes all the time is not looked at all the time.
        /// @return false if cancelled.
        [[nodiscard]] asio::awaitable<bool> rest(time_point next);

    private:
        void on_notice(std::string_view words) override;
        void on_gap() override { bell_.wake(); }

        store_access& of_;
        std::string topic_;
        change least_;
        alarm bell_;
    };
    /// Wakes those who wait here.
    void wake_waiters();
    /// Tells those who wait elsewhere, if it was freed those who wait here too.
    void tell(std::string_view name, change what);

    /// @return Whether others are still being told of something, or the server is at something that
    ///         nobody waits for.
    [[nodiscard]] bool busy() const noexcept {
        return late_->any() || (carrier_ && carrier_->busy());
    }
    void stop() noexcept;
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }
    [[nodiscard]] const settings& where() const noexcept { return pool_->where(); }
    [[nodiscard]] const std::string& address() const noexcept { return pool_->where().address; }

private:
    asio::awaitable<result<lent>> enter(time_point deadline);
    asio::awaitable<result<void>> get_ready(connection& line, time_point deadline);
    asio::awaitable<result<void>> refuse_cluster(connection& line, time_point deadline);
    asio::awaitable<result<void>> make_tables(connection& line, time_point deadline);
    /// Leaves the connection in order, or closed. @return Whether another try is worth it.
    [[nodiscard]] asio::awaitable<bool> tidy_up(connection& line, errc why, time_point deadline);
    /// @return Nothing when it is time for another try; else the answer.
    [[nodiscard]] asio::awaitable<std::optional<failure>> rest(unsigned tries, failure why,
                                                               time_point deadline);

    store_environment env_;
    [[nodiscard]] std::string topic_of(std::string_view name) const;

    std::shared_ptr<pool> pool_;
    std::shared_ptr<late_takings> late_;
    std::shared_ptr<port::bulletin> carrier_;
    table_plan tables_;
    std::set<alarm*> waiting_;
    bool ready_{false};
    bool stopped_{false};
};

template <class T, class Work>
asio::awaitable<result<T>> store_access::converse(Work& work, time_point deadline) {
    for (unsigned tries = 1;; ++tries) {
        failure why;
        bool again = false;
        {
            auto line = co_await enter(deadline);
            if (!line) co_return line.error();
            result<T> said = co_await work(**line);
            if (said) co_return said;
            why = said.error();
            again = co_await tidy_up(**line, why.code, deadline);
            if ((*line)->left()) late_->adopt(std::move(*line));
        }
        if (!again) co_return why;
        auto ended = co_await rest(tries, std::move(why), deadline);
        if (ended) co_return *ended;
    }
}

/// Ends a transaction. @par Errors  `in_doubt`, if the answer was lost.
[[nodiscard]] asio::awaitable<result<void>> commit(connection& line, time_point deadline);
/// Begins one.
[[nodiscard]] asio::awaitable<result<void>> begin(connection& line, time_point deadline);
/// Runs a statement of a transaction: what goes wrong has no effect.
[[nodiscard]] asio::awaitable<result<answer>> within(connection& line, std::string_view sql,
                                                     std::vector<cell> values, time_point deadline);

}  // namespace holdfast::mysql
