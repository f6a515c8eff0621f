// SPDX-License-Identifier: BSL-1.0
//
// How the engine acquires several names at once. Whoever waits holds none of them meanwhile, so no
// order of names can lead to a deadlock.
#include "lock/option_rules.hpp"
#include "lock/pursuit.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>

namespace holdfast::lock {

/// One acquisition of several names under way.
struct engine::bundle {
    const acquire_plan& plan;
    time_point wait_until;
    core::claim_steps steps;
    std::vector<claim> wanted;
    std::vector<std::string> ids;
};

asio::awaitable<result<std::vector<held_ptr>>> engine::acquire_all(std::vector<std::string> names,
                                                                   acquire_plan plan) {
    const acquire_options& options = plan.options;
    if (auto wrong = check_names(names, options)) co_return *wrong;
    for (const std::string& name : names)
        if (auto wrong = check_acquire(name, options, name_limit())) co_return *wrong;
    if (!parts_.where->abilities().several)
        co_return cannot("this store takes one name at a time", ability::several);
    if (options.atomic && parts_.where->abilities().stepwise)
        co_return cannot("this store takes several names one after the other", ability::several);
    const std::stop_token stop = options.stop;
    if (stop.stop_requested()) co_return cancelled_wait();
    auto work = acquire_all_now(std::move(names), std::move(plan));
    if (!stop.stop_possible()) co_return co_await std::move(work);
    co_return co_await until_stopped(stop, std::move(work));
}

asio::awaitable<result<std::vector<held_ptr>>> engine::acquire_all_now(
    std::vector<std::string> names, acquire_plan plan) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point started = now();
    bundle aim{.plan = plan,
               .wait_until = core::saturating_add(started, plan.options.wait),
               .steps = core::claim_steps(limits_of(plan, started)),
               .wanted = {},
               .ids = {}};
    for (std::string& name : names)
        aim.wanted.push_back({.name = std::move(name),
                              .value = {},
                              .ttl = plan.options.ttl,
                              .fence = plan.options.fence,
                              .waits = plan.options.wait.count() > 0});
    aim.ids.resize(aim.wanted.size());
    std::vector<grant> grants;
    if (const std::optional<failure> failed = co_await try_bundle(aim, grants)) {
        failure why = *failed;
        const bool unasked = why.code == errc::unreachable || why.code == errc::quarantined;
        if (aim.steps.maybe_ours() && unasked) why.code = errc::in_doubt;
        for (const claim& one : aim.wanted)
            if (aim.steps.maybe_ours() && plan.ids.empty())
                release_in_background(one.name, one.value);
        give_up_waiting(aim.wanted);
        co_return in_vain(why.name.empty() ? aim.wanted.front().name : why.name, started, why);
    }
    std::vector<held_ptr> all;
    for (std::size_t i = 0; i < grants.size(); ++i) {
        identity who{.id = std::move(aim.ids[i]), .value = std::move(aim.wanted[i].value)};
        held_ptr held =
            make_held(std::move(aim.wanted[i].name), std::move(who), grants[i].fencing_token, plan);
        held->attempts = aim.steps.attempts();
        held->waited = held->granted_at - started;
        held->extend(aim.steps.granted_from(), aim.steps.granted_for());
        note_grant(*held);
        keep(held);
        all.push_back(std::move(held));
    }
    co_return all;
}

// One attempt after the other until all are granted, which leaves the answers in `grants`.
asio::awaitable<std::optional<failure>> engine::try_bundle(bundle& aim,
                                                           std::vector<grant>& grants) {
    unsigned hasty = 0;                         // Changes in a row that came at once.
    for (unsigned failures = 1;; ++failures) {  // Ends with the wait, or the doubt, at the latest.
        const bool repeated = aim.steps.maybe_ours();
        for (std::size_t i = 0; i < aim.wanted.size() && !repeated; ++i) {
            identity who = make_identity(aim.plan, i);
            aim.ids[i] = std::move(who.id);
            aim.wanted[i].value = std::move(who.value);
        }
        aim.steps.sending(now());
        counted_.attempts.add();
        const attempt which = repeated ? attempt::repeated : attempt::first;
        auto answer = co_await parts_.where->acquire_all(aim.wanted, which, op_deadline());
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            if (aim.plan.ids.empty() && (answer || answer.error().code == errc::cancelled ||
                                         answer.error().code == errc::in_doubt || repeated))
                for (const claim& one : aim.wanted) release_in_background(one.name, one.value);
            aim.steps.give_up();
            co_return cancelled_wait();
        }
        if (!answer) count_error(answer.error());
        const bool earlier =
            answer && std::any_of(answer->begin(), answer->end(),
                                  [](const grant& one) { return one.taken_earlier; });
        core::step next = answer ? aim.steps.granted(earlier, now())
                                 : aim.steps.refused(answer.error().code, now());
        failure why = answer ? too_late(aim.plan.options.ttl) : answer.error();
        if (next == core::step::give_back && !aim.plan.ids.empty()) co_return why;
        if (next == core::step::give_back) {
            for (const claim& one : aim.wanted)
                static_cast<void>(
                    co_await release_value(one.name, one.value, aim.steps.valid_until()));
            next = aim.steps.after_giving_back(now());
        }
        switch (next) {
            case core::step::succeed: grants = std::move(*answer); co_return std::nullopt;
            case core::step::await_free: {
                failures = 0;
                const time_point before = now();
                co_await parts_.where->await_change(why.name, aim.wait_until);
                // A store that takes for free what it then refuses must not keep us busy.
                hasty = now() - before < core::milliseconds(1) ? hasty + 1 : 0;
                if (hasty > 1) co_await pause(hasty, aim.wait_until);
                break;
            }
            case core::step::pause:
                co_await pause(failures, std::max(aim.wait_until, op_deadline()));
                break;
            case core::step::time_out:
                if (aim.plan.options.wait.count() > 0) why.code = errc::timed_out;
                co_return why;
            case core::step::give_back:
            case core::step::fail: co_return why;
        }
    }
}

}  // namespace holdfast::lock
