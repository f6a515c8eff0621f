// SPDX-License-Identifier: BSL-1.0
#include "lock/quorum_store.hpp"

#include <holdfast/quorum.hpp>

#include "lock/quorum_votes.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <iterator>

namespace holdfast::lock {
namespace {

/// Releases that a node owes, all names together; what is beyond it is left to its ttl.
constexpr std::size_t owed_max = 10'000;
/// The same for one name: a node that comes back is soon done with them.
constexpr std::ptrdiff_t owed_of_a_name = 8;
/// How long a release is owed; most leases have run out by then.
constexpr std::chrono::minutes owed_at_most{10};

/// How long a refusal waits for nodes that have not answered.
constexpr std::chrono::milliseconds straggler_patience{20};

}  // namespace

/// One node, and the releases that it owes: name and value.
struct quorum_store::part {
    store_environment env;
    std::shared_ptr<store> where;
    bool stopped{false};  // Then `env` may be gone.
    struct debt {
        std::string value;
        time_point until;  // Nobody remembers it any longer.
    };
    std::multimap<std::string, debt, std::less<>> owed{};
    std::size_t sweep_at{64};

    void owe(const std::string& name, const std::string& value) {
        settled(name, value);
        if (owed.size() >= sweep_at) sweep();
        const auto [begin, end] = owed.equal_range(name);
        if (std::distance(begin, end) >= owed_of_a_name) owed.erase(begin);  // The oldest.
        if (owed.size() < owed_max) owed.emplace(name, debt{value, env.time.now() + owed_at_most});
    }
    void settled(const std::string& name, const std::string& value) {
        const auto [begin, end] = owed.equal_range(name);
        const auto same = [&](const auto& one) { return one.second.value == value; };
        const auto at = std::find_if(begin, end, same);
        if (at != end) owed.erase(at);
    }
    void sweep() {
        const time_point now = env.time.now();
        std::erase_if(owed, [now](const auto& one) { return one.second.until <= now; });
        sweep_at = std::max<std::size_t>(64, 2 * owed.size());
    }
    [[nodiscard]] std::vector<std::string> owed_for(const std::string& name) const {
        const auto [begin, end] = owed.equal_range(name);
        std::vector<std::string> values;
        for (auto at = begin; at != end; ++at) values.push_back(at->second.value);
        return values;
    }
    [[nodiscard]] time_point deadline() const { return env.time.now() + env.options.timeout; }
};

/// One acquisition, shared by the parts that ask for it.
struct quorum_store::round {
    claim wanted;
    attempt which{attempt::first};
    time_point deadline;
    bool unwanted{false};  ///< It was decided against, or its caller has gone.
};

quorum_store::quorum_store(const store_environment& environment,
                           std::vector<std::shared_ptr<store>> nodes)
    : env_(environment) {
    for (auto& node : nodes) {
        if (!address_.empty()) address_ += ' ';
        address_ += node->address();
        auto one = std::make_shared<part>(part{.env = environment, .where = std::move(node)});
        parts_.push_back(std::move(one));
    }
}

void quorum_store::draw_identity(entropy& random, const claimant& who, identity& into) const {
    parts_.front()->where->draw_identity(random, who, into);
}

std::optional<std::string> quorum_store::value_of(std::string_view id) const {
    return parts_.front()->where->value_of(id);
}

std::size_t quorum_store::name_limit() const noexcept {
    return parts_.front()->where->name_limit();
}

void quorum_store::stop() {
    for (const auto& node : parts_) {
        node->stopped = true;
        node->where->stop();
    }
}

// One node's part of an acquisition.
asio::awaitable<result<grant>> quorum_store::ask(std::shared_ptr<part> node,
                                                 std::shared_ptr<round> shared) {
    const std::string& name = shared->wanted.name;
    for (const std::string& value : node->owed_for(name)) {
        auto settled = co_await give_back(node, name, value, shared->deadline);
        if (!settled && settled.error().code != errc::lost) co_return settled.error();
    }
    if (shared->unwanted) co_return failure{errc::cancelled, "decided without this node"};
    auto answer = co_await node->where->acquire(shared->wanted, shared->which, shared->deadline);
    // Nobody waits for it any more, and who decided could not know of it.
    const bool taken = answer || may_have_effect(answer.error());
    if (shared->unwanted && !taken) node->settled(name, shared->wanted.value);
    if (shared->unwanted && taken && !node->stopped)
        co_await give_back(node, name, shared->wanted.value, node->deadline());
    co_return answer;
}

// Releases on one node. Until the node has said so, it owes the release.
asio::awaitable<result<void>> quorum_store::give_back(std::shared_ptr<part> node, std::string name,
                                                      std::string value, time_point deadline) {
    node->owe(name, value);
    auto gone = co_await node->where->release(name, value, deadline);
    if (gone || gone.error().code == errc::lost) node->settled(name, value);
    co_return gone;
}

asio::awaitable<result<grant>> quorum_store::acquire(const claim& wanted, attempt which,
                                                     time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (wanted.fence)
        co_return failure{errc::misuse,
                          "a quorum gives no fencing tokens: acquire with fence = false"};
    auto shared = std::make_shared<round>(round{wanted, which, deadline});
    const auto question = [nodes = parts_, shared](std::size_t i) { return ask(nodes[i], shared); };
    const auto enough = [](const quorum_poll<grant>& poll) {
        return core::judge(count_grants(poll.answers)) != core::verdict::undecided;
    };
    const auto poll = ask_all<grant>(desk_, parts_.size(), question, enough);
    if (!co_await poll->ended.wait()) {
        give_up(*shared, *poll);
        co_return failure{errc::cancelled, "the question was cancelled"};
    }
    if (core::judge(count_grants(poll->answers)) == core::verdict::accepted) {
        if (!poll->complete()) remember(shared);
        grant all;
        for (const auto& answer : poll->answers)
            if (answer && *answer && (*answer)->taken_earlier) all.taken_earlier = true;
        co_return all;
    }
    give_up(*shared, *poll);
    const failure why = refusal(*poll);
    co_await give_back_grants(*shared, *poll);
    co_await await_stragglers(*poll);
    co_return why;
}

// Nodes that have not answered may still grant it: they owe the release of that, so that our own
// next attempt, which they are asked for after it, does not meet it.
void quorum_store::give_up(round& shared, const quorum_poll<grant>& poll) {
    shared.unwanted = true;
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (!poll.answers[i]) parts_[i]->owe(shared.wanted.name, shared.wanted.value);
}

// Parts that have not asked yet must not do so once the lock is released.
void quorum_store::remember(const std::shared_ptr<round>& shared) {
    std::erase_if(asking_, [](const auto& old) { return old.second.expired(); });
    asking_.emplace(shared->wanted.value, shared);
}

// Waits for those nodes alone that have just said yes; what others may have granted is given back
// in the background.
asio::awaitable<void> quorum_store::give_back_grants(const round& shared,
                                                     const quorum_poll<grant>& poll) {
    std::vector<std::shared_ptr<part>> granted;
    std::vector<std::shared_ptr<part>> doubtful;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!poll.answers[i]) continue;
        if (*poll.answers[i])
            granted.push_back(parts_[i]);
        else if (may_have_effect(poll.answers[i]->error()))
            doubtful.push_back(parts_[i]);
    }
    const auto return_to = [name = shared.wanted.name,
                            value = shared.wanted.value](const std::shared_ptr<part>& node) {
        return give_back(node, name, value, node->deadline());
    };
    if (!doubtful.empty())
        ask_all<void>(
            desk_, doubtful.size(),
            [doubtful, return_to](std::size_t i) { return return_to(doubtful[i]); },
            [](const auto&) { return false; });
    if (granted.empty()) co_return;
    const auto returned = ask_all<void>(
        desk_, granted.size(),
        [granted, return_to](std::size_t i) { return return_to(granted[i]); },
        [](const auto&) { return false; });
    static_cast<void>(co_await returned->ended.wait());
}

