// SPDX-License-Identifier: BSL-1.0
//
// How a lock is taken by the word of a majority, and how it gets its fencing token.
#include "lock/quorum_store.hpp"
#include "lock/quorum_votes.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::lock {

/// One acquisition, shared by the parts that ask for it.
struct quorum_store::round {
    claim wanted;
    attempt which{attempt::first};
    time_point deadline;
    bool unwanted{false};  ///< It was decided against, or released, or its caller has gone.
    std::uint64_t token{0};
    /// Which nodes have a counter that is not below the token. Null before it is known.
    std::shared_ptr<quorum_poll<void>> raising{};
};

asio::awaitable<quorum_store::reply> quorum_store::ask_once_settled(node_ptr node,
                                                                    round_ptr shared) {
    const std::string& name = shared->wanted.name;
    for (const std::string& value : node->owed_for(name)) {
        if (shared->unwanted) break;  // The node is slow, and the others were enough.
        auto settled = co_await quorum_node::give_back(node, name, value, shared->deadline);
        if (!settled && settled.error().code != errc::lost) co_return reply{settled.error(), false};
    }
    if (shared->unwanted) {
        node->not_asked();
        co_return reply{failure{errc::cancelled,
                                node->where->address() + ": not asked, the others had decided"},
                        false};
    }
    node->settled(name, shared->wanted.value);  // It is wanted, again if a caller gave it.
    auto answer = co_await node->where->acquire(shared->wanted, shared->which, shared->deadline);
    node->heard(answer);
    co_return reply{std::move(answer), true};
}

// One node's part of an acquisition. However it ends, who waits for the token is told.
asio::awaitable<result<grant>> quorum_store::ask(node_ptr node, std::size_t place,
                                                 round_ptr shared) {
    const std::string& name = shared->wanted.name;
    const reply got = co_await ask_once_settled(node, shared);
    const result<grant>& answer = got.answer;
    const bool taken = got.asked && (answer || may_have_effect(answer.error()));
    if (!shared->unwanted && shared->raising) co_await confirm(node, place, shared, answer);
    if (!shared->unwanted) co_return answer;
    // Nobody waits for it any more, and who decided could not know of it.
    if (!taken)
        node->settled(name, shared->wanted.value);
    else if (!node->stopped())
        co_await quorum_node::give_back(node, name, shared->wanted.value, node->deadline());
    co_return answer;
}

// Lifts one node's counter to the token that was decided on, if the node has the lock for us.
asio::awaitable<void> quorum_store::confirm(node_ptr node, std::size_t place, round_ptr shared,
                                            result<grant> said) {
    result<void> done{};
    if (!said) {
        done = said.error();
    } else if (said->fencing_token < shared->token) {
        done = co_await node->where->raise_token(shared->wanted.name, shared->wanted.value,
                                                 shared->token, shared->deadline);
        node->heard(done);
    }
    shared->raising->tell(place, std::move(done));
}

std::optional<failure> quorum_store::check(const claim& wanted) const {
    if (wanted.mode == lock_mode::shared)
        return failure{errc::misuse, address_ + ": " + std::string(why_not(ability::shared))};
    if (wanted.permits > 0)
        return failure{errc::misuse, address_ + ": " + std::string(why_not(ability::counted))};
    if (wanted.fence && !raises_)
        return failure{errc::misuse, address_ +
                                         ": the counters of these stores do not rise together: "
                                         "acquire with fence = false"};
    return std::nullopt;
}

asio::awaitable<result<grant>> quorum_store::acquire(const claim& wanted, attempt which,
                                                     time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check(wanted)) co_return *wrong;
    if (nodes_.front()->stopped()) co_return failure{errc::cancelled, "the store was closed"};
    const time_point asked = env_.time.now();
    auto shared = std::make_shared<round>(round{wanted, which, deadline});
    const auto question = [nodes = nodes_, shared](std::size_t i) {
        return ask(nodes[i], i, shared);
    };
    const auto enough = [](const quorum_poll<grant>& poll) {
        return core::judge(count_grants(poll.answers)) != core::verdict::undecided;
    };
    const auto poll = ask_all<grant>(desk_, nodes_.size(), question, enough, skip(deadline));
    if (!co_await poll->ended.wait()) {
        give_up(*shared, *poll);
        co_return failure{errc::cancelled, "the question was cancelled"};
    }
    std::optional<failure> refused;
    if (core::judge(count_grants(poll->answers)) == core::verdict::accepted) {
        // Parts that have not asked yet must not do so once the lock is released.
        under_way_.add(wanted.value, std::shared_ptr<bool>(shared, &shared->unwanted));
        if (wanted.fence) refused = co_await write_back(shared, *poll);
        grant all{.fencing_token = shared->token};
        for (const auto& answer : poll->answers)
            if (answer && *answer && (*answer)->taken_earlier) all.taken_earlier = true;
        split_.granted();
        if (!refused) co_return all;
    } else {
        refused = refusal(*poll);
        if (refused->code == errc::contended) note_split(*poll, asked);
    }
    give_up(*shared, *poll);
    if (refused->code == errc::cancelled) co_return *refused;  // Its caller releases it.
    co_await give_back_grants(*shared, *poll);
    // One for want of votes has to say what each node said, and nobody's turn depends on it.
    const bool by_votes = refused->code == errc::contended;
    // What the nodes that still think are about to grant is given back by their parts. Those that
    // are well do so in a moment; waiting that long lets a refusal leave nothing behind.
    const auto patience = by_votes ? patience_until(deadline) : quarter_until(deadline);
    co_await await_stragglers(env_.time, *poll, patience);
    if (shared->raising) co_return *refused;
    failure told = refusal(*poll);  // Those that have answered meanwhile are quoted.
    told.code = refused->code;
    co_return told;
}

