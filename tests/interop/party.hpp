// SPDX-License-Identifier: BSL-1.0
//
// What it is: one who takes locks of one of the packages: a Node process with the original, or our
// facade in this process. Tests are written once and run with either in either part.
// Thread safety: none.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// An original and the facade that stands beside it.
enum class package { redlock_4, redlock_5, warlock, dist_lock_2 };

/// @return As on the command line of peer.js.
[[nodiscard]] std::string_view to_string(package which) noexcept;
[[nodiscard]] constexpr bool is_redlock(package which) noexcept {
    return which == package::redlock_4 || which == package::redlock_5;
}

using names = std::vector<std::string>;
using std::chrono::milliseconds;

/// A lock that a party holds. Its functions are gone when the party is.
struct grip {
    std::string id;  ///< Empty if the package does not tell.
    std::function<bool()> release;
    std::function<bool(milliseconds ttl)> extend;
};

/// Asks whether a party that waits has got its lock; hands it out once.
using look_for_grip = std::function<std::optional<grip>()>;

/// What parties that wait for a lock let pass between two attempts.
inline constexpr milliseconds retry_delay{5};

/// See the top of the file. Whatever the package calls no answer at all is thrown.
class party {
public:
    party() = default;
    party(const party&) = delete;
    party& operator=(const party&) = delete;
    virtual ~party() = default;

    /// Tries once. @return Nothing if somebody else has one of them.
    [[nodiscard]] virtual std::optional<grip> take(const names& which, milliseconds ttl) = 0;
    /// Starts to wait until it has the lock.
    [[nodiscard]] virtual look_for_grip wait_for(const std::string& name, milliseconds ttl) = 0;
    /// @return Whether that id held the lock, which is released or extended now.
    [[nodiscard]] virtual bool release_by_id(const std::string& name, const std::string& id) = 0;
    [[nodiscard]] virtual bool extend_by_id(const std::string& name, const std::string& id,
                                            milliseconds ttl) = 0;
};

/// Our facade.
[[nodiscard]] std::unique_ptr<party> make_cpp_party(package which, const names& urls);

/// A Node process. @param pid  Its process id, for those who want to kill it.
[[nodiscard]] std::unique_ptr<party> make_node_party(package which, const names& urls,
                                                     pid_t* pid = nullptr);

}  // namespace holdfast::test
