// SPDX-License-Identifier: BSL-1.0
#include "lock/meter.hpp"

#include <numeric>

namespace holdfast::lock {

lock_statistics meter::read() const {
    const auto sum = [](const auto& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    lock_statistics all;
    // First what ends a lock: nothing is seen to end that was not seen to begin.
    all.hold_time = hold_time.read();
    all.adoptions = adoptions.read();
    all.wait_time = wait_time.read();
    all.grants = all.wait_time.count() + all.adoptions;
    all.refusals = refusals.read();
    all.attempts = attempts.read();
    all.passes = passes.read();
    all.renewals = renewals.read();
    all.renewal_failures = renewal_failures.read();
    all.releases = releases.read();
    all.releases_in_doubt = releases_in_doubt.read();
    all.failures_by = failures_by.read();
    all.errors_by = errors_by.read();
    all.losses_by = losses_by.read();
    all.store_errors = sum(all.errors_by);
    all.losses = sum(all.losses_by);
    all.vain_wait_time = vain_wait_time.read();
    all.renewal_margin = renewal_margin.read();
    return all;
}

}  // namespace holdfast::lock
