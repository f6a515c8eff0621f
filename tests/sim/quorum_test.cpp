// SPDX-License-Identifier: BSL-1.0
//
// Why: a quorum is where locks go wrong in ways that nobody thinks of: a vote that comes late, a
// server that comes back empty, a token that was drawn elsewhere. How: as schedules_test.cpp, with
// several servers, each of which fails by itself, and the real quorum store on the clients.
#include "sim/oracle.hpp"
#include "sim/worker.hpp"
#include "sim/world.hpp"

#include <gtest/gtest.h>

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;

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
        w.after(milliseconds(w.draw(6000)), [&at] { at.up = true; });
    }
    if (f.wipes && w.chance(3)) w.wipe_server(where);
}

fault_plan draw_quorum_plan(std::mt19937_64& random) {
    const auto flip = [&] { return random() % 2 == 0; };
    fault_plan plan;
    plan.delays = flip();
    plan.losses = flip();
    plan.partitions = flip();
    plan.pauses = flip();
    plan.crashes = flip();
    plan.wipes = random() % 3 == 0;
    plan.drift = flip();
    plan.cancels = flip();
    return plan;
}

std::size_t draw_servers(std::mt19937_64& random) {
    const auto dice = random() % 10;
    if (dice < 5) return 3;
    return dice < 9 ? 5 : 4;
}

tally run_quorum_schedule(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const fault_plan plan = draw_quorum_plan(random);
    const std::size_t servers = draw_servers(random);
    const std::size_t clients = 2 + random() % 3;
    world w(random(), clients, plan, servers);
    oracle o(w);
    const time_point end = w.now() + 20s;
    const auto workers = start_workers(w, o, end);
    while (w.now() < end) {
        o.audit();
        break_servers(w);
        w.run_for(250ms, [&] { o.look(); });
    }
    w.heal();
    // Late requests may still arrive, and live for a ttl: I7 is judged after both.
    w.run_for(14s + 2 * longest_ttl, [&] { o.look(); });
    o.nothing_left();
    EXPECT_TRUE(o.violations().empty())
        << o.violations().front() << "\nreplay: ./dev sim --schedules 1 --seed " << seed << " ("
        << servers << " servers)";
    expect_acquirable(w, seed);
    return {o.grants(), o.losses(), w.seen};
}

#ifdef NDEBUG
constexpr std::uint64_t schedules_by_default = 300;
#else
constexpr std::uint64_t schedules_by_default = 100;  // Sanitizers make it 40 times slower.
#endif

TEST(quorum_schedules, break_no_promise) {
    const std::uint64_t first = from_environment("HOLDFAST_SIM_SEED", 1);
    const std::uint64_t count = from_environment("HOLDFAST_SIM_SCHEDULES", schedules_by_default);
    tally all;
    for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed)
        all.add(run_quorum_schedule(seed));
    all.print(first, count, "a quorum");
    if (count < 100) return;
    EXPECT_GT(all.losses, count / 4);
    EXPECT_GT(all.grants, count * 10);
    for (const char* fault : {"cancel", "crash", "delay", "partition", "pause", "reply lost",
                              "request lost", "wipe", "token raised", "filled in"})
        EXPECT_GE(all.faults[fault], count / 10) << fault;
}

}  // namespace
}  // namespace holdfast::sim
