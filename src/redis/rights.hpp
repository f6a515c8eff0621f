// SPDX-License-Identifier: BSL-1.0
//
// What it is: every command that this room sends, alone or within a script, and what for: the one
// list that rights are given by, and checked by.
// Thread safety: constants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::redis {

/// What commands are used for; sets of them are sums.
enum class purpose : std::uint8_t {
    locks = 1,
    ranges = 2,
    strings = 4,  ///< Dialects whose locks are strings ...
    hashes = 8,   ///< ... and hashes.
    info = 16,
    failover = 32,    ///< A master that sentinels watch.
    replicated = 64,  ///< `durability=replicated`.
    cluster = 128,
};

using purposes = std::uint8_t;

[[nodiscard]] constexpr purposes operator|(purpose a, purpose b) noexcept {
    return static_cast<purposes>(static_cast<purposes>(a) | static_cast<purposes>(b));
}
[[nodiscard]] constexpr purposes operator|(purposes a, purpose b) noexcept {
    return static_cast<purposes>(a | static_cast<purposes>(b));
}
[[nodiscard]] constexpr bool has(purposes all, purpose one) noexcept {
    return (all & static_cast<purposes>(one)) != 0;
}

/// One command.
struct right {
    std::string_view command;  ///< As in an ACL: `client|tracking`.
    purposes needed_by;
    std::string_view serves;  ///< Empty: taking, renewing or releasing; else what fails without it.
    /// The words behind the command with which the right can be tried, with `KEY` and `CHANNEL` for
    /// ours; `-`: it cannot be tried in a transaction.
    std::string_view trial;
};

[[nodiscard]] std::span<const right> all_rights() noexcept;

}  // namespace holdfast::redis
