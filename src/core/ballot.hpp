// SPDX-License-Identifier: BSL-1.0
//
// What it is: one question put to all nodes of a quorum, and what follows from the votes so far.
// Thread safety: plain values and pure functions.
// Invariants: what is decided stays decided, whatever the votes that follow; with all votes in
// there is always a decision, for even numbers of nodes too.
#pragma once

#include <cstddef>

namespace holdfast::core {

/// The votes so far. A node that cannot be asked counts as failed, never as absent.
struct ballot {
    std::size_t nodes{0};   ///< All that are configured.
    std::size_t yes{0};     ///< Accepted.
    std::size_t no{0};      ///< Answered, and refused: somebody else has it, or nobody.
    std::size_t failed{0};  ///< Did not answer, or not to the question.

    /// @return How many must accept: more than half of all that are configured.
    [[nodiscard]] constexpr std::size_t majority() const noexcept { return nodes / 2 + 1; }
    [[nodiscard]] constexpr std::size_t pending() const noexcept {
        return nodes - yes - no - failed;
    }
};

/// What follows from the votes.
enum class verdict {
    undecided,
    accepted,  ///< A majority said yes.
    refused,   ///< No majority can say yes any more, though a majority could be asked.
    no_quorum  ///< No majority can say yes any more, as too few can be asked.
};

/// @par Source  Redlock, redis.io "Distributed locks": a majority of all nodes, not of those alive.
[[nodiscard]] constexpr verdict judge(const ballot& votes) noexcept {
    if (votes.yes >= votes.majority()) return verdict::accepted;
    if (votes.yes + votes.pending() >= votes.majority()) return verdict::undecided;
    // Decided as soon as nothing can be won; then those that still think are taken for willing.
    const std::size_t answering = votes.nodes - votes.failed;
    return answering >= votes.majority() ? verdict::refused : verdict::no_quorum;
}

}  // namespace holdfast::core
