// SPDX-License-Identifier: BSL-1.0
#include "base/holder_record.hpp"
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

constexpr std::size_t id_digits = 32;

std::string id_text(const std::array<std::byte, 16>& bits) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bits.size());
    for (const std::byte b : bits) {
        text += digits[std::to_integer<unsigned>(b) >> 4U];
        text += digits[std::to_integer<unsigned>(b) & 0xFU];
    }
    return text;
}

core::nanoseconds stop_margin_of(const acquire_options& options) {
    if (options.stop_margin) return *options.stop_margin;
    return core::default_stop_margin(options.ttl);
}

core::claim_limits limits_of(const acquire_options& options, const locker_options& settings,
                             time_point now) {
    return {.wait_until = core::saturating_add(now, options.wait),
            .doubt_until = now + settings.timeout,
            .ttl = options.ttl,
            .stop_margin = stop_margin_of(options),
            .drift_factor = settings.drift_factor};
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

asio::awaitable<result<held_ptr>> engine::acquire(std::string name, acquire_options options) {
    if (auto wrong = check_acquire(name, options)) co_return *wrong;
    if (options.stop.stop_requested()) co_return cancelled_wait();
    if (options.stop.stop_possible())
        co_return co_await acquire_until_stopped(std::move(name), std::move(options));
    co_return co_await acquire_now(std::move(name), std::move(options));
}

// Turns the caller's stop token into Asio's cancellation, so that there is one way to be cancelled.
asio::awaitable<result<held_ptr>> engine::acquire_until_stopped(std::string name,
                                                                acquire_options options) {
    const auto signal = std::make_shared<asio::cancellation_signal>();
    auto emit = [signal, executor = parts_.executor] {
        asio::post(executor, [signal] { signal->emit(asio::cancellation_type::terminal); });
    };
    const std::stop_callback on_stop(options.stop, std::move(emit));
    auto outer = co_await asio::this_coro::cancellation_state;
    if (outer.slot().is_connected())
        outer.slot().assign([signal](asio::cancellation_type type) { signal->emit(type); });
    auto token = asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable);
    auto inner = acquire_now(std::move(name), std::move(options));
    co_return co_await asio::co_spawn(parts_.executor, std::move(inner), token);
}

asio::awaitable<result<held_ptr>> engine::acquire_now(std::string name, acquire_options options) {
    co_await asio::this_coro::throw_if_cancelled(false);
    claim wanted{.name = std::move(name),
                 .value = draw_value(options.owner),
                 .ttl = options.ttl,
                 .fence = options.fence};
    core::claim_steps steps(limits_of(options, parts_.options, now()));
    result<grant> answer = failure{};
    const std::optional<failure> failed = co_await try_claim(wanted, steps, options, answer);
    if (failed) {
        if (!steps.maybe_ours()) co_return *failed;
        release_in_background(wanted.name, wanted.value);
        failure why = *failed;
        // A server that cannot be asked any more may have the lock all the same.
        if (why.code == errc::unreachable) why.code = errc::in_doubt;
        co_return why;
    }
    std::string id = wanted.value.substr(0, id_digits);
    held_ptr held = make_held(std::move(wanted.name), std::move(id), std::move(wanted.value),
                              answer->fencing_token, options);
    held->extend(steps.granted_from(), options.ttl);
    ++counted_.grants;
    keep(held);
    co_return held;
}

// One attempt after the other until one is granted, which leaves its answer in `answer`.
asio::awaitable<std::optional<failure>> engine::try_claim(claim& wanted, core::claim_steps& steps,
                                                          const acquire_options& options,
                                                          result<grant>& answer) {
    const time_point wait_until = core::saturating_add(now(), options.wait);
    for (unsigned failures = 1;; ++failures) {  // Ends with the wait, or the doubt, at the latest.
        steps.sending(now());
        const attempt which = steps.maybe_ours() ? attempt::repeated : attempt::first;
        answer = co_await parts_.where->acquire(wanted, which, op_deadline());
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            // Whether it was granted, or will be: nobody wants it any more.
            if (answer || answer.error().code == errc::cancelled ||
                answer.error().code == errc::in_doubt || steps.maybe_ours())
                release_in_background(wanted.name, wanted.value);
            co_return cancelled_wait();
        }
        if (!answer) count_error(answer.error());
        core::step next = answer ? steps.granted(answer->taken_earlier, now())
                                 : steps.refused(answer.error().code, now());
        failure why = answer ? too_late(options.ttl) : answer.error();
        if (next == core::step::give_back) {
            // How that went is counted; if it did not, the lease ends by its ttl.
            static_cast<void>(
                co_await release_value(wanted.name, wanted.value, steps.valid_until()));
            // A release that is still under way must not meet a lock that we take afterwards.
            wanted.value = draw_value(options.owner);
            next = steps.after_giving_back(now());
        }
        switch (next) {
            case core::step::succeed: co_return std::nullopt;
            case core::step::await_free:
                failures = 0;
                co_await parts_.where->await_change(wanted.name, wait_until);
                break;
            case core::step::pause:
                co_await pause(failures, std::max(wait_until, op_deadline()));
                break;
            case core::step::time_out:
                if (options.wait.count() > 0) why.code = errc::timed_out;
                co_return why;
            case core::step::give_back:
            case core::step::fail: co_return why;
        }
    }
}

std::string engine::draw_value(const std::string& owner) {
    const std::string id = id_text(parts_.random->id_bits());
    return base::write_holder_record(id, parts_.pid, parts_.host, owner);
}

asio::awaitable<bool> engine::pause(unsigned failures, time_point until) {
    using namespace std::chrono_literals;
    const auto length = core::backoff_pause(failures, 10ms, 500ms, parts_.random->jitter_bits());
    co_return co_await sleep_until(*parts_.time, std::min(now() + length, until));
}

held_ptr engine::make_held(std::string name, std::string id, std::string value, std::uint64_t token,
                           const acquire_options& options) {
    auto held = std::make_shared<held_lease>();
    held->name = std::move(name);
    held->id = std::move(id);
    held->value = std::move(value);
    held->fencing_token = token;
    held->stop_margin = stop_margin_of(options);
    held->drift_factor = parts_.options.drift_factor;
    held->hold_until = core::saturating_add(now(), options.max_hold);
    held->auto_renew = options.auto_renew;
    held->ttl = options.ttl;
    return held;
}

// A release or renewal by id alone: the store compares whole values, so the value is read first.
asio::awaitable<result<std::string>> engine::value_of(const lease& known, time_point deadline) {
    if (auto wrong = check_acquire(known.name, {.ttl = known.ttl})) co_return *wrong;
    if (auto wrong = check_id(known.id)) co_return *wrong;
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
    if (auto wrong = check_acquire(handed.name, options)) co_return *wrong;
    auto value = co_await value_of(handed, op_deadline());
    if (!value) co_return value.error();
    const time_point sent = now();
    renewal ask{.name = handed.name, .value = *value, .ttl = handed.ttl};
    co_await parts_.where->renew(std::span(&ask, 1), op_deadline());
    if (!ask.outcome) {
        count_error(ask.outcome.error());
        co_return ask.outcome.error();
    }
    held_ptr held =
        make_held(handed.name, handed.id, std::move(*value), handed.fencing_token, options);
    held->extend(sent, handed.ttl);
    if (now() >= held->stop_by()) co_return too_late(handed.ttl);
    ++counted_.grants;
    keep(held);
    co_return held;
}

}  // namespace holdfast::lock