// The token is the highest that was drawn. It counts once a majority that has the lock for us will
// draw none that is not above it: whoever gets a majority later gets one of those nodes, after us.
// Where the counters have kept step that is so already, and nothing is sent.
asio::awaitable<std::optional<failure>> quorum_store::write_back(round_ptr shared,
                                                                 const quorum_poll<grant>& poll) {
    for (const auto& answer : poll.answers)
        if (answer && *answer) shared->token = std::max(shared->token, (*answer)->fencing_token);
    const auto raising = std::make_shared<quorum_poll<void>>();
    shared->raising = raising;
    raising->answers.resize(nodes_.size());
    raising->enough = [](const quorum_poll<void>& so_far) {
        return core::judge(count_ownership(so_far.answers)) != core::verdict::undecided;
    };
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!poll.answers[i]) continue;  // Its part tells, once it knows.
        auto work = [node = nodes_[i], i, shared, said = *poll.answers[i]] {
            return confirm(node, i, shared, said);
        };
        const result<grant>& said = *poll.answers[i];
        if (!said)
            raising->tell(i, said.error());
        else if (said->fencing_token < shared->token)
            run_part(desk_, std::move(work));
        else
            raising->tell(i, result<void>{});
    }
    const bool ended = co_await raising->ended.wait();
    if (!ended) co_return failure{errc::cancelled, "the question was cancelled"};
    const core::ballot votes = count_ownership(raising->answers);
    if (core::judge(votes) == core::verdict::accepted) co_return std::nullopt;
    failure why{errc::no_quorum, std::to_string(votes.yes) + " of " + std::to_string(votes.nodes) +
                                     " nodes confirmed the fencing token"};
    why.nodes = not_owned(raising->answers).nodes;
    for (const node_error& said : why.nodes) why.text.append("; ").append(said.text);
    co_return why;
}

// Nodes that have not answered may still grant it: they owe the release of that, so that our own
// next attempt, which they are asked for after it, does not meet it.
void quorum_store::give_up(round& shared, const quorum_poll<grant>& poll) {
    shared.unwanted = true;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (!poll.answers[i]) nodes_[i]->owe(shared.wanted.name, shared.wanted.value);
}

// Waits for those nodes alone that have just said yes; what others may have granted is given back
// in the background.
asio::awaitable<void> quorum_store::give_back_grants(const round& shared,
                                                     const quorum_poll<grant>& poll) {
    std::vector<node_ptr> granted;
    std::vector<node_ptr> doubtful;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!poll.answers[i]) continue;
        if (*poll.answers[i])
            granted.push_back(nodes_[i]);
        else if (may_have_effect(poll.answers[i]->error()))
            doubtful.push_back(nodes_[i]);
    }
    const auto return_to = [name = shared.wanted.name,
                            value = shared.wanted.value](const node_ptr& node) {
        return quorum_node::give_back(node, name, value, node->deadline());
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

void quorum_store::note_split(const quorum_poll<grant>& poll, time_point asked) {
    const core::ballot votes = count_grants(poll.answers);
    const auto first = std::find_if(poll.answers.begin(), poll.answers.end(),
                                    [](const auto& said) { return said && is_vote(*said); });
    const bool ours = first != poll.answers.end() && **first;
    split_.refused(env_.time.now() - asked, votes.yes > 0, ours);
}

// A node that was not asked has refused nothing, and is not named.
failure quorum_store::refusal(const quorum_poll<grant>& poll) const {
    const core::ballot votes = count_grants(poll.answers);
    const auto not_asked = [](const auto& said) {
        return said && !*said && said->error().code == errc::cancelled;
    };
    const auto unasked = static_cast<std::size_t>(
        std::count_if(poll.answers.begin(), poll.answers.end(), not_asked));
    const auto has_refused = [](const auto& said) {
        return said && !*said &&
               (is_answer(said->error().code) || said->error().code == errc::quarantined);
    };
    const auto refused = static_cast<std::size_t>(
        std::count_if(poll.answers.begin(), poll.answers.end(), has_refused));
    const bool contended = core::judge(votes) == core::verdict::refused;
    failure why{contended ? errc::contended : errc::no_quorum,
                std::to_string(votes.yes) + " of " + std::to_string(votes.nodes) +
                    " nodes granted it, " + std::to_string(votes.no) +
                    " have it for somebody else, " +
                    std::to_string(votes.failed - unasked - refused) + " did not answer to it"};
    if (refused > 0) why.text += ", " + std::to_string(refused) + " refused it";
    if (unasked > 0) why.text += ", " + std::to_string(unasked) + " not asked";
    for (std::size_t i = 0; i < poll.answers.size(); ++i) {
        if (!poll.answers[i] || *poll.answers[i] || not_asked(poll.answers[i])) continue;
        const failure& said = poll.answers[i]->error();
        why.nodes.push_back({.node = i, .code = said.code, .text = said.text});
        if (said.code == errc::contended && !why.holder) why.holder = said.holder;
        if (said.code != errc::contended) why.text.append("; ").append(said.text);
    }
    if (!contended) why.code = common_cause(why.nodes);
    for (std::size_t i = 0; i < poll.answers.size(); ++i) {
        if (poll.answers[i]) continue;
        const auto place = std::find_if(why.nodes.begin(), why.nodes.end(),
                                        [i](const node_error& said) { return said.node > i; });
        why.nodes.insert(place, {.node = i,
                                 .code = errc::in_doubt,
                                 .text = nodes_[i]->where->address() + ": no answer yet"});
    }
    return why;
}

}  // namespace holdfast::lock
