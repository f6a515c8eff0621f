// SPDX-License-Identifier: BSL-1.0
#include "sim/worker.hpp"

#include "support/coroutine_shortcut.hpp"

#include <cstdlib>
#include <iostream>

namespace holdfast::sim {

using namespace std::chrono_literals;

void tally::add(const tally& other) {
    grants += other.grants;
    losses += other.losses;
    for (const auto& [fault, times] : other.faults) faults[fault] += times;
}

void tally::print(std::uint64_t first, std::uint64_t count, const std::string& of) const {
    std::cout << count << " schedules of " << of << " from seed " << first << ": " << grants
              << " grants, " << losses << " losses signalled";
    for (const auto& [fault, times] : faults) std::cout << ", " << times << " x " << fault;
    std::cout << '\n';
}

asio::awaitable<void> worker::work() {
    while (world_.now() < end_) {
        co_await one_round();
        const auto rest = milliseconds(world_.draw(300));
        static_cast<void>(co_await sleep_until(*me_.time, world_.now() + rest));
    }
}

asio::awaitable<void> worker::one_round() {
    const bool one_server = world_.servers.size() == 1;
    acquire_options options;
    options.ttl = milliseconds(world_.chance(15) ? 20 + world_.draw(280) : 200 + world_.draw(2800));
    options.wait = milliseconds(world_.chance(50) ? 0 : world_.draw(3000));
    options.auto_renew = world_.chance(80);
    if (alike_ && world_.chance(70)) options = {.ttl = 1500ms, .wait = 2s};
    if (world_.chance(10)) options.max_hold = milliseconds(1 + world_.draw(4000));
    std::stop_source stop;
    if (world_.chance(50)) options.stop = stop.get_token();
    if (options.stop.stop_possible() && world_.faults.cancels && world_.chance(30)) {
        ++world_.seen["cancel"];
        auto end_wait = [this, stop]() mutable {
            world_.deliver(me_, [stop]() mutable { stop.request_stop(); });
        };
        world_.after(milliseconds(world_.draw(1500)), std::move(end_wait));
    }
    if (one_server && world_.chance(8)) co_return co_await several(options);
    const std::string name = draw_name(options);
    const auto asking = oracle_.asking(limit_of(options.wait));
    auto held = co_await test::acquire_told(me_.engine, name, options);
    oracle_.answered(asking, held ? errc{} : held.error().code);
    if (!held) co_return;
    oracle_.granted(me_, *held, options);
    if (alike_)
        static_cast<void>(
            co_await sleep_until(*me_.time, world_.now() + milliseconds(world_.draw(200))));
    else
        co_await work_with(held);
    co_await end(*held);
}

// Each name is always used in the same way, since the promises are per name.
std::string worker::draw_name(acquire_options& options) {
    if (world_.servers.size() > 1) {
        options.fence = world_.chance(85);
        return world_.chance(70) ? "a" : "b";
    }
    if (alike_) {
        options.fence = world_.chance(90);
        return "a";
    }
    const auto which = world_.draw(10);
    if (which < 6) {
        options.fair = world_.chance(25);
        return which < 4 ? "a" : "b";
    }
    if (which < 8) {
        if (world_.chance(70)) options.mode = lock_mode::shared;
        return "shared";
    }
    options.permits = 2;
    return "counted";
}

asio::awaitable<void> worker::several(acquire_options options) {
    const auto asking = oracle_.asking(limit_of(options.wait));
    const auto order =
        world_.chance(50) ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"b", "a"};
    auto held = co_await me_.engine->acquire_all(order, options);
    oracle_.answered(asking, held ? errc{} : held.error().code);
    if (!held) co_return;
    ++world_.seen["several names"];
    for (const auto& one : *held) oracle_.granted(me_, one, options);
    static_cast<void>(
        co_await sleep_until(*me_.time, world_.now() + milliseconds(world_.draw(800))));
    for (const auto& one : *held) co_await end(one);
}

asio::awaitable<void> worker::work_with(result<lock::held_ptr>& held) {
    const auto busy = milliseconds(world_.chance(30) ? 0 : world_.draw(2500));
    static_cast<void>(co_await sleep_until(*me_.time, world_.now() + busy));
    if (world_.chance(20)) {
        const auto ttl = milliseconds(200 + world_.draw(2800));
        auto renewed = co_await me_.engine->renew(*held, ttl);
        if (renewed && !(*held)->held() && (*held)->why_lost() == lost_reason::none)
            oracle_.violated("I4: a renewal of nothing succeeded");
    }
}

asio::awaitable<void> worker::end(lock::held_ptr held) {
    oracle_.ending(held);
    switch (alike_ ? 3 : world_.draw(4)) {
        case 0: me_.engine->drop(held); break;
        case 1: {
            auto handed = lock::engine::hand_over(held);
            if (!handed) {
                me_.engine->drop(held);
                break;
            }
            me_.engine->let_go(held);
            if (held->held()) oracle_.violated("I6: what was handed over is held still");
            client& other = *world_.clients[world_.draw(world_.clients.size())];
            acquire_options how;
            auto adopted = co_await other.engine->adopt(*handed, how);
            if (adopted) other.engine->drop(*adopted);
            break;
        }
        default: {
            const auto gone = co_await test::release_told(me_.engine, held);
            const auto again = co_await me_.engine->release(held);
            if (again) oracle_.violated("I6: one grant was released twice");
            static_cast<void>(gone);
        }
    }
}

// I9: whatever the server does, a call ends with its wait and the time-outs around it.
time_point worker::limit_of(milliseconds wait) const {
    if (pauses_) return time_point::max();
    return world_.now() + wait + 2 * 1s + 600ms + 1s;
}

void start_workers(world& w, oracle& o, time_point end) {
    for (const auto& who : w.clients) {
        const std::uint64_t more = w.faults.alike ? 2 : 0;
        for (std::uint64_t count = 1 + more + w.draw(3); count > 0; --count) {
            const auto one = std::make_shared<worker>(w, o, *who, end);
            w.kept.push_back(one);
            w.spawn(one->work());
        }
    }
}

void check_acquirable(world& w, oracle& o) {
    bool acquired = false;
    std::string why = "no answer";
    auto again = [&]() -> asio::awaitable<void> {
        acquire_options options;
        options.wait = longest_ttl + 1s;
        auto held = co_await w.clients[0]->engine->acquire("a", options);
        acquired = held.has_value();
        if (held)
            w.clients[0]->engine->drop(*held);
        else
            why = held.error().message();
    };
    w.spawn(again());
    w.run_for(longest_ttl + 3s);
    if (!acquired) o.violated("I10: not acquirable after healing: " + why);
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace holdfast::sim
