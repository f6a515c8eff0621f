// SPDX-License-Identifier: BSL-1.0
#include "lock/engine.hpp"
#include "lock/option_rules.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::lock {
namespace {

/// Whether the store may still have the lease although the holder counts it as lost. By an id of
/// the caller's somebody else may have it by then.
bool may_linger(const held_lease& held) noexcept {
    const lost_reason why = held.why_lost();
    return !held.own_id && (why == lost_reason::expired || why == lost_reason::unreachable ||
                            why == lost_reason::max_hold);
}

failure not_held(const held_lease& held) {
    if (const lost_reason why = held.why_lost(); why != lost_reason::none)
        return {why, "it had been lost: " + std::string(to_string(why))};
    return {errc::misuse, "it had been given up before"};
}

}  // namespace

asio::awaitable<result<void>> engine::release(held_ptr held) {
    co_await asio::this_coro::throw_if_cancelled(false);  // What is given up is to be released.
    const auto line = line_of(*held);
    if (line && pass_to_next(held, *line)) co_return result<void>{};
    unwatch(*held);
    const bool ours = held->give_up();
    note_end(*held, now());
    if (!ours) {
        if (may_linger(*held)) release_in_background(held->name, held->value);
        co_return not_held(*held);
    }
    release_begun nothing_yet;
    co_return co_await after_release(held, std::move(nothing_yet));
}

// `held` was given up.
asio::awaitable<result<void>> engine::after_release(held_ptr held, release_begun begun) {
    auto gone = co_await release_held(held, std::move(begun));
    // It was ours: whoever made something else of the name took it.
    if (!gone && gone.error().code == errc::wrong_type)
        co_return failure(lost_reason::taken, gone.error().text);
    co_return gone;
}

// To the next of this process, if one waits. `held` was given up.
asio::awaitable<result<void>> engine::release_held(held_ptr held, release_begun begun) {
    const auto line = line_of(*held);
    if (line && line->first() != nullptr && !stopped_ && !begun.answer)
        co_return co_await pass_through_store(held, line);
    if (line) forget_if_idle(held->name);
    begun.fencing_token = held->fencing_token;
    co_return co_await release_value(held->name, held->value, held->valid_until, std::move(begun));
}

void engine::drop(const held_ptr& held) {
    const auto line = line_of(*held);
    if (line && pass_to_next(held, *line)) return;
    if (held->own_id) {
        unwatch(*held);
        held->give_up();
        return note_end(*held, now());
    }
    if (!line && !stopped_ && held->held()) {
        ++background_;
        return start_release(held, nobody_);
    }
    unwatch(*held);
    const bool ours = held->give_up();
    note_end(*held, now());
    if (!ours && !may_linger(*held)) return;
    if (!ours) return release_in_background(held->name, held->value);
    in_background([self = shared_from_this(), held]() -> asio::awaitable<void> {
        // Outcomes are counted by the release itself; there is nobody to tell.
        release_begun nothing_yet;
        static_cast<void>(co_await self->release_held(held, std::move(nothing_yet)));
    });
}

void engine::nobody::receive(result<void> /*end*/) { owner_.background_work_ended(); }

void engine::nobody::fail(std::exception_ptr /*thrown*/) { owner_.background_work_ended(); }

void engine::background_work_ended() {
    if (--background_ == 0) idle_alarm_.wake();
}

void engine::let_go(const held_ptr& held) {
    unwatch(*held);
    note_end(*held, now());
    const auto line = line_of(*held);
    if (!line) return;
    line->wake_first();
    forget_if_idle(held->name);
}

result<lease> engine::hand_over(const held_ptr& held) {
    // The keeper lets go of it when it looks next: it watches only what is held.
    if (!held->give_up()) return not_held(*held);
    return lease{
        .name = held->name, .id = held->id, .fencing_token = held->fencing_token, .ttl = held->ttl};
}

asio::awaitable<result<void>> engine::release_value(std::string name, std::string value,
                                                    time_point valid_until) {
    return release_value(std::move(name), std::move(value), valid_until, release_begun{});
}

asio::awaitable<result<void>> engine::release_value(std::string name, std::string value,
                                                    time_point valid_until, release_begun begun) {
    const time_point until = begun.until ? *begun.until : op_deadline();
    bool in_doubt = begun.in_doubt;
    for (unsigned failures = 1;; ++failures) {  // Ends at `until`.
        const bool valid_when_sent = now() < valid_until;
        result<void> gone{};
        if (begun.answer) {
            gone = std::move(*begun.answer);
            begun.answer.reset();
        } else {
            gone = co_await parts_.where->release_granted(name, value, begun.fencing_token, until);
        }
        if (gone) {
            counted_.releases.add();
            co_return gone;
        }
        failure why = gone.error();
        const errc code = why.code;
        const bool unsaid =
            why.reason == lost_reason::taken && parts_.where->abilities().chosen_values;
        if (code == errc::lost && in_doubt && valid_when_sent && !unsaid) {
            // It was ours when the release was sent whose answer was lost: that one did it.
            counted_.releases.add();
            co_return result<void>{};
        }
        count_error(why);
        in_doubt = in_doubt || code == errc::in_doubt || code == errc::cancelled;
        const bool again =
            code == errc::in_doubt || code == errc::unreachable || code == errc::no_quorum;
        // With no time left, an attempt would only hide why this one failed.
        if (!again || now() >= until || !co_await pause(failures, until) || now() >= until) {
            const bool unclear = code != errc::lost && code != errc::wrong_type;
            if (in_doubt && unclear) why.code = errc::in_doubt;
            if (unclear) note_doubt(name, value, why);
            co_return why;
        }
    }
}

