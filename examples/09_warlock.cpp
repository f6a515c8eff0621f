// SPDX-License-Identifier: BSL-1.0
//
// What it is: warlock's README in C++. The argument is the server's URL.
#include <holdfast/compat/warlock.hpp>

#include <future>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using holdfast::compat::warlock;

namespace {

int fail(const holdfast::failure& why) {
    std::cerr << "not as expected: " << why.message() << '\n';
    return 1;
}

//! [callbacks]
/// Tells `done` whether the lock was had; the callbacks run on a thread of the facade's.
void lock_and_unlock(warlock& locks, std::promise<bool>& done) {
    locks.lock("test-lock", 10s, [&done](holdfast::result<warlock::answer> got) {
        if (!got || !got->unlock) return done.set_value(false);  // An error, or somebody has it.
        // Do the work that is protected by the lock, and then:
        got->unlock([&done](holdfast::result<int> unlocked) {
            done.set_value(unlocked && *unlocked == 1);
        });
    });
}
//! [callbacks]

}  // namespace

int main(int argc, char** argv) {
    //! [open]
    warlock locks(argc > 1 ? argv[1] : "redis://localhost");
    //! [open]

    //! [lock]
    auto got = locks.lock("test-lock", 10s);
    if (!got) return fail(got.error());  // Something went wrong.
    if (got->unlock) {
        // The lock is ours. Do the work, and then:
        got->unlock();
    } else {
        // Somebody else has it. Wait a bit and try again, perhaps.
    }
    //! [lock]

    //! [optimistic]
    const int max_attempts = 4;
    auto soon = locks.optimistic("opt-lock", 10s, max_attempts, 1s);
    if (!soon) return fail(soon.error());  // "unable to obtain lock", for one.
    //! [optimistic]

    //! [by_id]
    const std::string id = locks.lock("test-lock-2", 10s).value().id;
    // Each client that knows the id can touch and unlock the lock.
    warlock elsewhere(argc > 1 ? argv[1] : "redis://localhost");
    if (!elsewhere.touch("test-lock-2", id, 20s).value()) return 1;
    if (elsewhere.unlock("test-lock-2", id).value() != 1) return 1;
    //! [by_id]

    std::promise<bool> done;
    lock_and_unlock(locks, done);
    const bool fine = done.get_future().get() && soon->unlock().value() == 1;
    std::cout << (fine ? "locked and unlocked\n" : "not as expected\n");
    return fine ? 0 : 1;
}
