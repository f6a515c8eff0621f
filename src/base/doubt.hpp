// SPDX-License-Identifier: BSL-1.0
//
// What it is: how people are told of a request that may have taken effect, and of a question, which
// has none.
// Thread safety: pure functions.
#pragma once

#include <holdfast/errc.hpp>

#include <string_view>
#include <utility>

namespace holdfast::base {

/// The end of such a text.
inline constexpr std::string_view effect_unknown = "; whether it took effect is not known";

/// @return `why` of a question: whatever became of it, nothing was changed.
[[nodiscard]] inline failure harmless(failure why) {
    if (why.code == errc::in_doubt) why.code = errc::unreachable;
    if (why.text.ends_with(effect_unknown))
        why.text.resize(why.text.size() - effect_unknown.size());
    return why;
}

}  // namespace holdfast::base
