// SPDX-License-Identifier: BSL-1.0
//
// How the engine waits: in line within the process, and in the store's line where it keeps one.
#include "core/line_rule.hpp"
#include "lock/pursuit.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::lock {
namespace {

/// For how long it is known that a name was contended ...
constexpr core::nanoseconds remembered = std::chrono::seconds(1);
/// ... and of how many names at most.
constexpr std::size_t idle_lines_max = 256;

}  // namespace

std::optional<failure> engine::check_abilities(const acquire_options& options) const {
    const store_abilities able = parts_.where->abilities();
    const bool shared = options.mode == lock_mode::shared;
    if ((shared || options.permits > 0) && !able.modes)
        return cannot("this store has exclusive locks only",
                      options.permits > 0 ? ability::counted : ability::shared);
    if (options.fair && !able.lines)
        return cannot("this store keeps no line, so it cannot be fair", ability::fair);
    return std::nullopt;
}

failure engine::cannot(std::string_view what, ability which) const {
    failure why{errc::misuse, address() + ": "};
    why.text.append(what);
    const std::string_view reason = parts_.where->why_not(which);
    if (!reason.empty()) why.text.append(": ").append(reason);
    return why;
}

std::shared_ptr<waiting_line> engine::line_for(const std::string& name) {
    if (lines_.size() >= idle_lines_max)
        std::erase_if(lines_, [](const auto& known) { return known.second->idle(); });
    auto& line = lines_[name];
    if (!line) line = std::make_shared<waiting_line>();
    return line;
}

// @return The line through which `held` was acquired, if it is still the holder there.
std::shared_ptr<waiting_line> engine::line_of(const held_lease& held) const {
    if (lines_.empty()) return nullptr;
    const auto found = lines_.find(held.name);
    if (found == lines_.end() || found->second->holder.get() != &held) return nullptr;
    return found->second;
}

// It stays for a while where many want the name: see `lately_contended`.
void engine::forget_if_idle(const std::string& name) {
    const auto found = lines_.find(name);
    if (found == lines_.end() || !found->second->idle()) return;
    found->second->holder.reset();
    if (now() >= found->second->contended_at + remembered) lines_.erase(found);
}

// Then it pays to stand in line at once: asking for a free lock first would be in vain.
bool engine::lately_contended(const pursuit& aim) const {
    return aim.member && now() < aim.member->line().contended_at + remembered;
}

void engine::join_line(pursuit& aim) {
    aim.member.emplace(line_for(aim.wanted.name), *parts_.time);
    aim.member->options = &aim.plan.options;
    aim.member->since = aim.started;
}

failure engine::busy_here(const waiting_line::waiter& me) const {
    failure busy(errc::contended, "others of this process wait for it, and were there first");
    const waiting_line& line = me.line();
    if (!line.taken()) return busy;
    busy.text = "another of this process has it";
    if (line.holder && line.holder->held())
        busy.holder = holder_info{.owner = line.owner, .host = parts_.host, .pid = parts_.pid};
    return busy;
}

// Waits until it is this one's turn to compete at the store, or the lock is handed to it.
asio::awaitable<engine::turn> engine::stand_in_line(pursuit& aim) {
    if (!aim.member) join_line(aim);
    auto& me = *aim.member;
    while (!me.handed && !me.may_compete()) {
        if (stopped_) co_return turn::cancelled;
        if (now() >= aim.wait_until) {
            leave_behind(me);
            co_return turn::over;
        }
        time_point until = aim.wait_until;
        // Whoever holds it may end without telling, as by handing it to another process.
        if (const held_ptr& holder = me.line().holder; holder && holder->held()) {
            const time_point over = std::max(now(), holder->valid_until.load());
            until = std::min(until, over + std::chrono::milliseconds(1));
        }
        naps_.insert(&me.bell);
        const wake_reason why = co_await me.bell.wait_until(until);
        naps_.erase(&me.bell);
        if (why != wake_reason::cancelled) continue;
        leave_behind(me);
        co_return turn::cancelled;
    }
    if (me.handed) {
        forget_doubt(aim);
        aim.handed = std::exchange(me.handed, nullptr);
        co_return turn::handed;
    }
    if (me.prepared) {
        use_prepared(aim);
        if (!aim.turn) co_await await_turn(aim);
    }
    co_return turn::compete;
}

// What was done for one who does not wait any more is undone.
void engine::leave_behind(waiting_line::waiter& me) {
    me.leave();  // Or it would be the next to whom the lock is handed.
    if (me.handed) drop(std::exchange(me.handed, nullptr));
    if (!me.prepared) return;
    prepared_place ready = *std::exchange(me.prepared, std::nullopt);
    leave_in_background(std::move(ready.place), std::move(ready.value));
}

// What an earlier attempt may have taken, or may yet take, is given back: it goes on without it.
void engine::forget_doubt(pursuit& aim) {
    if (aim.steps.maybe_ours()) release_in_background(aim.wanted.name, aim.wanted.value);
    aim.steps.give_up();
}

// Whoever released the lock has asked for us already.
void engine::use_prepared(pursuit& aim) {
    forget_doubt(aim);
    prepared_place ready = *std::exchange(aim.member->prepared, std::nullopt);
    aim.take(std::move(ready.place));
    aim.id = std::move(ready.id);
    aim.wanted.value = std::move(ready.value);
    aim.steps.sending(ready.asked_at);
    static_cast<void>(aim.next_beat(ready.asked_at));
    aim.turn = ready.given;
    aim.answered = aim.beat;
    if (aim.turn) aim.turn->beat = aim.beat;
    const line_terms terms = terms_for(aim.plan.options, aim.started, true);
    aim.tokens = terms.tokens;
    aim.lease = ready.given ? aim.plan.options.ttl : terms.lease;
}

