// SPDX-License-Identifier: BSL-1.0
#include "core/backoff.hpp"
#include "core/claim_steps.hpp"
#include "core/renew_plan.hpp"
#include "lock/engine.hpp"
#include "lock/option_rules.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace holdfast::lock {
namespace {

core::nanoseconds stop_margin_of(const acquire_options& options) {
    if (options.stop_margin) return *options.stop_margin;
    return core::default_stop_margin(options.ttl);
}

core::claim_limits limits_of(const acquire_plan& plan, const locker_options& settings,
                             time_point now) {
    return {.wait_until = core::saturating_add(now, plan.options.wait),
            .doubt_until = now + settings.timeout,
            .ttl = plan.options.ttl,
            .stop_margin = stop_margin_of(plan.options),
            .drift_factor = settings.drift_factor,
            .attempts_max = plan.retry ? plan.retry->attempts_max : 0,
            .errors_end = plan.retry && plan.retry->errors_end};
}

failure too_late(core::milliseconds ttl) {
    return {errc::unreachable,
            "the store granted the lock too late to be of use within its ttl of " +
                std::to_string(ttl.count()) + " ms; it was given back"};
}

failure cancelled_wait() {
    return {errc::cancelled, "the wait was ended before the lock was held"};
}

}  // namespace

/// One acquisition under way.
struct engine::pursuit {
    const acquire_plan& plan;
    time_point wait_until;
    core::claim_steps steps;
    claim wanted;
    std::string id;
};

asio::awaitable<result<held_ptr>> engine::acquire(std::string name, acquire_plan plan) {
    if (auto wrong = check_acquire(name, plan.options, name_limit())) co_return *wrong;
    if (plan.options.stop.stop_requested()) co_return cancelled_wait();
    if (plan.options.stop.stop_possible())
        co_return co_await acquire_until_stopped(std::move(name), std::move(plan));
    co_return co_await acquire_now(std::move(name), std::move(plan));
}

// Turns the caller's stop token into Asio's cancellation, so that there is one way to be cancelled.
asio::awaitable<result<held_ptr>> engine::acquire_until_stopped(std::string name,
                                                                acquire_plan plan) {
    const auto signal = std::make_shared<asio::cancellation_signal>();
    auto emit = [signal, executor = parts_.executor] {
        asio::post(executor, [signal] { signal->emit(asio::cancellation_type::terminal); });
    };
    const std::stop_callback on_stop(plan.options.stop, std::move(emit));
    auto outer = co_await asio::this_coro::cancellation_state;
    if (outer.slot().is_connected())
        outer.slot().assign([signal](asio::cancellation_type type) { signal->emit(type); });
    auto token = asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable);
    auto inner = acquire_now(std::move(name), std::move(plan));
    co_return co_await asio::co_spawn(parts_.executor, std::move(inner), token);
}

asio::awaitable<result<held_ptr>> engine::acquire_now(std::string name, acquire_plan plan) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point started = now();
    pursuit aim{.plan = plan,
                .wait_until = core::saturating_add(started, plan.options.wait),
                .steps = core::claim_steps(limits_of(plan, parts_.options, started)),
                .wanted = {.name = std::move(name),
                           .value = {},
                           .ttl = plan.options.ttl,
                           .fence = plan.options.fence},
                .id = {}};
    result<grant> answer = failure{};
    const std::optional<failure> failed = co_await try_claim(aim, answer);
    if (failed) {
        if (!aim.steps.maybe_ours()) co_return *failed;
        release_in_background(aim.wanted.name, aim.wanted.value);
        failure why = *failed;
        // A server that cannot be asked any more may have the lock all the same.
        if (why.code == errc::unreachable) why.code = errc::in_doubt;
        co_return why;
    }
    identity who{.id = std::move(aim.id), .value = std::move(aim.wanted.value)};
    held_ptr held =
        make_held(std::move(aim.wanted.name), std::move(who), answer->fencing_token, plan);
    held->attempts = aim.steps.attempts();
    held->waited = now() - started;
    held->extend(aim.steps.granted_from(), plan.options.ttl);
    ++counted_.grants;
    keep(held);
    co_return held;
}

// One attempt after the other until one is granted, which leaves its answer in `answer`.
asio::awaitable<std::optional<failure>> engine::try_claim(pursuit& aim, result<grant>& answer) {
    const acquire_options& options = aim.plan.options;
    for (unsigned failures = 1;; ++failures) {  // Ends with the wait, or the doubt, at the latest.
        answer = co_await attempt_once(aim);
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            // Whether it was granted, or will be: nobody wants it any more.
            if (answer || answer.error().code == errc::cancelled ||
                answer.error().code == errc::in_doubt || aim.steps.maybe_ours())
                release_in_background(aim.wanted.name, aim.wanted.value);
            co_return cancelled_wait();
        }
        if (!answer) count_error(answer.error());
        core::step next = answer ? aim.steps.granted(answer->taken_earlier, now())
                                 : aim.steps.refused(answer.error().code, now());
        failure why = answer ? too_late(options.ttl) : answer.error();
        if (next == core::step::give_back) {
            // How that went is counted; if it did not, the lease ends by its ttl.
            static_cast<void>(
                co_await release_value(aim.wanted.name, aim.wanted.value, aim.steps.valid_until()));
            next = aim.steps.after_giving_back(now());
        }
        switch (next) {
            case core::step::succeed: co_return std::nullopt;
            case core::step::await_free:
                failures = 0;
                co_await wait_for_turn(aim, next, failures);
                break;
            case core::step::pause: co_await wait_for_turn(aim, next, failures); break;
            case core::step::time_out:
                if (options.wait.count() > 0) why.code = errc::timed_out;
                co_return why;
            case core::step::give_back:
            case core::step::fail: co_return why;
        }
    }
}

