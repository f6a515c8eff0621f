// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/checker.hpp"

#include <holdfast/errc.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace holdfast::soak {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::size_t told_max = 20;  // Of each invariant: the first ones tell enough.

/// One lock that a client had.
struct holding {
    const client_history* client{nullptr};
    record taken;
    std::int64_t end{0};       ///< It holds from `taken.completed` up to here.
    std::int64_t deadline{0};  ///< Its last known end of validity.
    std::int64_t last_seen{0};
    std::optional<record> lost{};
    std::optional<record> given_back{};
    std::optional<std::int64_t> deleted_at{};
};

class judge {
public:
    explicit judge(const case_file& all) : all_(all) {}
    verdict run() {
        for (const client_history& one : all_.clients) read(one);
        mark_deletions();
        exclusion();
        tokens();
        losses();
        wake_ups();
        return std::move(found_);
    }

private:
    template <class... Parts>
    void violated(const std::string& which, const Parts&... parts) {
        if (++told_[which] > told_max) return;
        std::ostringstream text;
        text << which << ": ";
        (text << ... << parts);
        found_.violations.push_back(text.str());
    }
    static std::string describe(const holding& one) {
        std::ostringstream text;
        text << one.client->name << " grant " << one.taken.grant << " lock " << int{one.taken.lock}
             << " token " << one.taken.token << " [" << one.taken.completed / ns_per_ms << ", "
             << one.end / ns_per_ms << "] valid until " << one.deadline / ns_per_ms;
        return text.str();
    }
    /// Whether the process stood still at some time from `from` to `to`.
    [[nodiscard]] bool stood_still(int process, std::int64_t from, std::int64_t to) const {
        return std::ranges::any_of(all_.standstills, [&](const standstill& one) {
            // Who goes on needs a moment to catch up.
            return one.process == process && one.from <= to &&
                   one.to + all_.slack_ms * ns_per_ms >= from;
        });
    }

    void read(const client_history& client);
    void read_one(const client_history& client, const record& one,
                  std::map<std::uint32_t, std::size_t>& grants);
    void read_of_grant(holding& held, const record& one);
    void calls(const client_history& client, const record& one);
    void mark_deletions();
    void exclusion();
    void tokens();
    void losses();
    void wake_ups();

    const case_file& all_;
    verdict found_;
    std::map<std::string, std::size_t> told_;
    std::vector<holding> held_;
    std::vector<std::pair<const client_history*, record>> given_up_;  // Waits that ended in vain.
};

void judge::read(const client_history& client) {
    std::map<std::uint32_t, std::size_t> grants;
    for (const record& one : client.records) {
        calls(client, one);
        read_one(client, one, grants);
    }
    for (const auto& [number, at] : grants) {
        holding& held = held_[at];
        const bool ended = held.lost || held.given_back;
        // Who was killed held it as long as it was seen to.
        held.end = std::min(held.deadline, ended ? held.end : held.last_seen);
        if (ended) ++found_.cycles;
    }
}

void judge::read_one(const client_history& client, const record& one,
                     std::map<std::uint32_t, std::size_t>& grants) {
    if (one.what == action::acquire) {
        if (one.how == outcome::busy) ++found_.refusals;
        if (one.how == outcome::failed) ++found_.errors;
        if (one.how == outcome::unknown) ++found_.unknown;
        if (one.how == outcome::busy && one.limit_ms > 0) given_up_.emplace_back(&client, one);
        if (one.how != outcome::ok) return;
        grants[one.grant] = held_.size();
        held_.push_back({.client = &client,
                         .taken = one,
                         .end = one.completed,
                         .deadline = one.deadline,
                         .last_seen = one.completed});
    } else if (one.what == action::leave) {
        if (one.how == outcome::ok && (one.token != 0 || one.holder != 0))
            violated("I11", client.name, " has left ", one.token, " descriptors and ", one.holder,
                     " threads");
    } else if (const auto at = grants.find(one.grant); at != grants.end()) {
        read_of_grant(held_[at->second], one);
    } else {
        violated("history", client.name, " has no grant ", one.grant);
    }
}

void judge::read_of_grant(holding& held, const record& one) {
    switch (one.what) {
        case action::hold:
            held.deadline = one.deadline;
            held.last_seen = one.invoked;
            if (one.invoked > one.deadline)
                violated("I3", describe(held), " was held past its end, at ",
                         one.invoked / ns_per_ms);
            if (held.lost && held.lost->completed <= one.invoked)
                violated("I4", describe(held), " is held after its loss");
            break;
        case action::look_again:
            if (one.how == outcome::ok) violated("I4", describe(held), " is held after its loss");
            break;
        case action::lose:
            held.lost = one;
            held.deadline = std::max(held.deadline, one.deadline);
            held.end = one.completed;
            ++found_.losses;
            ++found_.losses_by_reason[one.reason];
            break;
        case action::release:
        case action::let_go:
            if (!held.lost) held.end = one.invoked;
            held.deadline = std::max(held.deadline, one.deadline);
            held.given_back = one;
            if (one.how == outcome::unknown) ++found_.unknown;
            break;
        case action::release_again:
            // A first release that is in doubt may be confirmed by the second.
            if (one.how == outcome::ok && held.given_back && held.given_back->how == outcome::ok)
                violated("I6", describe(held), " was released twice");
            break;
        case action::write:
            if (one.how == outcome::ok) ++found_.writes;
            if (one.how == outcome::lost) ++found_.stale_writes;
            if (one.how == outcome::unknown) ++found_.writes_unknown;
            break;
        case action::acquire:
        case action::leave: break;
    }
}

