// SPDX-License-Identifier: BSL-1.0
//
// What it is: what both range lockers have in common: how they are opened, and how a hold is asked
// of the engine of the locks and told of.
// Thread safety: pure functions, but for `open_ranges`, which is safe from any thread.
#pragma once

#include <holdfast/range_locker.hpp>
#include <holdfast/range_store.hpp>

#include "lock/session.hpp"
#include "range/verbs.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ranges {

/// A range locker's parts.
struct opened {
    std::shared_ptr<lock::session> session;
    std::shared_ptr<verbs> use;
};
/// @param on  Where everything runs, for coroutines; null for blocking callers.
[[nodiscard]] result<opened> open_ranges(const range_store_factory& make,
                                         const locker_options& options,
                                         const asio::any_io_executor* on);

/// One acquisition of one hold.
struct hold_plan {
    std::string wish;
    range_hold what;  ///< What is known of it before it is held.
    lock::acquire_plan how;
};
/// One acquisition of several.
struct bundle_plan {
    std::vector<std::string> wishes;
    std::vector<range_hold> what;
    lock::acquire_plan how;
};
/// @par Errors  `misuse`, naming the rule.
[[nodiscard]] result<hold_plan> plan_hold(std::string_view key, range where,
                                          const range_options& options);
[[nodiscard]] result<bundle_plan> plan_all(const std::vector<range_request>& wanted,
                                           const range_options& options);
/// For a hold that is there: its first renewal.
[[nodiscard]] result<hold_plan> plan_adoption(const range_hold& there,
                                              const range_options& options);

/// @return `planned`, as it is now that `held` holds it.
[[nodiscard]] range_hold as_held(range_hold planned, const lock::held_lease& held);
/// @return `why`, in words of ranges.
[[nodiscard]] failure translate(failure why);
/// @return A lease for the engine's verbs by id. @par Errors  `misuse`.
[[nodiscard]] result<lease> lease_of(std::string_view key, std::string_view id,
                                     std::chrono::milliseconds ttl);

}  // namespace holdfast::ranges
