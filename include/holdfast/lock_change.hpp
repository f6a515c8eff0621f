// SPDX-License-Identifier: BSL-1.0
//
// What it is: what `locker::watch` tells.
// Thread safety: plain values.
#pragma once

#include <holdfast/lease.hpp>

#include <cstdint>
#include <string_view>

namespace holdfast {

/// What happened to a lock. A renewal is no change, and nor is who else joins or leaves those that
/// share a lock, or count it: it is taken by the first of them and released by the last.
enum class change_kind : std::uint8_t {
    held,         ///< It was held already when the watch began.
    taken,        ///< Nobody held it; now somebody does.
    released,     ///< Its holder gave it back; where the store does not tell, it may be `broken`.
    expired,      ///< Its holder did not renew it in time.
    broken,       ///< It was taken away from its holder. Told by a single Redis server.
    handed_over,  ///< Somebody else holds it than before, and it was not seen free in between.
    interrupted,  ///< The store cannot be asked. It goes on by itself.
    resumed,      ///< It can be again; before this, what is different by now was told.
};

/// @return The value's name as it stands in the source; "unknown" otherwise.
[[nodiscard]] std::string_view to_string(change_kind what) noexcept;

/// One change.
struct lock_change {
    change_kind what{change_kind::held};  ///< What happened.
    /// Of who holds it now, or of who held it last, as it was last seen. Without a name for
    /// `interrupted` and `resumed`. The id is a capability: do not log it in full.
    lock_info lock{};
};

}  // namespace holdfast
