// SPDX-License-Identifier: BSL-1.0
#include "redis/range_record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace holdfast::redis {
namespace {

constexpr std::size_t token_bytes = 7;
constexpr std::uint64_t token_end = std::uint64_t{1} << (8 * token_bytes);
constexpr std::size_t units_bytes = 3;
constexpr std::size_t length_bytes = 2;
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;
constexpr std::size_t id_digits = 32;

void append_bytes(std::string& into, std::uint64_t value, std::size_t bytes) {
    std::array<char, sizeof value> all;
    for (std::size_t i = 0; i < bytes; ++i)
        all[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * (bytes - 1 - i))));
    into.append(all.data(), bytes);
}

std::uint64_t number_in(std::string_view bytes) noexcept {
    std::uint64_t value = 0;
    for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
    return value;
}

/// What each byte is as a hexadecimal digit of lower case; -1: none.
constexpr std::array<signed char, 256> hex_values = [] {
    std::array<signed char, 256> all{};
    all.fill(-1);
    for (int i = 0; i < 10; ++i)
        all.at(static_cast<std::size_t>('0' + i)) = static_cast<signed char>(i);
    for (int i = 0; i < 6; ++i)
        all.at(static_cast<std::size_t>('a' + i)) = static_cast<signed char>(10 + i);
    return all;
}();

int hex_value(char c) noexcept { return hex_values[static_cast<unsigned char>(c)]; }

/// Takes the first bytes off `rest`.
std::string_view take_front(std::string_view& rest, std::size_t bytes) noexcept {
    const std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(std::min(bytes, rest.size()));
    return taken;
}

}  // namespace

std::string write_bound(std::int64_t bound) {
    std::string bytes;
    append_bytes(bytes, static_cast<std::uint64_t>(bound) ^ sign_bit, bound_bytes);
    return bytes;
}

std::int64_t read_bound(std::string_view bytes) noexcept {
    return static_cast<std::int64_t>(number_in(bytes.substr(0, bound_bytes)) ^ sign_bit);
}

std::string class_of(const range& extent) {
    const std::uint64_t length =
        static_cast<std::uint64_t>(extent.end) - static_cast<std::uint64_t>(extent.start);
    // 1 + ceil(log2(length)).
    return std::string(1, static_cast<char>(1 + std::bit_width(length - 1)));
}

std::string write_id(std::string_view id) {
    std::array<char, 1 + id_digits / 2> coded{'x'};
    bool hex = id.size() == id_digits;
    for (std::size_t i = 0; hex && i < id_digits; i += 2) {
        const int high = hex_value(id[i]);
        const int low = hex_value(id[i + 1]);
        hex = high >= 0 && low >= 0;
        coded[1 + i / 2] = static_cast<char>(high * 16 + low);
    }
    return hex ? std::string(coded.data(), coded.size()) : std::string("t").append(id);
}

std::optional<std::string> read_id(std::string_view coded) {
    if (coded.starts_with('t') && coded.size() > 1) return std::string(coded.substr(1));
    if (!coded.starts_with('x') || coded.size() != 1 + id_digits / 2) return std::nullopt;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (const char c : coded.substr(1)) {
        const auto byte = static_cast<unsigned char>(c);
        id += digits[byte >> 4U];
        id += digits[byte & 0xFU];
    }
    return id;
}

std::string write_cursor(const range_cursor& after) {
    std::string bytes = write_bound(after.start);
    append_bytes(bytes, std::min(after.token, token_end - 2) + 1, token_bytes);
    return bytes;
}

std::string write_token(std::uint64_t token) {
    std::string bytes;
    if (token != 0) append_bytes(bytes, std::min(token, token_end - 1), token_bytes);
    return bytes;
}

std::string write_labels(std::string_view owner, std::string_view data) {
    std::string labels;
    labels.reserve(length_bytes + owner.size() + data.size());
    append_bytes(labels, owner.size(), length_bytes);
    return labels.append(owner).append(data);
}

std::optional<range_hold> read_record(std::string_view record, std::int64_t left_ms) {
    if (record.empty()) return std::nullopt;
    const bool single = record.front() == '\0';
    const std::size_t fixed = 1 + 2 * bound_bytes + token_bytes + length_bytes;
    if (record.size() < fixed + (single ? 0 : 2 * units_bytes)) return std::nullopt;
    std::string_view rest = record.substr(1);
    range_hold told;
    told.start = read_bound(take_front(rest, bound_bytes));
    told.fencing_token = number_in(take_front(rest, token_bytes));
    told.end = read_bound(take_front(rest, bound_bytes));
    if (!single) {
        told.units = static_cast<std::uint32_t>(number_in(take_front(rest, units_bytes)));
        rest.remove_prefix(units_bytes);
    }
    const auto owner_bytes = static_cast<std::size_t>(number_in(take_front(rest, length_bytes)));
    if (rest.size() < owner_bytes) return std::nullopt;
    told.owner = take_front(rest, owner_bytes);
    told.data = rest;
    told.permanent = left_ms < 0;
    told.remaining = std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 0));
    return told;
}

}  // namespace holdfast::redis
