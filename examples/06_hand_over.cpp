// SPDX-License-Identifier: BSL-1.0
//
// What it is: one process takes a lock, another one carries it on and releases it. Here the two are
// two lockers; the lease would travel through a queue, an environment variable or a pipe.
#include <holdfast/holdfast.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "memory:examples";
    holdfast::locker front{url};
    holdfast::locker worker{url};

    //! [give]
    auto held = front.acquire("order:7", {.ttl = 10s, .wait = 5s});
    if (!held) return 1;
    // It is not renewed any more from here on, and not released: it waits for its new owner.
    auto handed = held->hand_over();
    if (!handed) return 1;
    const holdfast::lease& lease = *handed;  // Name, id, token, ttl: all that is needed.
    //! [give]

    //! [take]
    auto adopted = worker.adopt(lease);
    if (!adopted) {
        std::cerr << "it ran out on the way: " << adopted.error().message() << '\n';
        return 1;
    }
    //! [take]
    std::cout << "carried on with token " << adopted->fencing_token() << '\n';
    if (adopted->fencing_token() != lease.fencing_token) return 1;
    if (!adopted->release()) return 1;

    //! [last_resort]
    // Who knows the lease can also release it without adopting it; by now there is nothing left.
    auto again = worker.release(lease);
    //! [last_resort]
    return !again && again.error().code == holdfast::errc::lost ? 0 : 1;
}