// What the nodes that still think are about to grant is given back by their parts. Those that are
// well do so in a moment; waiting that long lets a refusal leave nothing behind.
asio::awaitable<void> quorum_store::await_stragglers(quorum_poll<grant>& poll) {
    if (poll.complete()) co_return;
    alarm bell(env_.time);
    poll.all_in = [&bell] { bell.wake(); };
    co_await bell.wait_until(env_.time.now() + straggler_patience);
    poll.all_in = nullptr;
}

failure quorum_store::refusal(const quorum_poll<grant>& poll) {
    const core::ballot votes = count_grants(poll.answers);
    const bool contended = core::judge(votes) == core::verdict::refused;
    failure why{contended ? errc::contended : errc::no_quorum,
                std::to_string(votes.yes) + " of " + std::to_string(votes.nodes) +
                    " nodes granted it, " + std::to_string(votes.no) +
                    " have it for somebody else, " + std::to_string(votes.failed) +
                    " did not answer to it"};
    for (std::size_t i = 0; i < poll.answers.size(); ++i) {
        if (!poll.answers[i] || *poll.answers[i]) continue;
        const failure& said = poll.answers[i]->error();
        why.nodes.push_back({.node = i, .code = said.code, .text = said.text});
        if (said.code == errc::contended && !why.holder) why.holder = said.holder;
        if (said.code != errc::contended) why.text.append("; ").append(said.text);
    }
    if (!contended) why.code = common_cause(why.nodes);
    return why;
}

