// SPDX-License-Identifier: BSL-1.0
//
// What it is: the entrance for coroutines and completion tokens: the verbs of `locker`, on an
// executor of yours. Not part of the umbrella, because it brings Boost.Asio along.
// Thread safety: one locker may be used by any number of coroutines and threads at once: its work
// runs on a strand of its own. Guards: as `guard`.
// Coroutines of the same context are resumed within that strand: work that lasts long without an
// await belongs elsewhere, as renewals wait for it.
// Lifetime: the execution context outlives the locker and its guards, and runs until they are gone:
// while a locker lives, it has work. A locker that goes while it waits for something needs one more
// run of it to end that; a context that is destroyed earlier leaks what still waits.
//
// With GCC 12, give options a name: it compiles `co_await locks.acquire("x", {.ttl = 10s})` so that
// the braced temporary is destroyed twice.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/guard.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

namespace asio = boost::asio;

/// Owns one held lock, for coroutines. As `guard` in everything but that `renew` and `release` are
/// awaited. Move-only. The destructor starts a best-effort release and never blocks.
class [[nodiscard]] async_guard {
public:
    /// An empty guard.
    async_guard() noexcept = default;
    /// Takes over what a blocking guard owns.
    explicit async_guard(guard&& other) noexcept;
    async_guard(async_guard&& other) noexcept;
    async_guard& operator=(async_guard&& other) noexcept;
    async_guard(const async_guard&) = delete;
    async_guard& operator=(const async_guard&) = delete;
    ~async_guard();

    [[nodiscard]] const std::string& name() const noexcept;              ///< As `guard::name`.
    [[nodiscard]] const std::string& id() const noexcept;                ///< As `guard::id`.
    [[nodiscard]] std::uint64_t fencing_token() const noexcept;          ///< As `guard`.
    [[nodiscard]] time_point valid_until() const noexcept;               ///< As `guard`.
    [[nodiscard]] std::chrono::milliseconds remaining() const noexcept;  ///< As `guard::remaining`.

    /// As `guard::lost`, but callbacks run on the locker's strand: they must not block.
    [[nodiscard]] std::stop_token lost() const noexcept;
    [[nodiscard]] lost_reason why_lost() const noexcept;  ///< As `guard::why_lost`.
    [[nodiscard]] bool held() const noexcept;             ///< As `guard::held`.

    /// As `guard::renew`.
    /// @par Cancellation  Terminal and partial: the outcome is then unknown, as `in_doubt`.
    [[nodiscard]] asio::awaitable<result<void>> renew(std::chrono::milliseconds ttl);
    /// As `guard::release`. The guard is empty once this is awaited.
    [[nodiscard]] asio::awaitable<result<void>> release();
    /// As `guard::hand_over`.
    [[nodiscard]] result<lease> hand_over();
    /// Gives what it owns to a blocking guard, whose blocking verbs must then not be called from
    /// the locker's own execution context.
    [[nodiscard]] guard to_blocking() && noexcept;

private:
    friend class async_locker;
    friend class lock::session;
    async_guard(std::shared_ptr<lock::session> owner,
                std::shared_ptr<lock::held_lease> state) noexcept;
    void drop() noexcept;

    std::shared_ptr<lock::session> session_;
    std::shared_ptr<lock::held_lease> state_;
};

/// Takes locks on one store, for coroutines. Each verb is that of `locker` with the same errors.
/// @par Cancellation  Terminal and total for `acquire`: what was asked for is taken back, and the
///                    result is `cancelled`. The other verbs end with an unknown outcome.
class async_locker {
public:
    /// @param executor  Where everything runs; a strand is made on it.
    /// @param url       As for `locker`.
    /// @throws lock_error  `misuse` if the url or the options break a rule; the text names it.
    async_locker(const asio::any_io_executor& executor, std::string_view url,
                 const locker_options& options = {});
    /// Uses a store that `make` makes.
    async_locker(const asio::any_io_executor& executor, const store_factory& make,
                 const locker_options& options = {});
    async_locker(async_locker&&) noexcept;
    async_locker& operator=(async_locker&&) noexcept;
    async_locker(const async_locker&) = delete;
    async_locker& operator=(const async_locker&) = delete;
    /// Never blocks; what guards have started goes on in the execution context, at most a second.
    ~async_locker();

