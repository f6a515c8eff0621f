// SPDX-License-Identifier: BSL-1.0
//
// What it is: the store on an SQLite file that the processes of one machine share. Here is what
// waits: for other writers, and for a lock to become free; `lease_table` has the actions.
// Thread safety: none; it belongs to the executor that it was made for.
#pragma once

#include <holdfast/store.hpp>

#include "port/prompt_shortcut.hpp"
#include "sqlite/lease_table.hpp"
#include "sqlite/performer.hpp"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::sqlite {

/// Locks in a file.
class sqlite_store final : public store {
public:
    /// @param path  Absolute. Nothing is opened before the first verb.
    sqlite_store(const store_environment& environment, std::string path, std::string address);

    [[nodiscard]] asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                                         time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<std::vector<grant>>> acquire_all(
        std::span<const claim> wanted, attempt which, time_point deadline) override;
    [[nodiscard]] std::unique_ptr<shortcut> make_shortcut() override;
    [[nodiscard]] bool attend(std::mutex& /*turn*/) override { return answers_->tell(); }
    /// For `port::prompt_shortcut`.
    [[nodiscard]] std::optional<grant> take_now(const claim& wanted);
    [[nodiscard]] bool release_now(std::string_view name, std::string_view value);
    [[nodiscard]] store_abilities abilities() const noexcept override {
        return {.modes = true, .several = true, .raises = true};
    }
    [[nodiscard]] asio::awaitable<void> renew(std::span<renewal> batch,
                                              time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<void>> raise_token(std::string_view name,
                                                            std::string_view value,
                                                            std::uint64_t at_least,
                                                            time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<void>> release(std::string_view name,
                                                        std::string_view value,
                                                        time_point deadline) override;
    [[nodiscard]] asio::awaitable<void> gave_up(std::string_view name,
                                                time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> inspect(
        std::string_view name, std::string_view id, time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<std::vector<lock_info>>> list(
        std::string_view prefix, time_point deadline) override;
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> take_away(
        std::string_view name, time_point deadline) override;
    [[nodiscard]] asio::awaitable<void> await_change(std::string_view name,
                                                     time_point until) override;
    [[nodiscard]] asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override;
    void stop() override;
    [[nodiscard]] const std::string& address() const noexcept override {
        return performer_.address();
    }

private:
    void tell_waiters(std::string_view name);
    [[nodiscard]] failure contended(const std::optional<lock_info>& holder) const;
    // When to look at a name again, and whether there is nothing more to wait for then.
    struct look {
        time_point when;
        bool last;
    };
    [[nodiscard]] look look_at(std::string_view name, int looks);

    store_environment environment_;
    performer<lease_table> performer_;
    std::shared_ptr<port::prompt_answers> answers_;
};

}  // namespace holdfast::sqlite
