// SPDX-License-Identifier: BSL-1.0
//
// What it is: the wall clock, to compare a server's with. Nothing is ever timed by it.
// Thread safety: safe from any thread.
#pragma once

#include <chrono>

namespace holdfast::port {

/// @return Time since 1970.
[[nodiscard]] std::chrono::microseconds wall_now() noexcept;

}  // namespace holdfast::port
