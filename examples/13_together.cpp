// SPDX-License-Identifier: BSL-1.0
//
// What it is: locks that several hold at once, several locks at once, and waiting in turn.
#include <holdfast/holdfast.hpp>

#include <future>
#include <iostream>
#include <mutex>
#include <shared_mutex>

using namespace std::chrono_literals;

namespace {

int fail(const char* what) {
    std::cerr << "expected otherwise: " << what << '\n';
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};

    //! [shared]
    auto reader = locks.acquire("catalogue", {.mode = holdfast::lock_mode::shared});
    auto other = locks.acquire("catalogue", {.mode = holdfast::lock_mode::shared});
    auto writer = locks.try_acquire("catalogue");
    if (!reader || !other || writer) return fail("readers share, a writer is alone");
    //! [shared]

    //! [permits]
    auto first = locks.acquire("render farm", {.permits = 2});
    auto second = locks.acquire("render farm", {.permits = 2});
    auto third = locks.try_acquire("render farm", {.permits = 2});
    if (!first || !second || third) return fail("two at once, and no third");
    //! [permits]

    //! [all]
    auto both = locks.acquire_all({"account:1", "account:2"}, {.wait = 5s});
    if (!both) return fail("both accounts");
    const holdfast::guard& account_2 = both->at(1);
    std::cout << account_2.name() << " with token " << account_2.fencing_token() << '\n';
    //! [all]

    //! [standard]
    holdfast::shared_mutex prices{locks, "prices"};
    {
        std::shared_lock reading{prices};
        if (prices.lost().stop_requested()) return fail("the lock is held");
    }
    std::unique_lock writing{prices};
    //! [standard]

    //! [fair]
    auto head = locks.acquire("queue", {.ttl = 10s, .wait = 5s, .fair = true});
    if (!head) return head.error().code == holdfast::errc::misuse ? 0 : fail("the first in line");
    auto next = std::async(std::launch::async, [&] {
        return locks.acquire("queue", {.ttl = 10s, .wait = 5s, .fair = true});
    });
    if (!head->release() || !next.get()) return fail("the next in line");
    //! [fair]
    return 0;
}
