// SPDX-License-Identifier: BSL-1.0
//
// How locks at several masters are renewed at once: one master that does not answer keeps nobody
// else's renewal waiting.
#include "port/one_shot.hpp"
#include "redis/cluster/cluster_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <map>
#include <utility>

namespace holdfast::redis {
namespace {

constexpr int rounds_max = 3;

/// A renewal that does not depend on its caller, who may be cancelled.
struct owned_renewal {
    explicit owned_renewal(const renewal& ask)
        : name(ask.name), value(ask.value), ttl(ask.ttl), token(ask.fencing_token) {}
    [[nodiscard]] renewal view() const {
        return {.name = name, .value = value, .ttl = ttl, .fencing_token = token};
    }
    std::string name;
    std::string value;
    std::chrono::milliseconds ttl;
    std::uint64_t token;
};

}  // namespace

struct cluster_store::upkeep {
    std::vector<owned_renewal> asks;
    std::vector<result<void>> outcomes;
    std::size_t parts_open{0};
    port::one_shot ended{};

    /// @param alive  Keeps `at` alive, whatever becomes of the caller.
    static asio::awaitable<void> run(std::shared_ptr<cluster_store> alive,
                                     std::shared_ptr<upkeep> all, redis_store* at,
                                     std::vector<std::size_t> which, time_point deadline) {
        std::vector<renewal> mine;
        for (const std::size_t i : which) mine.push_back(all->asks[i].view());
        co_await at->renew(mine, deadline);
        for (std::size_t i = 0; i < which.size(); ++i)
            all->outcomes[which[i]] = std::move(mine[i].outcome);
        if (--all->parts_open == 0) all->ended.fire();
        alive.reset();
    }
};

asio::awaitable<void> cluster_store::renew(std::span<renewal> batch, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<std::size_t> open(batch.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    for (int round = 0; round < rounds_max && !open.empty(); ++round)
        open = co_await renew_once(batch, std::move(open), deadline);
}

// @return Those whose slot has moved, to be asked for again.
asio::awaitable<std::vector<std::size_t>> cluster_store::renew_once(std::span<renewal> batch,
                                                                    std::vector<std::size_t> which,
                                                                    time_point deadline) {
    std::map<redis_store*, std::vector<std::size_t>> by_master;
    auto all = std::make_shared<upkeep>();
    for (const renewal& ask : batch) all->asks.emplace_back(ask);
    all->outcomes.resize(batch.size());
    for (const std::size_t i : which) {
        const auto master = co_await master_of(batch[i].name, deadline);
        if (master)
            by_master[*master].push_back(i);
        else
            all->outcomes[i] = master.error();
    }
    all->parts_open = by_master.size();
    for (const auto& [at, mine] : by_master)
        asio::co_spawn(
            env_.executor,
            [self = shared_from_this(), all, at = at, mine = mine, deadline] {
                return upkeep::run(self, all, at, mine, deadline);
            },
            asio::detached);
    if (!by_master.empty() && !co_await all->ended.wait()) {
        for (const std::size_t i : which)
            batch[i].outcome = failure{errc::cancelled, "the question was cancelled"};
        co_return std::vector<std::size_t>{};
    }
    for (const std::size_t i : which) batch[i].outcome = std::move(all->outcomes[i]);
    std::vector<std::size_t> moved;
    for (const auto& [at, mine] : by_master)
        for (const std::size_t i : mine) {
            const result<void>& said = batch[i].outcome;
            if (said || !may_be_elsewhere(said.error())) continue;
            const bool elsewhere = co_await has_moved(batch[i].name, *at, deadline);
            if (elsewhere) moved.push_back(i);
        }
    co_return moved;
}

}  // namespace holdfast::redis
