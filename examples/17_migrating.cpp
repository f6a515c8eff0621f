// SPDX-License-Identifier: BSL-1.0
//
// What it is: the way from a Node package's locks to holdfast's own, for one that has all of
// holdfast's comforts from the first day. docs/guides/migrating.md explains it. The argument is the
// URL of a Redis server.
#include <holdfast/dialect.hpp>
#include <holdfast/holdfast.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "redis://localhost";

    //! [dialect]
    // The lock that a Node service takes with warlock, renewed in the background, with a signal
    // when it is lost.
    holdfast::locker theirs{holdfast::open_dialect(holdfast::dialect::warlock, url).value()};
    auto both_sides = theirs.acquire("invoices", {.ttl = 10s, .wait = 5s});
    if (!both_sides) return 1;
    //! [dialect]

    //! [both]
    // For the time in between: theirs first, then ours, everywhere in this order.
    holdfast::locker ours{url};
    auto own = ours.acquire("invoices", {.ttl = 10s, .wait = 5s});
    if (!own) return 1;
    const bool may_work = !both_sides->lost().stop_requested() && !own->lost().stop_requested();
    //! [both]

    std::cout << "held in both ways, token " << own->fencing_token() << '\n';
    const bool excluded = !theirs.try_acquire("invoices") && !ours.try_acquire("invoices");
    return may_work && excluded && own->release() && both_sides->release() ? 0 : 1;
}
