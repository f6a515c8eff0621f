// SPDX-License-Identifier: BSL-1.0
//
// What it is: the numbers that a locker keeps of its work. `prometheus_text` (metrics.hpp) writes
// them for a monitoring system; docs/reference/metrics.md has what each is good for.
// Thread safety: plain values.
//
// What fits together: every number is right by itself, and when no call is under way they all fit
// together exactly. While calls are under way each is read at its own moment, so two of them may
// differ by what happened in between. Two relations always hold: `losses` is the sum of
// `losses_by`, and `store_errors` that of `errors_by`.
#pragma once

#include <holdfast/errc.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast {

/// How often something took how long, by fixed bounds from 100 µs to 1 h.
struct duration_histogram {
    /// A duration is counted under the first bound that is not below it.
    static constexpr std::array<std::chrono::microseconds, 23> bounds = [] {
        std::array<std::chrono::microseconds, 23> all{};
        std::int64_t power = 100;
        for (std::size_t i = 0; i + 1 < all.size(); i += 3, power *= 10) {
            all[i] = std::chrono::microseconds(power);
            if (i + 2 >= all.size()) break;
            all[i + 1] = std::chrono::microseconds(2 * power);
            all[i + 2] = std::chrono::microseconds(5 * power);
        }
        all.back() = std::chrono::hours(1);
        return all;
    }();

    /// By the index of the bound; the last counts what is above all bounds.
    std::array<std::uint64_t, bounds.size() + 1> counts{};
    /// All durations together. A duration below zero counts as zero.
    std::chrono::nanoseconds sum{0};

    /// @return How many durations there were.
    [[nodiscard]] constexpr std::uint64_t count() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint64_t one : counts) all += one;
        return all;
    }
};

/// A count for each `errc`; index 0 is not used.
using errc_counts = std::array<std::uint64_t, 13>;
/// A count for each `lost_reason`; index 0 is not used.
using lost_reason_counts = std::array<std::uint64_t, 7>;

/// @return The count that belongs to `code`; 0 if there is no such code.
[[nodiscard]] constexpr std::uint64_t count_of(const errc_counts& counts, errc code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return index < counts.size() ? counts[index] : 0;
}
/// @return The count that belongs to `reason`; 0 if there is no such reason.
[[nodiscard]] constexpr std::uint64_t count_of(const lost_reason_counts& counts,
                                               lost_reason reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    return index < counts.size() ? counts[index] : 0;
}

/// What went wrong at one server.
struct node_statistics {
    /// For people, without password. Of more than 64 servers all further ones are "other".
    std::string address;
    /// Answers that were neither a yes nor a no, and answers that did not come, by their codes.
    errc_counts errors{};
};

/// What a locker has counted since it was made. Numbers only rise.
struct lock_statistics {
    /// Locks acquired (`wait_time.count()`) or adopted. `acquire_all` is a grant for each name.
    std::uint64_t grants{0};
    std::uint64_t refusals{0};           ///< Attempts that found somebody else.
    std::uint64_t renewals{0};           ///< Renewals that the store confirmed.
    std::uint64_t renewal_failures{0};   ///< Attempts at a renewal that failed and were retried.
    std::uint64_t losses{0};             ///< Held locks that were lost.
    std::uint64_t releases{0};           ///< Releases that the store confirmed.
    std::uint64_t releases_in_doubt{0};  ///< Releases, background ones too, without a clear answer.
    std::uint64_t store_errors{0};       ///< Answers that were neither a yes nor a no.

    /// How often the store was asked for a lock. `acquire_all` asks once for all its names. What is
    /// handed over by who releases it is not asked for.
    std::uint64_t attempts{0};
    std::uint64_t adoptions{0};  ///< Grants that were leases of somebody else.
    std::uint64_t passes{0};     ///< Grants that were passed on within the process.
    /// Acquisitions that ended without a lock, by what they returned. Calls that break a rule are
    /// not counted, nor those whose stop was requested before they began.
    errc_counts failures_by{};
    lost_reason_counts losses_by{};  ///< `losses`, by the reason.
    errc_counts errors_by{};         ///< `store_errors`, by the code.

    duration_histogram wait_time;  ///< From the call to the grant, of acquisitions that had one.
    duration_histogram vain_wait_time;  ///< From the call to its end, of those that had none.
    /// From the grant to the release, the loss, or the handing over.
    duration_histogram hold_time;
    /// How much validity a lock had left when the store confirmed its renewal. Renewals of a lock
    /// of which only the lease is known have none.
    duration_histogram renewal_margin;

    /// The servers that the store is made of, in the order of configuration. A quorum has several;
    /// `store_errors` counts what became of all its votes together. A cluster, or a master that
    /// sentinels watch, counts as one.
    std::vector<node_statistics> nodes;

    std::uint64_t events_dropped{0};  ///< Not given to `locker_options::on_event`: too many waited.
    std::uint64_t events_refused{0};  ///< Ended with an exception of `on_event`.

    /// @return How many locks are held now.
    [[nodiscard]] constexpr std::uint64_t held() const noexcept {
        const std::uint64_t ended = hold_time.count();
        return grants > ended ? grants - ended : 0;
    }
};

}  // namespace holdfast
