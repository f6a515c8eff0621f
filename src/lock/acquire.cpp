// SPDX-License-Identifier: BSL-1.0
#include "core/backoff.hpp"
#include "core/claim_steps.hpp"
#include "core/renew_plan.hpp"
#include "lock/option_rules.hpp"
#include "lock/pursuit.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace holdfast::lock {
core::claim_limits engine::limits_of(const acquire_plan& plan, time_point started) const {
    return {.wait_until = core::saturating_add(started, plan.options.wait),
            .doubt_until = started + parts_.options.timeout,
            .ttl = plan.options.ttl,
            .stop_margin = stop_margin_of(plan.options),
            .drift_factor = parts_.options.drift_factor,
            .attempts_max = plan.retry ? plan.retry->attempts_max : 0,
            .errors_end = plan.retry && plan.retry->errors_end};
}

asio::awaitable<result<held_ptr>> engine::acquire(std::string name, acquire_plan plan) {
    if (auto wrong = check_acquire(name, plan.options, name_limit())) co_return *wrong;
    if (auto wrong = check_abilities(plan.options)) co_return *wrong;
    const std::stop_token stop = plan.options.stop;
    if (stop.stop_requested()) co_return cancelled_wait();
    auto work = acquire_now(std::move(name), std::move(plan), std::nullopt);
    if (!stop.stop_possible()) co_return co_await std::move(work);
    co_return co_await until_stopped(stop, std::move(work));
}

// Turns the caller's stop token into Asio's cancellation, so that there is one way to be cancelled.
template <class T>
asio::awaitable<result<T>> engine::until_stopped(std::stop_token stop,
                                                 asio::awaitable<result<T>> work) {
    const auto signal = std::make_shared<asio::cancellation_signal>();
    auto emit = [signal, executor = parts_.executor] {
        asio::post(executor, [signal] { signal->emit(asio::cancellation_type::terminal); });
    };
    const std::stop_callback on_stop(std::move(stop), std::move(emit));
    auto outer = co_await asio::this_coro::cancellation_state;
    if (outer.slot().is_connected())
        outer.slot().assign([signal](asio::cancellation_type type) { signal->emit(type); });
    auto token = asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable);
    co_return co_await asio::co_spawn(parts_.executor, std::move(work), token);
}

template asio::awaitable<result<std::vector<held_ptr>>> engine::until_stopped(
    std::stop_token, asio::awaitable<result<std::vector<held_ptr>>>);
template asio::awaitable<result<std::vector<lock_change>>> engine::until_stopped(
    std::stop_token, asio::awaitable<result<std::vector<lock_change>>>);

asio::awaitable<result<held_ptr>> engine::acquire_now(std::string name, acquire_plan plan,
                                                      std::optional<first_try> begun) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point started = begun ? begun->started : now();
    const acquire_options& options = plan.options;
    pursuit aim{.plan = plan,
                .started = started,
                .wait_until = core::saturating_add(started, options.wait),
                .steps = core::claim_steps(limits_of(plan, started)),
                .wanted = {.name = std::move(name),
                           .value = {},
                           .ttl = options.ttl,
                           .fence = options.fence,
                           .mode = options.mode,
                           .permits = options.permits,
                           .waits = options.wait.count() > 0}};
    if (begun) {
        aim.steps = begun->steps;
        aim.id = std::move(begun->who.id);
        aim.wanted.value = std::move(begun->who.value);
        aim.begun = std::move(begun->answer);
    }
    result<grant> answer = failure{};
    const std::optional<failure> failed = co_await try_claim(aim, answer);
    if (aim.handed) co_return std::move(aim.handed);
    if (failed) {
        if (aim.member) {
            aim.member.reset();
            forget_if_idle(aim.wanted.name);
        }
        if (aim.place)
            leave_in_background(std::move(aim.place), aim.wanted.value);
        else if (aim.steps.maybe_ours() && plan.ids.empty())
            release_in_background(aim.wanted.name, aim.wanted.value);
        failure why = *failed;
        give_up_waiting(std::span(&aim.wanted, 1));
        // A server that cannot be asked any more may have the lock all the same.
        const bool unasked = why.code == errc::unreachable || why.code == errc::quarantined;
        if (aim.steps.maybe_ours() && unasked) why.code = errc::in_doubt;
        co_return in_vain(aim.wanted.name, started, std::move(why));
    }
    held_ptr held = make_granted(aim, *answer, started);
    if (!aim.was_handed || options.auto_renew) co_return held;
    // Nobody renews it, so this is the time to get all of what was asked for.
    const auto longer = co_await renew(held, options.ttl);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    if (!cancelled && held->held() && now() < held->stop_by()) co_return held;
    drop(held);
    failure why = longer ? too_late(options.ttl) : longer.error();
    if (cancelled) why = cancelled_wait();
    co_return in_vain(held->name, started, std::move(why));
}

