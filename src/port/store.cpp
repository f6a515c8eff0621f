// SPDX-License-Identifier: BSL-1.0
#include <holdfast/store.hpp>

#include "base/holder_record.hpp"

namespace holdfast {
void store::draw_identity(entropy& random, const claimant& who, identity& into) const {
    base::write_hex(random.id_bits(), into.id);
    base::write_holder_record(into.value, into.id, who.pid, who.host, who.owner);
}

std::optional<std::string> store::value_of(std::string_view /*id*/) const { return std::nullopt; }

asio::awaitable<result<std::vector<grant>>> store::acquire_all(std::span<const claim> /*wanted*/,
                                                               attempt /*which*/,
                                                               time_point /*deadline*/) {
    co_return failure{errc::misuse, address() + ": this store takes one name at a time"};
}

asio::awaitable<result<void>> store::raise_token(std::string_view /*name*/,
                                                 std::string_view /*value*/,
                                                 std::uint64_t /*at_least*/,
                                                 time_point /*deadline*/) {
    co_return failure{errc::misuse, address() + ": this store's tokens cannot be raised"};
}

asio::awaitable<result<diagnosis>> store::diagnose(time_point /*deadline*/) {
    diagnosis found;
    found.servers.push_back({.address = address(), .version = {}, .id = {}});
    co_return found;
}

asio::awaitable<void> store::gave_up(std::string_view /*name*/, time_point /*deadline*/) {
    co_return;
}

std::string_view store::why_not(ability /*which*/) const noexcept { return {}; }

std::unique_ptr<shortcut> store::make_shortcut() { return nullptr; }

bool store::attend(std::mutex& /*turn*/) { return false; }

std::unique_ptr<change_feed> store::watch(std::string_view /*prefix*/) { return nullptr; }

std::unique_ptr<seat> store::take_seat(std::string_view /*name*/) { return nullptr; }

}  // namespace holdfast
