// SPDX-License-Identifier: BSL-1.0
//
// What it is: the kinds of stores that keep holds on ranges.
// Thread safety: none.
#pragma once

#include "conformance/store_kinds.hpp"

#include <vector>

namespace holdfast::test {

/// @return Those of `store_kinds` that keep holds.
[[nodiscard]] inline std::vector<store_kind> range_kinds() {
    std::vector<store_kind> kinds;
    for (const store_kind& kind : store_kinds())
        if (kind.name == "memory" || kind.name == "sqlite") kinds.push_back(kind);
    return kinds;
}

}  // namespace holdfast::test
