// SPDX-License-Identifier: BSL-1.0
//
// What it is: range-lock's README in C++. The arguments are the URLs of the Redis server and of the
// database.
#include <holdfast/compat/range_lock.hpp>

#include <future>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using holdfast::compat::range_lock;

namespace {

int fail(const holdfast::failure& why) {
    std::cerr << "not as expected: " << why.message() << '\n';
    return 1;
}

//! [callbacks]
/// Looks a lock up and releases it; the callbacks run on a thread of the facade's.
void find_and_release(range_lock& locks, const std::string& id, std::promise<bool>& done) {
    locks.get("my-key", id, [&done](holdfast::result<std::optional<range_lock::lock>> found) {
        if (!found || !*found) return done.set_value(false);  // An error, or it has gone away.
        // We have a valid lock. Do something, and then:
        (*found)->release([&done](holdfast::result<bool> gone) { done.set_value(gone && *gone); });
    });
}
//! [callbacks]

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: 12_range_lock REDIS_URL MYSQL_URL\n";
        return 64;
    }
    //! [open]
    // For example: redis://localhost, mysql://root:pass@localhost/locks
    range_lock locks(argv[1], argv[2]);
    //! [open]

    //! [set]
    auto got = locks.set("my-key", 10, 20, "this is a test", 30s);
    if (!got) return fail(got.error());  // Something went wrong.
    if (!got->success) {
        // got->lock is the overlapping lock, to be looked at, or told to the client.
        std::cout << "taken until " << got->lock.expiry() << '\n';
        return 75;
    }
    const std::string id = got->lock.id();  // With the key, it finds the lock from anywhere.
    //! [set]

    //! [get]
    auto found = locks.get("my-key", id);
    if (!found) return fail(found.error());
    if (!*found) return 1;  // The lock has gone away.
    std::cout << "holds [" << (*found)->from() << ", " << (*found)->to()
              << "): " << (*found)->data().value_or("") << '\n';
    //! [get]

    //! [clear]
    auto cleared = locks.clear("my-key", id);
    if (!cleared) return fail(cleared.error());
    //! [clear]

    auto again = locks.set("my-key", 10, 20, std::nullopt, 30s);
    if (!again || !again->success) return 1;
    std::promise<bool> done;
    find_and_release(locks, again->lock.id(), done);
    const bool fine = *cleared && done.get_future().get();
    std::cout << (fine ? "set, cleared, released\n" : "not as expected\n");
    return fine ? 0 : 1;
}
