// SPDX-License-Identifier: BSL-1.0
//
// What its nodes find, and what only a look at all of them shows.
#include "lock/quorum_store.hpp"
#include "lock/quorum_votes.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace holdfast::lock {
namespace {

using std::chrono::milliseconds;

/// As for a single server; what two clocks that are kept in step never reach.
constexpr std::chrono::seconds clocks_apart_max{1};

asio::awaitable<result<diagnosis>> look_at(node_ptr node, time_point deadline) {
    auto found = co_await node->where->diagnose(deadline);
    node->heard(found);
    co_return found;
}

void find_twins(diagnosis& all) {
    for (std::size_t i = 0; i < all.servers.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            if (all.servers[i].id.empty() || all.servers[i].id != all.servers[j].id) continue;
            all.findings.push_back({severity::problem, "same-server", all.servers[i].address,
                                    "it is the same server as " + all.servers[j].address +
                                        ": it votes twice, and its loss is the loss of two nodes",
                                    "name independent servers, each once"});
            break;
        }
}

void compare_clocks(diagnosis& all, const std::string& address) {
    const auto known = [](const examined_server& one) { return one.clock_ahead.has_value(); };
    if (std::count_if(all.servers.begin(), all.servers.end(), known) < 2) return;
    const auto earlier = [](const examined_server& a, const examined_server& b) {
        return a.clock_ahead && (!b.clock_ahead || *a.clock_ahead < *b.clock_ahead);
    };
    const auto first = std::min_element(all.servers.begin(), all.servers.end(), earlier);
    auto last = first;
    for (auto each = all.servers.begin(); each != all.servers.end(); ++each)
        if (each->clock_ahead && *each->clock_ahead > *last->clock_ahead) last = each;
    const auto apart = *last->clock_ahead - *first->clock_ahead;
    if (apart <= clocks_apart_max) return;
    all.findings.push_back(
        {severity::warning, "clocks-apart", address,
         "the clock of " + last->address + " is " +
             std::to_string(std::chrono::round<milliseconds>(apart).count()) +
             " ms ahead of that of " + first->address +
             ": one of them may be stepped, and then loses locks or their tokens' order",
         "let a time service slew the clocks of all nodes: chronyc tracking"});
}

void count_nodes(diagnosis& all, std::size_t nodes, const std::string& address) {
    if (nodes % 2 != 0) return;
    all.findings.push_back({severity::warning, "even-nodes", address,
                            std::to_string(nodes) + " nodes survive the loss of " +
                                std::to_string((nodes - 1) / 2) + ", as " +
                                std::to_string(nodes - 1) + " would, and one more has to answer",
                            "use an odd number of nodes: 3, or 5"});
}

}  // namespace

asio::awaitable<result<diagnosis>> quorum_store::diagnose(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto question = [nodes = nodes_, deadline](std::size_t i) {
        return look_at(nodes[i], deadline);
    };
    const auto poll = ask_all<diagnosis>(desk_, nodes_.size(), question,
                                         [](const quorum_poll<diagnosis>&) { return false; });
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    diagnosis all;
    std::optional<failure> why;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const auto& said = *poll->answers[i];
        if (!said) {
            if (!why) why = said.error();
            const char* const remedy =
                is_answer(said.error().code)
                    ? "mend what it says; a quorum needs more than half of its nodes"
                    : "start it, or mend the way to it; a quorum needs more than half of its nodes";
            all.findings.push_back({severity::problem, "node-unreachable",
                                    nodes_[i]->where->address(),
                                    "it cannot be looked at: " + said.error().message(), remedy});
            continue;
        }
        all.findings.insert(all.findings.end(), said->findings.begin(), said->findings.end());
        all.servers.insert(all.servers.end(), said->servers.begin(), said->servers.end());
    }
    if (all.servers.empty() && why) co_return *why;
    find_twins(all);
    compare_clocks(all, address_);
    count_nodes(all, nodes_.size(), address_);
    co_return all;
}

}  // namespace holdfast::lock
