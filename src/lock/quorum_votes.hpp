// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the answers of a quorum's nodes count for, and what is told when they do not
// make a majority.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "core/ballot.hpp"
#include "lock/quorum_poll.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace holdfast::lock {

/// What each node said to a release or renewal, so far.
using ownership_votes = std::vector<std::optional<result<void>>>;
/// @return Whether a node that answers so may have done what it was asked for.
[[nodiscard]] bool may_have_effect(const failure& why) noexcept;
/// @return Whether a node that neither grants nor has it for somebody else has answered so.
[[nodiscard]] bool is_answer(errc code) noexcept;

/// `contended` is a no.
[[nodiscard]] core::ballot count_grants(const std::vector<std::optional<result<grant>>>& answers);
/// `lost` is a no, and so is `wrong_type`.
[[nodiscard]] core::ballot count_ownership(const ownership_votes& answers);

/// @return What the nodes said so far to the renewal at `place` of a batch.
[[nodiscard]] ownership_votes votes_on(const quorum_poll<outcomes>& poll, std::size_t place);

/// @return Whether a lock that was ours on some nodes is there no more, by the word of a majority,
///         though too many of them had forgotten it before, or do not answer, to say that it was.
[[nodiscard]] bool is_gone(const ownership_votes& answers);

/// @return Why a release or renewal has no majority.
[[nodiscard]] failure not_owned(const ownership_votes& answers);

/// @return The lasting mistake that all of `nodes` that did not refuse have made, which gets no
///         better by asking again; else `no_quorum`.
[[nodiscard]] errc common_cause(const std::vector<node_error>& nodes);

}  // namespace holdfast::lock
