// SPDX-License-Identifier: BSL-1.0
//
// What it is: runs coroutines from tests, with a limit, so that a test that hangs fails and says
// where.
// Thread safety: none.
#pragma once

#include <holdfast/timeline.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace holdfast::test {

/// A test that takes longer than this hangs. Generous: sanitizers and busy machines are slow.
inline constexpr std::chrono::seconds patience{30};

/// Drives `context` until `done()`. @return false if that took longer than `limit`.
template <class Done>
[[nodiscard]] bool drive_until(asio::io_context& context, Done done,
                               std::chrono::nanoseconds limit = patience) {
    const auto end = std::chrono::steady_clock::now() + limit;
    context.restart();
    while (!done()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        // In slices, because `done` may look at something that no handler tells of.
        context.run_one_for(std::chrono::milliseconds(20));
        if (context.stopped()) context.restart();
    }
    return true;
}

/// Emits `signal` within `context`. Emitted outside, Asio queues the signal to a coroutine by its
/// address, and who drives the context until the coroutine has ended may destroy the signal first.
inline void cancel(asio::io_context& context, asio::cancellation_signal& signal,
                   asio::cancellation_type type = asio::cancellation_type::terminal) {
    bool emitted = false;
    asio::post(context, [&] {
        signal.emit(type);
        emitted = true;
    });
    if (!drive_until(context, [&] { return emitted; }))
        throw std::runtime_error("the signal was not emitted in time");
}

/// A coroutine that was started; tells when it has ended.
template <class T>
struct started {
    std::optional<T> answer;
    std::exception_ptr thrown;
    [[nodiscard]] bool ended() const noexcept { return answer.has_value() || thrown != nullptr; }
};

/// Whether a coroutine without a value has ended.
struct ended_flag {};

inline asio::awaitable<ended_flag> with_value(asio::awaitable<void> work) {
    co_await std::move(work);
    co_return ended_flag{};
}

/// Starts `work` on `context`. `token_of` wraps the handler, to bind a cancellation slot to it.
template <class T, class Wrap>
[[nodiscard]] std::shared_ptr<started<T>> start(asio::io_context& context, asio::awaitable<T> work,
                                                Wrap token_of) {
    auto state = std::make_shared<started<T>>();
    auto finish = [state](std::exception_ptr thrown, T value) {
        state->thrown = std::move(thrown);
        state->answer.emplace(std::move(value));
    };
    asio::co_spawn(context, std::move(work), token_of(std::move(finish)));
    return state;
}

template <class T>
[[nodiscard]] std::shared_ptr<started<T>> start(asio::io_context& context,
                                                asio::awaitable<T> work) {
    return start(context, std::move(work), [](auto handler) { return handler; });
}

/// Runs `work` to its end. @throws What it throws, and std::runtime_error if it hangs.
template <class T>
T run(asio::io_context& context, asio::awaitable<T> work,
      std::chrono::nanoseconds limit = patience) {
    const auto state = start(context, std::move(work));
    if (!drive_until(
            context, [&] { return state->ended(); }, limit))
        throw std::runtime_error("the coroutine did not end in time");
    if (state->thrown) std::rethrow_exception(state->thrown);
    return std::move(*state->answer);
}

inline void run(asio::io_context& context, asio::awaitable<void> work,
                std::chrono::nanoseconds limit = patience) {
    run(context, with_value(std::move(work)), limit);
}

}  // namespace holdfast::test
