// SPDX-License-Identifier: BSL-1.0
//
// What it is: the blocking entrance to holds on ranges: what a booking system needs between "the
// customer picked 10:00 to 11:00" and "the card was charged". docs/concepts/ranges.md explains
// them, docs/guides/booking.md shows a booking from end to end.
// Thread safety: one range locker may be used by any number of threads at once.
// Invariants: a copy in a forked child is dead: every call answers `misuse`.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>
#include <holdfast/range.hpp>
#include <holdfast/range_guard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

class range_store;
/// Makes the store of a range locker.
using range_store_factory =
    std::function<result<std::shared_ptr<range_store>>(const store_environment&)>;

/// How a range is held and kept.
struct range_options {
    /// Length of the hold, [10 ms, 24 h], by the store's clock.
    std::chrono::milliseconds ttl = std::chrono::seconds{30};
    /// Longest wait while the range is taken: 0 tries exactly once, up to 24 h, or `forever`.
    std::chrono::milliseconds wait{0};
    /// Ends the wait early; the result is `cancelled` and nothing is left behind; but see `id`.
    std::stop_token stop{};
    /// Renews in the background at a third of the ttl. Off by default: a hold that nobody confirms
    /// is to run out.
    bool auto_renew = false;
    /// After this long the hold counts as lost and is renewed no more; above 0, or `forever`.
    std::chrono::milliseconds max_hold = forever;
    /// As `acquire_options::stop_margin`.
    std::optional<std::chrono::milliseconds> stop_margin{};
    /// How much of the capacity it takes, 1 to 1,000,000.
    std::uint32_t units = 1;
    /// How many units may be held at once at any point, as far as this hold goes; 1 to 1,000,000.
    /// 0: what was set for the key, or 1. All who use a key should mean the same.
    std::uint32_t capacity = 0;
    /// An id of the caller's own, 1 to 255 bytes, unique within the key; e.g. the number of the
    /// order. Who asks again with the same id, range and units gets the same hold, renewed: so a
    /// call whose answer was lost can be repeated, also by another process. What may have been
    /// granted to it is therefore never taken back by itself, not after `cancelled` either: release
    /// it, or let it run out. It must not be used again after a release, and is `misuse` once the
    /// hold was confirmed. Empty: 32 hexadecimal digits are drawn.
    std::string id{};
    /// What the caller wants to find in the hold again, at most 64 KiB.
    std::string data{};
    /// A label for people, which those who are refused see: at most 256 bytes, no control
    /// characters.
    std::string owner{};
};

/// One of several ranges that are held together.
struct range_request {
    std::string key;         ///< 1 to 512 bytes.
    std::int64_t start{0};   ///< Where it begins.
    std::int64_t end{0};     ///< Not part of it; above `start`.
    std::uint32_t units{1};  ///< How much of the key's capacity it takes.
};

/// Holds ranges in one store, for blocking callers.
class range_locker {
public:
    /// Opens `url`. Connects at the first call, not here.
    ///
    /// @param url  As for `locker`. Several servers as a quorum cannot hold ranges: which holds are
    ///             in each other's way would have to be decided by votes that each see others.
    /// @throws lock_error  `misuse` if the url or the options break a rule; the text names it.
    explicit range_locker(std::string_view url, const locker_options& options = {});
    /// Uses a store that `make` makes.
    explicit range_locker(const range_store_factory& make, const locker_options& options = {});
    /// As the constructor, for callers that want no exceptions.
    [[nodiscard]] static result<range_locker> open(std::string_view url,
                                                   const locker_options& options = {});
    /// As above, with a store that `make` makes.
    [[nodiscard]] static result<range_locker> open(const range_store_factory& make,
                                                   const locker_options& options = {});

    range_locker(range_locker&&) noexcept;
    range_locker& operator=(range_locker&&) noexcept;
    range_locker(const range_locker&) = delete;
    range_locker& operator=(const range_locker&) = delete;
    /// As `locker`'s: waits up to a second for releases that guards have started.
    ~range_locker();

    /// Holds [start, end) of `key`; waits at most `options.wait` while it is taken.
    ///
    /// @param key    1 to 512 bytes, any; compared byte by byte.
    /// @param start  In a unit of the caller's, the same for all who use the key.
    /// @param end    Above `start`. Ranges that touch do not overlap.
    /// @par Errors        `contended` (only if wait is 0) and `timed_out`, with the holds in the
    ///                    way as `failure::blockers`; `cancelled`, `unreachable`, `denied`,
    ///                    `wrong_type`, `protocol`, `misuse`: nothing is held. `in_doubt`: the hold
    ///                    may stand until its ttl has passed; ask again with the same
    ///                    `options.id`, if you gave one.
    /// @par Cancellation  `options.stop`: ends at once, and what was asked for is taken back.
    /// @par Cost          One round trip for each attempt.
    [[nodiscard]] result<range_guard> hold(std::string_view key, std::int64_t start,
                                           std::int64_t end, const range_options& options = {});

