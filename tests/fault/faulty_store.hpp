// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference store with one step that goes wrong, in each of the ways in which a
// conversation with a server can.
// Thread safety: none.
#pragma once

#include "memory/memory_store.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::fault {

/// How a step goes wrong.
enum class trouble {
    none,          ///< It goes well.
    unreachable,   ///< Not sent: no effect.
    lost_request,  ///< Sent, did not arrive: in doubt, no effect.
    lost_reply,    ///< Took effect: in doubt.
    late_reply,    ///< Took effect, and the answer comes just before the deadline.
    frozen,        ///< No answer until the deadline: in doubt, no effect.
    denied,        ///< The server refuses.
    garbage,       ///< The server makes no sense.
    lost_lock,     ///< The lock is deleted by somebody just before the step.
    slow,          ///< Takes effect after 30 ms.
    late_request,  ///< In doubt; takes effect when the test calls `arrive`.
};

/// See the top of the file. Steps are numbered from 0 in the order of the calls.
class faulty_store : public store {
public:
    /// What happens to a step.
    using plan = std::function<trouble(std::size_t step)>;

    faulty_store(timeline& time, std::size_t bad_step, trouble how)
        : faulty_store(time, std::make_shared<memory::lock_table>(),
                       [=](std::size_t step) { return step == bad_step ? how : trouble::none; }) {}
    faulty_store(timeline& time, std::shared_ptr<memory::lock_table> on, plan what_happens)
        : table(*on), time_(time), plan_(std::move(what_happens)), shared_(std::move(on)) {}

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override {
        const claim copy = wanted;
        const auto act = [=, this] { return table.acquire(copy, which, time_.now()); };
        co_return co_await step<grant>(copy.name, deadline, act);
    }
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override {
        for (renewal& ask : batch) {
            const std::string name(ask.name);
            const std::string value(ask.value);
            const auto ttl = ask.ttl;
            const auto act = [=, this]() -> result<bool> {
                const renewal late{.name = name, .value = value, .ttl = ttl};
                auto done = table.renew(late, time_.now());
                if (!done) return done.error();
                return true;
            };
            auto answer = co_await step<bool>(name, deadline, act);
            if (answer)
                ask.outcome = result<void>{};
            else
                ask.outcome = answer.error();
        }
    }
    asio::awaitable<result<void>> raise_token(std::string_view name, std::string_view value,
                                              std::uint64_t at_least,
                                              time_point deadline) override {
        const std::string n(name);
        const std::string v(value);
        const auto act = [=, this] { return table.raise_token(n, v, at_least, time_.now()); };
        ++raises;
        co_return co_await told(n, deadline, act);
    }
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override {
        const std::string n(name);
        const std::string v(value);
        const auto act = [=, this] { return table.release(n, v, time_.now()); };
        co_return co_await told(n, deadline, act);
    }
    store_abilities abilities() const noexcept override { return able; }
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view name,
                                                              std::string_view id,
                                                              time_point deadline) override {
        const std::string n(name);
        const std::string i(id);
        const auto act = [=, this] {
            return result<std::optional<lock_info>>(table.inspect(n, time_.now(), i));
        };
        co_return co_await step<std::optional<lock_info>>(n, deadline, act);
    }
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view prefix,
                                                         time_point deadline) override {
        const std::string p(prefix);
        const auto act = [=, this] {
            return result<std::vector<lock_info>>(table.list(p, time_.now()));
        };
        co_return co_await step<std::vector<lock_info>>(p, deadline, act);
    }
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view name,
                                                                time_point deadline) override {
        const std::string n(name);
        const auto act = [=, this] {
            return result<std::optional<lock_info>>(table.take_away(n, time_.now()));
        };
        co_return co_await step<std::optional<lock_info>>(n, deadline, act);
    }
    asio::awaitable<void> await_change(std::string_view, time_point until) override {
        const time_point next = time_.now() + std::chrono::milliseconds(10);
        static_cast<void>(co_await sleep_until(time_, std::min(next, until)));
    }
    void stop() override {}
    const std::string& address() const noexcept override { return address_; }

    void called(std::string address) { address_ = std::move(address); }
    /// @return How many steps were taken.
    [[nodiscard]] std::size_t steps() const noexcept { return next_step_; }

    /// @return How many of them began when their time was over.
    [[nodiscard]] std::size_t steps_without_time() const noexcept { return without_time_; }

    /// Lets a request that is late take effect. @return false if there is none.
    bool arrive() {
        if (late_.empty()) return false;
        const auto effect = std::move(late_.front());
        late_.pop_front();
        effect();
        return true;
    }

    memory::lock_table& table;
    store_abilities able{.raises = true};
    std::size_t raises{0};               ///< How often a counter was to be raised.
    std::string foreign{};               ///< A name that is in use for something else ...
    trouble foreign_how{trouble::none};  ///< ... or that goes wrong so, where else nothing does.

private:
    // A step whose answer has no value.
    template <class Act>
    asio::awaitable<result<void>> told(std::string name, time_point deadline, Act act) {
        const auto with_value = [act]() -> result<bool> {
            auto done = act();
            if (!done) return done.error();
            return true;
        };
        auto answer = co_await step<bool>(name, deadline, with_value);
        if (!answer) co_return answer.error();
        co_return result<void>{};
    }
    template <class T, class Act>
    asio::awaitable<result<T>> step(const std::string& name, time_point deadline, Act act) {
        using namespace std::chrono_literals;
        trouble how = plan_(next_step_++);
        if (time_.now() >= deadline) ++without_time_;
        if (how == trouble::none && !foreign.empty() && name == foreign) {
            if (foreign_how == trouble::none) co_return failure{errc::wrong_type, "fault"};
            how = foreign_how;
        }
        switch (how) {
            case trouble::none: co_return act();
            case trouble::unreachable: co_return failure{errc::unreachable, "fault"};
            case trouble::lost_request: co_return failure{errc::in_doubt, "fault"};
            case trouble::lost_reply:
                static_cast<void>(act());
                co_return failure{errc::in_doubt, "fault"};
            case trouble::late_reply: {
                result<T> answer = act();
                static_cast<void>(co_await sleep_until(time_, deadline - 1ms));
                co_return answer;
            }
            case trouble::frozen:
                static_cast<void>(co_await sleep_until(time_, deadline));
                co_return failure{errc::in_doubt, "fault"};
            case trouble::denied: co_return failure{errc::denied, "fault"};
            case trouble::garbage: co_return failure{errc::protocol, "fault"};
            case trouble::lost_lock:
                static_cast<void>(table.take_away(name, time_.now()));
                co_return act();
            case trouble::slow:
                static_cast<void>(co_await sleep_until(time_, time_.now() + 30ms));
                co_return act();
            case trouble::late_request: late_.push_back([act] { static_cast<void>(act()); }); break;
        }
        if (how == trouble::late_request) {
            static_cast<void>(co_await sleep_until(time_, deadline));
            co_return failure{errc::in_doubt, "fault"};
        }
        co_return failure{errc::misuse, "no such fault"};
    }

    timeline& time_;
    plan plan_;
    std::shared_ptr<memory::lock_table> shared_;
    std::deque<std::function<void()>> late_;
    std::size_t next_step_{0};
    std::size_t without_time_{0};
    std::string address_{"faulty:"};
};

}  // namespace holdfast::fault
