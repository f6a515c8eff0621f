// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference store of holds: the port over a `range_table`.
// Thread safety: a store belongs to its executor; the table may be shared by stores of several.
#pragma once

#include <holdfast/range_store.hpp>

#include "memory/range_table.hpp"
#include "port/prompt_shortcut.hpp"

#include <map>
#include <memory>
#include <string>

namespace holdfast::memory {

/// A store over a table.
class memory_range_store final : public range_store {
public:
    memory_range_store(const store_environment& environment, std::shared_ptr<range_table> table,
                       std::string address);

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
    void stop() override;
    const std::string& address() const noexcept override { return address_; }

    /// For `port::prompt_range_shortcut`.
    std::optional<range_grant> hold_now(const range_claim& wanted);
    bool release_now(std::string_view key, std::string_view id, released_hold which);

private:
    [[nodiscard]] static failure closed();
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<range_table> table_;
    std::string address_;
    std::shared_ptr<port::prompt_answers> answers_;
    std::map<const alarm*, std::weak_ptr<alarm>> waiting_;
    bool stopped_{false};
};

}  // namespace holdfast::memory
