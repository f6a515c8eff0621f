// SPDX-License-Identifier: BSL-1.0
//
// What it is: one place in the line that a Redis server keeps for a name: scripts/line.lua by
// turns with what `notices` tells. docs/internals/waiting.md has the reasons.
// Thread safety: none; it belongs to its executor.
// Invariants: each asking has a serial, and what is handed over counts only if it answers the last
// one sent, and that one was answered: whatever else comes was overtaken.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/notices.hpp"
#include "redis/script_call.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// See the top of the file.
class line_seat final : public seat, private notices::listener {
public:
    line_seat(const store_environment& environment, std::shared_ptr<client> server,
              std::shared_ptr<notices> told, std::string_view name);
    ~line_seat() override;

    asio::awaitable<result<grant>> ask(const claim& wanted, const line_terms& terms,
                                       time_point deadline) override;
    asio::awaitable<std::optional<grant>> await_turn(time_point until) override;
    asio::awaitable<result<std::optional<grant>>> pass_on(std::string_view held,
                                                          const claim& wanted,
                                                          const line_terms& terms,
                                                          time_point deadline) override;
    asio::awaitable<result<void>> leave(std::string_view value, time_point deadline) override;

    /// The line, and our place in it, is at another server now. What is told still comes from the
    /// first one, which hears it from all servers of its cluster.
    void move_to(std::shared_ptr<client> server) { server_ = std::move(server); }

private:
    /// What was handed over, and in answer to what.
    struct handed {
        std::uint64_t serial;
        grant given;
    };
    enum class verb { ask, pass };

    void on_message(std::string_view words) override;
    void on_left(std::int64_t left_ms) override;
    void on_restart() override;

    asio::awaitable<void> join(time_point until);
    asio::awaitable<result<grant>> stand(verb which, std::string_view held, const claim& wanted,
                                         const line_terms& terms, time_point deadline);
    result<grant> settle(const resp::reply& answer);
    [[nodiscard]] std::optional<grant> take_handed();
    [[nodiscard]] time_point look_again_at(time_point until);
    void step_out();
    void unwatch();

    [[nodiscard]] bool heard_surely() const;
    [[nodiscard]] std::string id() const;
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<client> server_;
    std::shared_ptr<notices> told_;
    std::string key_;
    alarm bell_;
    std::uint64_t number_{0};    // Among those who are told; 0: not yet.
    std::uint64_t sent_{0};      // Serial of the last asking ...
    std::uint64_t answered_{0};  // ... and of the last that was answered.
    std::optional<handed> handed_;
    bool ask_again_{false};
    bool heard_first_{false};  // Since the last asking was sent.
    bool counted_{false};      // What it asked for.
    std::uint32_t beat_{0};    // `line_terms::beat` of the last asking.
    bool first_{false};        // Of the line.
    bool watching_{false};
    time_point first_since_{};
    time_point free_at_{time_point::max()};  // When a lease ends that is in the way.
};

}  // namespace holdfast::redis
