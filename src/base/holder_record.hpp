// SPDX-License-Identifier: BSL-1.0
//
// What it is: the value that stands in a store for a held lock: the holder's id, and behind it what
// people want to know of the holder. `<32 hex digits>|<pid>@<host>|<owner label>`.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::base {

/// Writes random bits as an id: 32 hexadecimal digits. @param into  Its room is used again.
void write_hex(const std::array<std::byte, 16>& bits, std::string& into);

/// A holder's record, taken apart.
struct holder_record {
    std::string id;      ///< All bytes before the first '|', or the whole value if there is none.
    holder_info holder;  ///< `remaining` is left as unknown.
};

/// Writes the value for a holder in place of what `into` holds, within its room where that is
/// enough. `host` loses its '|' and control bytes.
void write_holder_record(std::string& into, std::string_view id, std::int64_t pid,
                         std::string_view host, std::string_view owner);
/// @return The same.
[[nodiscard]] std::string write_holder_record(std::string_view id, std::int64_t pid,
                                              std::string_view host, std::string_view owner);

/// Takes any bytes: what does not have our form is all id. Control bytes in the parts for people
/// become '?'.
[[nodiscard]] holder_record read_holder_record(std::string_view value);

}  // namespace holdfast::base
