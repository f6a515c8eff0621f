// SPDX-License-Identifier: BSL-1.0
//
// What it is: the stores that the suite runs against, each with a place of its own where it keeps
// its locks.
// Thread safety: none.
#pragma once

#include <holdfast/store.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::test {

/// Where the stores of one test keep their locks. Gone with the object.
class store_place {
public:
    store_place() = default;
    store_place(const store_place&) = delete;
    store_place& operator=(const store_place&) = delete;
    virtual ~store_place() = default;
    /// @return The URL that all stores of the test open.
    [[nodiscard]] virtual std::string url() const = 0;
    /// @return All that is written down of holds on ranges, in any form; the same text if nothing
    ///         was changed. Nothing where there is no other look at it than the store's own.
    [[nodiscard]] virtual std::string dump_of_holds() const { return {}; }
    /// @return How many holds of ranges stand in it, those included that have run out; nothing
    ///         where that cannot be seen.
    [[nodiscard]] virtual std::optional<std::size_t> holds_in_it() const { return std::nullopt; }
};

/// One kind of store.
struct store_kind {
    std::string name;
    std::function<std::unique_ptr<store_place>()> make_place;
    /// A place where users have but the rights that they need, if those go other ways.
    std::function<std::unique_ptr<store_place>()> make_bare_place;
    /// Its leases run out by the timeline that it is given, not by a clock of its own.
    bool follows_timeline{false};
    /// What it can do, by its page in docs/stores/. The suite skips the rest.
    store_abilities able{};
};

/// @return All kinds that are built, and whose servers this machine has.
[[nodiscard]] const std::vector<store_kind>& store_kinds();

/// Names a kind in the names of tests.
std::ostream& operator<<(std::ostream& out, const store_kind& kind);

}  // namespace holdfast::test
