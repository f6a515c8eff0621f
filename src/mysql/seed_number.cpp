// SPDX-License-Identifier: BSL-1.0
#include "mysql/seed_number.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace holdfast::mysql {
namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

/// The lengths of UTF-8 sequences and the lowest second bytes. RFC 3629, section 4.
struct sequence {
    std::size_t bytes;
    unsigned second_min;
    unsigned second_max;
};

sequence sequence_of(unsigned first) noexcept {
    if (first < 0x80) return {1, 0, 0};
    if (first >= 0xc2 && first <= 0xdf) return {2, 0x80, 0xbf};
    if (first == 0xe0) return {3, 0xa0, 0xbf};
    if (first == 0xed) return {3, 0x80, 0x9f};
    if (first >= 0xe1 && first <= 0xef) return {3, 0x80, 0xbf};
    if (first == 0xf0) return {4, 0x90, 0xbf};
    if (first >= 0xf1 && first <= 0xf3) return {4, 0x80, 0xbf};
    if (first == 0xf4) return {4, 0x80, 0x8f};
    return {0, 0, 0};
}

}  // namespace

std::int64_t read_number(std::string_view text, rounding direction) noexcept {
    while (!text.empty() && (text.front() == ' ' || (text.front() >= '\t' && text.front() <= '\r')))
        text.remove_prefix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const char* const end = text.data() + text.size();
    std::int64_t whole = 0;
    const auto [whole_stop, whole_error] = std::from_chars(text.data(), end, whole);
    if (whole_error == std::errc{} && whole_stop == end) return whole;
    const bool negative = text.starts_with('-');
    const std::string_view digits = text.substr(negative ? 1 : 0);
    // Neither "inf" nor "nan" is a number to MySQL.
    if (digits.empty() || (digits.front() != '.' && (digits.front() < '0' || digits.front() > '9')))
        return 0;
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range) {
        const std::string_view read(text.data(), static_cast<std::size_t>(stop - text.data()));
        if (read.find("e-") != std::string_view::npos || read.find("E-") != std::string_view::npos)
            return 0;
        return negative ? lowest : highest;
    }
    if (error != std::errc{}) return 0;
    number = direction == rounding::down ? std::floor(number) : std::ceil(number);
    constexpr double limit = 9223372036854775808.0;  // 2^63
    if (number >= limit) return highest;
    if (number < -limit) return lowest;
    return static_cast<std::int64_t>(number);
}

std::int64_t count_characters(std::string_view text) noexcept {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++count) {
        const sequence next = sequence_of(static_cast<unsigned char>(text[i]));
        if (next.bytes == 0 || next.bytes > text.size() - i) return -1;
        for (std::size_t k = 1; k < next.bytes; ++k) {
            const unsigned byte = static_cast<unsigned char>(text[i + k]);
            const unsigned least = k == 1 ? next.second_min : 0x80;
            const unsigned most = k == 1 ? next.second_max : 0xbf;
            if (byte < least || byte > most) return -1;
        }
        i += next.bytes;
    }
    return count;
}

}  // namespace holdfast::mysql
