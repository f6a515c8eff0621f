// SPDX-License-Identifier: BSL-1.0
#include "base/name.hpp"

#include <algorithm>

namespace holdfast::base {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

bool is_encoded(char c) noexcept {
    return is_control(c) || c == '{' || c == '}' || c == '%' || c == ':';
}

}  // namespace

bool is_control(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

std::optional<failure> check_name(std::string_view name, std::size_t limit) {
    if (!name.empty() && name.size() <= limit) return std::nullopt;
    return failure{errc::misuse, "a lock name has 1 to " + std::to_string(limit) +
                                     " bytes, this one has " + std::to_string(name.size())};
}

std::optional<failure> check_owner(std::string_view owner) {
    if (owner.size() > owner_bytes_max)
        return failure{errc::misuse, "an owner label has at most " +
                                         std::to_string(owner_bytes_max) + " bytes, this one has " +
                                         std::to_string(owner.size())};
    if (std::any_of(owner.begin(), owner.end(), is_control))
        return failure{errc::misuse, "an owner label has no control characters"};
    return std::nullopt;
}

std::string encode_name(std::string_view name) {
    std::string text(encoded_bytes_max(name.size()), '\0');
    char* const end = encode_name(name, text.data());
    text.resize(static_cast<std::size_t>(end - text.data()));
    return text;
}

char* encode_name(std::string_view name, char* into) noexcept {
    for (const char c : name) {
        if (!is_encoded(c)) {
            *into++ = c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        *into++ = '%';
        *into++ = hex_digits[byte >> 4U];
        *into++ = hex_digits[byte & 0xFU];
    }
    return into;
}

std::optional<std::string> decode_name(std::string_view text) {
    std::string name;
    name.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            if (is_encoded(text[i])) return std::nullopt;
            name += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digits.find(text[i + 1]);
        const auto low = hex_digits.find(text[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        const auto c = static_cast<char>(high * 16 + low);
        if (!is_encoded(c)) return std::nullopt;
        name += c;
        i += 2;
    }
    return name;
}

}  // namespace holdfast::base
