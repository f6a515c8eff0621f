// SPDX-License-Identifier: BSL-1.0
#include "lock/quorum_votes.hpp"

#include <algorithm>

namespace holdfast::lock {
namespace {

// A clear no is a vote; silence is none.
template <class T, class Refusal>
core::ballot count(const std::vector<std::optional<result<T>>>& answers, Refusal is_refusal) {
    core::ballot votes{.nodes = answers.size()};
    for (const auto& answer : answers) {
        if (!answer) continue;
        if (*answer)
            ++votes.yes;
        else if (is_refusal(answer->error().code))
            ++votes.no;
        else
            ++votes.failed;
    }
    return votes;
}

// What is no lock any more is not ours either.
bool is_not_ours(errc code) noexcept { return code == errc::lost || code == errc::wrong_type; }

// What gets no better by asking again.
bool is_lasting(errc code) noexcept {
    return code == errc::denied || code == errc::protocol || code == errc::misuse;
}

}  // namespace

bool is_vote(const failure& why) noexcept {
    return why.code == errc::contended || is_not_ours(why.code);
}

bool is_vote(const result<outcomes>& answer) noexcept {
    if (!answer) return is_vote(answer.error());
    return std::any_of(answer->begin(), answer->end(),
                       [](const result<void>& one) { return one || is_vote(one.error()); });
}

bool is_answer(errc code) noexcept { return code == errc::wrong_type || is_lasting(code); }

bool may_have_effect(const failure& why) noexcept {
    return why.code == errc::in_doubt || why.code == errc::cancelled;
}

errc common_cause(const std::vector<node_error>& nodes) {
    errc cause = errc::no_quorum;
    for (const node_error& said : nodes) {
        if (said.code == errc::contended) continue;
        const bool first = cause == errc::no_quorum;
        if (!first && said.code != cause) return errc::no_quorum;
        cause = said.code;
    }
    return is_answer(cause) ? cause : errc::no_quorum;
}

core::ballot count_grants(const std::vector<std::optional<result<grant>>>& answers) {
    return count(answers, [](errc code) { return code == errc::contended; });
}

core::ballot count_ownership(const ownership_votes& answers) { return count(answers, is_not_ours); }

ownership_votes votes_on(const quorum_poll<outcomes>& poll, std::size_t place) {
    ownership_votes votes(poll.answers.size());
    for (std::size_t i = 0; i < votes.size(); ++i) {
        if (!poll.answers[i]) continue;
        const result<outcomes>& said = *poll.answers[i];
        if (said)
            votes[i] = (*said)[place];
        else
            votes[i] = said.error();  // It was skipped.
    }
    return votes;
}

namespace {

// @return Why a majority cannot agree any more, whatever the others say: what so many refuse for
//         the same lasting reason; or nothing.
std::optional<errc> lasting_refusal(const std::vector<node_error>& nodes,
                                    const core::ballot& votes) {
    for (const node_error& one : nodes) {
        if (!is_lasting(one.code)) continue;
        const auto same = std::count_if(nodes.begin(), nodes.end(), [&](const node_error& other) {
            return other.code == one.code;
        });
        if (votes.nodes - static_cast<std::size_t>(same) < votes.majority()) return one.code;
    }
    return std::nullopt;
}

}  // namespace

bool is_gone(const ownership_votes& answers) {
    std::size_t free = 0;
    bool released = false;
    for (const auto& answer : answers) {
        if (!answer) continue;
        const bool deleted = !*answer && answer->error().code == errc::lost &&
                             answer->error().reason == lost_reason::deleted;
        released = released || *answer;
        if (*answer || deleted) ++free;
    }
    const core::ballot votes = count_ownership(answers);
    return released && free >= votes.majority() && votes.nodes - votes.no >= votes.majority();
}

failure not_owned(const ownership_votes& answers) {
    const core::ballot votes = count_ownership(answers);
    failure why(lost_reason::deleted, "nobody holds it on a majority of the nodes");
    bool late = false;  // What a node was asked for may yet be carried out.
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i]) {
            late = true;
            why.nodes.push_back({.node = i, .code = errc::in_doubt, .text = "no answer yet"});
        }
        if (!answers[i] || *answers[i]) continue;
        const failure& said = answers[i]->error();
        why.nodes.push_back({.node = i, .code = said.code, .text = said.text});
        late = late || may_have_effect(said);
        const bool taken = said.code == errc::wrong_type || said.reason == lost_reason::taken;
        if (is_not_ours(said.code) && taken) {
            why.reason = lost_reason::taken;
            why.text = "somebody else holds it on a node";
        }
    }
    if (votes.nodes - votes.no < votes.majority()) return why;
    const auto cause = late ? std::nullopt : lasting_refusal(why.nodes, votes);
    why.code = cause ? *cause : late || votes.yes > 0 ? errc::in_doubt : errc::no_quorum;
    why.reason = lost_reason::none;
    why.text = "no majority of the " + std::to_string(votes.nodes) +
               (cause ? " nodes agreed" : " nodes answered");
    for (const node_error& said : why.nodes) why.text.append("; ").append(said.text);
    return why;
}

}  // namespace holdfast::lock