void engine::release_in_background(std::string name, std::string value) {
    in_background([self = shared_from_this(), name = std::move(name),
                   value = std::move(value)]() -> asio::awaitable<void> {
        static_cast<void>(co_await self->release_value(name, value, time_point{}));
    });
}

// Where nobody stands in line, others may have been kept out for who waited.
void engine::give_up_waiting(std::span<const claim> wanted) {
    const store_abilities able = parts_.where->abilities();
    if (!wanted.front().waits || !able.modes || able.lines) return;
    std::vector<std::string> names;
    for (const claim& one : wanted) names.push_back(one.name);
    in_background([self = shared_from_this(), names = std::move(names)]() -> asio::awaitable<void> {
        for (const std::string& name : names)
            co_await self->parts_.where->gave_up(name, self->op_deadline());
    });
}

void engine::in_background(std::function<asio::awaitable<void>()> work) {
    if (stopped_) return;
    ++background_;
    auto counted = [self = shared_from_this(), work = std::move(work)]() -> asio::awaitable<void> {
        co_await work();
        self->background_work_ended();
    };
    asio::co_spawn(parts_.executor, std::move(counted), asio::detached);
}

asio::awaitable<result<core::milliseconds>> engine::renew_known(lease known) {
    auto value = co_await value_of(known, op_deadline());
    if (!value) co_return value.error();
    const time_point sent = now();
    renewal ask{.name = known.name,
                .value = *value,
                .ttl = known.ttl,
                .fencing_token = known.fencing_token};
    co_await parts_.where->renew(std::span(&ask, 1), op_deadline());
    if (!ask.outcome) {
        count_error(ask.outcome.error());
        co_return ask.outcome.error();
    }
    counted_.renewals.add();
    const auto counted = std::min(known.ttl, ask.at_most);
    const auto until = core::valid_until(sent, counted, parts_.options.drift_factor);
    const auto left = std::chrono::floor<core::milliseconds>(until - now());
    co_return std::max(left, core::milliseconds{0});
}

asio::awaitable<result<void>> engine::release_known(lease known) {
    known.ttl = std::clamp(known.ttl, ttl_min, ttl_max);  // A release has no use for it.
    auto value = co_await value_of(known, op_deadline());
    if (!value) co_return value.error();
    auto gone = co_await release_value(known.name, *value, time_point::max());
    if (gone) note_gone(known.name, *value);
    co_return gone;
}

// Its holder in this process, and those who wait for that one, need not learn of it by the next
// renewal.
// @param value  Empty: whoever held it.
void engine::note_gone(std::string_view name, std::string_view value) {
    std::vector<held_ptr> gone;
    for (const held_lease& held : watched_)
        if (held.name == name && (value.empty() || held.value == value)) gone.push_back(held.kept);
    for (const held_ptr& held : gone)
        if (held->held()) lose(held, lost_reason::deleted);
}

asio::awaitable<result<std::optional<lock_info>>> engine::inspect(std::string name) {
    if (auto wrong = check_acquire(name, {}, name_limit())) co_return *wrong;
    auto found = co_await parts_.where->inspect(name, {}, op_deadline());
    if (!found) count_error(found.error());
    co_return found;
}

asio::awaitable<result<std::vector<lock_info>>> engine::list(std::string prefix) {
    if (prefix.size() > name_bytes_max)
        co_return failure{errc::misuse, "a prefix has at most 512 bytes, this one has " +
                                            std::to_string(prefix.size())};
    auto found = co_await parts_.where->list(prefix, op_deadline());
    if (!found) count_error(found.error());
    co_return found;
}

asio::awaitable<result<std::optional<lock_info>>> engine::break_lock(std::string name) {
    if (auto wrong = check_acquire(name, {}, name_limit())) co_return *wrong;
    auto taken = co_await parts_.where->take_away(name, op_deadline());
    if (!taken)
        count_error(taken.error());
    else if (*taken)
        note_gone(name, {});
    co_return taken;
}

asio::awaitable<result<diagnosis>> engine::diagnose() {
    auto found = co_await parts_.where->diagnose(op_deadline());
    if (!found) {
        count_error(found.error());
        co_return found;
    }
    const auto worse = [](const finding& a, const finding& b) { return a.level > b.level; };
    std::stable_sort(found->findings.begin(), found->findings.end(), worse);
    co_return found;
}

}  // namespace holdfast::lock
