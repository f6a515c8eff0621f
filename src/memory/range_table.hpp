// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference for every store of holds: the port's contract as plain code over maps,
// at an instant that the caller names. The other stores are compared with it.
// Thread safety: safe from any thread. Waiters are woken under its mutex, by a post.
// Invariants: holds of class 0 of a key, live or not yet swept, do not overlap; see
// core/range_rule.hpp.
#pragma once

#include <holdfast/range_store.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace holdfast::memory {

/// Holds by key, and who waits for them.
class range_table {
public:
    /// As the verbs of `range_store`, at the instant `now`.
    [[nodiscard]] result<std::vector<range_grant>> hold_all(std::span<const range_claim> wanted,
                                                            time_point now);
    [[nodiscard]] result<void> renew(const range_renewal& ask, time_point now);
    [[nodiscard]] result<void> release(std::string_view key, std::string_view id,
                                       released_hold which, time_point now);
    [[nodiscard]] std::optional<range_hold> get(std::string_view key, std::string_view id,
                                                time_point now) const;
    [[nodiscard]] result<range_hold> confirm(std::string_view key, std::string_view id,
                                             std::uint64_t fencing_token, time_point now);
    [[nodiscard]] result<range_hold> move(std::string_view key, std::string_view id,
                                          std::uint64_t fencing_token, range to, time_point now);
    [[nodiscard]] range_page list(std::string_view key, range window,
                                  std::optional<range_cursor> after, std::size_t limit,
                                  time_point now) const;
    void set_capacity(std::string_view key, std::uint32_t units);

    /// @return How many holds are kept, swept or not.
    [[nodiscard]] std::size_t size() const;

    /// One who waits for a change, on an executor of its own.
    struct waiter {
        asio::any_io_executor executor;
        std::weak_ptr<alarm> bell;
        range where;
        range_change which;
    };
    /// Registers a waiter until `leave_waiters`. @return When to look again at the latest; nothing
    /// if `wanted` can be had already.
    [[nodiscard]] std::optional<time_point> enter_waiters(const range_claim& wanted,
                                                          const waiter* who, time_point now);
    void leave_waiters(const std::string& key, const waiter* who);

private:
    /// Where a hold stands in its key: by class, start and token.
    using place = std::tuple<unsigned, std::int64_t, std::uint64_t>;
    struct holding;
    using holdings = std::map<place, holding>;
    using expiries = std::multimap<time_point, const holding*>;
    struct holding {
        range_hold what;                // But for `remaining`.
        std::uint32_t granted{1};       // Under this capacity.
        time_point expires{};           // The end of time, if it is permanent.
        expiries::iterator expiring{};  // Where it stands among the expiries.
        [[nodiscard]] range where() const noexcept { return {what.start, what.end}; }
        [[nodiscard]] bool live(time_point now) const noexcept { return now < expires; }
        /// @param token  0: whichever.
        [[nodiscard]] bool is(std::uint64_t token) const noexcept {
            return token == 0 || token == what.fencing_token;
        }
    };
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    struct entry {
        std::uint32_t capacity{1};
        holdings holds;
        std::unordered_map<std::string, holdings::iterator, text_hash, std::equal_to<>> ids;
        std::array<std::size_t, 66> in_class{};  // How many stand in each.
    };
    using entries = std::map<std::string, entry, std::less<>>;

    [[nodiscard]] static range_hold describe(const holding& which, time_point now);
    [[nodiscard]] static const holding* find(const entry& in, std::string_view id);
    [[nodiscard]] static std::vector<const holding*> overlapping(const entry& in, range where,
                                                                 time_point now);
    [[nodiscard]] const entry* look(std::string_view key) const;
    [[nodiscard]] const holding* live(std::string_view key, std::string_view id,
                                      time_point now) const;
    holding* live(std::string_view key, std::string_view id, time_point now);
    [[nodiscard]] static std::optional<failure> in_the_way(const entry& in,
                                                           const range_claim& wanted,
                                                           std::uint32_t capacity, time_point now);
    [[nodiscard]] std::optional<failure> refuse(const range_claim& wanted, time_point now) const;
    range_grant give(const range_claim& wanted, time_point now);
    void put(holding what, std::uint32_t capacity);
    holding take_out(const holding& which);
    void drop(const holding& which);
    void set_expiry(holding& which, time_point when);
    void sweep(std::size_t most, time_point now);
    void tell(std::string_view key, range where, range_change which) const;

    mutable std::mutex mutex_;
    entries keys_;                 // Guarded by mutex_, as all below.
    expiries expiries_;            // Of all keys; holds stay where they are until taken out.
    std::uint64_t last_token_{0};  // One counter for all keys rises for each of them.
    std::multimap<std::string, const waiter*, std::less<>> waiters_;
};

}  // namespace holdfast::memory
