// SPDX-License-Identifier: BSL-1.0
//
// What it is: ranges and the holds on them, as plain values. A range is half-open, [start, end), in
// whole numbers of a unit of the caller's; ranges that touch do not overlap.
// Thread safety: plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace holdfast {

/// The id of a hold has at least 1 and at most this many bytes.
inline constexpr std::size_t hold_id_bytes_max = 255;
/// The data of a hold has at most this many bytes.
inline constexpr std::size_t hold_data_bytes_max = std::size_t{64} * 1024;
/// A hold takes at least 1 and at most this many units; a key has room for as many.
inline constexpr std::uint32_t range_units_max = 1'000'000;

/// [start, end).
struct range {
    std::int64_t start{0};  ///< Part of the range.
    std::int64_t end{0};    ///< Not part of the range; above `start`.

    friend bool operator==(const range&, const range&) = default;
};

/// All that there is, but for the very last number.
inline constexpr range everything{std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()};

/// A hold, as its store tells of it.
struct range_hold {
    std::string key{};  ///< 1 to 512 bytes.

    /// A capability: who knows it can release the hold. Empty where the hold is told to others.
    std::string id{};
    std::int64_t start{0};   ///< Where it begins.
    std::int64_t end{0};     ///< Not part of it.
    std::uint32_t units{1};  ///< How much of the key's capacity it takes.

    /// Rises with each hold of the key, and with each move.
    std::uint64_t fencing_token{0};
    bool permanent{false};                   ///< Confirmed: it does not run out.
    std::chrono::milliseconds remaining{0};  ///< By the store's clock; 0 if it is permanent.
    std::string owner{};                     ///< A label for people.
    std::string data{};                      ///< The caller's own.
};

}  // namespace holdfast
