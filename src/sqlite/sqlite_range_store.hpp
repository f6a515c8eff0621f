// SPDX-License-Identifier: BSL-1.0
//
// What it is: holds on ranges in an SQLite file that the processes of one machine share. Here is
// what waits; `hold_table` has the actions.
// Thread safety: none; it belongs to the executor that it was made for.
#pragma once

#include <holdfast/range_store.hpp>

#include "port/prompt_shortcut.hpp"
#include "sqlite/hold_table.hpp"
#include "sqlite/performer.hpp"

#include <memory>
#include <string>

namespace holdfast::sqlite {

/// Holds in a file.
class sqlite_range_store final : public range_store {
public:
    /// @param path  Absolute. Nothing is opened before the first verb.
    sqlite_range_store(const store_environment& environment, std::string path, std::string address);

    asio::awaitable<result<std::vector<range_grant>>> hold_all(std::span<const range_claim> wanted,
                                                               time_point deadline) override;
    std::unique_ptr<range_shortcut> make_shortcut() override;
    bool attend(std::mutex& /*turn*/) override { return answers_->tell(); }
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
    void stop() override { performer_.stop(); }
    const std::string& address() const noexcept override { return performer_.address(); }

    /// For `port::prompt_range_shortcut`.
    std::optional<range_grant> hold_now(const range_claim& wanted);
    bool release_now(std::string_view key, std::string_view id, released_hold which);

private:
    void tell_waiters();

    store_environment environment_;
    performer<hold_table> performer_;
    std::shared_ptr<port::prompt_answers> answers_;
};

}  // namespace holdfast::sqlite
