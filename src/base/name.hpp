// SPDX-License-Identifier: BSL-1.0
//
// What it is: the rules for lock names and owner labels, and the one encoding of names as text.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/options.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::base {

/// @return Why `name` is no lock name (empty, or over `limit` bytes), or nothing if it is one.
[[nodiscard]] std::optional<failure> check_name(std::string_view name,
                                                std::size_t limit = name_bytes_max);

/// @return Why `owner` is no owner label (over 256 bytes, or control characters), or nothing.
[[nodiscard]] std::optional<failure> check_owner(std::string_view owner);

/// @return Whether it is one of the control bytes 0 to 31 and 127.
[[nodiscard]] bool is_control(char c) noexcept;

/// Percent-encodes `{`, `}`, `%`, `:` and the control bytes 0 to 31 and 127; all other bytes stand
/// as they are. Injective, so distinct names stay distinct.
[[nodiscard]] std::string encode_name(std::string_view name);
/// The same, written to `into`, which has room for `encoded_bytes_max`. @return Its end.
char* encode_name(std::string_view name, char* into) noexcept;
/// How long a name of so many bytes may become.
[[nodiscard]] constexpr std::size_t encoded_bytes_max(std::size_t name_bytes) noexcept {
    return 3 * name_bytes;
}

/// Undoes `encode_name`. @return Nothing if `text` is not what `encode_name` writes.
[[nodiscard]] std::optional<std::string> decode_name(std::string_view text);

}  // namespace holdfast::base
