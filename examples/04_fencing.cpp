// SPDX-License-Identifier: BSL-1.0
//
// What it is: how a resource defends itself against a holder that was paused past its validity: it
// remembers the highest fencing token it has seen and refuses whatever comes with a lower one.
#include <holdfast/holdfast.hpp>

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

//! [resource]
/// Stands for a database row, an object store, a device: whatever the lock protects.
class document {
public:
    bool write(std::uint64_t token, std::string text) {
        if (token < highest_token_) return false;
        highest_token_ = token;
        text_ = std::move(text);
        return true;
    }
    const std::string& text() const { return text_; }

private:
    std::uint64_t highest_token_{0};
    std::string text_;
};
//! [resource]

}  // namespace

int main(int argc, char** argv) {
    holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples"};
    document shared;

    // The first holder is "paused": it does not renew, and does not look at the clock.
    auto first = locks.acquire("fencing", {.ttl = 50ms, .wait = 5s, .auto_renew = false});
    if (!first) return 1;
    const auto old_token = first->fencing_token();

    //! [second]
    auto second = locks.acquire("fencing", {.wait = 5s});
    if (!second || !shared.write(second->fencing_token(), "written by the second")) return 1;
    //! [second]

    //! [late]
    // The first one wakes up and goes on writing, as if it still held the lock.
    const bool accepted = shared.write(old_token, "written too late");
    //! [late]
    std::cout << "token " << old_token << (accepted ? " was accepted" : " was refused")
              << "; the document says: " << shared.text() << '\n';
    return !accepted && old_token < second->fencing_token() ? 0 : 1;
}
