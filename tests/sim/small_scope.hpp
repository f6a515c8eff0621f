// SPDX-License-Identifier: BSL-1.0
//
// What it is: a search through all that can happen to two clients and three servers within so many
// steps: in which order messages arrive, and when a server crashes, a message is lost or late, a
// client stands still. The engine and the quorum store are the real ones.
//
// How: a path is a list of choices, and is walked from the start each time. Two paths that brought
// each client and each server the same in the same order have the same end, however the steps of
// different ones were mixed; from there on only one of them is followed. All of it is too much to
// be followed to its end, so there are two ways: all orders, to a depth; or to the end, with so
// many swaps against the order of sending (M. Emmi, S. Qadeer, Z. Rakamaric, "Delay-bounded
// scheduling", POPL 2011).
// Thread safety: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::sim {

/// What may go wrong, and how far to look.
struct search_scope {
    unsigned losses{0};   ///< Messages that are held back; they may arrive at any time, or never.
    unsigned crashes{0};  ///< Of a server: what is under way is lost, and for a while it is down.
    unsigned pauses{0};   ///< Of a client: it stands still for as long as anything else goes on.
    bool wipes{false};    ///< A server that crashed comes back empty.
    bool strict{false};   ///< And grants nothing for a longest ttl.
    /// How often something else than what has been under way for longest may come first.
    std::optional<unsigned> swaps{};  ///< Nothing: always.
    std::size_t depth{0};             ///< Where it is cut off; what is whole ends by itself.
};

/// What was seen.
struct search_result {
    std::uint64_t paths{0};   ///< How many were walked.
    std::uint64_t states{0};  ///< How many different ones were met.
    std::uint64_t ends{0};    ///< How many of these were the end of all that was to be done.
    std::uint64_t cut{0};     ///< How many had more to come, beyond the depth.
    std::uint64_t grants{0};  ///< On the paths that were walked.
    std::string violation;    ///< With the choices that lead to it; or nothing.
    bool complete{false};     ///< Else the time was over.
};

[[nodiscard]] search_result search(const search_scope& scope, std::chrono::seconds at_most);

}  // namespace holdfast::sim