asio::awaitable<void> quorum_store::renew(std::span<renewal> batch, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    struct owned {
        std::string name, value;
        std::chrono::milliseconds ttl;
    };
    auto asked = std::make_shared<std::vector<owned>>();
    for (const renewal& ask : batch)
        asked->push_back({std::string(ask.name), std::string(ask.value), ask.ttl});
    const auto question = [nodes = parts_, asked,
                           deadline](std::size_t i) -> asio::awaitable<result<outcomes>> {
        std::vector<renewal> asks;
        for (const owned& one : *asked)
            asks.push_back({.name = one.name, .value = one.value, .ttl = one.ttl});
        co_await nodes[i]->where->renew(asks, deadline);
        outcomes all;
        for (renewal& ask : asks) all.push_back(std::move(ask.outcome));
        co_return all;
    };
    const std::size_t leases = batch.size();
    const auto enough = [leases](const quorum_poll<outcomes>& poll) {
        for (std::size_t k = 0; k < leases; ++k)
            if (core::judge(count_ownership(votes_on(poll, k))) == core::verdict::undecided)
                return false;
        return true;
    };
    const auto poll = ask_all<outcomes>(desk_, parts_.size(), question, enough);
    const bool ended = co_await poll->ended.wait();
    for (std::size_t k = 0; k < leases; ++k) {
        const auto votes = votes_on(*poll, k);
        if (!ended)
            batch[k].outcome = failure{errc::cancelled, "the question was cancelled"};
        else if (core::judge(count_ownership(votes)) == core::verdict::accepted)
            batch[k].outcome = result<void>{};
        else
            batch[k].outcome = not_owned(votes);
    }
}

asio::awaitable<result<void>> quorum_store::release(std::string_view name, std::string_view value,
                                                    time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (const auto at = asking_.find(value); at != asking_.end()) {
        if (const auto shared = at->second.lock()) shared->unwanted = true;
        asking_.erase(at);
    }
    const auto question = [nodes = parts_, name = std::string(name), value = std::string(value),
                           deadline](std::size_t i) {
        return give_back(nodes[i], name, value, deadline);
    };
    const auto enough = [](const quorum_poll<void>& poll) {
        return core::judge(count_ownership(poll.answers)) != core::verdict::undecided;
    };
    const auto poll = ask_all<void>(desk_, parts_.size(), question, enough);
    if (!co_await poll->ended.wait())
        co_return failure{errc::cancelled, "the question was cancelled"};
    if (core::judge(count_ownership(poll->answers)) == core::verdict::accepted)
        co_return result<void>{};
    co_return not_owned(poll->answers);
}

// These own the name that the node is asked for: who asked may go on before the node answers.
asio::awaitable<result<std::optional<lock_info>>> quorum_store::look(std::shared_ptr<part> node,
                                                                     std::string name,
                                                                     time_point deadline) {
    co_return co_await node->where->inspect(name, {}, deadline);
}

asio::awaitable<result<std::vector<lock_info>>> quorum_store::look_all(std::shared_ptr<part> node,
                                                                       std::string prefix,
                                                                       time_point deadline) {
    co_return co_await node->where->list(prefix, deadline);
}

asio::awaitable<result<std::optional<lock_info>>> quorum_store::take_from(
    std::shared_ptr<part> node, std::string name, time_point deadline) {
    co_return co_await node->where->take_away(name, deadline);
}

// Polling, with enough jitter that those who split the votes do not meet again.
asio::awaitable<void> quorum_store::await_change(std::string_view /*name*/, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto pause = std::chrono::microseconds(10'000 + env_.random.jitter_bits() % 90'000);
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
            auto one = make(environment);
            if (!one) return one.error();
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

}  // namespace holdfast
