// SPDX-License-Identifier: BSL-1.0
//
// How locks are renewed by the word of a majority, and how nodes that have missed one take it
// later, so that a lock outlives its nodes when they die, or come back empty, one after the other.
#include "lock/quorum_store.hpp"
#include "lock/quorum_votes.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <functional>

namespace holdfast::lock {
namespace {

// Who says so has nobody's lock under this name; `taken` has somebody else's.
bool is_missing(const result<void>& said) noexcept {
    return !said && said.error().code == errc::lost && said.error().reason == lost_reason::deleted;
}

}  // namespace

/// One batch of renewals, shared by the parts that ask for it.
struct quorum_store::upkeep {
    struct lease {
        std::string name;
        std::string value;
        std::chrono::milliseconds ttl{0};
        std::uint64_t token{0};
        bool confirmed{false};  ///< A majority has renewed it.
        bool unwanted{false};   ///< It was released since.
    };
    std::vector<lease> leases;
    time_point deadline;
    quorum_desk desk;
    std::vector<node_ptr> nodes{};  ///< Where they are taken late; else none.
};

// One node's part of a batch.
asio::awaitable<result<outcomes>> quorum_store::renew_on(node_ptr node, upkeep_ptr shared) {
    std::vector<renewal> asks;
    for (const upkeep::lease& one : shared->leases) {
        asks.push_back({.name = one.name, .value = one.value, .ttl = one.ttl});
        node->renewing(one.value, one.ttl);
    }
    co_await node->where->renew(asks, shared->deadline);
    outcomes said;
    for (renewal& ask : asks) said.push_back(std::move(ask.outcome));
    for (std::size_t k = 0; k < said.size(); ++k) {
        const upkeep::lease& one = shared->leases[k];
        node->renewed(one.value, one.ttl, said[k] || !may_have_effect(said[k].error()));
    }
    const auto spoke = std::find_if(said.begin(), said.end(), [](const result<void>& one) {
        return one || is_vote(one.error());
    });
    node->heard(spoke == said.end() ? said.front() : *spoke);
    fill_in(node, shared, said);  // If a majority was there before.
    co_return said;
}

// Only what a majority has just renewed: a lock that is lost stays lost. Those that take it late
// count for nothing before the next renewal, which then counts from when it is sent.
void quorum_store::fill_in(const node_ptr& node, const upkeep_ptr& shared, const outcomes& said) {
    if (shared->nodes.empty()) return;
    for (std::size_t k = 0; k < said.size(); ++k) {
        if (!shared->leases[k].confirmed || !is_missing(said[k])) continue;
        run_part(shared->desk, [node, shared, k] { return take_late(node, shared, k); });
    }
}

// First the counter, then the lock: a node that has it draws no token that is not above ours. Who
// renews by an id alone does not know the token, nor whether there is one: the counters do. What
// may arrive after the lock was released is released again.
asio::awaitable<void> quorum_store::take_late(node_ptr node, upkeep_ptr shared, std::size_t which) {
    const upkeep::lease& mine = shared->leases[which];
    if (mine.unwanted || node->stopped()) co_return;
    std::uint64_t token = mine.token;
    if (token == 0) {
        skip_list nobody;
        const auto found = co_await look_up(shared->desk, shared->nodes, mine.name,
                                            shared->deadline, std::move(nobody));
        if (!found || !*found || (*found)->value != mine.value) co_return;
        token = (*found)->fencing_token;
        if (mine.unwanted || node->stopped()) co_return;
    }
    if (token > 0) {
        auto raised = co_await node->where->raise_token(mine.name, {}, token, shared->deadline);
        node->heard(raised);
        if (!raised || mine.unwanted || node->stopped()) co_return;
    }
    const claim wanted{.name = mine.name, .value = mine.value, .ttl = mine.ttl, .fence = false};
    auto taken = co_await node->where->acquire(wanted, attempt::repeated, shared->deadline);
    node->heard(taken);
    const bool effect = taken || may_have_effect(taken.error());
    if (!effect || node->stopped()) co_return;
    if (!taken) node->doubt(mine.value);
    // While it is wanted nothing is released: that, too, might arrive late, and be a vote less.
    if (mine.unwanted)
        co_await quorum_node::give_back(node, mine.name, mine.value, node->deadline());
}

// A renewal for less time that a node was asked for before, and did not answer to, may yet cut off
// what it has confirmed since. What a majority keeps for longer counts.
std::chrono::milliseconds quorum_store::counts_for(const quorum_poll<outcomes>& poll,
                                                   std::size_t which,
                                                   std::string_view value) const {
    std::vector<std::chrono::milliseconds> lengths;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const auto& answer = poll.answers[i];
        if (answer && *answer && (**answer)[which]) lengths.push_back(nodes_[i]->counts_for(value));
    }
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    return lengths.at(majority() - 1);
}

asio::awaitable<void> quorum_store::renew(std::span<renewal> batch, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (batch.empty()) co_return;
    auto shared = std::make_shared<upkeep>();
    shared->deadline = deadline;
    shared->desk = desk_;
    if (raises_) shared->nodes = nodes_;
    for (const renewal& ask : batch)
        shared->leases.push_back({.name = std::string(ask.name),
                                  .value = std::string(ask.value),
                                  .ttl = ask.ttl,
                                  .token = ask.fencing_token});
    // Wanted again, where a release failed before: that must not take away what is renewed now.
    for (const upkeep::lease& mine : shared->leases)
        for (const node_ptr& node : nodes_) node->settled(mine.name, mine.value);
    // Before anything is asked: it may be released while this is under way.
    if (raises_)
        for (upkeep::lease& mine : shared->leases)
            under_way_.add(mine.value, std::shared_ptr<bool>(shared, &mine.unwanted));
    const auto question = [nodes = nodes_, shared](std::size_t i) {
        return renew_on(nodes[i], shared);
    };
    const std::size_t leases = batch.size();
    const auto enough = [leases](const quorum_poll<outcomes>& poll) {
        for (std::size_t k = 0; k < leases; ++k)
            if (core::judge(count_ownership(votes_on(poll, k))) == core::verdict::undecided)
                return false;
        return true;
    };
    const auto poll = ask_all<outcomes>(desk_, nodes_.size(), question, enough, skip(deadline));
    const bool ended = co_await poll->ended.wait();
    const auto is_renewed = [&](std::size_t k) {
        return core::judge(count_ownership(votes_on(*poll, k))) == core::verdict::accepted;
    };
    bool all_renewed = true;
    for (std::size_t k = 0; k < leases && all_renewed; ++k) all_renewed = is_renewed(k);
    if (ended && !all_renewed)
        co_await await_stragglers(env_.time, *poll, patience_until(deadline));
    for (std::size_t k = 0; k < leases; ++k) {
        upkeep::lease& mine = shared->leases[k];
        mine.confirmed = ended && is_renewed(k);
        if (!ended) {
            batch[k].outcome = failure{errc::cancelled, "the question was cancelled"};
        } else if (mine.confirmed) {
            batch[k].outcome = result<void>{};
            batch[k].at_most = counts_for(*poll, k, mine.value);
        } else {
            batch[k].outcome = not_owned(votes_on(*poll, k));
        }
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (poll->answers[i] && *poll->answers[i])
            fill_in(nodes_[i], shared, poll->answers[i]->value());
}

}  // namespace holdfast::lock