// I9.
void judge::calls(const client_history& client, const record& one) {
    const bool counts = one.what == action::acquire || one.what == action::release ||
                        one.what == action::release_again;
    if (!counts || one.completed == 0) return;
    const std::int64_t allowed = (one.limit_ms + 2 * all_.call_ms) * ns_per_ms;
    const std::int64_t over = one.completed - one.invoked - allowed;
    if (stood_still(client.process, one.invoked, one.completed)) return;
    found_.longest_call_ns = std::max(found_.longest_call_ns, over);
    if (over > all_.slack_ms * ns_per_ms)
        violated("I9", client.name, " waited ", over / ns_per_ms,
                 " ms longer than it may for lock ", int{one.lock}, ", action ",
                 static_cast<int>(one.what));
}

void judge::mark_deletions() {
    std::map<std::pair<std::uint8_t, std::uint64_t>, std::int64_t> by_holder;
    for (const deletion& one : all_.deletions) by_holder[{one.lock, one.holder}] = one.at;
    for (holding& one : held_)
        if (const auto at = by_holder.find({one.taken.lock, one.taken.holder});
            at != by_holder.end())
            one.deleted_at = at->second;
}

// I1: a sweep over what was held, by lock.
void judge::exclusion() {
    std::map<std::uint8_t, std::vector<const holding*>> by_lock;
    for (const holding& one : held_)
        if (one.end > one.taken.completed) by_lock[one.taken.lock].push_back(&one);
    for (auto& [lock, list] : by_lock) {
        std::ranges::sort(list, {}, [](const holding* one) { return one->taken.completed; });
        const holding* last = nullptr;  // Of those before, the one that is held longest.
        for (const holding* one : list) {
            // What a stranger deleted is somebody else's from then on.
            const auto end_of = [](const holding& what) {
                return what.deleted_at ? std::min(what.end, *what.deleted_at) : what.end;
            };
            if (last != nullptr && one->taken.completed < end_of(*last))
                violated("I1", describe(*last), " and ", describe(*one));
            if (last == nullptr || end_of(*one) > end_of(*last)) last = one;
        }
    }
}

// I2: whoever was granted it before we asked has a lower token than we.
void judge::tokens() {
    std::map<std::uint8_t, std::vector<const holding*>> by_lock;
    for (const holding& one : held_) by_lock[one.taken.lock].push_back(&one);
    for (auto& [lock, by_end] : by_lock) {
        std::vector<const holding*> by_start = by_end;
        std::ranges::sort(by_end, {}, [](const holding* one) { return one->taken.completed; });
        std::ranges::sort(by_start, {}, [](const holding* one) { return one->taken.invoked; });
        const holding* highest = nullptr;
        std::size_t before = 0;
        for (const holding* one : by_start) {
            for (; before < by_end.size() && by_end[before]->taken.completed < one->taken.invoked;
                 ++before)
                if (highest == nullptr || by_end[before]->taken.token > highest->taken.token)
                    highest = by_end[before];
            if (highest != nullptr && one->taken.token <= highest->taken.token)
                violated("I2", describe(*one), " after ", describe(*highest));
        }
    }
}

// I3 and I5: who has lost it was told in time, and had not lost it without a reason.
void judge::losses() {
    for (const holding& one : held_) {
        if (one.lost && !stood_still(one.client->process, one.deadline, one.lost->completed)) {
            const std::int64_t late = one.lost->completed - one.lost->deadline;
            if (late > found_.latest_loss_ns) {
                found_.latest_loss_ns = late;
                found_.latest_loss = describe(one);
            }
            if (late > all_.slack_ms * ns_per_ms)
                violated("I3", describe(one), " was told ", late / ns_per_ms, " ms too late");
        }
        const bool by_others =
            one.lost && (one.lost->reason == static_cast<int>(lost_reason::taken) ||
                         one.lost->reason == static_cast<int>(lost_reason::deleted));
        if (by_others && !one.deleted_at && one.lost->completed < one.lost->deadline)
            violated("I5", describe(one), " was taken away: reason ", int{one.lost->reason});
        if (!one.deleted_at || *one.deleted_at >= one.end) continue;
        const std::int64_t renewal = *one.deleted_at + one.taken.ttl_ms * ns_per_ms / 3 +
                                     (2 * all_.call_ms + all_.slack_ms) * ns_per_ms;
        if (one.end > renewal && !stood_still(one.client->process, *one.deleted_at, one.end))
            violated("I3", describe(one), " was deleted at ", *one.deleted_at / ns_per_ms,
                     " and its holder was not told");
    }
}

// I8: nobody waits in vain for a lock that is free, once nothing is done to anybody any more.
void judge::wake_ups() {
    std::map<std::uint8_t, std::vector<const holding*>> by_lock;
    for (const holding& one : held_) by_lock[one.taken.lock].push_back(&one);
    for (const auto& [client, wait] : given_up_) {
        if (wait.invoked < all_.calm_from) continue;
        std::int64_t free_since = wait.invoked;
        std::int64_t longest = 0;
        auto list = by_lock[wait.lock];
        std::ranges::sort(list, {}, [](const holding* one) { return one->taken.invoked; });
        for (const holding* one : list) {
            // The server may have it from when it was asked until the lease is over.
            const std::int64_t until = std::max(one->deadline, one->end);
            if (until < free_since || one->taken.invoked > wait.completed) continue;
            longest = std::max(longest, one->taken.invoked - free_since);
            free_since = std::max(free_since, until);
        }
        longest = std::max(longest, wait.completed - free_since);
        if (longest > all_.wake_ms * ns_per_ms)
            violated("I8", client->name, " waited for lock ", int{wait.lock},
                     ", which was free for ", longest / ns_per_ms, " ms");
    }
}

}  // namespace

verdict check(const case_file& all) { return judge(all).run(); }

}  // namespace holdfast::soak
