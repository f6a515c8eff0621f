// SPDX-License-Identifier: BSL-1.0
//
// What it is: the domains of options, checked at the border.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/options.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::lock {

/// @return Which rule of `acquire_options`, or of names, is broken; nothing if none is.
[[nodiscard]] std::optional<failure> check_acquire(std::string_view name,
                                                   const acquire_options& options,
                                                   std::size_t name_limit = name_bytes_max);
/// @return Which rule of `acquire_all` is broken, the names' own rules aside; or nothing.
[[nodiscard]] std::optional<failure> check_names(const std::vector<std::string>& names,
                                                 const acquire_options& options);
/// @return Why `ttl` is outside its domain, or nothing.
[[nodiscard]] std::optional<failure> check_ttl(std::chrono::milliseconds ttl);
/// @return Why `wait` is outside its domain, or nothing.
[[nodiscard]] std::optional<failure> check_wait(std::chrono::milliseconds wait);
/// @return Which rule of `locker_options` is broken, or nothing.
[[nodiscard]] std::optional<failure> check_locker(const locker_options& options);
/// @return Why `id` is no lock id (1 to 256 bytes), or nothing.
[[nodiscard]] std::optional<failure> check_id(std::string_view id);

}  // namespace holdfast::lock
