// SPDX-License-Identifier: BSL-1.0
//
// What it is: a booking from the pick to the charge, and what happens when the charge takes longer
// than the hold. docs/guides/booking.md explains it.
#include <holdfast/holdfast.hpp>

#include <cstdint>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t minute = 60'000;

/// @return That hour of 2026-11-21, in milliseconds since 1970.
constexpr std::int64_t at(int hour) { return 1'795'219'200'000 + hour * 60 * minute; }

//! [table]
/// Stands for a table: `UPDATE ... SET token = :token ... WHERE key = :key AND token < :token`, in
/// the transaction that inserts the booking.
class bookings {
public:
    bool insert(const holdfast::range_hold& hold) {
        std::uint64_t& seen = highest_token_[hold.key];
        if (hold.fencing_token <= seen) return false;
        seen = hold.fencing_token;
        return true;
    }

private:
    std::map<std::string, std::uint64_t> highest_token_;
};
//! [table]

struct receipt {
    std::string order;
};

receipt charge_card(const std::string& order) {
    std::cout << order << " is charged\n";
    return {order};
}

void refund(const receipt& paid) { std::cout << paid.order << " is given its money back\n"; }

int give_up(const char* why) {
    std::cerr << why << '\n';
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    holdfast::range_locker rooms{argc > 1 ? argv[1] : "memory:examples"};
    bookings table;

    //! [hold]
    auto held = rooms.hold("room 7", at(10), at(11), {.ttl = 10min, .data = "order 17"});
    //! [hold]
    if (!held) return give_up(held.error().message().c_str());

    //! [taken]
    auto second = rooms.hold("room 7", at(10) + 30 * minute, at(12));
    for (const holdfast::range_hold& blocker : second.error().blockers)
        std::cout << "taken from " << blocker.start << " to " << blocker.end << ", for "
                  << blocker.remaining.count() << " ms still\n";
    //! [taken]
    if (second) return give_up("expected to be told of the first");

    //! [session]
    const holdfast::range_hold session = held->hand_over().value();
    //! [session]

    //! [charge]
    if (!rooms.renew("room 7", session.id, 2min)) return give_up("please pick again");
    const receipt paid = charge_card("order 17");
    auto booked = rooms.confirm("room 7", session.id);
    if (!booked && booked.error().code == holdfast::errc::lost) refund(paid);
    //! [charge]
    if (!booked || !table.insert(*booked)) return give_up("expected to be booked");

    //! [late]
    auto brief = rooms.hold("room 7", at(14), at(15), {.ttl = 50ms});
    const holdfast::range_hold slow = brief->hand_over().value();
    auto next = rooms.hold("room 7", at(14), at(15), {.ttl = 10min, .wait = 5s});
    auto too_late = rooms.confirm("room 7", slow.id);
    //! [late]
    if (!next || too_late) return give_up("expected the next to have it");
    std::cout << "the slow one: " << too_late.error().message() << '\n';
    const holdfast::range_hold theirs = next->confirm().value();
    if (!table.insert(theirs) || table.insert(slow)) return give_up("expected the token to tell");

    //! [all]
    auto both = rooms.hold_all({{"room 7", at(16), at(17)}, {"therapist 3", at(16), at(17)}},
                               {.ttl = 10min});
    //! [all]
    if (!both) return give_up("both");
    const bool gone = rooms.release("room 7", session.id) && rooms.release("room 7", theirs.id);
    return gone ? 0 : give_up("expected to find the bookings again");
}
