// SPDX-License-Identifier: BSL-1.0
//
// What it is: dist-lock's README in C++. The argument is the server's URL.
#include <holdfast/compat/dist_lock.hpp>

#include <future>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using holdfast::compat::dist_lock;

namespace {

int fail(const holdfast::failure& why) {
    std::cerr << "not as expected: " << why.message() << '\n';
    return 1;
}

//! [callbacks]
/// Waits until the lock is free; the callbacks run on a thread of the facade's.
void work_under_lock(dist_lock& locks, std::promise<bool>& done) {
    using lock_or_none = std::optional<dist_lock::lock>;
    locks.acquire("shared-resource-name", [&done](holdfast::result<lock_or_none> lock) {
        if (!lock || !*lock) return done.set_value(false);
        // Do some work. When it is done, release the lock.
        (*lock)->release(
            [&done](holdfast::result<bool> released) { done.set_value(released && *released); });
    });
}
//! [callbacks]

}  // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "redis://localhost";

    //! [open]
    dist_lock locks(url);  // The wire of version 2, and the defaults of the README.

    dist_lock::options options;
    options.ttl = 30s;
    options.retry_delay = 50ms;
    options.max_retries = 10;
    options.key_prefix = "lock:";
    options.wire = holdfast::compat::dist_lock_wire::one;  // Beside processes with version 1.
    dist_lock older(url, options);
    //! [open]

    //! [acquire]
    auto lock = locks.acquire("shared-resource-name", "worker 7");
    if (!lock) return fail(lock.error());  // Is Redis down?
    if (!*lock) return 1;                  // The retries were used up. By default there is no end.
    std::cout << (*lock)->key() << " on attempt " << (*lock)->acquired_on_attempt() << " after "
              << (*lock)->acquire_delay().count() << " ms\n";
    (*lock)->extend(60s);
    //! [acquire]

    //! [holder]
    auto holder = locks.get_acquired_lock("shared-resource-name");
    if (!holder) return fail(holder.error());
    if (*holder) std::cout << "held by " << (*holder)->owner() << '\n';
    //! [holder]

    //! [release]
    auto released = (*lock)->release();
    if (!released) return fail(released.error());
    //! [release]

    auto old = older.acquire("older-resource");
    if (!old) return fail(old.error());
    std::promise<bool> done;
    work_under_lock(locks, done);
    return done.get_future().get() && *released && (*old)->release().value() ? 0 : 1;
}
