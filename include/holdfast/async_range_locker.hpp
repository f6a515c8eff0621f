// SPDX-License-Identifier: BSL-1.0
//
// What it is: the entrance to holds on ranges for coroutines: the verbs of `range_locker`, on an
// executor of yours. Not part of the umbrella, because it brings Boost.Asio along. What
// `async_locker.hpp` says of threads, lifetime and GCC 12 holds here, too.
#pragma once

#include <holdfast/locker.hpp>
#include <holdfast/range.hpp>
#include <holdfast/range_guard.hpp>
#include <holdfast/range_locker.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

namespace asio = boost::asio;

namespace ranges {
struct hold_plan;
struct bundle_plan;
}  // namespace ranges

/// Owns one hold, for coroutines. As `range_guard`, but that what is sent is awaited.
class [[nodiscard]] async_range_guard : public held_range {
public:
    /// An empty guard.
    async_range_guard() noexcept = default;
    async_range_guard(async_range_guard&&) noexcept = default;
    async_range_guard& operator=(async_range_guard&&) noexcept = default;

    /// As `range_guard::renew`.
    [[nodiscard]] asio::awaitable<result<void>> renew(std::chrono::milliseconds ttl);
    /// As `range_guard::move`. The guard must live until it has ended.
    [[nodiscard]] asio::awaitable<result<void>> move(std::int64_t start, std::int64_t end);
    /// As `range_guard::confirm`. The guard must live until it has ended.
    [[nodiscard]] asio::awaitable<result<range_hold>> confirm();
    /// As `range_guard::release`. The guard is empty once this is awaited.
    [[nodiscard]] asio::awaitable<result<void>> release();

private:
    friend class async_range_locker;
    using held_range::held_range;
};

/// Holds ranges in one store, for coroutines. Each verb is that of `range_locker`, with the same
/// errors.
/// @par Cancellation  Terminal and total for `hold`: what was asked for is taken back, unless it
///                    has an id of the caller's, and the result is `cancelled`. The other verbs end
///                    with an unknown outcome.
class async_range_locker {
public:
    /// @param executor  Where everything runs; a strand is made on it.
    /// @param url       As for `range_locker`.
    /// @throws lock_error  `misuse` if the url or the options break a rule; the text names it.
    async_range_locker(const asio::any_io_executor& executor, std::string_view url,
                       const locker_options& options = {});
    /// Uses a store that `make` makes.
    async_range_locker(const asio::any_io_executor& executor, const range_store_factory& make,
                       const locker_options& options = {});
    async_range_locker(async_range_locker&&) noexcept;
    async_range_locker& operator=(async_range_locker&&) noexcept;
    async_range_locker(const async_range_locker&) = delete;
    async_range_locker& operator=(const async_range_locker&) = delete;
    /// Never blocks; what guards have started goes on in the execution context, at most a second.
    ~async_range_locker();

    // Overloads, not default arguments: those are braced temporaries too, see `async_locker.hpp`.

    /// As the verb of this name of `range_locker`, awaited; arguments are kept until it has ended.
    /// @par Cancellation  Terminal and total where it waits: what was asked for is taken back.
    /// @{
    [[nodiscard]] asio::awaitable<result<async_range_guard>> hold(std::string key,
                                                                  std::int64_t start,
                                                                  std::int64_t end);
    [[nodiscard]] asio::awaitable<result<async_range_guard>> hold(std::string key,
                                                                  std::int64_t start,
                                                                  std::int64_t end,
                                                                  range_options options);
    [[nodiscard]] asio::awaitable<result<std::vector<async_range_guard>>> hold_all(
        std::vector<range_request> wanted, range_options options);
    [[nodiscard]] asio::awaitable<result<async_range_guard>> adopt(std::string key, std::string id,
                                                                   range_options options);
    [[nodiscard]] asio::awaitable<result<std::optional<range_hold>>> get(std::string key,
                                                                         std::string id);
    [[nodiscard]] asio::awaitable<result<std::chrono::milliseconds>> renew(
        std::string key, std::string id, std::chrono::milliseconds ttl);
    [[nodiscard]] asio::awaitable<result<std::chrono::milliseconds>> renew(
        std::string key, std::string id, std::chrono::milliseconds ttl,
        std::uint64_t fencing_token);
    [[nodiscard]] asio::awaitable<result<void>> release(std::string key, std::string id);
    [[nodiscard]] asio::awaitable<result<void>> release(std::string key, std::string id,
                                                        std::uint64_t fencing_token);
    [[nodiscard]] asio::awaitable<result<range_hold>> confirm(std::string key, std::string id);
    [[nodiscard]] asio::awaitable<result<range_hold>> confirm(std::string key, std::string id,
                                                              std::uint64_t fencing_token);
    [[nodiscard]] asio::awaitable<result<range_hold>> move(std::string key, std::string id,
                                                           std::int64_t start, std::int64_t end);
    [[nodiscard]] asio::awaitable<result<range_hold>> move(std::string key, std::string id,
                                                           std::int64_t start, std::int64_t end,
                                                           std::uint64_t fencing_token);
    [[nodiscard]] asio::awaitable<result<std::vector<range_hold>>> list(std::string key,
                                                                        range window,
                                                                        std::size_t limit);
    [[nodiscard]] asio::awaitable<result<std::optional<range>>> free_gap(std::string key,
                                                                         std::int64_t length,
                                                                         range window,
                                                                         std::uint32_t units);
    [[nodiscard]] asio::awaitable<result<void>> set_capacity(std::string key, std::uint32_t units);
    [[nodiscard]] asio::awaitable<result<std::uint32_t>> capacity(std::string key);
    /// @}

    /// As `range_locker::watch`; cancellation ends it.
    [[nodiscard]] asio::awaitable<result<std::vector<range_hold>>> watch(
        std::string key, range window, std::vector<range_hold> known,
        std::chrono::milliseconds wait);

    [[nodiscard]] lock_statistics statistics() const;           ///< As `range_locker`.
    [[nodiscard]] const std::string& address() const noexcept;  ///< As `range_locker`.

    /// @return The strand on which everything runs.
    [[nodiscard]] asio::any_io_executor get_executor() const noexcept;

private:
    struct parts;
    static asio::awaitable<result<async_range_guard>> hold_planned(std::shared_ptr<const parts> all,
                                                                   result<ranges::hold_plan> plan);
    static asio::awaitable<result<std::vector<async_range_guard>>> hold_all_planned(
        std::shared_ptr<const parts> all, result<ranges::bundle_plan> plan);
    static asio::awaitable<result<async_range_guard>> adopt_found(
        std::shared_ptr<const parts> all, asio::awaitable<result<std::optional<range_hold>>> look,
        std::string id, range_options options);

    // Shared with the coroutines under way: the locker may go before them.
    std::shared_ptr<const parts> parts_;
};

}  // namespace holdfast
