// SPDX-License-Identifier: BSL-1.0
//
// What it is: the exit codes of the program, the same for every command; 64 to 78 are those of
// sysexits.h. docs/reference/cli.md lists them.
// Thread safety: plain values.
#pragma once

namespace holdfast::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_not_there = 1;         ///< Not there, or not mine.
inline constexpr int exit_findings = 1;          ///< `doctor` has found something.
inline constexpr int exit_usage = 64;            ///< EX_USAGE
inline constexpr int exit_unavailable = 69;      ///< EX_UNAVAILABLE: store, or outcome in doubt.
inline constexpr int exit_taken = 75;            ///< EX_TEMPFAIL: held by somebody else.
inline constexpr int exit_lost = 76;             ///< EX_PROTOCOL: lost while CMD ran.
inline constexpr int exit_cannot_execute = 126;  ///< As in a shell.
inline constexpr int exit_not_found = 127;       ///< As in a shell.
inline constexpr int exit_signal_base = 128;     ///< 128 + N: ended by signal N.

}  // namespace holdfast::cli
