// SPDX-License-Identifier: BSL-1.0
//
// Who holds what, by the word of a majority.
#include "lock/quorum_store.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>

namespace holdfast::lock {
namespace {

using found_lock = std::optional<lock_info>;

failure too_few(const std::vector<node_error>& nodes, std::size_t all) {
    failure why{errc::no_quorum, "no majority of the " + std::to_string(all) + " nodes answered"};
    why.nodes = nodes;
    for (const node_error& said : nodes) why.text.append("; ").append(said.text);
    // One question to one node, or the same mistake everywhere: that is the cause.
    const bool same = std::all_of(nodes.begin(), nodes.end(), [&](const node_error& said) {
        return said.code == nodes.front().code;
    });
    if (!nodes.empty() && same && nodes.front().code != errc::in_doubt)
        why.code = nodes.front().code;
    return why;
}

template <class T>
std::vector<node_error> failures_of(const quorum_poll<T>& poll) {
    std::vector<node_error> all;
    for (std::size_t i = 0; i < poll.answers.size(); ++i)
        if (poll.answers[i] && !*poll.answers[i])
            all.push_back({.node = i,
                           .code = poll.answers[i]->error().code,
                           .text = poll.answers[i]->error().text});
    return all;
}

template <class T>
std::size_t answered(const quorum_poll<T>& poll) {
    return poll.count([](const result<T>& answer) { return answer.has_value(); });
}

// These own the name that the node is asked for: who asked may go on before the node answers.
asio::awaitable<result<found_lock>> look(node_ptr node, std::string name, time_point deadline) {
    auto found = co_await node->where->inspect(name, {}, deadline);
    node->heard(found);
    co_return found;
}

asio::awaitable<result<std::vector<lock_info>>> look_all(node_ptr node, std::string prefix,
                                                         time_point deadline) {
    auto found = co_await node->where->list(prefix, deadline);
    node->heard(found);
    co_return found;
}

asio::awaitable<result<found_lock>> take_from(node_ptr node, std::string name,
                                              time_point deadline) {
    auto taken = co_await node->where->take_away(name, deadline);
    node->heard(taken);
    co_return taken;
}

// The lock that a majority knows, with the shortest of the remaining times that they tell, and the
// highest of their tokens.
found_lock agreed(const std::vector<found_lock>& said, std::size_t majority) {
    for (const found_lock& one : said) {
        if (!one) continue;
        std::size_t votes = 0;
        lock_info lock = *one;
        for (const found_lock& other : said) {
            if (!other || other->value != one->value) continue;
            ++votes;
            lock.holder.remaining = std::min(lock.holder.remaining, other->holder.remaining);
            lock.fencing_token = std::max(lock.fencing_token, other->fencing_token);
        }
        if (votes >= majority) return lock;
    }
    return std::nullopt;
}

std::vector<found_lock> said_by(const quorum_poll<found_lock>& poll) {
    std::vector<found_lock> said;
    for (const auto& answer : poll.answers)
        if (answer && *answer) said.push_back(**answer);
    return said;
}

/// What the nodes know, all names together.
struct merged_lists {
    std::vector<lock_info> agreed;  ///< By a majority; in the order of their names.
    bool open{false};               ///< Whether a node that has not answered may add to them.
};

merged_lists merge(const quorum_poll<std::vector<lock_info>>& poll, std::size_t majority) {
    std::map<std::string_view, std::vector<found_lock>> by_name;
    std::size_t thinking = 0;
    for (const auto& answer : poll.answers) {
        if (!answer) ++thinking;
        if (!answer || !*answer) continue;
        for (const lock_info& lock : **answer) by_name[lock.name].emplace_back(lock);
    }
    merged_lists merged;
    for (const auto& [name, said] : by_name) {
        auto lock = agreed(said, majority);
        merged.open = merged.open || (!lock && said.size() + thinking >= majority);
        if (lock) merged.agreed.push_back(std::move(*lock));
    }
    return merged;
}

}  // namespace

asio::awaitable<result<std::optional<lock_info>>> quorum_store::inspect(std::string_view name,
                                                                        std::string_view /*id*/,
                                                                        time_point deadline) {
    return look_up(desk_, nodes_, std::string(name), deadline, skip(deadline));
}

asio::awaitable<result<std::optional<lock_info>>> quorum_store::look_up(quorum_desk desk,
                                                                        std::vector<node_ptr> nodes,
                                                                        std::string name,
                                                                        time_point deadline,
                                                                        skip_list skipped) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto question = [nodes, name, deadline](std::size_t i) {
        return look(nodes[i], name, deadline);
    };
    const std::size_t needed = nodes.size() / 2 + 1;
    const auto enough = [needed](const quorum_poll<found_lock>& poll) {
        const auto said = said_by(poll);
        const auto free = std::count(said.begin(), said.end(), std::nullopt);
        return agreed(said, needed) || static_cast<std::size_t>(free) >= needed;
    };
    const auto poll = ask_all<found_lock>(desk, nodes.size(), question, enough, std::move(skipped));
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    if (answered(*poll) < needed) co_return too_few(failures_of(*poll), nodes.size());
    co_return agreed(said_by(*poll), needed);
}

asio::awaitable<result<std::vector<lock_info>>> quorum_store::list(std::string_view prefix,
                                                                   time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    using locks = std::vector<lock_info>;
    const auto question = [nodes = nodes_, prefix = std::string(prefix), deadline](std::size_t i) {
        return look_all(nodes[i], prefix, deadline);
    };
    const std::size_t needed = majority();
    // A node that is frozen is not waited for, unless what it knows makes a difference.
    const auto enough = [needed](const quorum_poll<locks>& poll) {
        return answered(poll) >= needed && !merge(poll, needed).open;
    };
    const auto poll = ask_all<locks>(desk_, nodes_.size(), question, enough, skip(deadline));
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    if (answered(*poll) < needed) co_return too_few(failures_of(*poll), nodes_.size());
    co_return std::move(merge(*poll, needed).agreed);
}

asio::awaitable<result<std::optional<lock_info>>> quorum_store::take_away(std::string_view name,
                                                                          time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto question = [nodes = nodes_, name = std::string(name), deadline](std::size_t i) {
        return take_from(nodes[i], name, deadline);
    };
    const auto poll = ask_all<found_lock>(desk_, nodes_.size(), question,
                                          [](const quorum_poll<found_lock>&) { return false; });
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    if (answered(*poll) < majority()) co_return too_few(failures_of(*poll), nodes_.size());
    co_return agreed(said_by(*poll), majority());
}

}  // namespace holdfast::lock
