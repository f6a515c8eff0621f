// SPDX-License-Identifier: BSL-1.0
//
// What it is: the store of plain exclusive locks on a MySQL or MariaDB server: one row a name, and
// one statement an acquisition. docs/stores/mysql.md says what it guarantees.
// Thread safety: none; it belongs to its executor. It outlives its coroutines.
#pragma once

#include <holdfast/store.hpp>

#include "mysql/client/cells.hpp"
#include "mysql/health_check.hpp"
#include "mysql/store_access.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mysql {

/// See the top of the file.
class mysql_lock_store final : public store {
public:
    /// @param carrier  As for `store_access`.
    mysql_lock_store(const store_environment& environment, settings where,
                     std::shared_ptr<port::bulletin> carrier = nullptr);

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    store_abilities abilities() const noexcept override {
        return {.several = true, .raises = true};
    }
    std::string_view why_not(ability which) const noexcept override;
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override;
    asio::awaitable<result<void>> raise_token(std::string_view name, std::string_view value,
                                              std::uint64_t at_least, time_point deadline) override;
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view name,
                                                              std::string_view id,
                                                              time_point deadline) override;
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view prefix,
                                                         time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view name,
                                                                time_point deadline) override;
    asio::awaitable<void> await_change(std::string_view name, time_point until) override;
    asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override {
        return check_health(env_, access_, deadline);
    }
    bool busy() const noexcept override { return access_.busy(); }
    void stop() override { access_.stop(); }
    const std::string& address() const noexcept override { return access_.address(); }

private:
    using grants = std::vector<grant>;
    /// A row of the table, and the time.
    struct row {
        std::string name;
        std::string value;
        std::int64_t expires{0};
        std::int64_t fence{0};
        std::int64_t clock{0};
    };
    /// How one statement that takes a name went. Nothing: somebody holds it.
    using taking = std::optional<grant>;

    static row read_row(const std::vector<cell>& cells);
    static lock_info tell(row from);
    [[nodiscard]] failure told_busy(std::optional<row> held) const;
    [[nodiscard]] failure lost(const std::optional<row>& held) const;

    asio::awaitable<result<taking>> take(connection& line, const claim& wanted, attempt which,
                                         time_point deadline);
    asio::awaitable<result<taking>> take_again(connection& line, const claim& wanted,
                                               time_point deadline);
    asio::awaitable<result<grant>> take_or_tell(connection& line, const claim& wanted,
                                                attempt which, time_point deadline);
    asio::awaitable<result<grants>> take_all(connection& line, std::span<const claim> wanted,
                                             attempt which, time_point deadline);
    /// @return Who holds a name.
    asio::awaitable<result<std::optional<row>>> look(connection& line, std::string_view name,
                                                     time_point deadline);
    asio::awaitable<result<void>> renew_all(connection& line, std::span<renewal> batch,
                                            time_point deadline);
    asio::awaitable<result<void>> renew_one(connection& line, renewal& ask, time_point deadline);
    asio::awaitable<void> look_after_table(std::uint64_t granted, time_point deadline);
    asio::awaitable<result<void>> sweep(connection& line, time_point deadline);

    store_access access_;
    store_environment env_;
    std::uint64_t grants_{0};
    std::string swept_to_;  // The name behind which the next sweep looks.
};

}  // namespace holdfast::mysql
