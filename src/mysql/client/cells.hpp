// SPDX-License-Identifier: BSL-1.0
//
// What it is: cells of an answer as the values that they should be, and bytes as a cell.
// Thread safety: pure functions.
#pragma once

#include "mysql/client/connection.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::mysql {

/// @return The text or bytes of a cell; empty if it has none.
[[nodiscard]] inline std::string text_of(const cell& from) {
    const auto* text = std::get_if<std::string>(&from);
    return text ? *text : std::string();
}

/// @return The whole number of a cell; 0 if it is none.
[[nodiscard]] inline std::int64_t whole_of(const cell& from) noexcept {
    const auto* whole = std::get_if<std::int64_t>(&from);
    return whole ? *whole : 0;
}

/// @return Whether a cell is NULL.
[[nodiscard]] inline bool is_null(const cell& from) noexcept {
    return std::holds_alternative<std::monostate>(from);
}

/// @return Bytes, to be compared and kept as they are.
[[nodiscard]] inline cell raw(std::string_view bytes) { return octets{std::string(bytes)}; }

/// @return A length of time as the tables count it.
[[nodiscard]] inline std::int64_t micros(std::chrono::milliseconds length) noexcept {
    return std::chrono::microseconds(length).count();
}

}  // namespace holdfast::mysql
