// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a job does about each outcome: how long it holds and waits, when it starts
// again, and what it tells those who watch it. The guides on sizing, losses and monitoring show it.
#include <holdfast/holdfast.hpp>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

//! [judge]
enum class advice { try_later, start_again, mend_the_store, mend_the_program };

advice judge(const holdfast::failure& why) {
    using holdfast::errc;
    switch (why.code) {
        case errc::contended:  // Somebody else does it: no incident.
        case errc::timed_out:
        case errc::cancelled: return advice::try_later;
        case errc::lost: return advice::start_again;  // With a new `acquire`, from the first step.
        case errc::no_quorum:
        case errc::in_doubt:  // Asking again is safe: an answer was lost, not the lock.
        case errc::quarantined:
        case errc::unreachable: return advice::try_later;
        case errc::denied:
        case errc::protocol: return advice::mend_the_store;
        case errc::wrong_type:
        case errc::misuse: return advice::mend_the_program;
    }
    return advice::mend_the_program;
}
//! [judge]

/// Stands for a job of several steps, whose place remembers the highest token.
class report {
public:
    bool write(std::uint64_t token, int page) {
        if (token < highest_token_) return false;
        if (token > highest_token_) pages_.clear();  // A new holder begins at the first page.
        highest_token_ = token;
        pages_.push_back(page);
        return true;
    }
    const std::vector<int>& pages() const { return pages_; }

private:
    std::uint64_t highest_token_{0};
    std::vector<int> pages_;
};

//! [steps]
/// @return Whether all pages were written under one lock.
bool write_pages(const holdfast::guard& held, report& monthly) {
    for (int page = 1; page <= 3; ++page) {
        if (held.lost().stop_requested()) return false;
        if (!monthly.write(held.fencing_token(), page)) return false;
    }
    return true;
}
//! [steps]

//! [again]
/// Writes the report, from the first page again if the lock is lost on the way; at most 3 times.
bool write_report(holdfast::locker& locks, report& monthly) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto held = locks.acquire("report", {.ttl = 30s, .wait = 10s});
        if (!held) {
            std::cerr << held.error().message() << '\n';
            return false;
        }
        if (write_pages(*held, monthly)) return held->release().has_value();
        std::cerr << "lost on the way: " << to_string(held->why_lost()) << '\n';
    }
    return false;
}
//! [again]

//! [sizing]
/// For a job that needs up to 2 s to stop, on a store that may be away for 10 s.
holdfast::acquire_options careful_job() {
    return {.ttl = 30s,         // A crash blocks the others for this long.
            .wait = 5s,         // What our own caller is willing to wait.
            .max_hold = 10min,  // The job takes 2 minutes; after 10 something is wrong.
            .stop_margin = 2s};
}
//! [sizing]

//! [statistics]
/// One line for a log or a collector; the numbers only rise.
std::string counters_of(const holdfast::locker& locks) {
    const holdfast::lock_statistics seen = locks.statistics();
    std::ostringstream line;
    line << "grants=" << seen.grants << " refusals=" << seen.refusals
         << " renewals=" << seen.renewals << " renewal_failures=" << seen.renewal_failures
         << " losses=" << seen.losses << " releases_in_doubt=" << seen.releases_in_doubt
         << " store_errors=" << seen.store_errors;
    return line.str();
}
//! [statistics]

}  // namespace

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};
    report monthly;
    if (!write_report(locks, monthly) || monthly.pages().size() != 3) return 1;

    auto held = locks.acquire("outcomes", careful_job());
    if (!held) return 1;
    auto refused = locks.try_acquire("outcomes");
    if (refused || judge(refused.error()) != advice::try_later) return 1;
    if (!locks.break_lock("outcomes")) return 1;
    auto lost = held->renew(10s);
    if (lost || judge(lost.error()) != advice::start_again) return 1;
    if (write_pages(*held, monthly)) return 1;
    auto wrong = locks.try_acquire("");
    if (wrong || judge(wrong.error()) != advice::mend_the_program) return 1;

    std::cout << counters_of(locks) << '\n';
    return counters_of(locks).starts_with("grants=2 refusals=1 ") &&
                   counters_of(locks).find(" losses=1 ") != std::string::npos
               ? 0
               : 1;
}
