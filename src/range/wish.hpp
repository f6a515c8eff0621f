// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a range is asked for with, as the name of a lock: so the engine of the locks
// acquires, keeps, and releases holds without knowing what they are.
// Thread safety: pure functions.
#pragma once

#include <holdfast/range_store.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::ranges {

/// The most bytes that a wish may have.
inline constexpr std::size_t wish_bytes_max =
    name_bytes_max + owner_bytes_max + hold_id_bytes_max + hold_data_bytes_max + 64;

/// @return All that a hold is asked for with, but its ttl, and its id where that is drawn.
[[nodiscard]] std::string to_wish(std::string_view key, const range& where, std::uint32_t units,
                                  const range_options& options);
/// @return A wish that has nothing but its key.
[[nodiscard]] std::string wish_for(std::string_view key);
/// @param wish  What `to_wish` gave. @return The key in it.
[[nodiscard]] std::string_view key_of(std::string_view wish) noexcept;
/// @param wish  What `to_wish` gave. @return The caller's own id in it, if there is one.
[[nodiscard]] std::string_view id_of(std::string_view wish) noexcept;
/// Undoes `to_wish`, but for the id.
[[nodiscard]] range_claim from_wish(std::string_view wish);
/// The same; what room `into` has is used again. Its id and ttl stay as they are.
void from_wish(std::string_view wish, range_claim& into);

}  // namespace holdfast::ranges
