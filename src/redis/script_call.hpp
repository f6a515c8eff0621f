// SPDX-License-Identifier: BSL-1.0
//
// What it is: how the stores of this room call scripts, and what they answer when a server refuses.
// Thread safety: none; it belongs to the client's executor.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/script.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

using texts = std::vector<std::string>;

/// How long a fence counter lives after it was seeded. Afterwards the clock has moved further than
/// the counter could.
inline constexpr int fence_seconds = 24 * 60 * 60;

/// Appends a call of `what`: by its hash, or in full.
void add_call(batch& into, const script& what, unsigned version, bool by_hash, const texts& keys,
              const texts& arguments);

/// @return Whether the server says that it does not know the script.
[[nodiscard]] bool unknown_script(const resp::reply& answer);

/// Calls `what` by its hash; in full when the server does not know it.
/// @return Its reply, which is no error.
[[nodiscard]] asio::awaitable<result<resp::reply>> call_script(std::shared_ptr<client> server,
                                                               const script& what, texts keys,
                                                               texts arguments,
                                                               time_point deadline);

/// Adds the call of a renewal's script, by its hash or in full.
using add_renewal = std::function<void(batch& into, bool by_hash, const renewal& ask)>;
/// Renews all of `asks` in one conversation, and a second one where the server does not know the
/// script.
[[nodiscard]] asio::awaitable<void> renew_all(std::shared_ptr<client> server,
                                              std::span<renewal> asks, add_renewal add,
                                              time_point deadline);

/// Names the type of the lock key `key`, which is no lock.
[[nodiscard]] asio::awaitable<failure> wrong_type(std::shared_ptr<client> server, std::string key,
                                                  time_point deadline);

/// @return How long who is told nothing waits before it asks again: 5 to 35 ms.
[[nodiscard]] inline std::chrono::microseconds poll_pause(entropy& random) {
    return std::chrono::microseconds(5'000 + random.jitter_bits() % 30'000);
}

/// @return What an error reply means, with the server's address.
[[nodiscard]] failure refused(const client& server, const resp::reply& error);
/// @return `protocol`: an answer that does not fit its command.
[[nodiscard]] failure nonsense(const client& server);

}  // namespace holdfast::redis
