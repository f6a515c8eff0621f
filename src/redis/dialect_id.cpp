// SPDX-License-Identifier: BSL-1.0
#include "redis/dialect_id.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::redis {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

std::array<unsigned char, 16> random_bytes(entropy& random) {
    std::array<unsigned char, 16> bytes{};
    const auto bits = random.id_bits();
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = std::to_integer<unsigned char>(bits[i]);
    return bytes;
}

// RFC 4122, sections 4.1.1 and 4.1.3.
void mark_as_uuid(std::array<unsigned char, 16>& bytes, unsigned version) {
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | (version << 4U));
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
}

void append_hex(std::string& text, unsigned char byte) {
    text += hex_digits[byte >> 4U];
    text += hex_digits[byte & 0xFU];
}

}  // namespace

std::string hex_id(entropy& random) {
    std::string text;
    for (const unsigned char byte : random_bytes(random)) append_hex(text, byte);
    return text;
}

std::string base64_uuid(entropy& random) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    auto bytes = random_bytes(random);
    mark_as_uuid(bytes, 1);
    std::string text;
    for (std::size_t i = 0; i < 15; i += 3) {
        const unsigned group =
            (unsigned{bytes[i]} << 16U) | (unsigned{bytes[i + 1]} << 8U) | unsigned{bytes[i + 2]};
        for (const unsigned shift : {18U, 12U, 6U, 0U}) text += digits[(group >> shift) & 63U];
    }
    text += digits[bytes[15] >> 2U];
    text += digits[(bytes[15] & 3U) << 4U];
    return text + "==";
}

std::string cuid(entropy& random) {
    constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string text = "c";
    // 36^12 is far below 2^64, so that the remainder favours no digit to speak of.
    for (int half = 0; half < 2; ++half) {
        const auto bytes = random_bytes(random);
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < 8; ++i) number = (number << 8U) | bytes[i];
        for (int i = 0; i < 12; ++i, number /= 36) text += digits[number % 36];
    }
    return text;
}

std::string uuid_v4(entropy& random) {
    auto bytes = random_bytes(random);
    mark_as_uuid(bytes, 4);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        append_hex(text, bytes[i]);
    }
    return text;
}

}  // namespace holdfast::redis
