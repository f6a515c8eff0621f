// SPDX-License-Identifier: BSL-1.0
//
// What it is: the store of holds on a MySQL or MariaDB server. A hold is made by a procedure, in
// one round trip; where there is none, or where the key has room for more than one, step by step
// on one connection. docs/stores/mysql.md says what it guarantees.
// Thread safety: none; it belongs to its executor. It outlives its coroutines.
#pragma once

#include <holdfast/range_store.hpp>

#include "mysql/range_rows.hpp"
#include "mysql/store_access.hpp"

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace holdfast::mysql {

/// See the top of the file.
class mysql_range_store final : public range_store {
public:
    /// @param carrier  As for `store_access`.
    mysql_range_store(const store_environment& environment, settings where,
                      std::shared_ptr<port::bulletin> carrier = nullptr);

    asio::awaitable<result<std::vector<range_grant>>> hold_all(std::span<const range_claim> wanted,
                                                               time_point deadline) override;
    asio::awaitable<void> renew(std::span<range_renewal> batch, time_point deadline) override;
    asio::awaitable<result<void>> release(std::string_view key, std::string_view id,
                                          released_hold which, time_point deadline) override;
    asio::awaitable<result<std::optional<range_hold>>> get(std::string_view key,
                                                           std::string_view id,
                                                           time_point deadline) override;
    asio::awaitable<result<range_hold>> confirm(std::string_view key, std::string_view id,
                                                std::uint64_t fencing_token,
                                                time_point deadline) override;
    asio::awaitable<result<range_hold>> move(std::string_view key, std::string_view id,
                                             std::uint64_t fencing_token, range to,
                                             time_point deadline) override;
    asio::awaitable<result<range_page>> list(std::string_view key, range window,
                                             std::optional<range_cursor> after, std::size_t limit,
                                             time_point deadline) override;
    asio::awaitable<result<void>> set_capacity(std::string_view key, std::uint32_t units,
                                               time_point deadline) override;
    asio::awaitable<void> await_change(const range_claim& wanted, range_change which,
                                       time_point until) override;
    bool busy() const noexcept override { return access_.busy(); }
    void stop() override { access_.stop(); }
    const std::string& address() const noexcept override { return access_.address(); }

private:
    using grants = std::vector<range_grant>;
    /// A key and some of its holds, as they stood when they were looked at.
    struct sight {
        key_row key{};
        std::vector<hold_row> holds{};
        bool more{false};
    };
    /// Attempts on a range in a row, where only an attempt tells whether it can be had.
    struct vain_attempts {
        unsigned rests{0};
        bool unseen{false};  ///< A look takes it for free.
    };
    /// Whether the procedure is there, as far as is known.
    enum class procedure { unknown, there, missing };

    asio::awaitable<result<grants>> hold(connection& line, std::span<const range_claim> wanted,
                                         time_point deadline);
    asio::awaitable<result<grants>> hold_by_call(connection& line, const range_claim& wanted,
                                                 time_point deadline);
    asio::awaitable<result<grants>> hold_by_steps(connection& line,
                                                  std::span<const range_claim> wanted,
                                                  time_point deadline);
    asio::awaitable<result<answer>> call(connection& line, const range_claim& wanted,
                                         time_point deadline);
    asio::awaitable<result<void>> renew_all(connection& line, std::span<range_renewal> batch,
                                            time_point deadline);
    asio::awaitable<result<void>> renew_one(connection& line, range_renewal& ask,
                                            time_point deadline);
    /// @return The hold, if it is live.
    asio::awaitable<result<std::optional<range_hold>>> find(connection& line, std::string_view key,
                                                            std::string_view id,
                                                            time_point deadline);
    vain_attempts& vain_attempts_for(const range_claim& wanted);
    void note_attempt(std::span<const range_claim> wanted, const result<grants>& said);
    asio::awaitable<void> look_after_tables(time_point deadline);
    asio::awaitable<result<void>> sweep(connection& line, time_point deadline);
    asio::awaitable<result<void>> forget_idle_keys(connection& line, time_point deadline);
    asio::awaitable<result<void>> forget_if_idle(connection& line, const cell& key,
                                                 time_point deadline);

    /// What is asked for of the holds of a key.
    struct view {
        std::string_view key;
        range window;
        std::optional<range_cursor> after{};
        std::size_t limit{0};
        bool whole{true};  ///< With the owners and data.
    };
    /// @return What there is at one instant.
    asio::awaitable<result<sight>> see(connection& line, const view& asked, time_point deadline);
    asio::awaitable<result<sight>> see_single(connection& line, const view& asked,
                                              time_point deadline);
    asio::awaitable<result<sight>> see_all(connection& line, const view& asked,
                                           time_point deadline);
    asio::awaitable<result<sight>> look(const range_claim& wanted);

    store_environment env_;
    store_access access_;
    procedure procedure_{procedure::unknown};
    std::uint64_t grants_{env_.random.jitter_bits()};  // Short-lived clients sweep in turn, too.
    std::map<std::tuple<std::string, std::int64_t, std::int64_t>, vain_attempts> vain_;
    std::string swept_to_;  // The key behind which idle ones are looked for next.
};

}  // namespace holdfast::mysql
