// SPDX-License-Identifier: BSL-1.0
//
// What it is: a store made of stores: a lock is held when more than half of all configured nodes
// say so. All nodes are asked at once; a dead, frozen or slow one is a vote that is missing, and
// costs nothing while a majority of the others answers. docs/internals/quorum.md has the reasons.
// Thread safety: none; it belongs to its executor.
// Invariants: whatever was granted in part is given back; what a node still owes (a release whose
// answer is missing) is settled before that node is asked for the same name again; nothing takes
// a lock for a value once its release was asked for.
#pragma once

#include <holdfast/store.hpp>

#include "core/ballot.hpp"
#include "core/split_rule.hpp"
#include "lock/quorum_node.hpp"
#include "lock/quorum_poll.hpp"
#include "lock/quorum_recall.hpp"

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
    std::string_view why_not(ability which) const noexcept override;
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
    bool busy() const noexcept override { return *desk_.open > 0; }
    void stop() override;
    const std::string& address() const noexcept override { return address_; }

private:
    struct round;   // One acquisition, and what became of it.
    struct upkeep;  // One batch of renewals, likewise.
    using round_ptr = std::shared_ptr<round>;
    using upkeep_ptr = std::shared_ptr<upkeep>;

    [[nodiscard]] std::size_t majority() const noexcept { return nodes_.size() / 2 + 1; }
    [[nodiscard]] skip_list skip(time_point deadline);
    [[nodiscard]] boot_clock::duration quarter_until(time_point deadline) const;
    [[nodiscard]] boot_clock::duration patience_until(time_point deadline) const;
    [[nodiscard]] std::optional<failure> check(const claim& wanted) const;

    // quorum_acquire.cpp
    struct reply {
        result<grant> answer;
        bool asked;  // Else the node never heard of it.
    };
    static asio::awaitable<reply> ask_once_settled(node_ptr node, round_ptr shared);
    static asio::awaitable<result<grant>> ask(node_ptr node, std::size_t place, round_ptr shared);
    static asio::awaitable<void> confirm(node_ptr node, std::size_t place, round_ptr shared,
                                         result<grant> said);
    asio::awaitable<std::optional<failure>> write_back(round_ptr shared,
                                                       const quorum_poll<grant>& poll);
    void give_up(round& shared, const quorum_poll<grant>& poll);
    asio::awaitable<void> give_back_grants(const round& shared, const quorum_poll<grant>& poll);
    [[nodiscard]] failure refusal(const quorum_poll<grant>& poll) const;
    void note_split(const quorum_poll<grant>& poll, time_point asked);

    // quorum_look.cpp
    static asio::awaitable<result<std::optional<lock_info>>> look_up(quorum_desk desk,
                                                                     std::vector<node_ptr> nodes,
                                                                     std::string name,
                                                                     time_point deadline,
                                                                     skip_list skipped);

    // quorum_renew.cpp
    static asio::awaitable<result<outcomes>> renew_on(node_ptr node, upkeep_ptr shared);
    [[nodiscard]] std::chrono::milliseconds counts_for(const quorum_poll<outcomes>& poll,
                                                       std::size_t which,
                                                       std::string_view value) const;
    static void fill_in(const node_ptr& node, const upkeep_ptr& shared, const outcomes& said);
    static asio::awaitable<void> take_late(node_ptr node, upkeep_ptr shared, std::size_t which);

    store_environment env_;
    quorum_desk desk_{env_.executor, &env_.time};
    std::vector<node_ptr> nodes_;
    std::string address_;
    bool raises_{true};
    recall_list under_way_;
    core::split_rule split_{};
};

}  // namespace holdfast::lock