held_ptr engine::make_granted(pursuit& aim, const grant& given, time_point started) {
    const identity who{.id = std::move(aim.id), .value = std::move(aim.wanted.value)};
    held_ptr held =
        make_first(aim.wanted.name, who, aim.plan, aim.steps, given.fencing_token, started);
    if (aim.member) {
        waiting_line& line = aim.member->line();
        line.holder = held;
        line.owner = aim.plan.options.owner;
        line.passes = 0;
        line.token = given.fencing_token;
        line.tokens_left = aim.tokens - 1;
    }
    return held;
}

held_ptr engine::make_first(const std::string& name, const identity& who, const acquire_plan& plan,
                            const core::claim_steps& steps, std::uint64_t token,
                            time_point started) {
    held_ptr held = make_held(name, who, token, plan);
    held->attempts = steps.attempts();
    held->waited = held->granted_at - started;
    held->extend(steps.granted_from(), steps.granted_for());
    note_grant(*held);
    keep(held);
    return held;
}

// One attempt after the other until one is granted, which leaves its answer in `answer`, or until
// the lock was handed on by one of this process, which leaves it in `aim.handed`.
asio::awaitable<std::optional<failure>> engine::try_claim(pursuit& aim, result<grant>& answer) {
    failure why;
    // At the store only one of this process stands in line for a name.
    bool stand = aim.in_process() && (aim.plan.options.fair || lines_.contains(aim.wanted.name));
    for (unsigned failures = 1;; ++failures) {  // Ends with the wait, or the doubt, at the latest.
        if (stand && !aim.begun) {
            switch (co_await stand_in_line(aim)) {
                case turn::compete: break;
                case turn::handed: co_return std::nullopt;
                case turn::cancelled: co_return cancelled_wait();
                case turn::over:
                    if (why.code != errc::contended) why = busy_here(*aim.member);
                    why.code = errc::timed_out;
                    co_return why;
            }
        }
        if (aim.begun) {
            answer = std::move(*aim.begun);
            aim.begun.reset();
        } else {
            answer = co_await attempt_once(aim);
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            // Whether it was granted, or will be: nobody wants it any more.
            if (!aim.place && aim.plan.ids.empty() &&
                (answer || answer.error().code == errc::cancelled ||
                 answer.error().code == errc::in_doubt || aim.steps.maybe_ours()))
                release_in_background(aim.wanted.name, aim.wanted.value);
            aim.steps.give_up();
            co_return cancelled_wait();
        }
        core::step next = judge(aim, answer);
        if (next == core::step::succeed) co_return std::nullopt;
        why = answer ? too_late(aim.plan.options.ttl) : answer.error();
        // An id of the caller's may have been held before; it is the caller's to give up.
        if (next == core::step::give_back && !aim.plan.ids.empty()) co_return why;
        if (next == core::step::give_back) {
            // How that went is counted; if it did not, the lease ends by its ttl.
            static_cast<void>(
                co_await release_value(aim.wanted.name, aim.wanted.value, aim.steps.valid_until()));
            aim.place.reset();
            next = aim.steps.after_giving_back(now());
        }
        switch (next) {
            case core::step::await_free:
                failures = 0;
                stand = aim.in_process();
                if (stand && !aim.member) join_line(aim);
                if (!stand || aim.member->may_compete())
                    co_await wait_for_turn(aim, next, failures);
                break;
            case core::step::pause: co_await wait_for_turn(aim, next, failures); break;
            case core::step::time_out:
                if (aim.plan.options.wait.count() > 0) why.code = errc::timed_out;
                co_return why;
            case core::step::succeed:
            case core::step::give_back:
            case core::step::fail: co_return why;
        }
    }
}

core::step engine::judge(pursuit& aim, const result<grant>& answer) {
    if (!answer) {
        count_error(answer.error());
        if (aim.member && answer.error().code == errc::contended)
            aim.member->line().contended_at = now();
        return aim.steps.refused(answer.error().code, now());
    }
    if (!aim.was_handed) return aim.steps.granted(answer->taken_earlier, now());
    return aim.steps.handed(aim.asked_at, aim.lease, now());
}

asio::awaitable<result<grant>> engine::attempt_once(pursuit& aim) {
    aim.was_handed = aim.turn.has_value();
    if (aim.was_handed) co_return *std::exchange(aim.turn, std::nullopt);
    const bool repeated = aim.steps.maybe_ours();
    if (!repeated && !aim.place) {
        // What came before may have been released, and that release may still be under way: it
        // must not meet a lock that we take now.
        identity who = make_identity(aim.plan, 0);
        aim.id = std::move(who.id);
        aim.wanted.value = std::move(who.value);
        if (aim.plan.options.fair || lately_contended(aim)) take_place(aim);
    }
    const time_point sent = now();
    aim.steps.sending(sent);
    if (!aim.place) {
        aim.tokens = 1;
        counted_.attempts.add();
        const attempt which = repeated ? attempt::repeated : attempt::first;
        co_return co_await parts_.where->acquire(aim.wanted, which, op_deadline());
    }
    const bool several = aim.member && aim.member->line().several();
    line_terms terms = terms_for(aim.plan.options, aim.started, several);
    terms.beat = aim.next_beat(sent);
    aim.lease = terms.lease;
    // Whichever request it will be that a grant comes from.
    aim.tokens = aim.beat == 1 ? terms.tokens : std::min(aim.tokens, terms.tokens);
    counted_.attempts.add();
    auto answer = co_await aim.place->ask(aim.wanted, terms, op_deadline());
    if (answer || answer.error().code == errc::contended) aim.answered = terms.beat;
    co_return answer;
}

