// SPDX-License-Identifier: BSL-1.0
#include "sim/world.hpp"

#include "support/coroutine_shortcut.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstring>

namespace holdfast::sim {

using namespace std::chrono_literals;

time_point client_timeline::now() const noexcept { return world_.now(); }

time_point client_timeline::next() const {
    return waiting_.empty() ? time_point::max() : waiting_.begin()->first;
}

std::array<std::byte, 16> sim_entropy::id_bits() {
    std::array<std::byte, 16> bits{};
    const std::array<std::uint64_t, 2> words{source_(), source_()};
    std::memcpy(bits.data(), words.data(), bits.size());
    return bits;
}

client::client(world& w, std::size_t number, std::uint64_t seed)
    : time(std::make_shared<client_timeline>(w)),
      random(std::make_shared<sim_entropy>(seed)),
      name("client" + std::to_string(number)) {
    lock::engine_parts parts{.executor = w.context.get_executor(),
                             .time = time,
                             .random = random,
                             .where = std::make_shared<sim_store>(w, *this),
                             .options = {.timeout = 1s},
                             .host = name,
                             .pid = static_cast<std::int64_t>(number),
                             .signal = [](std::stop_source lost) { lost.request_stop(); }};
    engine = std::make_shared<lock::engine>(std::move(parts));
}

world::world(std::uint64_t seed, std::size_t count, const fault_plan& plan)
    : faults(plan), random_(seed), now_(time_point(1h)) {
    if (faults.drift) srv.rate = 1.0 + (static_cast<double>(draw(19)) - 9.0) / 1000.0;
    for (std::size_t i = 0; i < count; ++i)
        clients.push_back(std::make_unique<client>(*this, i, random_()));
}

world::~world() {
    heal();
    for (const auto& who : clients)
        asio::co_spawn(
            context, [engine = who->engine] { return engine->wind_down(); }, asio::detached);
    run_for(5s);
}

time_point world::server_now() const noexcept {
    const auto passed = static_cast<double>(now_.time_since_epoch().count()) * srv.rate;
    return time_point(nanoseconds(static_cast<nanoseconds::rep>(passed)));
}

void world::spawn(asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), asio::detached);
}

void world::after(nanoseconds delay, std::function<void()> work) {
    events_.emplace(now_ + delay, std::move(work));
}

void world::deliver(client& who, std::function<void()> work) {
    if (paused(who))
        who.mail.push_back(std::move(work));
    else
        work();
}

void world::pause(client& who, nanoseconds length) {
    ++seen["pause"];
    who.paused_until = std::max(who.paused_until, now_ + length);
}

void world::wipe_server() {
    ++seen["wipe"];
    last_wipe = now_;
    std::destroy_at(&srv.table);
    std::construct_at(&srv.table);
}

void world::heal() {
    faults = fault_plan{.drift = faults.drift};
    srv.up = true;
    for (const auto& who : clients) {
        who->cut_to_server = who->cut_from_server = false;
        who->paused_until = std::min(who->paused_until, now_);
    }
}

nanoseconds world::draw_delay() {
    if (faults.delays && chance(5)) {
        ++seen["delay"];
        return milliseconds(draw(4000));
    }
    return std::chrono::microseconds(50 + draw(2000));
}

time_point world::next_event() const {
    time_point next = events_.empty() ? time_point::max() : events_.begin()->first;
    for (const auto& who : clients) {
        // A paused client's alarms ring, and its mail is read, when it runs again.
        const bool has_work = !who->mail.empty();
        const time_point alarm = has_work ? now_ : who->time->next();
        next = std::min(next, std::max(alarm, who->paused_until));
    }
    return next;
}

void world::run_for(nanoseconds length, const std::function<void()>& check) {
    const time_point end = now_ + length;
    for (;;) {
        do_what_is_due();
        context.restart();
        context.poll();
        if (check) check();
        const time_point next = next_event();
        if (next > end) break;
        now_ = std::max(now_, next);
    }
    now_ = end;
}

