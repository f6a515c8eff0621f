// SPDX-License-Identifier: BSL-1.0
//
// What it is: a program that uses one store, named by its URL, and says how it went.
#include <holdfast/holdfast.hpp>

#include <iostream>

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    holdfast::locker locks{argv[1]};
    auto held = locks.try_acquire("packaging");
    if (!held) {
        std::cout << held.error().message() << '\n';
        return 1;
    }
    std::cout << "holdfast " << HOLDFAST_VERSION << ", token " << held->fencing_token() << '\n';
    return held->release() ? 0 : 1;
}