line_terms engine::terms_for(const acquire_options& options, time_point since, bool several) const {
    line_terms terms{.lease = core::place_lease(options.ttl, stop_margin_of(options))};
    // What nobody renews is to last.
    if (!options.auto_renew) terms.lease = std::max(terms.lease, options.ttl);
    if (options.fair)
        terms.waited = std::chrono::floor<std::chrono::microseconds>(now() - since);
    else if (several)
        terms.tokens = passes_max + 1;
    return terms;
}

void engine::take_place(pursuit& aim) { aim.take(parts_.where->take_seat(aim.wanted.name)); }

// After a refusal: until it is time to ask again, or the lock was handed over.
asio::awaitable<void> engine::await_turn(pursuit& aim) {
    if (!aim.place) {
        take_place(aim);
        // What was refused asks once more, and stands in line from then on.
        if (aim.place) co_return;
        co_return co_await parts_.where->await_change(aim.wanted.name, aim.wait_until);
    }
    const time_point again =
        core::ask_again_at(aim.asked_at, aim.lease, stop_margin_of(aim.plan.options));
    aim.turn = co_await aim.place->await_turn(std::min(again, aim.wait_until));
    if (aim.turn && !aim.counts(*aim.turn)) aim.turn.reset();
}

void engine::leave_in_background(std::unique_ptr<seat> place, std::string value) {
    in_background([self = shared_from_this(), place = std::shared_ptr<seat>(std::move(place)),
                   value = std::move(value)]() -> asio::awaitable<void> {
        const time_point until = self->op_deadline();
        for (unsigned failures = 1;; ++failures) {  // Ends at `until`.
            const auto left = co_await place->leave(value, until);
            if (left) break;
            self->count_error(left.error());
            if (self->now() >= until || !co_await self->pause(failures, until)) break;
        }
    });
}

// From hand to hand, without the store.
// @return false if the store has to be told: then nothing was done.
bool engine::pass_to_next(const held_ptr& held, waiting_line& line) {
    waiting_line::waiter* const next = line.first();
    if (next == nullptr || stopped_ || held->renewing) return false;
    const acquire_options& options = *next->options;
    const bool token = options.fence && held->fencing_token != 0;
    // Who was told the id may use it: it must not outlive the release. And nobody would renew what
    // is half over.
    if (held->id_was_told || !options.auto_renew) return false;
    if (options.fair || line.passes >= passes_max || options.ttl != held->ttl.load() ||
        options.fence != token || (token && line.tokens_left == 0))
        return false;
    // It counts on from where it was; who gets it must have time to work and to renew it.
    const auto left = held->valid_until.load() - now();
    if (left < 2 * stop_margin_of(options) || left < core::nanoseconds(held->counted) / 2)
        return false;
    if (line.owner != options.owner || !held->give_up()) return false;
    unwatch(*held);
    identity who{.id = held->id, .value = held->value};
    if (token) {
        ++line.token;
        --line.tokens_left;
    }
    const acquire_plan plan(options);
    held_ptr passed = make_held(held->name, std::move(who), token ? line.token : 0, plan);
    passed->extend(held->sent, held->counted);
    passed->doubtful_ttl = held->doubtful_ttl;
    passed->valid_until = std::min(passed->valid_until.load(), held->valid_until.load());
    passed->waited = passed->granted_at - next->since;
    ++line.passes;
    note_end(*held, passed->granted_at);
    counted_.releases.add();
    counted_.passes.add();
    note_grant(*passed);
    keep(passed);
    line.holder = passed;
    next->handed = std::move(passed);
    next->bell.wake();
    return true;
}

// Released, and the next of this process takes its place in the store's line in the same step.
// `held` was given up by the caller.
asio::awaitable<result<void>> engine::pass_through_store(held_ptr held,
                                                         std::shared_ptr<waiting_line> line) {
    const std::string name = held->name;
    waiting_line::waiter* const next = line->first();
    prepared_place ready{.place = parts_.where->take_seat(name), .id = {}, .value = {}};
    if (!ready.place) {
        auto gone = co_await release_value(name, held->value, held->valid_until);
        line->wake_first();
        co_return gone;
    }
    const acquire_options options = *next->options;
    const time_point since = next->since;
    identity who = draw_identity(options.owner);
    const claim wanted{
        .name = name, .value = who.value, .ttl = options.ttl, .fence = options.fence};
    ready.id = std::move(who.id);
    ready.value = wanted.value;
    ready.asked_at = now();
    const line_terms terms = terms_for(options, since, true);
    const waiting_line::passage under_way(*line);
    auto answer = co_await ready.place->pass_on(held->value, wanted, terms, op_deadline());
    under_way.end();
    result<void> gone{};
    if (answer) {
        counted_.releases.add();
        ready.given = *answer;
    } else {
        count_error(answer.error());
    }
    const bool there = line->first() == next && next->since == since;
    if (answer && there)
        next->prepared = std::move(ready);
    else
        leave_in_background(std::move(ready.place), wanted.value);
    line->wake_first();
    forget_if_idle(name);
    if (answer) co_return gone;
    if (answer.error().code == errc::lost) co_return answer.error();
    release_begun again;
    again.in_doubt = true;
    co_return co_await release_value(name, held->value, held->valid_until, std::move(again));
}

}  // namespace holdfast::lock
