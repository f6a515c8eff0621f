// SPDX-License-Identifier: BSL-1.0
#include "sim/scenarios.hpp"

#include "sim/stage.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <vector>

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;

const acquire_options one_try{.ttl = 10s};
const acquire_options long_wait{.ttl = 10s, .wait = 20s};

acquire_options waiting_in_turn() {
    acquire_options how = long_wait;
    how.fair = true;
    return how;
}

// The first answer is lost; the second attempt finds the lock to be its own.
outcome lost_reply(std::uint64_t seed) {
    stage s(seed, 1);
    s.cut(0, 0, false, true);
    const auto mine = s.acquire(0, {.ttl = 10s, .wait = 5s});
    s.run(500ms);
    s.cut(0, 0, false, false);
    s.run(2s);
    s.expect(stage::has(mine), "I9: an attempt was blocked by an earlier one of its own");
    return s.end();
}

// The same when the connection ends, and there is time for another attempt though none to wait.
outcome reset(std::uint64_t seed) {
    stage s(seed, 1);
    s.cut(0, 0, false, true);
    s.w.reset_after = 20ms;
    const auto mine = s.acquire(0, one_try);
    s.run(10ms);
    s.w.reset_after = 0ms;
    s.cut(0, 0, false, false);
    s.run(500ms);
    s.expect(stage::has(mine), "I9: an attempt was blocked by an earlier one of its own");
    return s.end();
}

// Who waits while its process winds down is told.
outcome wound_down(std::uint64_t seed) {
    stage s(seed, 2, 3);
    const auto mine = s.acquire(0, one_try);
    s.run(100ms);
    const auto next = s.acquire(1, {.ttl = 10s, .wait = forever});
    s.run(500ms);
    s.w.spawn(s.w.clients[1]->engine->wind_down());
    s.run(2s);
    s.expect(next->end && !*next->end, "I9: an acquire outlives its engine");
    s.expect(stage::has(mine), "I5: a lock was lost though nothing was wrong");
    return s.end();
}

// Who gives up releases what it may have got, as soon as the server can be reached again.
outcome no_answer(std::uint64_t seed) {
    stage s(seed, 1);
    s.cut(0, 0, false, true);
    const auto mine = s.acquire(0, one_try);
    s.run(1200ms);
    s.expect(mine->end && !*mine->end, "I9: an acquire without an answer did not end");
    s.cut(0, 0, false, false);
    s.run(2s);
    s.expect(s.copies() == 0, "I7: what may have been taken was left behind");
    return s.end();
}

outcome cancelled(std::uint64_t seed) {
    stage s(seed, 1);
    std::stop_source stop;
    acquire_options how = one_try;
    how.stop = stop.get_token();
    s.cut(0, 0, false, true);
    const auto mine = s.acquire(0, how);
    s.run(300ms);
    stop.request_stop();
    s.cut(0, 0, false, false);
    s.run(1500ms);
    s.expect(mine->end && !*mine->end, "I9: an acquire that was cancelled did not end");
    s.expect(s.copies() == 0, "I7: what was taken for a caller who has gone was left behind");
    return s.end();
}

// A grant that comes when its lease is almost over is given back, and not kept for the rest of it.
outcome too_late(std::uint64_t seed) {
    stage s(seed, 1);
    const auto mine = s.acquire(0, {.ttl = 2s, .stop_margin = 1100ms});
    s.w.after(0s, [&] { s.w.pause(*s.w.clients[0], 950ms); });
    s.run(1500ms);
    s.expect(mine->end && !*mine->end, "I9: a grant of no use was told");
    s.expect(s.copies() == 0, "I7: a grant of no use was kept");
    return s.end();
}

// A grant of no use is given back, which takes so long that the next grant is there before.
outcome late_release(std::uint64_t seed) {
    stage s(seed, 1);
    const auto mine = s.acquire(0, {.ttl = 3s, .wait = 8s, .stop_margin = 1700ms});
    s.w.after(0s, [&] { s.w.pause(*s.w.clients[0], 1400ms); });
    s.run(1300ms);
    s.w.late_by = 3s;
    s.run(150ms);
    s.w.late_by = 0s;
    s.run(7s);
    s.expect(stage::has(mine), "I5: a late release took away what was granted since");
    return s.end();
}

