// SPDX-License-Identifier: BSL-1.0
//
// What it is: the rows beside the leases: who shares a name with others, and for which names nobody
// else is let in to share, because somebody waits who wants it alone. Decides nothing:
// `lease_table` does, within a transaction.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: as in `lease_table`. A share counts only while the row of its name in `lease` is live
// and has the value that stands for several holders.
#pragma once

#include <holdfast/store.hpp>

#include "sqlite/statement.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::sqlite {

/// One holder among several.
struct share {
    std::string value;
    std::int64_t expires{0};
};

/// All who share a name.
struct share_sum {
    std::int64_t holders{0};
    std::int64_t first_end{0};
    std::int64_t last_end{0};
};

/// The tables `share` and `bar`. Instants are ns since boot.
class share_table {
public:
    /// @return What stands in `lease` for all who hold a name as `wanted` asks for it; empty for
    ///         who wants it alone. Programs of the first version show its last part as the owner.
    [[nodiscard]] static std::string_view stand_in(const claim& wanted) noexcept;
    /// @return Whether `value` stands for several holders.
    [[nodiscard]] static bool is_stand_in(std::string_view value) noexcept;
    /// @return Whether it stands for those who hold a counted lock.
    [[nodiscard]] static bool is_counted(std::string_view value) noexcept;

    [[nodiscard]] int prepare(const connection& db);

    [[nodiscard]] int set(std::string_view name, const share& holder);
    /// @param expires  When the share of `value` ends; nothing if it has none.
    [[nodiscard]] int find(std::string_view name, std::string_view value, std::int64_t now,
                           std::optional<std::int64_t>& expires);
    /// @param holder  The one with that id, else any; nothing if there is none.
    [[nodiscard]] int choose(std::string_view name, std::string_view id, std::int64_t now,
                             std::optional<share>& holder);
    [[nodiscard]] int sum(std::string_view name, std::int64_t now, share_sum& all);
    [[nodiscard]] int drop(std::string_view name, std::string_view value);
    /// Removes the shares that had ended by `before`.
    [[nodiscard]] int clear(std::string_view name, std::int64_t before);
    [[nodiscard]] int clear_all(std::string_view name);

    /// Lets nobody in to share `name` for a while from `now` on.
    [[nodiscard]] int bar(std::string_view name, const std::string& boot, std::int64_t now);
    /// @param until  Until when nobody is let in; nothing if it is open.
    [[nodiscard]] int barred(std::string_view name, const std::string& boot, std::int64_t now,
                             std::optional<std::int64_t>& until);
    /// @return Whether this store has put up a bar for `name`, and not taken it back.
    [[nodiscard]] bool has_bar(std::string_view name) const { return own_bars_.contains(name); }
    /// Takes back a bar that this store has put up; costs nothing if there is none.
    [[nodiscard]] int lift(std::string_view name);

    /// Removes what counts no more, up to the name `last`, or to the end if it is empty.
    [[nodiscard]] int sweep(std::string_view last, const std::string& boot, std::int64_t now);

private:
    [[nodiscard]] int first_from(std::string_view name, std::string_view from, std::int64_t now,
                                 std::optional<share>& holder);

    statement set_, find_, first_, sum_, drop_, clear_, sweep_;
    statement bar_, barred_, lift_, sweep_bars_;
    std::map<std::string, std::int64_t, std::less<>> own_bars_;  // Until when.
};

}  // namespace holdfast::sqlite
