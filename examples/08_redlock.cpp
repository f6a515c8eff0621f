// SPDX-License-Identifier: BSL-1.0
//
// What it is: redlock's README in C++: one lock on a majority of independent Redis servers. The
// arguments are their URLs.
#include <holdfast/compat/redlock.hpp>

#include <future>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using holdfast::compat::redlock;

namespace {

int fail(const holdfast::failure& why) {
    std::cerr << "not as expected: " << why.message() << '\n';
    return 1;
}

void transfer(const std::string& account) { std::cout << "working on " << account << '\n'; }

//! [callbacks]
/// Locks, extends and unlocks with callbacks, which run on a thread of the facade's.
void lock_and_extend(redlock& locks, std::promise<bool>& done) {
    locks.lock("locks:account:322456", 1000ms, [&done](holdfast::result<redlock::held_lock> lock) {
        if (!lock) return done.set_value(false);
        transfer("322456");
        lock->extend(1000ms, [&done](holdfast::result<redlock::held_lock> extended) {
            if (!extended) return done.set_value(false);
            transfer("322456");
            extended->unlock(
                [&done](holdfast::result<void> unlocked) { done.set_value(unlocked.has_value()); });
        });
    });
}
//! [callbacks]

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: 08_redlock URL...\n";
        return 64;
    }
    //! [open]
    // One URL for each server: redis://redis1.example.com, redis://redis2.example.com, ...
    const std::vector<std::string> servers(argv + 1, argv + argc);
    redlock::options options;
    options.drift_factor = 0.01;
    options.retry_count = 3;
    options.retry_delay = 200ms;
    redlock locks(servers, options);
    //! [open]

    //! [lock]
    auto lock = locks.lock("locks:account:322456", 1000ms);
    if (!lock) return fail(lock.error());
    transfer("322456");
    if (auto unlocked = lock->unlock(); !unlocked) return fail(unlocked.error());
    //! [lock]

    //! [several]
    auto both = locks.lock({"locks:account:1", "locks:account:2"}, 1000ms);
    if (!both) return fail(both.error());
    transfer("1 and 2");
    if (auto extended = both->extend(1000ms); !extended) return fail(extended.error());
    //! [several]
    if (auto unlocked = locks.unlock(*both); !unlocked) return fail(unlocked.error());

    //! [using]
    const auto booked =
        locks.using_({"locks:account:322456"}, 2000ms, [](const redlock::signal& signal) {
            int booked_so_far = 0;
            while (booked_so_far < 3 && !signal.aborted()) ++booked_so_far;
            return booked_so_far;
        });
    if (!booked) return fail(booked.error());
    //! [using]

    std::promise<bool> done;
    lock_and_extend(locks, done);
    return done.get_future().get() && *booked == 3 ? 0 : 1;
}
