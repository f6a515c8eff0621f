// SPDX-License-Identifier: BSL-1.0
#include <holdfast/store.hpp>

#include "base/holder_record.hpp"

namespace holdfast {
namespace {

std::string hex_text(const std::array<std::byte, 16>& bits) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bits.size());
    for (const std::byte b : bits) {
        text += digits[std::to_integer<unsigned>(b) >> 4U];
        text += digits[std::to_integer<unsigned>(b) & 0xFU];
    }
    return text;
}

}  // namespace

identity store::draw_identity(entropy& random, const claimant& who) const {
    std::string id = hex_text(random.id_bits());
    std::string value = base::write_holder_record(id, who.pid, who.host, who.owner);
    return {std::move(id), std::move(value)};
}

std::optional<std::string> store::value_of(std::string_view /*id*/) const { return std::nullopt; }

asio::awaitable<result<std::vector<grant>>> store::acquire_all(std::span<const claim> /*wanted*/,
                                                               attempt /*which*/,
                                                               time_point /*deadline*/) {
    co_return failure{errc::misuse, address() + ": this store takes one name at a time"};
}

std::unique_ptr<seat> store::take_seat(std::string_view /*name*/) { return nullptr; }

}  // namespace holdfast
