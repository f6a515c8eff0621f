// SPDX-License-Identifier: BSL-1.0
//
// What it is: locks on one Redis server. A lock is a string key with an expiry, taken with SET NX
// PX, so that anything else that does the same is excluded too; where several may hold it, it is a
// sorted set under the same key. Renewing and releasing compare the whole value on the server.
// docs/internals/redis.md has the commands and the reasons, docs/internals/waiting.md the line.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/notices.hpp"
#include "redis/resp/reply.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::redis {

class line_seat;

/// See the top of the file.
class redis_store final : public store {
public:
    redis_store(const store_environment& environment, settings where);

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    std::unique_ptr<seat> take_seat(std::string_view name) override;
    std::unique_ptr<shortcut> make_shortcut() override;
    bool attend(std::mutex& turn) override { return client_->attend(turn); }
    store_abilities abilities() const noexcept override {
        return {.modes = true, .several = true, .lines = !strict(), .raises = true};
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
    std::unique_ptr<change_feed> watch(std::string_view prefix) override;
    asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override;
    void stop() override;
    const std::string& address() const noexcept override { return client_->where().address; }

    /// The first conversation of an acquisition and of a release, for `redis_shortcut` too.
    void add_acquire(batch& into, const claim& wanted) const;
    void add_release(batch& into, std::string_view name, std::string_view value) const;
    /// @return Its client, for seats that move from one server to another.
    [[nodiscard]] const std::shared_ptr<client>& through() const noexcept { return client_; }
    /// @return A seat, whatever the durability.
    [[nodiscard]] std::unique_ptr<line_seat> make_seat(std::string_view name);
    /// @return Whether a lock may be granted, or renewed, for so long.
    [[nodiscard]] bool lasts(std::chrono::milliseconds ttl) const noexcept {
        return !strict() || ttl <= client_->where().longest_ttl;
    }
    /// What follows from its answers.
    asio::awaitable<result<grant>> conclude_acquire(const claim& wanted,
                                                    std::span<const resp::reply> answers,
                                                    time_point deadline);
    asio::awaitable<result<void>> conclude_release(std::string_view name, std::string_view value,
                                                   std::span<const resp::reply> answers,
                                                   time_point deadline);

private:
    using found_lock = result<std::optional<lock_info>>;

    asio::awaitable<result<grant>> acquire_again(const claim& wanted, time_point deadline);
    asio::awaitable<result<grant>> acquire_share(const claim& wanted, time_point deadline);
    asio::awaitable<result<grant>> seed(const claim& wanted, bool granted, time_point deadline);
    asio::awaitable<void> hand_over(std::string_view name, time_point deadline);
    asio::awaitable<failure> contended(const claim& wanted, time_point deadline);
    asio::awaitable<void> take_back(const claim& wanted, time_point deadline);
    asio::awaitable<failure> wrong_type_of(std::string_view name, time_point deadline);
    asio::awaitable<result<replies>> ask_about(std::string_view name, time_point deadline);
    /// Waits for a token that is about to be there. @param looks_left  Counts down.
    asio::awaitable<found_lock> inspect_patiently(std::string_view name, std::string_view id,
                                                  int& looks_left, time_point deadline);
    asio::awaitable<found_lock> look(std::string_view name, std::string_view id,
                                     const resp::reply* row, time_point deadline);
    asio::awaitable<void> poll_change(std::string_view name, time_point until);

    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }
    [[nodiscard]] bool strict() const noexcept { return client_->where().longest_ttl.count() > 0; }
    [[nodiscard]] failure too_long(std::chrono::milliseconds ttl) const;
    asio::awaitable<void> renew_lasting(std::span<renewal> all, time_point deadline);

    store_environment env_;
    std::shared_ptr<client> client_;
    std::shared_ptr<notices> notices_;
};

}  // namespace holdfast::redis
