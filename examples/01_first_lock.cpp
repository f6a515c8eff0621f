// SPDX-License-Identifier: BSL-1.0
//
// What it is: take a lock, work while it is held, give it back, and tell the outcomes apart.
#include <holdfast/holdfast.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    //! [open]
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};
    //! [open]

    //! [acquire]
    auto held = locks.acquire("invoices:42", {.ttl = 30s, .wait = 5s});
    if (!held) {
        std::cerr << "not held: " << held.error().message() << '\n';
        return held.error().code == holdfast::errc::timed_out ? 75 : 69;
    }
    //! [acquire]

    //! [work]
    for (int page = 1; page <= 3; ++page) {
        if (held->lost().stop_requested()) return 76;  // Before each step, not only once.
        std::cout << "page " << page << ", fencing token " << held->fencing_token() << '\n';
    }
    //! [work]

    //! [release]
    if (auto released = held->release(); !released) {
        std::cerr << "released? " << released.error().message() << '\n';
        return 1;
    }
    //! [release]
}
