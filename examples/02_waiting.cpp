// SPDX-License-Identifier: BSL-1.0
//
// What it is: the ways to wait for a lock that somebody else holds: once, for a while, until it is
// free, and until told to stop.
#include <holdfast/holdfast.hpp>

#include <future>
#include <iostream>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;

namespace {

int fail(const char* what) {
    std::cerr << "expected otherwise: " << what << '\n';
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};
    auto holder = locks.acquire("waiting", {.owner = "the first one"});
    if (!holder) return fail("the first acquire");

    //! [once]
    auto once = locks.try_acquire("waiting");
    if (once || once.error().code != holdfast::errc::contended) return fail("contended");
    if (once.error().holder) std::cout << "held by " << once.error().holder->owner << '\n';
    //! [once]

    //! [a_while]
    auto a_while = locks.acquire("waiting", {.wait = 100ms});
    if (a_while || a_while.error().code != holdfast::errc::timed_out) return fail("timed_out");
    //! [a_while]

    //! [until_stopped]
    std::stop_source shutdown;
    auto stopped = std::async(std::launch::async, [&] {
        return locks.acquire("waiting", {.wait = holdfast::forever, .stop = shutdown.get_token()});
    });
    shutdown.request_stop();
    if (stopped.get().error().code != holdfast::errc::cancelled) return fail("cancelled");
    //! [until_stopped]

    //! [until_free]
    auto next = std::async(std::launch::async,
                           [&] { return locks.acquire("waiting", {.wait = holdfast::forever}); });
    if (!holder->release()) return fail("the release");
    auto held = next.get();
    //! [until_free]
    if (!held) return fail("the second acquire");
    std::cout << "then held with token " << held->fencing_token() << '\n';
    return held->release() ? 0 : fail("the last release");
}