asio::awaitable<result<grant>> engine::attempt_once(pursuit& aim) {
    const bool repeated = aim.steps.maybe_ours();
    if (!repeated) {
        // What came before may have been released, and that release may still be under way: it
        // must not meet a lock that we take now.
        identity who = draw_identity(aim.plan.options.owner);
        aim.id = std::move(who.id);
        aim.wanted.value = std::move(who.value);
    }
    aim.steps.sending(now());
    const attempt which = repeated ? attempt::repeated : attempt::first;
    co_return co_await parts_.where->acquire(aim.wanted, which, op_deadline());
}

asio::awaitable<void> engine::wait_for_turn(const pursuit& aim, core::step next,
                                            unsigned failures) {
    // Whoever is in doubt asks again soon, whatever the distance of the attempts.
    const bool doubt = next == core::step::pause && aim.steps.maybe_ours();
    if (aim.plan.retry && !doubt) {
        const auto length = core::retry_pause(*aim.plan.retry, parts_.random->jitter_bits());
        co_await nap(std::min(now() + length, aim.wait_until));
    } else if (next == core::step::await_free) {
        co_await parts_.where->await_change(aim.wanted.name, aim.wait_until);
    } else {
        co_await pause(failures, std::max(aim.wait_until, op_deadline()));
    }
}

identity engine::draw_identity(const std::string& owner) {
    const claimant who{.host = parts_.host, .pid = parts_.pid, .owner = owner};
    return parts_.where->draw_identity(*parts_.random, who);
}

asio::awaitable<bool> engine::pause(unsigned failures, time_point until) {
    using namespace std::chrono_literals;
    const auto length = core::backoff_pause(failures, 10ms, 500ms, parts_.random->jitter_bits());
    co_return co_await nap(std::min(now() + length, until));
}

// @return false if it was cut short: by a cancellation, or because the engine winds down.
asio::awaitable<bool> engine::nap(time_point until) {
    if (stopped_) co_return false;
    alarm bell(*parts_.time);
    naps_.insert(&bell);
    const wake_reason why = co_await bell.wait_until(until);
    naps_.erase(&bell);
    co_return why == wake_reason::reached && !stopped_;
}

held_ptr engine::make_held(std::string name, identity who, std::uint64_t token,
                           const acquire_plan& plan) {
    auto held = std::make_shared<held_lease>();
    held->name = std::move(name);
    held->id = std::move(who.id);
    held->value = std::move(who.value);
    held->fencing_token = token;
    held->stop_margin = stop_margin_of(plan.options);
    held->renew_ahead = plan.renew_ahead;
    held->drift_factor = parts_.options.drift_factor;
    held->hold_until = core::saturating_add(now(), plan.options.max_hold);
    held->auto_renew = plan.options.auto_renew;
    held->ttl = plan.options.ttl;
    return held;
}

// A release or renewal by id alone: the store compares whole values, so where the id does not tell
// it the value is read first.
asio::awaitable<result<std::string>> engine::value_of(const lease& known, time_point deadline) {
    if (auto wrong = check_acquire(known.name, {.ttl = known.ttl}, name_limit())) co_return *wrong;
    if (auto wrong = check_id(known.id)) co_return *wrong;
    if (auto value = parts_.where->value_of(known.id)) co_return std::move(*value);
    auto found = co_await parts_.where->inspect(known.name, deadline);
    if (!found) {
        failure why = found.error();
        count_error(why);
        // Only a question was asked: whatever became of it, nothing was changed.
        if (why.code == errc::in_doubt) why.code = errc::unreachable;
        co_return why;
    }
    if (!*found) co_return failure(lost_reason::deleted, "nobody holds it");
    if ((*found)->id != known.id) {
        failure taken(lost_reason::taken, "it is held by another id");
        taken.holder = (*found)->holder;
        co_return taken;
    }
    co_return std::move((*found)->value);
}

asio::awaitable<result<held_ptr>> engine::adopt(lease handed, acquire_options options) {
    options.ttl = handed.ttl;
    if (auto wrong = check_acquire(handed.name, options, name_limit())) co_return *wrong;
    auto value = co_await value_of(handed, op_deadline());
    if (!value) co_return value.error();
    const time_point sent = now();
    renewal ask{.name = handed.name, .value = *value, .ttl = handed.ttl};
    co_await parts_.where->renew(std::span(&ask, 1), op_deadline());
    if (!ask.outcome) {
        count_error(ask.outcome.error());
        co_return ask.outcome.error();
    }
    identity who{.id = handed.id, .value = std::move(*value)};
    const acquire_plan plan(std::move(options));
    held_ptr held = make_held(handed.name, std::move(who), handed.fencing_token, plan);
    held->extend(sent, handed.ttl);
    if (now() >= held->stop_by()) co_return too_late(handed.ttl);
    ++counted_.grants;
    keep(held);
    co_return held;
}

}  // namespace holdfast::lock