    // Overloads, not default arguments: those are braced temporaries too, see the top of the file.

    /// As the verb of this name of `locker`, awaited; arguments are kept until it has ended.
    /// @par Cancellation  Terminal and total where it waits: what was asked for is taken back.
    /// @{
    [[nodiscard]] asio::awaitable<result<async_guard>> acquire(std::string name);
    [[nodiscard]] asio::awaitable<result<async_guard>> acquire(std::string name,
                                                               acquire_options options);
    [[nodiscard]] asio::awaitable<result<async_guard>> try_acquire(std::string name);
    [[nodiscard]] asio::awaitable<result<async_guard>> try_acquire(std::string name,
                                                                   acquire_options options);
    [[nodiscard]] asio::awaitable<result<std::vector<async_guard>>> acquire_all(
        std::vector<std::string> names);
    [[nodiscard]] asio::awaitable<result<std::vector<async_guard>>> acquire_all(
        std::vector<std::string> names, acquire_options options);
    [[nodiscard]] asio::awaitable<result<async_guard>> adopt(lease handed);
    [[nodiscard]] asio::awaitable<result<async_guard>> adopt(lease handed, acquire_options options);
    [[nodiscard]] asio::awaitable<result<std::chrono::milliseconds>> renew(lease known);
    [[nodiscard]] asio::awaitable<result<void>> release(lease known);
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> inspect(std::string name);
    [[nodiscard]] asio::awaitable<result<std::vector<lock_info>>> list(std::string prefix = {});
    [[nodiscard]] asio::awaitable<result<std::optional<lock_info>>> break_lock(std::string name);
    /// @}

    /// As `locker::watch`, until it is cancelled (`cancelled`). `tell` is called on the locker's
    /// strand: it must neither block nor throw.
    [[nodiscard]] asio::awaitable<result<void>> watch(std::string prefix,
                                                      std::function<void(const lock_change&)> tell);
    /// As `locker::diagnose`.
    [[nodiscard]] asio::awaitable<result<diagnosis>> diagnose();

    [[nodiscard]] lock_statistics statistics() const;           ///< As `locker::statistics`.
    [[nodiscard]] const std::string& address() const noexcept;  ///< As `locker::address`.

    /// @return The strand on which everything runs.
    [[nodiscard]] asio::any_io_executor get_executor() const noexcept;

private:
    std::shared_ptr<lock::session> session_;
};

/// Acquires with any completion token, e.g. a callback or `asio::use_future`.
///
/// @param where    Must live until the operation completes.
/// @param token    Its signature is `void(result<async_guard>)`; its handler runs on its associated
///                 executor, or on the locker's.
/// @par Cancellation  Through the token's cancellation slot, as `async_locker::acquire`.
template <asio::completion_token_for<void(result<async_guard>)> Token>
auto async_acquire(async_locker& where, std::string name, acquire_options options, Token&& token) {
    auto start = [&where](auto handler, std::string wanted, acquire_options how) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        const auto executor = asio::get_associated_executor(handler, where.get_executor());
        auto finish = [handler = std::move(handler), executor](std::exception_ptr thrown,
                                                               result<async_guard> held) mutable {
            if (thrown) std::rethrow_exception(thrown);
            asio::dispatch(executor,
                           [handler = std::move(handler), held = std::move(held)]() mutable {
                               std::move(handler)(std::move(held));
                           });
        };
        const auto home = where.get_executor();
        auto work = where.acquire(std::move(wanted), std::move(how));
        if (!slot.is_connected()) return asio::co_spawn(home, std::move(work), std::move(finish));
        // A signal of its own that both sides keep: whoever cancels may be on another thread.
        const auto signal = std::make_shared<asio::cancellation_signal>();
        slot.assign([signal, home](asio::cancellation_type type) {
            asio::post(home, [signal, type] { signal->emit(type); });
        });
        auto last = [signal, finish = std::move(finish)](std::exception_ptr thrown,
                                                         result<async_guard> held) mutable {
            finish(std::move(thrown), std::move(held));
        };
        asio::co_spawn(home, std::move(work),
                       asio::bind_cancellation_slot(signal->slot(), std::move(last)));
    };
    return asio::async_initiate<Token, void(result<async_guard>)>(
        std::move(start), token, std::move(name), std::move(options));
}

}  // namespace holdfast
