// SPDX-License-Identifier: BSL-1.0
//
// What it is: process-lock's README in C++: of two processes only one does the work. The server is
// that of the environment variable REDIS_URL.
#include <holdfast/compat/process_lock.hpp>

#include <future>
#include <iostream>
#include <optional>

using namespace std::chrono_literals;
using holdfast::compat::process_lock;

namespace {

int fail(const holdfast::failure& why) {
    std::cerr << "not as expected: " << why.message() << '\n';
    return 1;
}

//! [callbacks]
/// Becomes the owner, refreshes the lock once and clears it, with callbacks.
void run_once(process_lock& lock, std::promise<bool>& done) {
    lock.lock([&](holdfast::result<bool> owner) {
        if (!owner || !*owner) return done.set_value(false);  // Or try again after a minute.
        lock.update([&](holdfast::result<bool> renewed) {
            if (!renewed || !*renewed) return done.set_value(false);
            lock.clear([&](holdfast::result<std::optional<bool>> cleared) {
                done.set_value(cleared && *cleared == true);
            });
        });
    });
}
//! [callbacks]

}  // namespace

int main() {
    //! [open]
    process_lock lock("lock_name", 60s);  // On the server that REDIS_URL names.
    //! [open]

    //! [lock]
    auto owner = lock.lock();
    if (!owner) return fail(owner.error());
    if (!*owner) return 75;  // Another process runs: try again after a minute, say.
    //! [lock]

    //! [update]
    // Every 30 s or so, as long as the work goes on:
    auto renewed = lock.update();
    if (!renewed || !*renewed) return 76;  // Not the owner any more: stop the work.
    //! [update]

    //! [state]
    std::cout << "the lock is " << to_string(lock.state().value()) << '\n';
    //! [state]

    //! [clear]
    auto cleared = lock.clear();
    if (!cleared) return fail(cleared.error());
    if (*cleared == true) std::cout << "cleared\n";
    if (*cleared == false) std::cout << "somebody else has it\n";
    if (*cleared == std::nullopt) std::cout << "there was no lock\n";
    //! [clear]

    std::promise<bool> done;
    run_once(lock, done);
    return done.get_future().get() && *cleared == true ? 0 : 1;
}
