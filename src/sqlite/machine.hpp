// SPDX-License-Identifier: BSL-1.0
//
// What it is: which boot of the machine this is, and how this process' clock stands to the
// machine's own: what leases in a file that containers share must be counted by.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace holdfast::sqlite {

/// The machine that this process runs on.
struct machine {
    std::string boot;  ///< The kernel's random id of this boot, 36 characters.
    /// What the process' time namespace adds to CLOCK_BOOTTIME; 0 outside of one.
    std::chrono::nanoseconds clock_offset{0};
};

/// Asks the kernel.
/// @par Errors  `denied`: it does not tell (no /proc).
[[nodiscard]] result<machine> this_machine();

/// @return The offset in the text of a `timens_offsets` file; 0 if it names none.
[[nodiscard]] std::chrono::nanoseconds read_clock_offset(std::string_view text);

}  // namespace holdfast::sqlite
