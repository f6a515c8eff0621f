// SPDX-License-Identifier: BSL-1.0
#include "sim/oracle.hpp"

#include <algorithm>

namespace holdfast::sim {

void oracle::violated(const std::string& what) {
    const auto at = std::chrono::duration<double>(world_.now().time_since_epoch()).count();
    violations_.push_back("at " + std::to_string(at) + " s: " + what);
}

void oracle::granted(client& who, const lock::held_ptr& held, const acquire_options& how) {
    ++grants_;
    const time_point now = world_.now();
    if (now >= held->valid_until.load()) violated("I1: a grant without validity left");
    const bool shared = how.mode == lock_mode::shared || how.permits > 0;
    std::uint32_t holders = 1;
    for (const holding& other : holdings_) {
        if (other.held->name != held->name || other.held == held) continue;
        const bool valid = other.held->held() && now < other.held->valid_until.load();
        if (!valid || !remembered(other) || world_.last_wipe >= held->sent) continue;
        ++holders;
        if (!shared || !other.shared || other.permits != how.permits)
            violated("I1: " + who.name + " was granted " + held->name + " while " +
                     other.who->name + " held it");
    }
    if (how.permits > 0 && holders > how.permits)
        violated("I1: " + std::to_string(holders) + " hold " + held->name + " at once");
    std::uint64_t& last = last_token_[held->name];
    // Tokens rise from one holder to the next; where a wipe made two holders, there is no next.
    // Those who share are granted at the same time.
    if (!shared && held->fencing_token <= last && world_.last_wipe < held->sent)
        violated("I2: token " + std::to_string(held->fencing_token) + " after " +
                 std::to_string(last));
    last = std::max(last, held->fencing_token);
    holdings_.push_back({&who, held, held->sent, shared, how.permits});
}

void oracle::ending(const lock::held_ptr& held) {
    std::erase_if(holdings_, [&](const holding& h) { return h.held == held; });
}

void oracle::look() {
    for (holding& h : holdings_) {
        const bool signalled = h.held->lost_signal().stop_requested();
        const bool lost = h.held->why_lost() != lost_reason::none;
        if (h.lost && h.held->held()) violated("I4: a lost lock is held again");
        if (lost && !h.lost) {
            h.lost = true;
            ++losses_;
            // One that was paused may learn of its lease's end from whoever took the lock since.
            const bool over = world_.now() >= h.held->valid_until.load();
            if (h.held->why_lost() == lost_reason::taken && !over && remembered(h))
                violated("I5: a lock was taken from " + h.who->name);
        }
        if (lost && !signalled) violated("I3: a loss without a signal");
        if (world_.paused(*h.who)) continue;
        // A client that runs must have been told before its validity is over.
        if (!lost && h.held->held() && world_.now() >= h.held->valid_until.load())
            violated("I3: " + h.who->name + " was not told in time");
    }
    std::erase_if(holdings_, [](const holding& h) { return h.lost && !h.held->held(); });
}

void oracle::nothing_left() {
    for (const lock_info& left : world_.srv.table.list("", world_.server_now()))
        violated("I7: " + left.name + " is still held by " + left.holder.host);
    if (world_.srv.table.waiting(world_.server_now()) > 0)
        violated("I7: somebody still stands in a line");
}

}  // namespace holdfast::sim
