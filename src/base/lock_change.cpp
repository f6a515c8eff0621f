// SPDX-License-Identifier: BSL-1.0
#include <holdfast/lock_change.hpp>

namespace holdfast {

std::string_view to_string(change_kind what) noexcept {
    switch (what) {
        case change_kind::held: return "held";
        case change_kind::taken: return "taken";
        case change_kind::released: return "released";
        case change_kind::expired: return "expired";
        case change_kind::broken: return "broken";
        case change_kind::handed_over: return "handed_over";
        case change_kind::interrupted: return "interrupted";
        case change_kind::resumed: return "resumed";
    }
    return "unknown";
}

}  // namespace holdfast
