// SPDX-License-Identifier: BSL-1.0
//
// What it is: the actions of holds on ranges in the tables `hold`, `hold_key` and `hold_meta` of a
// database. Each is one transaction, and gives SQLite's code.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: as `memory::range_table`, with which it is compared.
#pragma once

#include <holdfast/range_store.hpp>

#include "sqlite/machine.hpp"
#include "sqlite/statement.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sqlite {

/// How an attempt at several holds went.
struct holds_taken {
    std::vector<range_grant> grants;  ///< Of all, if there is no `why`.
    std::optional<failure> why;       ///< Nothing was held.
};

/// What there is to wait for.
struct hold_outlook {
    bool free{false};
    time_point first_end{time_point::max()};  ///< When the first of those in the way runs out.
};

/// See the top of the file.
class hold_table {
public:
    hold_table(timeline& time, machine where, std::string address);

    /// Makes its statements, and removes what is left of former boots and has run out.
    [[nodiscard]] int prepare(const connection& db, std::uint64_t random);

    [[nodiscard]] int hold_all(std::span<const range_claim> wanted, holds_taken& out);
    /// @param freed  Set if one of them now ends earlier than before.
    [[nodiscard]] int renew(std::span<range_renewal> batch, bool& freed);
    [[nodiscard]] int release(std::string_view key, std::string_view id, released_hold which,
                              result<void>& out);
    [[nodiscard]] int get(std::string_view key, std::string_view id,
                          std::optional<range_hold>& out);
    [[nodiscard]] int confirm(std::string_view key, std::string_view id, std::uint64_t token,
                              result<range_hold>& out);
    [[nodiscard]] int move(std::string_view key, std::string_view id, std::uint64_t token, range to,
                           result<range_hold>& out);
    [[nodiscard]] int list(std::string_view key, range window,
                           const std::optional<range_cursor>& after, std::size_t limit,
                           range_page& out);
    [[nodiscard]] int set_capacity(std::string_view key, std::uint32_t units);
    [[nodiscard]] int look(const range_claim& wanted, hold_outlook& out);

private:
    /// The present, by both clocks.
    struct instant {
        std::int64_t now{0};   // ns since boot.
        std::int64_t wall{0};  // µs since 1970.
    };
    /// A row of `hold`.
    struct row {
        range_hold what;  // But for `permanent` and `remaining`.
        unsigned length_class{0};
        std::uint32_t granted{1};
        bool this_boot{true};
        std::int64_t expires_ns{0};
        std::int64_t expires_us{0};
        [[nodiscard]] std::int64_t left_ns(const instant& at) const noexcept;
        [[nodiscard]] bool live(const instant& at) const noexcept { return left_ns(at) > 0; }
        [[nodiscard]] bool permanent() const noexcept;
        /// @param token  0: whichever.
        [[nodiscard]] bool is(std::uint64_t token) const noexcept {
            return token == 0 || token == what.fencing_token;
        }
    };
    /// Which of the holds that overlap a range are looked for.
    struct page {
        range where;
        std::optional<range_cursor> after{};
        std::int64_t limit{-1};
    };

    /// What `change` commits is on the disk when this returns.
    template <class Change>
    [[nodiscard]] int durably(Change change);
    [[nodiscard]] int end_hold(std::string_view key, std::string_view id, released_hold which,
                               result<void>& out);
    [[nodiscard]] int make_permanent(std::string_view key, std::string_view id, std::uint64_t token,
                                     result<range_hold>& out);
    [[nodiscard]] int take_elsewhere(std::string_view key, std::string_view id, std::uint64_t token,
                                     range to, result<range_hold>& out);
    [[nodiscard]] instant present() const noexcept;
    [[nodiscard]] failure gone() const;
    [[nodiscard]] failure another_hold() const;
    [[nodiscard]] failure too_many_units(std::uint32_t units, std::uint32_t capacity) const;
    [[nodiscard]] static range_hold describe(row&& found, const instant& at);
    [[nodiscard]] row read_row(std::string_view key, run& found) const;
    [[nodiscard]] int find(std::string_view key, std::string_view id, std::optional<row>& out);
    [[nodiscard]] int capacity_of(std::string_view key, std::uint32_t& out);
    [[nodiscard]] int first_in_file(std::string_view key, std::int64_t start, std::int64_t& out);
    [[nodiscard]] int overlapping(std::string_view key, const page& which, const instant& at,
                                  std::vector<row>& out);
    [[nodiscard]] int in_the_way(const range_claim& wanted, std::uint32_t capacity,
                                 const instant& at, std::optional<failure>& out);
    [[nodiscard]] int refuse(const range_claim& wanted, const instant& at,
                             std::optional<failure>& out);
    [[nodiscard]] int look_for_usual(const range_claim& wanted, const instant& at,
                                     std::optional<std::int64_t>& out);
    [[nodiscard]] int end_usual(std::string_view key, std::string_view id, std::uint64_t token,
                                bool& out);
    [[nodiscard]] int try_usual(const range_claim& wanted, const instant& at, range_grant& out,
                                bool& done);
    [[nodiscard]] int give(const range_claim& wanted, const instant& at, range_grant& out);
    [[nodiscard]] int put(const row& what, const instant& at);
    [[nodiscard]] int draw_fence(const instant& at, std::uint64_t& out);
    [[nodiscard]] int extend(const row& which, std::int64_t expires_ns, std::int64_t expires_us);
    [[nodiscard]] int sweep_now_and_then(std::size_t sets, const instant& at);

    timeline& time_;
    machine where_;
    std::string address_;
    const connection* connection_{nullptr};
    std::uint64_t sets_{0};

    transaction_statements transaction_;
    transaction_statements reading_;
    statement usual_, find_, before_, class_, page_, clear_, insert_, drop_, end_, extend_, fence_,
        fence_set_, sweep_;
    statement sweep_former_, capacity_, capacity_set_, capacity_drop_;
};

}  // namespace holdfast::sqlite
