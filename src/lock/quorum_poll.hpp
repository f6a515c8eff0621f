// SPDX-License-Identifier: BSL-1.0
//
// What it is: one question, put to the nodes of a quorum at once, and the answers so far. Whoever
// asked goes on as soon as the answers are enough; nodes that answer later still end their part.
// Nodes that are skipped have their answer from the start; they are asked all the same as soon as
// too few of the others can vote, or take too long.
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

/// What one node said to a batch of renewals.
using outcomes = std::vector<result<void>>;

/// @return Whether the node had an opinion: a yes, or a no that it is sure of.
[[nodiscard]] bool is_vote(const failure& why) noexcept;
[[nodiscard]] bool is_vote(const result<outcomes>& answer) noexcept;
template <class T>
[[nodiscard]] bool is_vote(const result<T>& answer) noexcept {
    return answer || is_vote(answer.error());
}

/// The answers of all nodes to one question, in the order of configuration.
template <class T>
struct quorum_poll {
    std::vector<std::optional<result<T>>> answers;
    std::function<bool(const quorum_poll&)> enough;
    std::function<void()> all_in{};  ///< Called when the last answer has come.
    bool decided{false};
    port::one_shot ended{};

    std::vector<std::size_t> skipped{};      ///< Those that were, and may yet be asked ...
    std::function<void(std::size_t)> ask{};  ///< ... by this. Empty once it is decided.
    alarm* patience{nullptr};                ///< Rings when they are asked in any case.

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

    /// Takes in what node `i` said.
    void tell(std::size_t i, result<T> said) {
        answers[i].emplace(std::move(said));
        look();
    }
    /// Asks the nodes that were skipped.
    void call_skipped() {
        const auto late = std::exchange(skipped, {});
        const auto start = std::exchange(ask, nullptr);
        for (const std::size_t i : late) answers[i].reset();
        for (const std::size_t i : late) start(i);
    }
    /// Decides, if it is time to.
    void look() {
        const auto mute = [](const result<T>& answer) { return !is_vote(answer); };
        if (!skipped.empty() && count(mute) > (answers.size() - 1) / 2) call_skipped();
        if (all_in && complete()) all_in();
        if (decided || (!enough(*this) && !complete())) return;
        decided = true;
        skipped.clear();
        ask = nullptr;
        if (patience) patience->wake();
        ended.fire();
    }
};

/// Waits for the last answers to `poll`, for at most so long.
template <class T>
asio::awaitable<void> await_stragglers(timeline& time, quorum_poll<T>& poll,
                                       boot_clock::duration patience) {
    if (poll.complete()) co_return;
    alarm bell(time);
    poll.all_in = [&bell] { bell.wake(); };
    co_await bell.wait_until(time.now() + patience);
    poll.all_in = nullptr;
}

/// Where the parts of polls run, and how many of them have not ended.
struct quorum_desk {
    asio::any_io_executor executor;
    timeline* time{nullptr};
    std::shared_ptr<std::size_t> open = std::make_shared<std::size_t>(0);
};

/// Who is not asked at first.
struct skip_list {
    std::vector<std::optional<failure>> why;  ///< For each node; or empty: nobody.
    time_point until{};                       ///< From then on they are asked all the same.
};

/// Runs `work` beside everything else.
template <class Work>
void run_part(const quorum_desk& desk, Work work) {
    ++*desk.open;
    auto part = [work = std::move(work), open = desk.open]() -> asio::awaitable<void> {
        co_await work();
        --*open;
    };
    asio::co_spawn(desk.executor, std::move(part), asio::detached);
}

/// Asks `question(i)` of each of `nodes` nodes, all at once. `question` is copied into each part.
template <class T, class Question, class Enough>
std::shared_ptr<quorum_poll<T>> ask_all(const quorum_desk& desk, std::size_t nodes,
                                        Question question, Enough enough, skip_list skip = {}) {
    auto poll = std::make_shared<quorum_poll<T>>();
    poll->answers.resize(nodes);
    poll->enough = std::move(enough);
    const auto start = [desk, poll_of = std::weak_ptr(poll), question](std::size_t i) {
        run_part(desk, [poll = poll_of.lock(), question, i]() -> asio::awaitable<void> {
            result<T> answer = co_await question(i);
            poll->tell(i, std::move(answer));
        });
    };
    for (std::size_t i = 0; i < skip.why.size(); ++i) {
        if (!skip.why[i]) continue;
        poll->answers[i].emplace(std::move(*skip.why[i]));
        poll->skipped.push_back(i);
    }
    const auto later = poll->skipped;
    if (!later.empty()) poll->ask = start;
    for (std::size_t i = 0, next = 0; i < nodes; ++i) {
        if (next < later.size() && later[next] == i)
            ++next;
        else
            start(i);
    }
    if (later.empty()) return poll;
    poll->look();
    if (poll->skipped.empty()) return poll;
    run_part(desk, [poll, time = desk.time, until = skip.until]() -> asio::awaitable<void> {
        if (poll->skipped.empty()) co_return;
        alarm bell(*time);
        poll->patience = &bell;
        static_cast<void>(co_await bell.wait_until(until));
        poll->patience = nullptr;
        if (!poll->skipped.empty()) poll->call_skipped();
    });
    return poll;
}

}  // namespace holdfast::lock
