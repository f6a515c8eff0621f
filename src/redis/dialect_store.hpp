// SPDX-License-Identifier: BSL-1.0
//
// What it is: locks on one Redis server as another package keeps them: its keys, its types, values
// of its shape. What the dialects differ in is in their profiles.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/profile.hpp"
#include "redis/script_call.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// @return The settings of a server that a dialect is spoken to.
/// @par Errors  `misuse`, naming the rule of the url that is broken, or what is not for dialects.
[[nodiscard]] result<settings> read_dialect_settings(std::string_view url);

/// See the top of the file.
class dialect_store : public store {
public:
    dialect_store(const store_environment& environment, settings where, profile how);

    bool attend(std::mutex& turn) override { return client_->attend(turn); }
    void draw_identity(entropy& random, const claimant& who, identity& into) const override;
    std::optional<std::string> value_of(std::string_view id) const override;
    std::size_t name_limit() const noexcept override { return how_.name_limit; }
    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override;
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
    asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override;
    void stop() override { client_->stop(); }
    const std::string& address() const noexcept override { return client_->where().address; }

private:
    [[nodiscard]] failure contended(const resp::reply& told) const;
    [[nodiscard]] failure wrong_type(std::string_view key, std::string_view type) const;
    asio::awaitable<failure> what_type(std::string_view name, failure why, time_point deadline);
    [[nodiscard]] lock_info describe(std::string_view name, const resp::reply& id,
                                     const resp::reply& remaining, std::string_view owner) const;

    store_environment env_;
    profile how_;
    std::shared_ptr<client> client_;
};

}  // namespace holdfast::redis
