// SPDX-License-Identifier: BSL-1.0
#include "mysql/seed_id.hpp"

#include <algorithm>

namespace holdfast::mysql {
namespace {

std::string five_digits(std::int64_t number) {
    const std::string digits = std::to_string(number % 100'000);
    return std::string(5 - digits.size(), '0') + digits;
}

}  // namespace

std::string make_seed_id(std::int64_t epoch_ms, const std::array<std::byte, 16>& random) {
    constexpr char hex[] = "0123456789abcdef";
    const std::int64_t time = std::max<std::int64_t>(epoch_ms, 0);
    std::string id = five_digits(time) + '-' + five_digits(time / 100'000) + '-';
    for (std::size_t i = 0; i < random.size(); ++i) {
        auto byte = std::to_integer<unsigned>(random[i]);
        if (i == 6) byte = (byte & 0x0fU) | 0x40U;  // Version 4 ...
        if (i == 8) byte = (byte & 0x3fU) | 0x80U;  // ... of the usual variant.
        if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
        id += hex[byte >> 4U];
        id += hex[byte & 15U];
    }
    return id;
}

}  // namespace holdfast::mysql
