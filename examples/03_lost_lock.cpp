// SPDX-License-Identifier: BSL-1.0
//
// What it is: how a holder learns that it lost its lock, and what it does then.
#include <holdfast/holdfast.hpp>

#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stop_token>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};

    //! [margin]
    // The work below needs up to 200 ms to stop, so it wants to be told that long before the end.
    auto held = locks.acquire("lost", {.ttl = 600ms, .wait = 5s, .stop_margin = 200ms});
    //! [margin]
    if (!held) {
        std::cerr << held.error().message() << '\n';
        return 1;
    }

    // Somebody takes it away; the next renewal, a third of the ttl later, finds out.
    if (!locks.break_lock("lost")) return 1;

    //! [callback]
    std::stop_callback tell{held->lost(), [] { std::cout << "told: the lock is lost\n"; }};
    //! [callback]

    //! [wait]
    std::mutex mutex;
    std::condition_variable_any work_arrived;
    std::unique_lock waiting{mutex};
    // Waits for work or for the loss, whichever comes first: a stop token ends the wait.
    work_arrived.wait(waiting, held->lost(), [] { return false; });
    //! [wait]

    //! [why]
    std::cout << "lost, because: " << to_string(held->why_lost()) << '\n';
    auto released = held->release();  // Touches nothing: the lock may be somebody else's by now.
    const bool told = !released && released.error().code == holdfast::errc::lost;
    //! [why]
    return told && held->remaining() == 0ms ? 0 : 1;
}
