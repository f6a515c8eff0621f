// SPDX-License-Identifier: BSL-1.0
//
// What it is: several candidates, one of whom leads at a time. docs/guides/leader.md explains it.
// Here they are threads; in life each is a process on a machine of its own.
#include <holdfast/holdfast.hpp>

#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// Waits for `duration`, or until a stop is requested.
void pause(const std::stop_token& stop, std::chrono::milliseconds duration) {
    std::mutex mutex;
    std::condition_variable_any nobody_notifies;
    std::unique_lock waiting{mutex};
    nobody_notifies.wait_for(waiting, stop, duration, [] { return false; });
}

/// Stands for what the leader looks after: it obeys the highest token that it has seen.
class charge {
public:
    bool obey(std::uint64_t token) {
        const std::lock_guard held{mutex_};
        if (token < highest_token_) return false;
        terms_ += token > highest_token_ ? 1 : 0;
        highest_token_ = token;
        changed_.notify_all();
        return true;
    }
    bool wait_for_terms(int terms) {
        std::unique_lock held{mutex_};
        return changed_.wait_for(held, 20s, [&] { return terms_ >= terms; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t highest_token_{0};
    int terms_{0};
};

//! [lead]
/// Leads until there is a reason to stop: the loss of the lock, the end of the program, or here,
/// so that others have their turn, three steps.
void lead(const holdfast::guard& term, charge& cluster, const std::stop_token& shutdown) {
    for (int step = 0; step < 3; ++step) {
        if (term.lost().stop_requested() || shutdown.stop_requested()) return;
        if (!cluster.obey(term.fencing_token())) return;  // Somebody else was elected meanwhile.
        pause(term.lost(), 10ms);
    }
}
//! [lead]

//! [take_part]
/// Leads whenever it is this candidate's turn, until the program ends.
void take_part(holdfast::locker& locks, const std::string& who, charge& cluster,
               const std::stop_token& shutdown) {
    const holdfast::acquire_options options{
        .ttl = 15s, .wait = holdfast::forever, .stop = shutdown, .owner = who};
    while (!shutdown.stop_requested()) {
        auto term = locks.acquire("leader", options);
        if (term) {
            lead(*term, cluster, shutdown);
            term->release();  // The next one leads at once, and not when the ttl is over.
        } else if (term.error().code != holdfast::errc::cancelled) {
            std::cerr << who << ": " << term.error().message() << '\n';
            pause(shutdown, 1s);  // The store is away: `forever` waits for rivals, not for it.
        }
    }
}
//! [take_part]

}  // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "memory:examples";
    holdfast::locker here{url};
    holdfast::locker there{url};
    charge cluster;
    std::stop_source shutdown;
    std::jthread one{[&] { take_part(here, "one", cluster, shutdown.get_token()); }};
    std::jthread other{[&] { take_part(there, "other", cluster, shutdown.get_token()); }};
    const bool elected = cluster.wait_for_terms(4);
    shutdown.request_stop();
    one.join();
    other.join();
    std::cout << (elected ? "four terms, one after the other\n" : "no election\n");
    return elected && here.statistics().losses + there.statistics().losses == 0 ? 0 : 1;
}