asio::awaitable<void> engine::wait_for_turn(pursuit& aim, core::step next, unsigned failures) {
    // Whoever is in doubt asks again soon, whatever the distance of the attempts.
    const bool doubt = next == core::step::pause && aim.steps.maybe_ours();
    if (aim.plan.retry && !doubt) {
        const auto length = core::retry_pause(*aim.plan.retry, parts_.random->jitter_bits());
        co_await nap(std::min(now() + length, aim.wait_until));
    } else if (next == core::step::await_free) {
        co_await await_turn(aim);
    } else {
        co_await pause(failures, std::max(aim.wait_until, op_deadline()));
    }
}

identity engine::draw_identity(std::string_view owner) {
    identity drawn;
    draw_identity(owner, drawn);
    return drawn;
}

// Of the name with that index.
identity engine::make_identity(const acquire_plan& plan, std::size_t index) {
    if (plan.ids.empty()) return draw_identity(plan.options.owner);
    return {.id = plan.ids[index], .value = plan.ids[index]};
}

void engine::draw_identity(std::string_view owner, identity& into) {
    const claimant who{.host = parts_.host, .pid = parts_.pid, .owner = owner};
    parts_.where->draw_identity(*parts_.random, who, into);
}

asio::awaitable<bool> engine::pause(unsigned failures, time_point until) {
    using namespace std::chrono_literals;
    const auto length = core::backoff_pause(failures, 10ms, 500ms, parts_.random->jitter_bits());
    co_return co_await nap(std::min(now() + length, until));
}

asio::awaitable<result<void>> engine::give_way(unsigned in_vain) {
    using namespace std::chrono_literals;
    const auto length = core::backoff_pause(in_vain, 1ms, 32ms, parts_.random->jitter_bits());
    static_cast<void>(co_await nap(now() + length));
    co_return result<void>{};
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

held_ptr engine::make_held(const std::string& name, const identity& who, std::uint64_t token,
                           const acquire_plan& plan) {
    held_ptr held = leases_->take();
    held->name = name;
    held->id = who.id;
    held->value = who.value;
    held->fencing_token = token;
    held->stop_margin = stop_margin_of(plan.options);
    held->renew_ahead = plan.renew_ahead;
    held->drift_factor = parts_.options.drift_factor;
    held->granted_at = now();
    held->hold_until = core::saturating_add(held->granted_at, plan.options.max_hold);
    held->auto_renew = plan.options.auto_renew;
    held->own_id = !plan.ids.empty();
    held->ttl = plan.options.ttl;
    return held;
}

// A release or renewal by id alone: the store compares whole values, so where the id does not tell
// it the value is read first.
asio::awaitable<result<std::string>> engine::value_of(const lease& known, time_point deadline) {
    if (auto wrong = check_acquire(known.name, {.ttl = known.ttl}, name_limit())) co_return *wrong;
    if (auto wrong = check_id(known.id)) co_return *wrong;
    if (auto value = parts_.where->value_of(known.id)) co_return std::move(*value);
    auto found = co_await parts_.where->inspect(known.name, known.id, deadline);
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

asio::awaitable<result<held_ptr>> engine::adopt(lease handed, acquire_plan plan) {
    plan.options.ttl = handed.ttl;
    if (auto wrong = check_acquire(handed.name, plan.options, name_limit())) co_return *wrong;
    auto value = co_await value_of(handed, op_deadline());
    if (!value) co_return value.error();
    const time_point sent = now();
    renewal ask{.name = handed.name,
                .value = *value,
                .ttl = handed.ttl,
                .fencing_token = handed.fencing_token};
    co_await parts_.where->renew(std::span(&ask, 1), op_deadline());
    if (!ask.outcome) {
        count_error(ask.outcome.error());
        co_return ask.outcome.error();
    }
    identity who{.id = handed.id, .value = std::move(*value)};
    held_ptr held = make_held(handed.name, std::move(who), handed.fencing_token, plan);
    held->extend(sent, std::min(handed.ttl, ask.at_most));
    if (now() >= held->stop_by()) co_return too_late(handed.ttl);
    counted_.adoptions.add();
    keep(held);
    co_return held;
}

}  // namespace holdfast::lock
