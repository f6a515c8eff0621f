// SPDX-License-Identifier: BSL-1.0
//
// What it is: the blocks of a guide that are commands, and what the guide says that they print.
// Thread safety: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// A fenced block `sh`, and the block `text` behind it, if there is one.
struct command_block {
    int line{0};  ///< Of the fence, from 1.
    std::string commands;
    std::optional<std::string> printed;
};

/// @return Those of a guide that are to be run: blocks that show a file are not.
[[nodiscard]] std::vector<command_block> commands_of(std::string_view guide);

/// @return Whether `seen` is what `wanted` says, where `…` stands for any part of a line.
[[nodiscard]] bool looks_like(const std::string& seen, const std::string& wanted);

}  // namespace holdfast::test
