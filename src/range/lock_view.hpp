// SPDX-License-Identifier: BSL-1.0
//
// What it is: a store of holds, seen as a store of locks: each wish is a lock of its own, held by
// the hold's id. What is asked of it is what the engine asks for holds; the other verbs of a store
// are refused.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/range_store.hpp>
#include <holdfast/store.hpp>

#include <memory>
#include <string>

namespace holdfast::ranges {

/// See the top of the file.
class lock_view final : public store {
public:
    explicit lock_view(std::shared_ptr<range_store> where) : where_(std::move(where)) {}

    void draw_identity(entropy& random, const claimant& who, identity& into) const override;
    std::optional<std::string> value_of(std::string_view id) const override;
    std::string_view shown_name(std::string_view name) const noexcept override;
    std::size_t name_limit() const noexcept override;
    store_abilities abilities() const noexcept override {
        return {.several = true, .chosen_values = true};
    }

    std::unique_ptr<shortcut> make_shortcut() override;
    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    bool attend(std::mutex& turn) override { return where_->attend(turn); }
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override;
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override;
    asio::awaitable<result<void>> release_granted(std::string_view name, std::string_view value,
                                                  std::uint64_t fencing_token,
                                                  time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view name,
                                                              std::string_view id,
                                                              time_point deadline) override;
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view prefix,
                                                         time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view name,
                                                                time_point deadline) override;
    asio::awaitable<void> await_change(std::string_view name, time_point until) override;
    bool busy() const noexcept override { return where_->busy(); }
    void stop() override { where_->stop(); }
    const std::string& address() const noexcept override { return where_->address(); }

private:
    std::shared_ptr<range_store> where_;
};

}  // namespace holdfast::ranges
