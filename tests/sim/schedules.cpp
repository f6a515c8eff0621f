// SPDX-License-Identifier: BSL-1.0
#include "sim/schedules.hpp"

#include "sim/oracle.hpp"
#include "sim/world.hpp"

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;

void cause_trouble(world& w) {
    const fault_plan& f = w.faults;
    client& victim = *w.clients[w.draw(w.clients.size())];
    if (f.pauses && w.chance(20)) w.pause(victim, milliseconds(w.draw(4000)));
    if (f.partitions && w.chance(20)) {
        ++w.seen["partition"];
        victim.cut_to_server = w.chance(60);
        victim.cut_from_server = w.chance(60);
        w.after(milliseconds(w.draw(4000)),
                [&victim] { victim.cut_to_server = victim.cut_from_server = false; });
    }
    if (f.crashes && w.chance(10)) {
        ++w.seen["crash"];
        w.srv.up = false;
        w.after(milliseconds(w.draw(2000)), [&w] { w.srv.up = true; });
    }
    if (f.wipes && w.chance(5)) w.wipe_server();
}

void break_servers(world& w) {
    const fault_plan& f = w.faults;
    client& who = *w.clients[w.draw(w.clients.size())];
    const std::size_t where = w.draw(w.servers.size());
    if (f.pauses && w.chance(15)) w.pause(who, milliseconds(w.draw(4000)));
    if (f.partitions && w.chance(20)) {
        ++w.seen["partition"];
        link& way = who.links[where];
        way.cut_to_server = w.chance(60);
        way.cut_from_server = w.chance(60);
        w.after(milliseconds(w.draw(6000)),
                [&way] { way.cut_to_server = way.cut_from_server = false; });
    }
    if (f.partitions && w.chance(3)) {
        ++w.seen["partition of a client"];
        who.cut_to_server = who.cut_from_server = true;
        w.after(milliseconds(w.draw(4000)),
                [&who] { who.cut_to_server = who.cut_from_server = false; });
    }
    if (f.crashes && w.chance(12)) {
        ++w.seen["crash"];
        server& at = w.servers[where];
        at.up = false;
        if (f.wipes && w.chance(30)) w.wipe_server(where);
        w.after(milliseconds(w.draw(6000)), [&w, &at] { w.start_server(at); });
    }
    if (f.wipes && w.chance(3)) w.wipe_server(where);
}

fault_plan draw_plan(std::mt19937_64& random, unsigned wipes_one_in) {
    const auto flip = [&] { return random() % 2 == 0; };
    fault_plan plan;
    plan.delays = flip();
    plan.losses = flip();
    plan.partitions = flip();
    plan.pauses = flip();
    plan.crashes = flip();
    plan.wipes = random() % wipes_one_in == 0;
    plan.drift = flip();
    plan.cancels = flip();
    return plan;
}

std::size_t draw_servers(std::mt19937_64& random) {
    const auto dice = random() % 10;
    if (dice < 5) return 3;
    return dice < 9 ? 5 : 4;
}

// Work and faults for 20 s, then healing: late requests may still arrive, and live for a ttl, so
// I7 is judged after both.
outcome run(world& w, void (*trouble)(world&), std::chrono::seconds late_at_most) {
    // A promise that was broken ends it while there is work under way.
    const auto watcher = std::make_shared<oracle>(w);
    oracle& o = *watcher;
    w.kept.push_back(watcher);
    const time_point end = w.now() + 20s;
    start_workers(w, o, end);
    while (w.now() < end && o.violations().empty()) {
        if (w.servers.size() > 1) o.audit();
        trouble(w);
        w.run_for(250ms, [&] { o.look(); });
    }
    w.heal();
    if (o.violations().empty()) {
        w.run_for(late_at_most + 2 * longest_ttl, [&] { o.look(); });
        o.nothing_left();
    }
    if (o.violations().empty()) check_acquirable(w, o);
    return {{o.grants(), o.losses(), w.seen}, o.violations()};
}

}  // namespace

outcome run_schedule(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const fault_plan plan = draw_plan(random, 4);
    world w(random(), 2 + random() % 3, plan);
    return run(w, cause_trouble, 12s);
}

outcome run_crowd_schedule(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    fault_plan plan = draw_plan(random, 4);
    plan.resets = random() % 2 == 0;
    plan.alike = true;
    world w(random(), 2 + random() % 2, plan);
    return run(w, cause_trouble, 12s);
}

outcome run_quorum_schedule(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const fault_plan plan = draw_plan(random, 3);
    const std::size_t servers = draw_servers(random);
    const std::size_t clients = 2 + random() % 3;
    world w(random(), clients, plan, servers);
    return run(w, break_servers, 14s);
}

outcome run_strict_schedule(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    fault_plan plan = draw_plan(random, 3);
    plan.wipes = true;
    const std::size_t servers = draw_servers(random);
    const std::size_t clients = 2 + random() % 3;
    world w(random(), clients, plan, servers);
    w.guard = longest_ttl;
    return run(w, break_servers, 14s);
}

}  // namespace holdfast::sim
