// SPDX-License-Identifier: BSL-1.0
#include "core/renew_plan.hpp"
#include "lock/engine.hpp"
#include "lock/option_rules.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <bit>

namespace holdfast::lock {
namespace {

/// Renewals that are due within this are sent along with those that are due now.
constexpr core::nanoseconds gathering_max = std::chrono::milliseconds(50);
/// Renewals of one conversation.
constexpr std::size_t group_max = 100;

/// Renewals share a conversation, and its deadline, with those of a similar ttl only: a long lease
/// must not fail because of the impatience of a short one.
unsigned ttl_class(const held_lease& held) noexcept {
    return static_cast<unsigned>(
        std::bit_width(static_cast<std::uint64_t>(held.ttl.load().count())));
}

time_point next_look(const held_lease& held) noexcept {
    time_point when = std::min(held.stop_by(), held.hold_until);
    if (held.auto_renew && !held.renewing) when = std::min(when, held.next_attempt);
    return when;
}

/// Whether the store refused the token that a hold had before it was moved: it was told of the move
/// first, which says nothing of the hold.
bool asked_for_former(const held_lease& held, const renewal& ask) noexcept {
    const failure& said = ask.outcome.error();
    return said.code == errc::lost && said.reason == lost_reason::taken &&
           ask.fencing_token != held.fencing_token;
}

/// Whether a renewal that ended so was carried out by nobody.
bool changes_nothing(errc code) noexcept {
    return code == errc::misuse || code == errc::denied || code == errc::unreachable ||
           code == errc::no_quorum;
}

}  // namespace

void engine::keep(const held_ptr& held) {
    held->next_attempt = held->renew_at();
    watch(held);
    if (keeping_ || stopped_) return;
    keeping_ = true;
    asio::co_spawn(
        parts_.executor, [self = shared_from_this()] { return self->keep_all(); }, asio::detached);
}

void engine::unwatch(held_lease& held) {
    if (!held.watched.is_linked()) return;
    watched_.erase(watched_.iterator_to(held));
    const held_ptr last = std::move(held.kept);
}

void engine::watch(const held_ptr& held) {
    unwatch(*held);
    held->look_at = next_look(*held);
    held->kept = held;
    const auto place = watched_.insert(*held);
    if (place == watched_.begin() && held->look_at < keeper_wakes_) keeper_alarm_.wake();
}

// One coroutine looks after all leases of the engine, and ends when none is left.
asio::awaitable<void> engine::keep_all() {
    while (!stopped_ && !watched_.empty()) {
        look_after_due(now());
        if (watched_.empty()) break;
        keeper_wakes_ = watched_.begin()->look_at;
        co_await keeper_alarm_.wait_until(keeper_wakes_);
        keeper_wakes_ = time_point::min();
    }
    keeping_ = false;
}

void engine::look_after_due(time_point now) {
    std::vector<held_ptr> due;
    while (!watched_.empty() && watched_.begin()->look_at <= now) {
        const held_ptr held = watched_.begin()->kept;
        look_after(held, now, due);
    }
    if (due.empty()) return;
    // As a conversation takes place anyway: who would want one soon takes part in it.
    std::vector<held_ptr> early;
    for (auto place = watched_.begin();
         place != watched_.end() && place->look_at <= now + gathering_max; ++place) {
        const held_lease& held = *place;
        const auto ahead = core::nanoseconds(held.ttl.load()) / 24;
        if (held.held() && held.auto_renew && !held.renewing && held.next_attempt <= now + ahead)
            early.push_back(held.kept);
    }
    for (const held_ptr& held : early) {
        held->next_attempt = now;
        look_after(held, now, due);
    }
    renew_in_groups(std::move(due));
}

void engine::look_after(const held_ptr& held, time_point now, std::vector<held_ptr>& due) {
    unwatch(*held);
    if (!held->held()) return let_go(held);  // If it is lost, its holder saw it first.
    if (now >= held->hold_until) return lose(held, lost_reason::max_hold);
    if (now >= held->stop_by()) {
        const bool tried = held->renewing || held->failures > 0;
        return lose(held, tried ? lost_reason::unreachable : lost_reason::expired);
    }
    if (held->auto_renew && !held->renewing && now >= held->next_attempt) {
        held->renewing = true;
        due.push_back(held);
    }
    watch(held);
}

void engine::renew_in_groups(std::vector<held_ptr> due) {
    std::stable_sort(due.begin(), due.end(), [](const held_ptr& a, const held_ptr& b) {
        return ttl_class(*a) < ttl_class(*b);
    });
    auto begin = due.begin();
    while (begin != due.end()) {
        auto end = begin;
        while (end != due.end() && static_cast<std::size_t>(end - begin) < group_max &&
               ttl_class(**end) == ttl_class(**begin))
            ++end;
        std::vector<held_ptr> group(begin, end);
        begin = end;
        auto work = [self = shared_from_this(), group = std::move(group)]() mutable {
            return self->renew_group(std::move(group));
        };
        asio::co_spawn(parts_.executor, std::move(work), asio::detached);
    }
}

asio::awaitable<void> engine::renew_group(std::vector<held_ptr> group) {
    const time_point sent = now();
    time_point until = time_point::max();
    std::vector<renewal> asks;
    asks.reserve(group.size());
    for (const held_ptr& held : group) {
        const core::milliseconds ttl = held->ttl;
        // What was handed over may have been given for longer than the ttl: this shortens it, also
        // if the answer is lost.
        const time_point shorter = core::valid_until(sent, ttl, held->drift_factor);
        held->valid_until = std::min(held->valid_until.load(), shorter);
        asks.push_back({.name = held->name,
                        .value = held->value,
                        .ttl = ttl,
                        .fencing_token = held->fencing_token});
        until = std::min(until,
                         core::attempt_until(sent, ttl, parts_.options.timeout, held->stop_by()));
    }
    co_await parts_.where->renew(asks, until);
    for (std::size_t i = 0; i < group.size(); ++i) {
        group[i]->renewing = false;
        settle(group[i], sent, asks[i]);
    }
}

// Takes in what the store said to a renewal that was sent at `sent`.
void engine::settle(const held_ptr& held, time_point sent, const renewal& ask) {
    const result<void>& outcome = ask.outcome;
    const core::milliseconds ttl = ask.ttl;
    if (!outcome && outcome.error().code == errc::in_doubt)
        held->doubtful_ttl = std::min(held->doubtful_ttl, ttl);
    if (!held->held()) return;
    const time_point present = now();
    if (outcome) {
        note_renewal(*held, present);
        // An answer that comes after the holder was to be told does not bring the lease back.
        if (present >= held->stop_by()) return lose(held, lost_reason::unreachable);
        held->failures = 0;
        // A renewal that was sent earlier than another that succeeded changes nothing.
        if (sent >= held->sent) held->extend(sent, std::min({ttl, held->ttl.load(), ask.at_most}));
        held->next_attempt = held->renew_at();
        return watch(held);
    }
    const failure& said = outcome.error();
    if (asked_for_former(*held, ask)) {
        held->next_attempt = present;
        return watch(held);
    }
    if (said.code == errc::lost || said.code == errc::wrong_type) {
        const bool over = present >= held->valid_until.load();
        // What is no lock any more was taken by whoever made it that.
        const lost_reason why = said.code == errc::lost ? said.reason : lost_reason::taken;
        return lose(held, over && why == lost_reason::deleted ? lost_reason::expired : why);
    }
    counted_.renewal_failures.add();
    count_error(said);
    ++held->failures;
    held->next_attempt =
        core::retry_at(present, held->ttl, held->failures, parts_.random->jitter_bits());
    watch(held);
}

void engine::lose(const held_ptr& held, lost_reason why) {
    unwatch(*held);
    const bool first = held->lose(why);
    if (held->why_lost() == lost_reason::none) return;  // It was given up.
    let_go(held);
    if (!first) return;  // Its holder saw it first, and was told then.
    if (auto listening = held->lost_source()) parts_.signal(std::move(*listening));
}

asio::awaitable<result<void>> engine::renew(held_ptr held, core::milliseconds ttl) {
    if (auto wrong = check_ttl(ttl)) co_return *wrong;
    if (core::nanoseconds(core::stop_margin_max(ttl)) < held->stop_margin)
        co_return failure{errc::misuse, "this ttl is too short for the stop_margin"};
    if (!held->held()) co_return failure(held->why_lost(), "it is not held any more");
    const time_point sent = now();
    const core::milliseconds before = held->ttl;
    // A shorter lease counts from now on, even if the answer is lost; a longer one once confirmed.
    const time_point shorter = core::valid_until(sent, ttl, held->drift_factor);
    held->valid_until = std::min(held->valid_until.load(), shorter);
    held->ttl = ttl;
    renewal ask{
        .name = held->name, .value = held->value, .ttl = ttl, .fencing_token = held->fencing_token};
    co_await parts_.where->renew(std::span(&ask, 1), std::min(op_deadline(), held->stop_by()));
    if (!ask.outcome && changes_nothing(ask.outcome.error().code)) {
        // It is renewed as before; soon, as it may have been promised for less time meanwhile.
        core::milliseconds refused = ttl;
        held->ttl.compare_exchange_strong(refused, before);
    }
    settle(held, sent, ask);
    if (!ask.outcome) co_return ask.outcome.error();
    if (!held->held())
        co_return failure(held->why_lost(), "the answer came after it had to be given up");
    co_return result<void>{};
}

}  // namespace holdfast::lock
