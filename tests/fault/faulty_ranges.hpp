// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference store of holds, with a say in what becomes of each request: whether it
// is carried out, when, and whether its answer arrives.
// Thread safety: none; `plan` is called on the store's executor.
#pragma once

#include <holdfast/range_store.hpp>

#include "memory/memory_range_store.hpp"
#include "support/coroutine_range_shortcut.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::fault {

/// What becomes of a request.
enum class fate {
    answered,      ///< All goes well.
    unreachable,   ///< Not sent.
    lost_request,  ///< Sent, never carried out: in doubt.
    lost_answer,   ///< Carried out: in doubt all the same.
    late,          ///< Sent: in doubt, and carried out once the gate is open.
};

/// Where late requests wait, until the test lets them in. Safe from any thread.
struct gate {
    std::atomic<bool> open{false};
    std::atomic<int> passed{0};
};

/// How plain holds and releases go.
enum class way { coroutines, shortcuts };

/// See the top of the file.
class faulty_ranges final : public range_store {
public:
    /// Decides about a request that changes something, and may take its time.
    using plan = std::function<asio::awaitable<fate>(std::string verb)>;

    faulty_ranges(const store_environment& environment, std::shared_ptr<memory::range_table> table,
                  plan what_happens, way how, std::shared_ptr<gate> late = nullptr)
        : executor_(environment.executor),
          inner_(environment, std::move(table), "memory:faulty"),
          plan_(std::move(what_happens)),
          way_(how),
          gate_(std::move(late)) {}

    std::unique_ptr<range_shortcut> make_shortcut() override {
        if (way_ == way::coroutines) return nullptr;
        return std::make_unique<test::coroutine_range_shortcut>(*this, executor_);
    }

    asio::awaitable<result<std::vector<range_grant>>> hold_all(std::span<const range_claim> wanted,
                                                               time_point deadline) override {
        auto act = [=, this] { return inner_.hold_all(wanted, deadline); };
        return decided<std::vector<range_grant>>("hold", act);
    }
    asio::awaitable<void> renew(std::span<range_renewal> batch, time_point deadline) override {
        const fate is = co_await plan_("renew");
        if (is == fate::answered || is == fate::lost_answer) co_await inner_.renew(batch, deadline);
        if (is != fate::answered)
            for (range_renewal& ask : batch) ask.outcome = failure_of(is);
    }
    asio::awaitable<result<void>> release(std::string_view key, std::string_view id,
                                          released_hold which, time_point deadline) override {
        auto act = [=, this] { return inner_.release(key, id, which, deadline); };
        return decided<void>("release", act);
    }
    asio::awaitable<result<range_hold>> confirm(std::string_view key, std::string_view id,
                                                std::uint64_t token, time_point deadline) override {
        auto act = [=, this, key = std::string(key), id = std::string(id)] {
            return inner_.confirm(key, id, token, deadline);
        };
        return decided<range_hold>("confirm", act);
    }
    asio::awaitable<result<range_hold>> move(std::string_view key, std::string_view id,
                                             std::uint64_t token, range to,
                                             time_point deadline) override {
        auto act = [=, this, key = std::string(key), id = std::string(id)] {
            return inner_.move(key, id, token, to, deadline);
        };
        return decided<range_hold>("move", act);
    }
    asio::awaitable<result<void>> set_capacity(std::string_view key, std::uint32_t units,
                                               time_point deadline) override {
        auto act = [=, this] { return inner_.set_capacity(key, units, deadline); };
        return decided<void>("set_capacity", act);
    }
    asio::awaitable<result<std::optional<range_hold>>> get(std::string_view key,
                                                           std::string_view id,
                                                           time_point deadline) override {
        return inner_.get(key, id, deadline);
    }
    asio::awaitable<result<range_page>> list(std::string_view key, range window,
                                             std::optional<range_cursor> after, std::size_t limit,
                                             time_point deadline) override {
        return inner_.list(key, window, after, limit, deadline);
    }
    asio::awaitable<void> await_change(const range_claim& wanted, range_change which,
                                       time_point until) override {
        return inner_.await_change(wanted, which, until);
    }
    void stop() override { inner_.stop(); }
    const std::string& address() const noexcept override { return inner_.address(); }

private:
    static failure failure_of(fate is) {
        if (is == fate::unreachable) return {errc::unreachable, "faulty: nobody is there"};
        return {errc::in_doubt, "faulty: no answer"};
    }
    template <class T, class Act>
    asio::awaitable<result<T>> decided(std::string verb, Act act) {
        const fate is = co_await plan_(std::move(verb));
        if (is == fate::late) asio::co_spawn(executor_, arrive<T>(act, gate_), asio::detached);
        if (is != fate::answered && is != fate::lost_answer) co_return failure_of(is);
        auto said = co_await act();
        if (is == fate::lost_answer) co_return failure_of(is);
        co_return said;
    }

    /// The store outlives it: a test waits until it has passed.
    template <class T, class Act>
    static asio::awaitable<void> arrive(Act act, std::shared_ptr<gate> way_in) {
        asio::steady_timer pause(co_await asio::this_coro::executor);
        while (!way_in->open) {
            pause.expires_after(std::chrono::milliseconds(1));
            co_await pause.async_wait(asio::use_awaitable);
        }
        const result<T> said = co_await act();
        static_cast<void>(said);  // Nobody waits for it any more.
        ++way_in->passed;
    }

    asio::any_io_executor executor_;
    memory::memory_range_store inner_;
    plan plan_;
    way way_;
    std::shared_ptr<gate> gate_;
};

}  // namespace holdfast::fault
