// SPDX-License-Identifier: BSL-1.0
//
// What it is: ids in the forms of the dialects' originals. Each holds at least 120 random bits and,
// unlike some originals', neither the time nor the machine.
// Thread safety: pure functions.
#pragma once

#include <holdfast/entropy.hpp>

#include <string>

namespace holdfast::redis {

/// @return 32 lower-case hexadecimal digits.
[[nodiscard]] std::string hex_id(entropy& random);
/// @return The base64 form (24 characters) of 16 bytes that are marked as a UUID of version 1.
[[nodiscard]] std::string base64_uuid(entropy& random);
/// @return `c` and 24 digits of base 36, as a cuid.
[[nodiscard]] std::string cuid(entropy& random);
/// @return A UUID of version 4, RFC 4122, in its text form of 36 characters.
[[nodiscard]] std::string uuid_v4(entropy& random);

}  // namespace holdfast::redis