// A renewal for a shorter time is carried out late, behind one for a longer time.
outcome late_renewal(std::uint64_t seed) {
    stage s(seed, 2);
    const auto mine = s.acquire(0, {.ttl = 8s, .auto_renew = false});
    s.run(100ms);
    if (!stage::has(mine)) return s.end();
    auto renew = [](client& me, lock::held_ptr held, milliseconds ttl) -> asio::awaitable<void> {
        static_cast<void>(co_await me.engine->renew(std::move(held), ttl));
    };
    client& me = *s.w.clients[0];
    s.w.late_by = 1500ms;
    s.w.spawn(renew(me, stage::lock_of(mine), 2s));
    s.run(1100ms);
    s.w.late_by = 0s;
    s.w.spawn(renew(me, stage::lock_of(mine), 8s));
    s.run(700ms);
    s.expect(stage::has(mine), "I5: a renewal did not come through");
    s.w.pause(me, 12s);
    const auto rival = s.acquire(1, long_wait);
    s.run(10s);
    s.expect(stage::has(rival), "I10: a lock that nobody renews does not end");
    return s.end();
}

outcome long_hold(std::uint64_t seed) {
    stage s(seed, 1);
    const auto mine = s.acquire(0, {.ttl = 2s});
    s.run(60s);
    s.expect(stage::has(mine), "I5: a lock was lost though nothing was wrong");
    return s.end();
}

outcome deleted(std::uint64_t seed) {
    stage s(seed, 2);
    const auto mine = s.acquire(0, {.ttl = 3s});
    const auto other = s.acquire(0, {.ttl = 3s, .auto_renew = false}, "other");
    const auto third = s.acquire(0, {.ttl = 3s}, "third");
    s.run(500ms);
    if (!stage::has(third)) return s.end();
    s.watcher.ending(stage::lock_of(third));  // Somebody takes it, which is no promise broken.
    static_cast<void>(s.w.srv.table.take_away("third", s.w.server_now()));
    const claim somebody{.name = "third", .value = "somebody", .ttl = 60s};
    static_cast<void>(s.w.srv.table.acquire(somebody, attempt::first, s.w.server_now()));
    static_cast<void>(s.w.srv.table.take_away("job", s.w.server_now()));
    static_cast<void>(s.w.srv.table.take_away("other", s.w.server_now()));
    const time_point from = s.w.now();
    const auto gone = s.release(0, other);
    s.run(1200ms);
    s.expect(!stage::has(mine), "I3: a lock that was taken away is held still");
    s.expect(!stage::has(third), "I1: a lock that is somebody else's is held still");
    s.expect(gone->end && !*gone->end, "I6: the release of a lock that was taken away succeeded");
    s.expect(gone->ended - from < 50ms, "I9: the release of a lock that is gone takes long");
    return s.end();
}

outcome max_hold(std::uint64_t seed) {
    stage s(seed, 1);
    const auto mine = s.acquire(0, {.ttl = 3s, .max_hold = 10s});
    s.run(11s);
    s.expect(!stage::has(mine), "I3: a lock is held past its longest time");
    return s.end();
}

// One reader dies, the other goes on: a writer gets in once both leases are over.
outcome dead_reader(std::uint64_t seed) {
    stage s(seed, 3);
    acquire_options reading{.ttl = 1s};
    reading.mode = lock_mode::shared;
    const auto dead = s.acquire(0, reading);
    const auto alive = s.acquire(1, reading);
    s.run(100ms);
    s.w.clients[0]->cut_to_server = true;
    s.run(5s);
    const auto left = s.w.srv.table.inspect("job", s.w.server_now());
    s.expect(left && left->holders == 1, "I7: a reader that died is kept alive by others");
    s.expect(stage::has(alive), "I5: a reader lost its lock");
    static_cast<void>(dead);
    return s.end();
}

