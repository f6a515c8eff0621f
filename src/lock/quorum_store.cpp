// SPDX-License-Identifier: BSL-1.0
#include "lock/quorum_store.hpp"

#include <holdfast/quorum.hpp>

#include "lock/quorum_votes.hpp"
#include "lock/session.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <typeinfo>

namespace holdfast::lock {
namespace {

/// For how long nodes that are skipped stay so while the others think, and for how long an answer
/// that is no majority's waits for nodes that are late: at most this, and at most a quarter of the
/// time that there is.
constexpr boot_clock::duration skip_max = std::chrono::milliseconds(200);
constexpr boot_clock::duration patience_max = std::chrono::milliseconds(20);

}  // namespace

quorum_store::quorum_store(const store_environment& environment,
                           std::vector<std::shared_ptr<store>> nodes)
    : env_(environment) {
    for (auto& node : nodes) {
        if (!address_.empty()) address_ += ' ';
        address_ += node->address();
        raises_ = raises_ && node->abilities().raises;
        nodes_.push_back(std::make_shared<quorum_node>(environment, std::move(node)));
    }
}

void quorum_store::draw_identity(entropy& random, const claimant& who, identity& into) const {
    nodes_.front()->where->draw_identity(random, who, into);
}

std::optional<std::string> quorum_store::value_of(std::string_view id) const {
    return nodes_.front()->where->value_of(id);
}

std::size_t quorum_store::name_limit() const noexcept {
    return nodes_.front()->where->name_limit();
}

std::string_view quorum_store::why_not(ability which) const noexcept {
    switch (which) {
        case ability::shared:
            return "over several servers nobody keeps new readers out while a writer waits, so "
                   "writers would wait for ever";
        case ability::counted:
            return "over several servers more would hold it than there are permits: of three "
                   "nodes with two permits each, three holders have two nodes each";
        case ability::fair:
            return "each of several servers would have a line of its own, and hand the lock to "
                   "the first of that";
        case ability::several:
            return "of several names each server may have another one in the way, so callers that "
                   "want some of the same would block each other";
    }
    return {};
}

void quorum_store::stop() {
    for (const auto& node : nodes_) node->stop();
}

boot_clock::duration quorum_store::quarter_until(time_point deadline) const {
    return std::max(deadline - env_.time.now(), boot_clock::duration{}) / 4;
}

boot_clock::duration quorum_store::patience_until(time_point deadline) const {
    return std::min(patience_max, quarter_until(deadline));
}

skip_list quorum_store::skip(time_point deadline) {
    skip_list skipped;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i]->admits()) continue;
        skipped.why.resize(nodes_.size());
        skipped.why[i] = nodes_[i]->skipped();
    }
    if (skipped.why.empty()) return skipped;
    skipped.until = env_.time.now() + std::min(skip_max, quarter_until(deadline));
    return skipped;
}

asio::awaitable<result<void>> quorum_store::release(std::string_view name, std::string_view value,
                                                    time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    under_way_.recall(value);
    for (const node_ptr& node : nodes_) node->forget_renewals(value);
    const auto question = [nodes = nodes_, name = std::string(name), value = std::string(value),
                           deadline](std::size_t i) {
        return quorum_node::give_back(nodes[i], name, value, deadline);
    };
    const auto enough = [](const quorum_poll<void>& poll) {
        return core::judge(count_ownership(poll.answers)) != core::verdict::undecided ||
               is_gone(poll.answers);
    };
    skip_list skipped = skip(deadline);
    for (std::size_t i = 0; i < skipped.why.size(); ++i) {
        if (!skipped.why[i]) continue;
        nodes_[i]->owe(std::string(name), std::string(value));
        nodes_[i]->pay_later();
    }
    const auto poll = ask_all<void>(desk_, nodes_.size(), question, enough, std::move(skipped));
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    const auto accepted = [&poll] {
        return core::judge(count_ownership(poll->answers)) == core::verdict::accepted;
    };
    if (!accepted()) co_await await_stragglers(env_.time, *poll, patience_until(deadline));
    // A node that is frozen or dead is not waited for where the others have nothing any more.
    if (accepted() || is_gone(poll->answers)) co_return result<void>{};
    co_return not_owned(poll->answers);
}

// Polling; the rule sees to it that those who split the votes do not meet again.
asio::awaitable<void> quorum_store::await_change(std::string_view /*name*/, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto pause = split_.pause(env_.random.jitter_bits());
    co_await sleep_until(env_.time, std::min(env_.time.now() + pause, until));
}

}  // namespace holdfast::lock

namespace holdfast {

store_factory quorum_of(std::vector<store_factory> nodes) {
    return [nodes = std::move(nodes)](
               const store_environment& environment) -> result<std::shared_ptr<store>> {
        if (nodes.empty()) return failure{errc::misuse, "a quorum has at least one node"};
        std::vector<std::shared_ptr<store>> made;
        for (const store_factory& make : nodes) {
            if (!make) return failure{errc::misuse, "a store_factory of the quorum is empty"};
            auto one = make(environment);
            if (!one) return one.error();
            const store& first = made.empty() ? **one : *made.front();
            const store& next = **one;
            if (typeid(first) != typeid(next))
                return failure{errc::misuse, first.address() + " and " + next.address() +
                                                 " are of two kinds: a quorum has nodes of one"};
            for (const auto& other : made)
                if (other->address() == (*one)->address())
                    return failure{errc::misuse,
                                   (*one)->address() + " is given twice: one server has one vote"};
            made.push_back(std::move(*one));
        }
        return std::shared_ptr<store>(
            std::make_shared<lock::quorum_store>(environment, std::move(made)));
    };
}

result<store_factory> open_quorum(const std::vector<std::string>& urls) {
    if (urls.empty()) return failure{errc::misuse, "a quorum has at least one node"};
    std::vector<store_factory> nodes;
    for (const std::string& url : urls) {
        auto make = lock::factory_for(url);
        if (!make) {
            failure why = make.error();  // Not with the URL: it may have a password.
            why.text = "node " + std::to_string(nodes.size() + 1) + " of " +
                       std::to_string(urls.size()) + ": " + why.text;
            return why;
        }
        nodes.push_back(std::move(*make));
    }
    return quorum_of(std::move(nodes));
}

}  // namespace holdfast
