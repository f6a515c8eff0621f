// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_contract.hpp"

#include "base/holder_record.hpp"
#include "lock/session.hpp"

#include <cstdio>

namespace holdfast::test {

store_contract::store_contract()
    : place_(GetParam().make_place()), first_(open()), second_(open()) {}

store_contract::~store_contract() {
    for (const auto& each : stores_) each->stop();
    // Lets what the stores had begun end before they go.
    context_.poll();
}

std::shared_ptr<store> store_contract::open() {
    const auto make = lock::factory_for(place_->url()).value();
    const store_environment environment{context_.get_executor(), time_, random_, {}};
    auto made = make(environment).value();
    stores_.push_back(made);
    return made;
}

std::string store_contract::value(std::string_view owner) {
    std::string id;
    for (const std::byte each : random_.id_bits()) {
        std::array<char, 3> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(each));
        id += digits.data();
    }
    return base::write_holder_record(id, 4711, "a-host", owner);
}

result<grant> store_contract::acquire(store& where, std::string_view name, std::string_view value,
                                      std::chrono::milliseconds ttl, attempt which, bool fence) {
    return acquire(where, {std::string(name), std::string(value), ttl, fence}, which);
}

result<grant> store_contract::acquire(store& where, const claim& wanted, attempt which) {
    return run(where.acquire(wanted, which, soon()));
}

claim store_contract::alone(std::string_view name, std::chrono::milliseconds ttl) {
    return {.name = std::string(name), .value = value(), .ttl = ttl};
}

claim store_contract::shared(std::string_view name, std::chrono::milliseconds ttl) {
    claim wanted = alone(name, ttl);
    wanted.mode = lock_mode::shared;
    return wanted;
}

claim store_contract::counted(std::string_view name, std::uint32_t permits,
                              std::chrono::milliseconds ttl) {
    claim wanted = alone(name, ttl);
    wanted.permits = permits;
    return wanted;
}

result<void> store_contract::renew(store& where, std::string_view name, std::string_view value,
                                   std::chrono::milliseconds ttl) {
    renewal ask{name, value, ttl};
    run(where.renew(std::span(&ask, 1), soon()));
    return ask.outcome;
}

result<void> store_contract::release(store& where, std::string_view name, std::string_view value) {
    return run(where.release(name, value, soon()));
}

result<void> store_contract::release(store& where, const claim& held) {
    return release(where, held.name, held.value);
}

result<void> store_contract::renew(store& where, const claim& held) {
    return renew(where, held.name, held.value, held.ttl);
}

std::optional<lock_info> store_contract::inspect(store& where, std::string_view name,
                                                 std::string_view id) {
    return run(where.inspect(name, id, soon())).value();
}

std::vector<lock_info> store_contract::list(store& where, std::string_view prefix) {
    return run(where.list(prefix, soon())).value();
}

std::optional<lock_info> store_contract::take_away(store& where, std::string_view name) {
    return run(where.take_away(name, soon())).value();
}

std::chrono::nanoseconds store_contract::wait_until_free(store& where, std::string_view name) {
    const time_point begin = time_.now();
    while (inspect(where, name)) {
        if (time_.now() - begin > patience) throw std::runtime_error("it never became free");
        pass(1ms);
    }
    return time_.now() - begin;
}

void store_contract::wait_until_gone(store& where, const claim& held) {
    const time_point begin = time_.now();
    for (auto found = inspect(where, held.name, id_of(held)); found && found->value == held.value;
         found = inspect(where, held.name, id_of(held))) {
        if (time_.now() - begin > patience) throw std::runtime_error("it never ran out");
        pass(1ms);
    }
}

std::string id_of(const claim& held) { return held.value.substr(0, 32); }

testing::AssertionResult is_lost(const result<void>& outcome, lost_reason why) {
    if (outcome) return testing::AssertionFailure() << "it succeeded";
    if (outcome.error().code == errc::lost && outcome.error().reason == why)
        return testing::AssertionSuccess() << "it is lost: " << to_string(why);
    return testing::AssertionFailure()
           << outcome.error().message() << " (" << to_string(outcome.error().reason) << ")";
}

}  // namespace holdfast::test
