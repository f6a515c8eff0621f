// SPDX-License-Identifier: BSL-1.0
//
// What it is: the wall clock as SQLite tells it. Leases are not counted by it: tokens use it, which
// must not fall below it when the file is made anew, and holds that outlive a restart.
// Thread safety: safe from any thread.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>

namespace holdfast::sqlite {

/// @return Microseconds since 1970, in steps of a millisecond; 0 if it cannot be told.
[[nodiscard]] inline std::int64_t wall_us() noexcept {
    constexpr std::int64_t epoch_julian_ms = 210'866'760'000'000;
    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    sqlite3_int64 julian_ms = 0;
    if (system == nullptr || system->iVersion < 2 || system->xCurrentTimeInt64 == nullptr) return 0;
    system->xCurrentTimeInt64(system, &julian_ms);
    return std::max<std::int64_t>(julian_ms - epoch_julian_ms, 0) * 1000;
}

}  // namespace holdfast::sqlite
