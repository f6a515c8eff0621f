// SPDX-License-Identifier: BSL-1.0
//
// What it is: locks in a Redis Cluster: each is at the master that serves the slot of its name,
// where all keys of the name are. Calls follow the slots where they go; what several names ask for
// at once is asked of each master by itself. docs/internals/failover.md has the rules.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "redis/cluster/cluster_map.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// See the top of the file.
class cluster_store final : public store, public std::enable_shared_from_this<cluster_store> {
public:
    cluster_store(const store_environment& environment, settings where);

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    /// In the order of the names, one after the other; gives back what it got if one is not to be
    /// had. So it is all or none, but not at one moment.
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    std::unique_ptr<seat> take_seat(std::string_view name) override;
    store_abilities abilities() const noexcept override;
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
    asio::awaitable<result<diagnosis>> diagnose(time_point deadline) override;
    void stop() override { map_->stop(); }
    const std::string& address() const noexcept override { return address_; }

    /// For `cluster_seat`, too: the master of the lock `name` now.
    asio::awaitable<result<redis_store*>> master_of(std::string_view name, time_point deadline);
    /// @return Whether `why` is without effect, and another master may serve it by now.
    [[nodiscard]] bool may_be_elsewhere(const failure& why);
    /// @return Whether `name` is at another master than `asked`, who could not serve it, and there
    ///         is time to go there; the cluster is asked where that is.
    asio::awaitable<bool> has_moved(std::string_view name, const redis_store& asked,
                                    time_point deadline);

private:
    struct upkeep;  // The renewals of one batch.

    template <class Answer, class Verb>
    asio::awaitable<result<Answer>> at_master(std::string name, Verb verb, time_point deadline);
    asio::awaitable<std::vector<std::size_t>> renew_once(std::span<renewal> batch,
                                                         std::vector<std::size_t> which,
                                                         time_point deadline);
    asio::awaitable<failure> give_back(std::span<const claim* const> granted, failure why,
                                       time_point deadline);

    store_environment env_;
    std::string address_;
    bool strict_;
    std::shared_ptr<cluster_map> map_;
};

}  // namespace holdfast::redis