    /// Holds all of these, or none, e.g. a room and a therapist. Nobody waits for one of them while
    /// holding another, so no order leads to a deadlock.
    ///
    /// @param wanted   1 to 64; those of one key must not overlap.
    /// @param options  As `hold`; `units` does not count, and an `id` is given to all, so that each
    ///                 key may stand once then.
    /// @return A guard for each, in their order; each is released by itself.
    /// @par Errors     As `hold`; `failure::name` is the key that was in the way, and
    ///                 `failure::index` the place of its range in `wanted`.
    [[nodiscard]] result<std::vector<range_guard>> hold_all(
        const std::vector<range_request>& wanted, const range_options& options = {});

    /// Carries on a hold of which key and id are known: renews it, and gives a guard, whose
    /// destructor does not release it: others know the id, too.
    ///
    /// @param options  `ttl`, `auto_renew`, `max_hold` and `stop_margin` count.
    /// @par Errors     `lost`: no such hold, or it has run out. `misuse` also for a permanent one.
    /// @par Cost       Two round trips.
    [[nodiscard]] result<range_guard> adopt(std::string_view key, std::string_view id,
                                            const range_options& options = {});

    /// @return The hold, or nothing if there is none or it has run out.
    [[nodiscard]] result<std::optional<range_hold>> get(std::string_view key, std::string_view id);

    /// Lets a hold run out `ttl` from now, [10 ms, 24 h]. A permanent one stays permanent, which is
    /// not told here: see `get`.
    /// @param fencing_token  That of the hold that is meant, as `range_hold` and guards have it; a
    ///                       move changes it. 0: whichever has the id. With a token, what arrives
    ///                       late does no harm.
    /// @return The validity that it has at least, counted from now; that is a little less.
    /// @par Errors  `lost`: no such hold, or it has run out, or (`taken`) the id has another token;
    ///              `in_doubt`, `unreachable`, …
    result<std::chrono::milliseconds> renew(std::string_view key, std::string_view id,
                                            std::chrono::milliseconds ttl,
                                            std::uint64_t fencing_token = 0);
    /// Ends a hold, permanent ones too.
    /// @param fencing_token  As for `renew`.
    /// @par Errors  As `renew`.
    result<void> release(std::string_view key, std::string_view id,
                         std::uint64_t fencing_token = 0);
    /// As `range_guard::confirm`. @param fencing_token  As for `renew`.
    [[nodiscard]] result<range_hold> confirm(std::string_view key, std::string_view id,
                                             std::uint64_t fencing_token = 0);
    /// As `range_guard::move`.
    /// @param fencing_token  As for `renew`. A hold that is there already stays, whatever it has.
    /// @return The hold where it is now.
    [[nodiscard]] result<range_hold> move(std::string_view key, std::string_view id,
                                          std::int64_t start, std::int64_t end,
                                          std::uint64_t fencing_token = 0);

    /// @param window  Holds that overlap it; by default all.
    /// @param limit   1 to 100,000.
    /// @return The holds of a key that have not run out, in the order of their starts, with their
    ///         ids: for those who may release any of them.
    /// @par Cost  One round trip for each 1,000. A list of more than these is no snapshot.
    [[nodiscard]] result<std::vector<range_hold>> list(std::string_view key,
                                                       range window = everything,
                                                       std::size_t limit = 1'000);
    /// @param length  Above 0.
    /// @return The first range of that length within `window` that has room for `units`; nothing if
    ///         there is none. Somebody else may take it before you do.
    /// @par Cost  As `list`, for the holds before it.
    [[nodiscard]] result<std::optional<range>> free_gap(std::string_view key, std::int64_t length,
                                                        range window = everything,
                                                        std::uint32_t units = 1);

    /// Sets how many units of a key may be held at once, 1 to 1,000,000, for all who do not say it
    /// themselves. What is held already stays held; who waits for more than that is told `misuse`.
    /// Kept until it is set to 1 again.
    result<void> set_capacity(std::string_view key, std::uint32_t units);
    /// @return What was set, or 1.
    [[nodiscard]] result<std::uint32_t> capacity(std::string_view key);

    /// Waits until the holds in a window are not the ones that are known.
    ///
    /// @param known  What `list` or the last `watch` gave, at most 1,000; order and remaining times
    ///               do not count.
    /// @param wait   Up to 24 h, or `forever`. @param stop  Ends the wait, within a second.
    /// @return What is there now, at most 1,000. A change is mostly seen at once, and within about
    ///         a second in any case; on MySQL it is looked for in growing distances up to that.
    /// @par Errors  `timed_out`, `cancelled`, and those of `list`.
    [[nodiscard]] result<std::vector<range_hold>> watch(std::string_view key, range window,
                                                        const std::vector<range_hold>& known,
                                                        std::chrono::milliseconds wait,
                                                        std::stop_token stop = {});

    /// @return What was counted so far, as `locker::statistics`: grants are holds. What is done
    ///         with a hold of which only key and id are known is not counted, but for renewals.
    [[nodiscard]] lock_statistics statistics() const;
    /// @return The store's address for people, without password.
    [[nodiscard]] const std::string& address() const noexcept;

private:
    struct parts;
    explicit range_locker(std::unique_ptr<parts> opened) noexcept;
    std::unique_ptr<parts> parts_;
};

}  // namespace holdfast
