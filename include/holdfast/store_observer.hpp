// SPDX-License-Identifier: BSL-1.0
//
// What it is: who hears what happens between a store and its servers; the locker counts and logs
// it. A store may leave it out, and need not keep itself from telling the same again and again.
// Thread safety: none; called on the store's executor.
#pragma once

#include <holdfast/errc.hpp>

#include <chrono>
#include <string_view>

namespace holdfast {

/// See the top of the file. It outlives the store, which tells nothing any more once it was
/// stopped. No verb calls back. `node` is a server's address for people, without password.
class store_observer {
public:
    /// A connection stands.
    virtual void connected(std::string_view node) = 0;
    /// A connection has ended that the store did not end.
    virtual void disconnected(std::string_view node, const failure& why) = 0;
    /// No connection came about. @param pause  Until the next attempt, at the earliest.
    virtual void connect_failed(std::string_view node, const failure& why,
                                std::chrono::nanoseconds pause) = 0;

    /// For stores that are made of several: `node` is one of them. In the order of configuration,
    /// before anything else is told.
    virtual void has_node(std::string_view node) = 0;
    /// `node` gave an answer that is neither a yes nor a no, or none.
    virtual void node_failed(std::string_view node, const failure& why) = 0;
    /// `node` is not asked for a while, because it did not answer.
    virtual void node_skipped(std::string_view node, const failure& why) = 0;
    /// `node` has answered again.
    virtual void node_back(std::string_view node) = 0;

protected:
    ~store_observer() = default;
};

}  // namespace holdfast