outcome writer_among_readers(std::uint64_t seed) {
    stage s(seed, 3);
    acquire_options reading{.ttl = 2s, .wait = 10s};
    reading.mode = lock_mode::shared;
    std::vector<acquisition> readers{s.acquire(0, reading)};
    s.run(50ms);
    const auto writer = s.acquire(2, long_wait);
    for (int i = 1; i < 30 && !stage::has(writer); ++i) {
        s.run(100ms);
        readers.push_back(s.acquire(i % 2, reading));
        s.run(100ms);
        if (stage::has(readers[i - 1])) static_cast<void>(s.release((i - 1) % 2, readers[i - 1]));
    }
    s.expect(stage::has(writer), "I8: readers that come and go keep a writer out");
    return s.end();
}

outcome served_at_once(std::uint64_t seed) {
    stage s(seed, 2);
    // One waits at the server, the other in line within its process. Their ttls differ, so that
    // nothing is passed from hand to hand.
    std::array<acquisition, 3> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = s.acquire(0, {.ttl = milliseconds(10'000 - 100 * i), .wait = 20s});
        s.run(100ms);
    }
    for (std::size_t i = 0; i + 1 < all.size() && stage::has(all[i]); ++i) {
        static_cast<void>(s.release(0, all[i]));
        s.run(50ms);
        s.expect(stage::has(all[i + 1]), "I8: who waits for a lock does not hear of its release");
    }
    if (!stage::has(all.back())) return s.end();
    const auto elsewhere = s.acquire(1, long_wait);
    s.run(100ms);
    static_cast<void>(s.release(0, all.back()));
    s.run(50ms);
    s.expect(stage::has(elsewhere), "I8: who waits elsewhere does not hear of a release");
    return s.end();
}

outcome lost_notice(std::uint64_t seed) {
    stage s(seed, 2);
    const auto mine = s.acquire(0, {.ttl = 3s});
    s.run(100ms);
    const auto next = s.acquire(1, {.ttl = 3s, .wait = 20s});
    s.run(500ms);
    s.w.clients[1]->cut_from_server = true;
    static_cast<void>(s.release(0, mine));
    s.run(100ms);
    s.w.clients[1]->cut_from_server = false;
    s.run(2500ms);
    s.expect(stage::has(next), "I8: who missed a notice waits for longer than a beat");
    return s.end();
}

// The server hands the lock over, forgets it, and hands it over anew: the first notice comes last.
outcome late_notice(std::uint64_t seed) {
    stage s(seed, 2);
    const auto mine = s.acquire(0, {.ttl = 3s});
    s.run(100ms);
    const auto next = s.acquire(1, {.ttl = 3s, .wait = 20s});
    s.run(100ms);
    static_cast<void>(s.release(0, mine));
    s.run(10us);
    s.w.late_by = 2s;
    s.run(50ms);
    s.w.late_by = 0ms;
    s.w.wipe_server(0);
    const auto other = s.acquire(0, {.ttl = 3s});
    s.run(1900ms);
    if (!stage::has(other)) return s.end();
    const std::uint64_t before = stage::lock_of(other)->fencing_token;
    client& waiter = *s.w.clients[1];
    waiter.cut_to_server = waiter.cut_from_server = true;
    static_cast<void>(s.release(0, other));
    s.run(20ms);
    waiter.cut_to_server = waiter.cut_from_server = false;
    s.run(2s);
    s.expect(stage::has(next), "I8: who was handed a lock twice does not get it");
    if (!stage::has(next)) return s.end();
    s.expect(stage::lock_of(next)->fencing_token > before, "I2: the first notice came last");
    return s.end();
}

outcome gave_up_waiting(std::uint64_t seed) {
    stage s(seed, 3);
    const auto mine = s.acquire(0, long_wait);
    s.run(100ms);
    static_cast<void>(s.acquire(1, {.ttl = 10s, .wait = 300ms}));
    s.run(10ms);
    const auto last = s.acquire(2, long_wait);
    s.run(500ms);
    static_cast<void>(s.release(0, mine));
    s.run(100ms);
    s.expect(stage::has(last), "I8: one who gave up waiting is in the way");
    return s.end();
}

outcome served_in_turn(std::uint64_t seed) {
    stage s(seed, 4);
    const auto mine = s.acquire(0, waiting_in_turn());
    s.run(100ms);
    std::array<acquisition, 3> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = s.acquire(i + 1, waiting_in_turn());
        s.run(50ms);
    }
    static_cast<void>(s.release(0, mine));
    for (std::size_t i = 0; i < all.size(); ++i) {
        s.run(100ms);
        s.expect(stage::has(all[i]), "I13: served out of turn");
        if (!stage::has(all[i])) break;
        static_cast<void>(s.release(i + 1, all[i]));
    }
    return s.end();
}

// One in line within the process gives up in the moment in which the lock is passed to it.
outcome passed_and_cancelled(std::uint64_t seed) {
    stage s(seed, 1);
    acquire_options how = long_wait;
    how.fence = false;  // Or it would have to go by the server, for tokens.
    const auto first = s.acquire(0, how);
    s.run(100ms);
    const auto second = s.acquire(0, how);  // Waits at the server, so the next waits for it.
    s.run(100ms);
    std::stop_source stop;
    how.stop = stop.get_token();
    const auto third = s.acquire(0, how);
    s.run(100ms);
    if (!stage::has(first)) return s.end();
    static_cast<void>(s.release(0, first));
    s.run(100ms);
    s.expect(stage::has(second), "I8: who waits for a lock does not hear of its release");
    if (!stage::has(second)) return s.end();
    s.watcher.ending(stage::lock_of(second));
    stop.request_stop();
    asio::post(s.w.context, [&] { s.w.clients[0]->engine->drop(stage::lock_of(second)); });
    s.run(3s);
    s.expect(third->end && !*third->end, "I9: an acquire that was cancelled did not end");
    s.expect(s.copies() == 0, "I7: a lock is renewed for one who gave up waiting");
    return s.end();
}

outcome one_dead_server(std::uint64_t seed) {
    stage s(seed, 1, 3);
    s.w.servers[s.w.draw(3)].up = false;
    for (int i = 0; i < 20; ++i) {
        const time_point from = s.w.now();
        const auto mine = s.acquire(0, one_try);
        s.run(1500ms);
        s.expect(stage::has(mine), "I9: one dead server of three fails an acquire");
        if (!stage::has(mine)) break;
        s.expect(mine->ended - from < 100ms, "I9: one dead server of three delays an acquire");
        static_cast<void>(s.release(0, mine));
        s.run(1500ms);
    }
    return s.end();
}

// Two servers are somebody else's; what the third granted, at once or late, is given back.
outcome refused(std::uint64_t seed) {
    stage s(seed, 1, 3);
    const claim others{.name = "job", .value = "somebody", .ttl = 60s};
    for (const std::size_t i : {0U, 1U})
        static_cast<void>(
            s.w.servers[i].table.acquire(others, attempt::first, s.w.server_now(s.w.servers[i])));
    const auto mine = s.acquire(0, one_try);
    s.run(100ms);
    s.expect(mine->end && !*mine->end, "I1: granted by a minority");
    s.expect(s.copies() == 2, "I7: what a minority granted was kept");
    s.w.clients[0]->links[2].last_arrival = s.w.now() + 300ms;
    static_cast<void>(s.acquire(0, one_try));
    s.run(600ms);
    s.expect(s.copies() == 2, "I7: what was granted late was kept");
    return s.end();
}

// Two servers grant it to one who does not hear of it, and cannot be reached for longer than it
// asks. Nobody asks for the name again.
outcome cut_off(std::uint64_t seed) {
    stage s(seed, 1, 3);
    const auto cut_both = [&s](bool there, bool back) {
        for (const std::size_t i : {1U, 2U}) s.cut(0, i, there, back);
    };
    cut_both(false, true);
    const auto mine = s.acquire(0, {.ttl = 60s});
    s.run(100ms);
    cut_both(true, true);
    s.run(6s);
    s.expect(mine->end && !*mine->end, "I9: an acquire without an answer did not end");
    s.expect(s.copies() == 2, "the servers took nothing");
    cut_both(false, false);
    s.run(8s);
    s.expect(s.copies() == 0, "I7: what was granted to one who was cut off was kept");
    return s.end();
}

// The servers are wiped one after the other, and the lock outlives them all.
outcome rolling_restarts(std::uint64_t seed) {
    stage s(seed, 1, 3);
    const auto mine = s.acquire(0, {.ttl = 2s});
    s.run(1s);
    for (std::size_t i = 0; i < 6; ++i) {
        s.w.wipe_server(i % 3);
        s.run(3s);
    }
    s.expect(stage::has(mine), "I5: a lock dies with the majority that granted it");
    return s.end();
}

outcome back_again(std::uint64_t seed) {
    stage s(seed, 1, 3);
    s.w.servers[2].up = false;
    for (int i = 0; i < 14; ++i) {
        const auto mine = s.acquire(0, one_try);
        s.run(700ms);
        s.expect(i < 13 || s.copies() == 3, "I10: a server that is back is not asked");
        if (stage::has(mine)) static_cast<void>(s.release(0, mine));
        s.run(700ms);
        if (i == 5) s.w.servers[2].up = true;
    }
    return s.end();
}

outcome released_everywhere(std::uint64_t seed) {
    stage s(seed, 1, 3);
    const auto mine = s.acquire(0, one_try);
    s.run(200ms);
    s.expect(s.copies() == 3, "I9: not all servers were asked");
    if (stage::has(mine)) static_cast<void>(s.release(0, mine));
    s.run(200ms);
    s.expect(s.copies() == 0, "I7: a lock was released, but not everywhere");
    return s.end();
}

// Two clients have the ear of two servers of four each: neither wins, and both are told.
outcome tie(std::uint64_t seed) {
    stage s(seed, 2, 4);
    for (const std::size_t who : {0U, 1U})
        for (const std::size_t where : {0U, 1U})
            s.w.clients[who]->links[2 * (1 - who) + where].last_arrival = s.w.now() + 50ms;
    const auto first = s.acquire(0, one_try);
    const auto second = s.acquire(1, one_try);
    s.run(3s);
    s.expect(first->end && second->end, "I9: votes that are split never end");
    s.expect(!stage::has(first) || !stage::has(second), "I1: both have half of the servers");
    return s.end();
}

constexpr std::array all_scenarios{scenario{"lost reply", lost_reply},
                                   scenario{"reset", reset},
                                   scenario{"wound down", wound_down},
                                   scenario{"no answer", no_answer},
                                   scenario{"cancelled", cancelled},
                                   scenario{"too late", too_late},
                                   scenario{"late release", late_release},
                                   scenario{"late renewal", late_renewal},
                                   scenario{"long hold", long_hold},
                                   scenario{"deleted", deleted},
                                   scenario{"max hold", max_hold},
                                   scenario{"dead reader", dead_reader},
                                   scenario{"writer among readers", writer_among_readers},
                                   scenario{"served at once", served_at_once},
                                   scenario{"lost notice", lost_notice},
                                   scenario{"late notice", late_notice},
                                   scenario{"gave up waiting", gave_up_waiting},
                                   scenario{"in turn", served_in_turn},
                                   scenario{"passed and cancelled", passed_and_cancelled},
                                   scenario{"one dead server", one_dead_server},
                                   scenario{"refused", refused},
                                   scenario{"cut off", cut_off},
                                   scenario{"rolling restarts", rolling_restarts},
                                   scenario{"back again", back_again},
                                   scenario{"released everywhere", released_everywhere},
                                   scenario{"tie", tie}};

}  // namespace

std::span<const scenario> scenarios() { return all_scenarios; }

}  // namespace holdfast::sim
