// SPDX-License-Identifier: BSL-1.0
#include "range/holding.hpp"

#include "range/lock_view.hpp"
#include "range/range_rules.hpp"
#include "range/wish.hpp"

#include <utility>

namespace holdfast::ranges {
namespace {

range_hold planned(std::string_view key, const range& where, std::uint32_t units,
                   const range_options& options) {
    range_hold what;
    what.key = key;
    what.start = where.start;
    what.end = where.end;
    what.units = units;
    what.owner = options.owner;
    what.data = options.data;
    return what;
}

lock::acquire_plan plan_of(const range_options& options) {
    acquire_options how;
    how.ttl = options.ttl;
    how.wait = options.wait;
    how.stop = options.stop;
    how.auto_renew = options.auto_renew;
    how.max_hold = options.max_hold;
    how.stop_margin = options.stop_margin;
    how.owner = options.owner;
    lock::acquire_plan plan(std::move(how));
    plan.alone = true;
    return plan;
}

}  // namespace

result<opened> open_ranges(const range_store_factory& make, const locker_options& options,
                           const asio::any_io_executor* on) {
    if (!make) return failure{errc::misuse, "the range_store_factory is empty"};
    opened parts;
    const store_factory view =
        [&](const store_environment& environment) -> result<std::shared_ptr<store>> {
        auto where = make(environment);
        if (!where) return where.error();
        parts.use = std::make_shared<verbs>(environment, *where);
        return std::shared_ptr<store>(std::make_shared<lock_view>(std::move(*where)));
    };
    auto session =
        on ? lock::session::open_on(*on, view, options) : lock::session::open(view, options);
    if (!session) return session.error();
    parts.session = std::move(*session);
    return parts;
}

result<hold_plan> plan_hold(std::string_view key, range where, const range_options& options) {
    if (auto wrong = check_wanted(key, where, options.units, options)) return *wrong;
    hold_plan plan{.wish = to_wish(key, where, options.units, options),
                   .what = planned(key, where, options.units, options),
                   .how = plan_of(options)};
    if (!options.id.empty()) plan.how.ids.push_back(options.id);
    return plan;
}

result<bundle_plan> plan_all(const std::vector<range_request>& wanted,
                             const range_options& options) {
    if (auto wrong = check_all(wanted, options)) return *wrong;
    bundle_plan plan{.wishes = {}, .what = {}, .how = plan_of(options)};
    for (const range_request& one : wanted) {
        const range where{.start = one.start, .end = one.end};
        plan.wishes.push_back(to_wish(one.key, where, one.units, options));
        plan.what.push_back(planned(one.key, where, one.units, options));
        if (!options.id.empty()) plan.how.ids.push_back(options.id);
    }
    return plan;
}

result<hold_plan> plan_adoption(const range_hold& there, const range_options& options) {
    if (there.permanent)
        return failure{errc::misuse, "a confirmed hold has no expiry that could be kept up"};
    hold_plan plan{.wish = wish_for(there.key), .what = there, .how = plan_of(options)};
    plan.how.options.owner.clear();
    plan.how.ids.push_back(there.id);
    return plan;
}

range_hold as_held(range_hold planned, const lock::held_lease& held) {
    planned.id = held.id;
    planned.fencing_token = held.fencing_token;
    return planned;
}

failure translate(failure why) {
    // The engine knows wishes, where people know keys.
    if (!why.name.empty()) why.name = std::string(key_of(why.name));
    return why;
}

result<lease> lease_of(std::string_view key, std::string_view id, std::chrono::milliseconds ttl) {
    if (auto wrong = check_hold(key, id)) return *wrong;
    return lease{.name = wish_for(key), .id = std::string(id), .fencing_token = 0, .ttl = ttl};
}

}  // namespace holdfast::ranges