void world::do_what_is_due() {
    while (!events_.empty() && events_.begin()->first <= now_) {
        const auto work = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        work();
    }
    for (const auto& who : clients) {
        if (paused(*who)) continue;
        // After a pause it is anybody's guess what runs first: what arrived, or the alarms.
        if (chance(50)) who->time->ring();
        for (auto& letter : std::exchange(who->mail, {})) letter();
        who->time->ring();
    }
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
    };
    const auto state = std::make_shared<talk>(*me_.time);
    world& w = world_;
    client& me = me_;
    const auto reply = [&w, &me, state](result<T> answer) {
        if (me.cut_from_server || (w.faults.losses && w.chance(3))) {
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
    const auto arrive = [&w, &me, at_server = std::move(at_server), reply] {
        if (!w.srv.up || me.cut_to_server || (w.faults.losses && w.chance(3))) {
            ++w.seen["request lost"];
            return;
        }
        reply(at_server());
    };
    me.last_arrival = std::max(me.last_arrival, w.now() + w.draw_delay());
    w.after(me.last_arrival - w.now(), arrive);
    const wake_reason why = co_await state->bell.wait_until(deadline);
    if (state->answer) co_return *state->answer;
    if (why == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
    // As a client does that closes its connection: what is under way no longer orders what follows.
    ++me.connection;
    me.last_arrival = {};
    co_return failure{errc::in_doubt, "no reply in time"};
}

asio::awaitable<result<grant>> sim_store::acquire(const claim& wanted, attempt which,
                                                  time_point deadline) {
    std::function<result<grant>()> act = [this, wanted, which] {
        return world_.srv.table.acquire(wanted, which, world_.server_now());
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::vector<grant>>> sim_store::acquire_all(std::span<const claim> wanted,
                                                                   attempt which,
                                                                   time_point deadline) {
    using grants = std::vector<grant>;
    std::function<result<grants>()> act = [this, which,
                                           all = std::vector(wanted.begin(), wanted.end())] {
        return world_.srv.table.acquire_all(all, which, world_.server_now());
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
            all.push_back(world_.srv.table.renew(
                {.name = ask.name, .value = ask.value, .ttl = ask.ttl}, world_.server_now()));
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

asio::awaitable<result<void>> sim_store::release(std::string_view name, std::string_view value,
                                                 time_point deadline) {
    std::function<result<bool>()> act = [this, name = std::string(name),
                                         value = std::string(value)]() -> result<bool> {
        auto gone = world_.srv.table.release(name, value, world_.server_now());
        if (!gone) return gone.error();
        return true;
    };
    auto answer = co_await converse(std::move(act), deadline);
    if (!answer) co_return answer.error();
    co_return result<void>{};
}

asio::awaitable<result<std::optional<lock_info>>> sim_store::inspect(std::string_view name,
                                                                     std::string_view id,
                                                                     time_point deadline) {
    using info = std::optional<lock_info>;
    std::function<result<info>()> act = [this, name = std::string(name), id = std::string(id)] {
        return result<info>(world_.srv.table.inspect(name, world_.server_now(), id));
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::vector<lock_info>>> sim_store::list(std::string_view prefix,
                                                                time_point deadline) {
    using infos = std::vector<lock_info>;
    std::function<result<infos>()> act = [this, prefix = std::string(prefix)] {
        return result<infos>(world_.srv.table.list(prefix, world_.server_now()));
    };
    co_return co_await converse(std::move(act), deadline);
}

asio::awaitable<result<std::optional<lock_info>>> sim_store::take_away(std::string_view name,
                                                                       time_point deadline) {
    using info = std::optional<lock_info>;
    std::function<result<info>()> act = [this, name = std::string(name)] {
        return result<info>(world_.srv.table.take_away(name, world_.server_now()));
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
    world& w = owner_.world_;
    std::function<result<grant>()> act = [&w, place = place_, wanted, terms, tell = notice()] {
        return w.srv.table.ask(place, wanted, terms, tell, w.server_now());
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
    world& w = owner_.world_;
    std::function<result<given>()> act = [&w, place = place_, held = std::string(held), wanted,
                                          terms, tell = notice()] {
        return w.srv.table.pass_on(place, held, wanted, terms, tell, w.server_now());
    };
    co_return co_await owner_.converse(std::move(act), deadline);
}

asio::awaitable<result<void>> sim_seat::leave(std::string_view value, time_point deadline) {
    world& w = owner_.world_;
    std::function<result<bool>()> act = [&w, name = name_, place = place_,
                                         value = std::string(value)]() -> result<bool> {
        static_cast<void>(w.srv.table.leave(name, place, value, w.server_now()));
        return true;
    };
    auto answer = co_await owner_.converse(std::move(act), deadline);
    if (!answer) co_return answer.error();
    co_return result<void>{};
}

asio::awaitable<void> sim_store::await_change(std::string_view, time_point until) {
    const auto jitter = std::chrono::microseconds(5'000 + me_.random->jitter_bits() % 45'000);
    static_cast<void>(co_await sleep_until(*me_.time, std::min(me_.time->now() + jitter, until)));
}

}  // namespace holdfast::sim
