// SPDX-License-Identifier: BSL-1.0
//
// What it is: a store made of stores: a lock is held when more than half of all configured nodes
// say so. All nodes are asked at once; a dead, frozen or slow one is a vote that is missing, and
// costs nothing while a majority of the others answers.
// Thread safety: none; it belongs to its executor.
// Invariants: whatever was granted in part is given back; what a node still owes (a release whose
// answer is missing) is settled before that node is asked for the same name again.
#pragma once

#include <holdfast/store.hpp>

#include "core/ballot.hpp"
#include "lock/quorum_poll.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::lock {

/// See the top of the file.
class quorum_store final : public store {
public:
    /// @param nodes  At least one; all of one kind, since they share one value for each lock.
    quorum_store(const store_environment& environment, std::vector<std::shared_ptr<store>> nodes);

    void draw_identity(entropy& random, const claimant& who, identity& into) const override;
    std::optional<std::string> value_of(std::string_view id) const override;
    std::size_t name_limit() const noexcept override;
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
    bool busy() const noexcept override { return *desk_.open > 0; }
    void stop() override;
    const std::string& address() const noexcept override { return address_; }

private:
    struct part;   // One node.
    struct round;  // One acquisition, and what became of it.
    using parts = std::vector<std::shared_ptr<part>>;

    static asio::awaitable<result<grant>> ask(std::shared_ptr<part> node,
                                              std::shared_ptr<round> shared);
    static asio::awaitable<result<void>> give_back(std::shared_ptr<part> node, std::string name,
                                                   std::string value, time_point deadline);
    static asio::awaitable<result<std::optional<lock_info>>> look(std::shared_ptr<part> node,
                                                                  std::string name,
                                                                  time_point deadline);
    static asio::awaitable<result<std::vector<lock_info>>> look_all(std::shared_ptr<part> node,
                                                                    std::string prefix,
                                                                    time_point deadline);
    static asio::awaitable<result<std::optional<lock_info>>> take_from(std::shared_ptr<part> node,
                                                                       std::string name,
                                                                       time_point deadline);
    [[nodiscard]] std::size_t majority() const noexcept { return parts_.size() / 2 + 1; }
    void give_up(round& shared, const quorum_poll<grant>& poll);
    void remember(const std::shared_ptr<round>& shared);
    asio::awaitable<void> give_back_grants(const round& shared, const quorum_poll<grant>& poll);
    asio::awaitable<void> await_stragglers(quorum_poll<grant>& poll);
    [[nodiscard]] static failure refusal(const quorum_poll<grant>& poll);

    store_environment env_;
    quorum_desk desk_{env_.executor};
    parts parts_;
    std::string address_;
    std::map<std::string, std::weak_ptr<round>, std::less<>> asking_;  // By value.
};

}  // namespace holdfast::lock
