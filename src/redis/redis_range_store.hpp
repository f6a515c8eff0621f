// SPDX-License-Identifier: BSL-1.0
//
// What it is: holds on ranges, on one Redis server. Each verb is one script, which reads the
// server's clock; what stands on the server: range_book.lua. What somebody waits for is published
// on two channels of its key, KEY:f when something is freed and KEY:t when it is taken, as start
// and end; who waits sorts out what overlaps.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/range_store.hpp>

#include "redis/client/client.hpp"
#include "redis/notices.hpp"
#include "redis/resp/reply.hpp"
#include "redis/script.hpp"
#include "redis/script_call.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// See the top of the file.
class redis_range_store final : public range_store {
public:
    /// @param where  Without `durability=strict`: see `open_redis_ranges`.
    redis_range_store(const store_environment& environment, settings where);

    asio::awaitable<result<std::vector<range_grant>>> hold_all(std::span<const range_claim> wanted,
                                                               time_point deadline) override;
    std::unique_ptr<range_shortcut> make_shortcut() override;
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
    bool attend(std::mutex& turn) override { return client_->attend(turn); }
    void stop() override;
    const std::string& address() const noexcept override { return client_->where().address; }

    /// Appends the call that asks for one hold, by the script's hash; one reply.
    void add_hold(batch& into, const range_claim& wanted) const;
    /// @param answer  To what `add_hold` appended. @return As `hold_all`.
    asio::awaitable<result<range_grant>> conclude_hold(const range_claim& wanted,
                                                       const resp::reply& answer,
                                                       time_point deadline);
    /// Appends the call that ends a hold which is not permanent, by the script's hash; one reply.
    void add_release(batch& into, std::string_view key, std::string_view id,
                     released_hold which) const;
    /// @param answer  To what `add_release` appended. @return As `release`.
    asio::awaitable<result<void>> conclude_release(std::string_view key, std::string_view id,
                                                   released_hold which, const resp::reply& answer,
                                                   time_point deadline);

private:
    /// What is in the way of a claim.
    struct obstacles {
        bool can_be_had{false};
        std::optional<std::chrono::milliseconds> first_end{};  // Nothing: none of them ends.
        std::int64_t count{0};
        std::int64_t last_token{0};
    };

    asio::awaitable<result<resp::reply>> call(const script& what, std::string_view key,
                                              texts arguments, time_point deadline);
    asio::awaitable<result<resp::reply>> call_until_tidy(const script& what, std::string_view key,
                                                         texts arguments, time_point deadline);
    asio::awaitable<failure> wrong_type_of(std::string_view key, time_point deadline);
    asio::awaitable<result<obstacles>> look(const range_claim& wanted, time_point deadline);

    asio::awaitable<failure> refusal(std::string_view key, failure why, time_point deadline);
    [[nodiscard]] result<void> told_of_release(const resp::reply& answer) const;
    [[nodiscard]] failure gone() const;
    [[nodiscard]] failure another_hold() const;
    [[nodiscard]] result<std::vector<range_grant>> granted(std::span<const range_claim> wanted,
                                                           const resp::reply& answer) const;
    [[nodiscard]] failure contended(std::string_view key, std::span<const resp::reply> holds) const;
    [[nodiscard]] std::optional<std::vector<range_hold>> read_holds(
        std::string_view key, std::span<const resp::reply> told, bool with_ids) const;
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<client> client_;
    std::shared_ptr<notices> notices_;
};

/// @par Errors  `misuse`: the URL is none, or asks for `durability=strict`.
[[nodiscard]] result<range_store_factory> open_redis_ranges(std::string_view url);

}  // namespace holdfast::redis
