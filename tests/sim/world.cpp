// SPDX-License-Identifier: BSL-1.0
#include "sim/world.hpp"

#include "lock/quorum_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

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
      name("client" + std::to_string(number)),
      links(w.servers.size()) {
    const locker_options options{.timeout = 1s};
    std::vector<std::shared_ptr<store>> ways;
    for (std::size_t i = 0; i < links.size(); ++i)
        ways.push_back(std::make_shared<sim_store>(w, *this, i));
    std::shared_ptr<store> where = ways.front();
    if (ways.size() > 1) {
        const store_environment environment{w.context.get_executor(), *time, *random, options};
        where = std::make_shared<lock::quorum_store>(environment, ways);
    }
    lock::engine_parts parts{.executor = w.context.get_executor(),
                             .time = time,
                             .random = random,
                             .where = where,
                             .options = options,
                             .host = name,
                             .pid = static_cast<std::int64_t>(number),
                             .signal = [](std::stop_source lost) { lost.request_stop(); }};
    engine = std::make_shared<lock::engine>(std::move(parts));
}

world::world(std::uint64_t seed, std::size_t count, const fault_plan& plan, std::size_t several)
    : faults(plan), servers(several), srv(servers.front()), random_(seed), now_(time_point(1h)) {
    for (server& one : servers)
        if (faults.drift) one.rate = 1.0 + (static_cast<double>(draw(19)) - 9.0) / 1000.0;
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

time_point world::server_now(const server& at) const noexcept {
    const auto passed = static_cast<double>(now_.time_since_epoch().count()) * at.rate;
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

void world::wipe_server(std::size_t which) {
    ++seen["wipe"];
    if (before_wipe) before_wipe(which);
    last_wipe = now_;
    std::destroy_at(&servers[which].table);
    std::construct_at(&servers[which].table);
    servers[which].started = server_now(servers[which]);
}

void world::start_server(server& at) {
    at.up = true;
    at.started = server_now(at);
}

void world::heal() {
    faults = fault_plan{.drift = faults.drift};
    for (server& one : servers) one.up = true;
    for (const auto& who : clients) {
        who->cut_to_server = who->cut_from_server = false;
        for (link& way : who->links) way.cut_to_server = way.cut_from_server = false;
        who->paused_until = std::min(who->paused_until, now_);
    }
}

nanoseconds world::draw_delay() {
    if (late_by.count() > 0) return late_by;
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
    std::uint64_t rounds = 0;  // At the same instant.
    for (;;) {
        do_what_is_due();
        context.restart();
        context.poll();
        if (check) check();
        const time_point next = next_event();
        if (next > end) break;
        rounds = next > now_ ? 0 : rounds + 1;
        if (rounds > 100'000) throw std::runtime_error("I9: time stands still");
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

}  // namespace holdfast::sim
