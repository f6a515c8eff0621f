// SPDX-License-Identifier: BSL-1.0
//
// What it is: locks in the shape of the standard library's mutexes, for code that expects those.
#include <holdfast/holdfast.hpp>

#include <iostream>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};

    //! [scoped]
    holdfast::mutex from{locks, "account:1", {.ttl = 10s}};
    holdfast::mutex to{locks, "account:2", {.ttl = 10s}};
    int balance[] = {100, 0};

    auto move_ten = [&] {
        std::scoped_lock both{from, to};  // Takes the two without a deadlock, as with any mutex.
        balance[0] -= 10;
        balance[1] += 10;
    };
    //! [scoped]
    {
        std::jthread one{move_ten};
        std::jthread two{move_ten};
    }
    std::cout << "balances " << balance[0] << " and " << balance[1] << '\n';

    //! [timed]
    std::unique_lock held{from, 2s};
    if (held.owns_lock()) std::cout << "held with token " << from.fencing_token() << '\n';
    //! [timed]
    return held.owns_lock() && balance[0] == 80 && balance[1] == 20 ? 0 : 1;
}
