// SPDX-License-Identifier: BSL-1.0
#include "sim/oracle.hpp"

#include <algorithm>

namespace holdfast::sim {

oracle::oracle(world& w) : world_(w) {
    w.before_wipe = [this](std::size_t which) { before_wipe(which); };
}

void oracle::violated(const std::string& what) {
    const auto at = std::chrono::duration<double>(world_.now().time_since_epoch()).count();
    violations_.push_back("at " + std::to_string(at) + " s: " + what);
}

void oracle::granted(client& who, const lock::held_ptr& held, const acquire_options& how) {
    ++grants_;
    const time_point now = world_.now();
    if (now >= held->valid_until.load()) violated("I1: a grant without validity left");
    holding mine{&who, held, held->sent, held->lost_signal(), false, how.permits};
    if (copies(*held) < majority()) {
        mine.exposed = world_.last_wipe >= held->sent;
        if (!mine.exposed && world_.servers.size() > 1)
            violated("I1: " + who.name + " was granted " + held->name + " by a minority");
    }
    const bool shared = how.mode == lock_mode::shared || how.permits > 0;
    std::uint32_t holders = 1;
    for (const holding& other : holdings_) {
        if (other.held->name != held->name || other.held == held) continue;
        const bool valid = other.held->held() && now < other.held->valid_until.load();
        // With the restart guard no wipe is an excuse.
        const bool excused = world_.guard.count() == 0 && (!remembered(other) || mine.exposed);
        if (!valid || excused) continue;
        if (world_.servers.size() == 1 && world_.last_wipe >= held->sent) continue;
        ++holders;
        if (!shared || !other.shared || other.permits != how.permits)
            violated("I1: " + who.name + " was granted " + held->name + " while " +
                     other.who->name + " held it");
    }
    if (how.permits > 0 && holders > how.permits)
        violated("I1: " + std::to_string(holders) + " hold " + held->name + " at once");
    // Those who share are granted at the same time.
    if (!shared && how.fence) check_token(*held);
    mine.shared = shared;
    holdings_.push_back(std::move(mine));
}

// Tokens rise from one holder to the next. Where a wipe made two holders there is no next: a server
// that was wiped has a vote that came before it. Of several servers, one that was wiped makes its
// counter anew from a clock that may be behind the others'.
void oracle::check_token(const lock::held_lease& held) {
    last_grant& last = last_[held.name];
    const bool behind = world_.servers.size() > 1 && world_.drifts();
    const bool made_anew = behind && world_.last_wipe >= last.asked;
    const bool voided = world_.last_wipe >= held.sent;
    if (held.fencing_token <= last.token && !voided && !made_anew)
        violated("I2: token " + std::to_string(held.fencing_token) + " after " +
                 std::to_string(last.token));
    const bool reset = behind && (voided || made_anew);
    last.token = reset ? held.fencing_token : std::max(last.token, held.fencing_token);
    last.asked = held.sent;
}

std::size_t oracle::copies(const lock::held_lease& held, time_point until, std::size_t but) const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < world_.servers.size(); ++i) {
        if (i == but) continue;
        const server& at = world_.servers[i];
        const auto found = at.table.inspect(held.name, world_.server_now(at), held.id);
        if (!found || found->value != held.value) continue;
        const auto left = static_cast<double>(nanoseconds(found->holder.remaining).count());
        const auto ends = nanoseconds(static_cast<nanoseconds::rep>(left / at.rate));
        if (world_.now() + ends >= until) ++sum;
    }
    return sum;
}

void oracle::before_wipe(std::size_t which) {
    for (holding& h : holdings_) {
        h.sent_at_wipe = h.held->sent;
        if (copies(*h.held, h.held->valid_until, which) < majority()) h.exposed = true;
    }
}

void oracle::audit() {
    for (const holding& h : holdings_) {
        const bool valid = h.held->held() && world_.now() < h.held->valid_until.load();
        if (valid && remembered(h) && copies(*h.held) < majority())
            violated("I1: " + h.who->name + " holds " + h.held->name + " on a minority");
    }
}

void oracle::ending(const lock::held_ptr& held) {
    std::erase_if(holdings_, [&](const holding& h) { return h.held == held; });
}

std::size_t oracle::asking(time_point limit) {
    questions_[++question_] = limit;
    return question_;
}

void oracle::answered(std::size_t question, errc code) {
    questions_.erase(question);
    ++world_.seen[code == errc{} ? "answer: granted" : "answer: " + std::string(to_string(code))];
}

void oracle::look() {
    for (const auto& [question, limit] : questions_)
        if (world_.now() > limit) violated("I9: an acquire took too long");
    std::erase_if(questions_, [&](const auto& one) { return world_.now() > one.second; });
    for (holding& h : holdings_) {
        const bool signalled = h.told.stop_requested();
        const bool lost = h.held->why_lost() != lost_reason::none;
        if (h.lost && h.held->held()) violated("I4: a lost lock is held again");
        if (lost && !h.lost) {
            h.lost = true;
            ++losses_;
            check_loss(h);
        }
        if (lost && !signalled) violated("I3: a loss without a signal");
        if (world_.paused(*h.who)) continue;
        // A client that runs must have been told before its validity is over.
        if (!lost && h.held->held() && world_.now() >= h.held->valid_until.load())
            violated("I3: " + h.who->name + " was not told in time");
    }
    std::erase_if(holdings_, [](const holding& h) { return h.lost && !h.held->held(); });
}

void oracle::check_loss(const holding& h) {
    const lost_reason why = h.held->why_lost();
    ++world_.seen["lost: " + std::string(to_string(why))];
    // One that was paused may learn of its lease's end from whoever took the lock since.
    const bool over = world_.now() >= h.held->valid_until.load();
    if (why == lost_reason::taken && !over && remembered(h))
        violated("I5: a lock was taken from " + h.who->name);
    // Within its lease a renewal that failed is tried again.
    const bool early = world_.now() < h.held->stop_by();
    if ((why == lost_reason::unreachable || why == lost_reason::expired) && early)
        violated("I5: " + h.who->name + " gave a lock up before its time");
}

void oracle::nothing_left() {
    for (server& at : world_.servers) {
        for (const lock_info& left : at.table.list("", world_.server_now(at)))
            violated("I7: " + left.name + " is still held by " + left.holder.host);
        if (at.table.waiting(world_.server_now(at)) > 0)
            violated("I7: somebody still stands in a line");
    }
}

}  // namespace holdfast::sim
