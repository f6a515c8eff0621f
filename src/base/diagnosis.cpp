// SPDX-License-Identifier: BSL-1.0
#include <holdfast/diagnosis.hpp>

#include <algorithm>

namespace holdfast {

std::string_view to_string(severity level) noexcept {
    switch (level) {
        case severity::note: return "note";
        case severity::warning: return "warning";
        case severity::problem: return "problem";
    }
    return "unknown";
}

std::optional<severity> diagnosis::worst() const noexcept {
    const auto highest =
        std::max_element(findings.begin(), findings.end(),
                         [](const finding& a, const finding& b) { return a.level < b.level; });
    if (highest == findings.end()) return std::nullopt;
    return highest->level;
}

}  // namespace holdfast
