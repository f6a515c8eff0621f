// SPDX-License-Identifier: BSL-1.0
//
// What it is: one question, put to all nodes of a quorum at once, and the answers so far. Whoever
// asked goes on as soon as the answers are enough; nodes that answer later still end their part.
// Thread safety: none; it belongs to its executor.
// Invariants: every node's part ends by the question's own deadline, so every poll does.
#pragma once

#include <holdfast/store.hpp>

#include "port/one_shot.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::lock {

/// The answers of all nodes to one question, in the order of configuration.
template <class T>
struct quorum_poll {
    std::vector<std::optional<result<T>>> answers;
    std::function<bool(const quorum_poll&)> enough;
    std::function<void()> all_in{};  ///< Called when the last answer has come.
    bool decided{false};
    port::one_shot ended{};

    /// @return How many nodes have answered so that `accepts(answer)`.
    template <class Accepts>
    [[nodiscard]] std::size_t count(Accepts accepts) const {
        std::size_t sum = 0;
        for (const auto& answer : answers)
            if (answer && accepts(*answer)) ++sum;
        return sum;
    }
    [[nodiscard]] bool complete() const {
        return count([](const auto&) { return true; }) == answers.size();
    }
};

/// Where the parts of polls run, and how many of them have not ended.
struct quorum_desk {
    asio::any_io_executor executor;
    std::shared_ptr<std::size_t> open = std::make_shared<std::size_t>(0);
};

/// Asks `question(i)` of each of `nodes` nodes, all at once. `question` is copied into each part.
template <class T, class Question, class Enough>
std::shared_ptr<quorum_poll<T>> ask_all(const quorum_desk& desk, std::size_t nodes,
                                        Question question, Enough enough) {
    auto poll = std::make_shared<quorum_poll<T>>();
    poll->answers.resize(nodes);
    poll->enough = std::move(enough);
    for (std::size_t i = 0; i < nodes; ++i) {
        ++*desk.open;
        auto part = [poll, question, i, open = desk.open]() -> asio::awaitable<void> {
            result<T> answer = co_await question(i);
            --*open;
            poll->answers[i].emplace(std::move(answer));
            if (poll->all_in && poll->complete()) poll->all_in();
            if (poll->decided || (!poll->enough(*poll) && !poll->complete())) co_return;
            poll->decided = true;
            poll->ended.fire();
        };
        asio::co_spawn(desk.executor, std::move(part), asio::detached);
    }
    return poll;
}

}  // namespace holdfast::lock
