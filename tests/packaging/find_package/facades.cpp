// SPDX-License-Identifier: BSL-1.0
//
// Why: each facade must pass a user's compiler and warnings, and link. How: all of them speak with
// a server that is not there, and say so.
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/process_lock.hpp>
#include <holdfast/compat/range_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main() {
    const char* const nobody = "redis://127.0.0.1:1";  // Nobody answers on port 1.
    holdfast::compat::redlock many({nobody}, {.retry_count = 0});
    holdfast::compat::warlock war(nobody);
    holdfast::compat::dist_lock dist(nobody, {.max_retries = 0});
    holdfast::compat::process_lock process("job", 10s, nobody);
    holdfast::compat::range_lock ranges(nobody, "mysql://nobody@127.0.0.1:1/none");
    const bool refused = !many.lock("job", 1s) && !war.lock("job", 1s) && !dist.acquire("job") &&
                         !process.lock() && !ranges.set("room", 1, 2, {}, 1s);
    std::cout << (refused ? "all say that nobody is there\n" : "somebody said yes\n");
    return refused ? 0 : 1;
}
