// SPDX-License-Identifier: BSL-1.0
//
// What it is: what is done with holds by key and id: the verbs for which the engine of the locks is
// not needed. What may be repeated is repeated, until there is an answer or the time is over.
// Thread safety: none; its coroutines run on the store's executor.
// Lifetime: its session outlives it.
#pragma once

#include <holdfast/range_locker.hpp>
#include <holdfast/range_store.hpp>

#include "lock/engine.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace holdfast::ranges {

/// See the top of the file.
class verbs {
public:
    verbs(const store_environment& environment, std::shared_ptr<range_store> where)
        : env_(environment), where_(std::move(where)) {}

    [[nodiscard]] asio::awaitable<result<std::optional<range_hold>>> get(std::string key,
                                                                         std::string id);
    [[nodiscard]] asio::awaitable<result<void>> release(std::string key, std::string id,
                                                        std::uint64_t token);
    [[nodiscard]] asio::awaitable<result<range_hold>> confirm(std::string key, std::string id,
                                                              std::uint64_t token);
    [[nodiscard]] asio::awaitable<result<range_hold>> move(std::string key, std::string id,
                                                           std::uint64_t token, range to);
    /// The same for the hold of a guard, which goes on being renewed meanwhile.
    [[nodiscard]] asio::awaitable<result<range_hold>> confirm_held(lock::held_ptr held,
                                                                   std::string key, std::string id);
    [[nodiscard]] asio::awaitable<result<range_hold>> move_held(lock::held_ptr held,
                                                                std::string key, std::string id,
                                                                range to);
    [[nodiscard]] asio::awaitable<result<std::vector<range_hold>>> list(std::string key,
                                                                        range window,
                                                                        std::size_t limit);
    [[nodiscard]] asio::awaitable<result<std::optional<range>>> free_gap(std::string key,
                                                                         std::int64_t length,
                                                                         range window,
                                                                         std::uint32_t units);
    [[nodiscard]] asio::awaitable<result<void>> set_capacity(std::string key, std::uint32_t units);
    [[nodiscard]] asio::awaitable<result<std::uint32_t>> capacity(std::string key);
    [[nodiscard]] asio::awaitable<result<std::vector<range_hold>>> watch(
        std::string key, range window, std::vector<range_hold> known,
        std::chrono::milliseconds wait, std::stop_token stop);

private:
    [[nodiscard]] asio::awaitable<result<std::vector<range_hold>>> read(const std::string& key,
                                                                        range window,
                                                                        std::size_t limit);
    template <class Act>
    asio::awaitable<result<range_hold>> with_token(std::uint64_t token, std::string key,
                                                   std::string id, time_point until, Act act);
    template <class Ask>
    auto until_answered(Ask ask, bool& in_doubt) -> decltype(ask(time_point{}));
    [[nodiscard]] asio::awaitable<bool> pause(unsigned failures, time_point until);
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }
    [[nodiscard]] time_point op_deadline() const noexcept { return now() + env_.options.timeout; }

    store_environment env_;
    std::shared_ptr<range_store> where_;
};

}  // namespace holdfast::ranges
