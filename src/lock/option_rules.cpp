// SPDX-License-Identifier: BSL-1.0
#include "lock/option_rules.hpp"

#include "base/name.hpp"
#include "core/lease_math.hpp"

#include <set>
#include <string>

namespace holdfast::lock {
namespace {

std::string text_of(std::chrono::milliseconds length) {
    return std::to_string(length.count()) + " ms";
}

}  // namespace

std::optional<failure> check_ttl(std::chrono::milliseconds ttl) {
    if (ttl >= ttl_min && ttl <= ttl_max) return std::nullopt;
    return failure{errc::misuse, "ttl must be from 10 ms to 24 h, not " + text_of(ttl)};
}

std::optional<failure> check_wait(std::chrono::milliseconds wait) {
    if (wait.count() >= 0 && (wait <= wait_max || wait == forever)) return std::nullopt;
    return failure{errc::misuse, "wait must be from 0 to 24 h, or forever, not " + text_of(wait)};
}

std::optional<failure> check_id(std::string_view id) {
    if (!id.empty() && id.size() <= 256) return std::nullopt;
    return failure{errc::misuse,
                   "a lock id has 1 to 256 bytes, this one has " + std::to_string(id.size())};
}

std::optional<failure> check_acquire(std::string_view name, const acquire_options& options,
                                     std::size_t name_limit) {
    if (auto wrong = base::check_name(name, name_limit)) return wrong;
    if (auto wrong = check_ttl(options.ttl)) return wrong;
    if (auto wrong = check_wait(options.wait)) return wrong;
    if (options.max_hold.count() <= 0)
        return failure{errc::misuse, "max_hold must be above 0, not " + text_of(options.max_hold)};
    const auto margin_max = core::stop_margin_max(options.ttl);
    if (options.stop_margin &&
        (options.stop_margin->count() < 0 || *options.stop_margin > margin_max))
        return failure{errc::misuse, "stop_margin must be from 0 to " + text_of(margin_max) +
                                         " for this ttl, not " + text_of(*options.stop_margin)};
    if (options.permits > permits_max)
        return failure{errc::misuse,
                       "permits must be from 1 to 100000, or 0 for a lock that is "
                       "not counted, not " +
                           std::to_string(options.permits)};
    if (options.permits > 0 && options.mode == lock_mode::shared)
        return failure{errc::misuse, "a lock is either shared or counted with permits, not both"};
    return base::check_owner(options.owner);
}

std::optional<failure> check_names(const std::vector<std::string>& names,
                                   const acquire_options& options) {
    if (names.empty() || names.size() > 64)
        return failure{errc::misuse,
                       "acquire_all takes 1 to 64 names, not " + std::to_string(names.size())};
    std::set<std::string_view> seen;
    for (const std::string& name : names)
        if (!seen.insert(name).second)
            return failure{errc::misuse, "acquire_all takes each name once"};
    if (options.mode != lock_mode::exclusive || options.permits != 0 || options.fair)
        return failure{errc::misuse, "acquire_all takes exclusive locks only, and not in turn"};
    return std::nullopt;
}

std::optional<failure> check_locker(const locker_options& options) {
    if (options.timeout.count() < 1 || options.timeout > std::chrono::hours(1))
        return failure{errc::misuse,
                       "timeout must be from 1 ms to 1 h, not " + text_of(options.timeout)};
    if (!(options.drift_factor >= 0.0 && options.drift_factor <= 0.5))
        return failure{errc::misuse, "drift_factor must be from 0 to 0.5, not " +
                                         std::to_string(options.drift_factor)};
    if (options.slow_acquire.count() < 0 || options.slow_acquire > std::chrono::hours(24))
        return failure{errc::misuse,
                       "slow_acquire must be from 0 to 24 h, not " + text_of(options.slow_acquire)};
    return std::nullopt;
}

}  // namespace holdfast::lock
