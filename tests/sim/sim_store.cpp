// SPDX-License-Identifier: BSL-1.0
//
// The ways between clients and servers.
#include "core/restart_guard.hpp"
#include "sim/world.hpp"
#include "support/coroutine_shortcut.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::sim {

using namespace std::chrono_literals;

sim_store::sim_store(world& w, client& me, std::size_t server)
    : world_(w), me_(me), at_(w.servers[server]), way_(me.links[server]), address_("sim:") {
    if (w.servers.size() > 1) address_ += std::to_string(server);
}

// One request and its reply. The request may arrive after its caller has given up.
template <class T>
asio::awaitable<result<T>> sim_store::converse(std::function<result<T>()> at_server,
                                               time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    struct talk {
        explicit talk(timeline& time) : bell(time) {}
        alarm bell;
        std::optional<result<T>> answer;
        bool reset{false};
    };
    const auto state = std::make_shared<talk>(*me_.time);
    world& w = world_;
    client& me = me_;
    link& way = way_;
    const auto reply = [&w, &me, &way, state](result<T> answer) {
        if (me.cut_from_server || way.cut_from_server || (w.faults.losses && w.chance(3))) {
            ++w.seen["reply lost"];
            return;
        }
        w.after(w.draw_delay(), [&w, &me, state, answer = std::move(answer)] {
            w.deliver(me, [state, answer] {
                state->answer = answer;
                state->bell.wake();
            });
        });
    };
    const auto arrive = [&w, &me, &way, &at = at_, at_server = std::move(at_server), reply] {
        if (!at.up || me.cut_to_server || way.cut_to_server || (w.faults.losses && w.chance(3))) {
            ++w.seen["request lost"];
            return;
        }
        reply(at_server());
    };
    way.last_arrival = std::max(way.last_arrival, w.now() + w.draw_delay());
    w.after(way.last_arrival - w.now(), arrive);
    const bool at_random = w.faults.resets && w.chance(4);
    if (at_random || w.reset_after.count() > 0) {
        ++w.seen["reset"];
        const auto reset = [state] {
            state->reset = true;
            state->bell.wake();
        };
        w.after(at_random ? w.draw_delay() : w.reset_after,
                [&w, &me, reset] { w.deliver(me, reset); });
    }
    const wake_reason why = co_await state->bell.wait_until(deadline);
    if (state->answer) co_return *state->answer;
    if (state->reset) way.last_arrival = {};
    if (state->reset) co_return failure{errc::in_doubt, "the connection was reset"};
    if (why == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
    // As a client does that closes its connection: what is under way no longer orders what follows.
    way.last_arrival = {};
    co_return failure{errc::in_doubt, "no reply in time"};
}

asio::awaitable<result<grant>> sim_store::acquire(const claim& wanted, attempt which,
                                                  time_point deadline) {
    // Only a quorum takes a lock without a token that it did not ask for first.
    if (which == attempt::repeated && world_.servers.size() > 1) ++world_.seen["filled in"];
    std::function<result<grant>()> act = [this, wanted, which]() -> result<grant> {
        const core::server_life life{.up = std::chrono::floor<milliseconds>(there() - at_.started)};
        if (core::quarantine_of(life, world_.guard).count() > 0) {
            ++world_.seen["quarantine"];
            return failure{errc::quarantined, address_ + ": quarantine"};
        }
        return at_.table.acquire(wanted, which, there());
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::vector<grant>>> sim_store::acquire_all(std::span<const claim> wanted,
                                                                   attempt which,
                                                                   time_point deadline) {
    using grants = std::vector<grant>;
    std::function<result<grants>()> act = [this, which,
                                           all = std::vector(wanted.begin(), wanted.end())] {
        return at_.table.acquire_all(all, which, there());
    };
    co_return co_await converse(std::move(act), deadline);
}

std::unique_ptr<seat> sim_store::take_seat(std::string_view name) {
    return std::make_unique<sim_seat>(*this, std::string(name));
}

std::unique_ptr<shortcut> sim_store::make_shortcut() {
    return std::make_unique<test::coroutine_shortcut>(*this, world_.context.get_executor());
}

asio::awaitable<void> sim_store::renew(std::span<renewal> batch, time_point deadline) {
    struct owned {
        std::string name, value;
        milliseconds ttl;
    };
    std::vector<owned> asks;
    for (const renewal& ask : batch)
        asks.push_back({std::string(ask.name), std::string(ask.value), ask.ttl});
    using outcomes = std::vector<result<void>>;
    std::function<result<outcomes>()> act = [this, asks] {
        outcomes all;
        for (const owned& ask : asks)
            all.push_back(
                at_.table.renew({.name = ask.name, .value = ask.value, .ttl = ask.ttl}, there()));
        return result<outcomes>(all);
    };
    auto answer = co_await converse(std::move(act), deadline);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (answer)
            batch[i].outcome = (*answer)[i];
        else
            batch[i].outcome = answer.error();
    }
}

asio::awaitable<result<void>> sim_store::tell(std::function<result<void>()> at_server,
                                              time_point deadline) {
    // Not a `bool`: a result of that can be made of another result, which counts for true or false.
    struct nothing {};
    std::function<result<nothing>()> act = [at_server = std::move(at_server)]() -> result<nothing> {
        auto done = at_server();
        if (!done) return done.error();
        return nothing{};
    };
    auto answer = co_await converse(std::move(act), deadline);
    if (!answer) co_return answer.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> sim_store::raise_token(std::string_view name, std::string_view value,
                                                     std::uint64_t at_least, time_point deadline) {
    ++world_.seen["token raised"];
    std::function<result<void>()> act = [this, name = std::string(name), value = std::string(value),
                                         at_least] {
        return at_.table.raise_token(name, value, at_least, there());
    };
    co_return co_await tell(std::move(act), deadline);
}

asio::awaitable<result<void>> sim_store::release(std::string_view name, std::string_view value,
                                                 time_point deadline) {
    std::function<result<void>()> act = [this, name = std::string(name),
                                         value = std::string(value)] {
        return at_.table.release(name, value, there());
    };
    co_return co_await tell(std::move(act), deadline);
}

asio::awaitable<result<std::optional<lock_info>>> sim_store::inspect(std::string_view name,
                                                                     std::string_view id,
                                                                     time_point deadline) {
    using info = std::optional<lock_info>;
    std::function<result<info>()> act = [this, name = std::string(name), id = std::string(id)] {
        return result<info>(at_.table.inspect(name, there(), id));
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::vector<lock_info>>> sim_store::list(std::string_view prefix,
                                                                time_point deadline) {
    using infos = std::vector<lock_info>;
    std::function<result<infos>()> act = [this, prefix = std::string(prefix)] {
        return result<infos>(at_.table.list(prefix, there()));
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::optional<lock_info>>> sim_store::take_away(std::string_view name,
                                                                       time_point deadline) {
    using info = std::optional<lock_info>;
    std::function<result<info>()> act = [this, name = std::string(name)] {
        return result<info>(at_.table.take_away(name, there()));
    };
    co_return co_await converse(std::move(act), deadline);
}

/// What a seat was told.
struct sim_seat::mailbox {
    explicit mailbox(timeline& time) : bell(time) {}
    alarm bell;
    std::optional<grant> given{};
};

sim_seat::sim_seat(sim_store& owner, std::string name)
    : owner_(owner),
      name_(std::move(name)),
      place_(owner.me_.name + "." + std::to_string(++owner.me_.seats)),
      mail_(std::make_shared<mailbox>(*owner.me_.time)) {}

// Like replies, but nobody asked for it, so that nobody knows when it is lost.
memory::lock_table::notice sim_seat::notice() const {
    world& w = owner_.world_;
    client& me = owner_.me_;
    return [&w, &me, mail = std::weak_ptr(mail_)](const grant& given) {
        ++w.seen["handed over"];
        if (me.cut_from_server || (w.faults.losses && w.chance(10))) {
            ++w.seen["notice lost"];
            return;
        }
        w.after(w.draw_delay(), [&w, &me, mail, given] {
            w.deliver(me, [mail, given] {
                const auto open = mail.lock();
                if (!open) return;
                open->given = given;
                open->bell.wake();
            });
        });
    };
}

asio::awaitable<result<grant>> sim_seat::ask(const claim& wanted, const line_terms& terms,
                                             time_point deadline) {
    mail_->given.reset();
    sim_store& way = owner_;
    std::function<result<grant>()> act = [&way, place = place_, wanted, terms, tell = notice()] {
        return way.at_.table.ask(place, wanted, terms, tell, way.there());
    };
    co_return co_await owner_.converse(std::move(act), deadline);
}

asio::awaitable<std::optional<grant>> sim_seat::await_turn(time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto mail = mail_;
    if (!mail->given) static_cast<void>(co_await mail->bell.wait_until(until));
    co_return std::exchange(mail->given, std::nullopt);
}

asio::awaitable<result<std::optional<grant>>> sim_seat::pass_on(std::string_view held,
                                                                const claim& wanted,
                                                                const line_terms& terms,
                                                                time_point deadline) {
    using given = std::optional<grant>;
    sim_store& way = owner_;
    std::function<result<given>()> act = [&way, place = place_, held = std::string(held), wanted,
                                          terms, tell = notice()] {
        return way.at_.table.pass_on(place, held, wanted, terms, tell, way.there());
    };
    co_return co_await owner_.converse(std::move(act), deadline);
}

asio::awaitable<result<void>> sim_seat::leave(std::string_view value, time_point deadline) {
    sim_store& way = owner_;
    std::function<result<void>()> act = [&way, name = name_, place = place_,
                                         value = std::string(value)] {
        return way.at_.table.leave(name, place, value, way.there());
    };
    co_return co_await owner_.tell(std::move(act), deadline);
}

asio::awaitable<void> sim_store::await_change(std::string_view, time_point until) {
    const auto jitter = std::chrono::microseconds(5'000 + me_.random->jitter_bits() % 45'000);
    static_cast<void>(co_await sleep_until(*me_.time, std::min(me_.time->now() + jitter, until)));
}

}  // namespace holdfast::sim
