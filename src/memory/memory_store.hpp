// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference store: the port over a `lock_table`.
// Thread safety: a store belongs to its executor; the table may be shared by stores of several.
#pragma once

#include <holdfast/store.hpp>

#include "memory/lock_table.hpp"
#include "port/prompt_shortcut.hpp"

#include <map>
#include <memory>
#include <string>

namespace holdfast::memory {

/// A store over a table.
class memory_store final : public store {
public:
    memory_store(const store_environment& environment, std::shared_ptr<lock_table> table,
                 std::string address);
    ~memory_store() override;

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    std::unique_ptr<seat> take_seat(std::string_view name) override;
    std::unique_ptr<shortcut> make_shortcut() override;
    bool attend(std::mutex& /*turn*/) override { return answers_->tell(); }
    /// For `port::prompt_shortcut`.
    [[nodiscard]] std::optional<grant> take_now(const claim& wanted);
    [[nodiscard]] bool release_now(std::string_view name, std::string_view value);
    store_abilities abilities() const noexcept override {
        return {.modes = true, .several = true, .lines = true, .raises = true};
    }
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
    asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override;
    void stop() override;
    const std::string& address() const noexcept override { return address_; }

private:
    friend class memory_seat;
    [[nodiscard]] static failure closed();
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<lock_table> table_;
    std::string address_;
    std::map<const alarm*, std::weak_ptr<alarm>> waiting_;
    std::shared_ptr<port::prompt_answers> answers_;
    bool stopped_{false};
};

/// A place in a line of the table. It outlives no store.
class memory_seat final : public seat {
public:
    memory_seat(memory_store& owner, std::string name);
    ~memory_seat() override;

    asio::awaitable<result<grant>> ask(const claim& wanted, const line_terms& terms,
                                       time_point deadline) override;
    asio::awaitable<std::optional<grant>> await_turn(time_point until) override;
    asio::awaitable<result<std::optional<grant>>> pass_on(std::string_view held,
                                                          const claim& wanted,
                                                          const line_terms& terms,
                                                          time_point deadline) override;
    asio::awaitable<result<void>> leave(std::string_view value, time_point deadline) override;

private:
    struct mailbox;
    [[nodiscard]] lock_table::notice notice() const;

    memory_store& owner_;
    std::string name_;
    std::string place_;
    std::shared_ptr<mailbox> mail_;
};

}  // namespace holdfast::memory
