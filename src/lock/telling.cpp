// SPDX-License-Identifier: BSL-1.0
//
// What the engine counts, and what it tells of.
#include "lock/engine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::lock {
namespace {

std::string_view why_lost_for_people(lost_reason why) noexcept {
    switch (why) {
        case lost_reason::expired: return "its validity ended without a renewal";
        case lost_reason::taken: return "the store says that somebody else holds it";
        case lost_reason::deleted: return "the store says that nobody holds it";
        case lost_reason::unreachable: return "the store could not be asked to renew it in time";
        case lost_reason::max_hold: return "it was held for as long as max_hold allows";
        default: return {};
    }
}

}  // namespace

event engine::about(const held_lease& held, event_level level, event_kind kind) const {
    return {.level = level,
            .kind = kind,
            .name = std::string(parts_.where->shown_name(held.name)),
            .node = address(),
            .id = shown_id(held.id)};
}

// On the way of every acquisition.
void engine::note_grant(const held_lease& held) {
    counted_.wait_time.add(held.waited);
    if (held.waited < slow_) return;
    event slow = about(held, event_level::warning, event_kind::slow_acquire);
    slow.duration = held.waited;
    slow.text = "the lock was granted, after a long wait";
    parts_.watch->tell(std::move(slow));
}

// @return `why`, which an acquisition ended with that began at `started`.
failure engine::in_vain(const std::string& name, time_point started, failure why) {
    const core::nanoseconds took = now() - started;
    counted_.vain_wait_time.add(took);
    counted_.failures_by.add(why.code);
    if (took >= slow_ && why.code != errc::cancelled)
        parts_.watch->tell({.level = event_level::warning,
                            .kind = event_kind::slow_acquire,
                            .name = std::string(parts_.where->shown_name(name)),
                            .node = address(),
                            .code = why.code,
                            .duration = took,
                            .text = why.text});
    return why;
}

// Confirmed at `present`; `held` has not been extended yet.
void engine::note_renewal(const held_lease& held, time_point present) {
    const core::nanoseconds left = held.valid_until.load() - present;
    counted_.renewals.add();
    counted_.renewal_margin.add(left);
    // What is left when a renewal begins in time.
    const core::nanoseconds usual = held.valid_until.load() - held.renew_at();
    const bool late = held.auto_renew && left < usual / 2 && present < held.stop_by();
    if (!late || !parts_.watch->listened_to()) return;
    event told = about(held, event_level::warning, event_kind::renewal_late);
    told.duration = left;
    told.text = "the renewal was confirmed late";
    parts_.watch->tell(std::move(told));
}

// On the way of every release; `held` was given up or lost. What is known already does nothing.
void engine::note_end(held_lease& held, time_point present) {
    if (std::exchange(held.ended, true)) return;
    const lost_reason why = held.why_lost();
    if (why == lost_reason::none) return counted_.hold_time.add(present - held.granted_at);
    // It may be noticed late that it was over.
    const core::nanoseconds lasted = std::min(present, held.valid_until.load()) - held.granted_at;
    counted_.hold_time.add(lasted);
    counted_.losses_by.add(why);
    if (!parts_.watch->listened_to()) return;
    event told = about(held, event_level::error, event_kind::lost);
    told.code = errc::lost;
    told.reason = why;
    told.duration = lasted;
    told.text = why_lost_for_people(why);
    parts_.watch->tell(std::move(told));
}

void engine::note_doubt(const std::string& name, const std::string& value, const failure& why) {
    counted_.releases_in_doubt.add();
    if (!parts_.watch->listened_to()) return;
    // A value begins with its id, and may be nothing else.
    const std::string_view id = std::string_view(value).substr(0, value.find('|'));
    parts_.watch->tell({.level = event_level::warning,
                        .kind = event_kind::release_in_doubt,
                        .name = std::string(parts_.where->shown_name(name)),
                        .node = address(),
                        .id = shown_id(id),
                        .code = why.code,
                        .text = why.text});
}

void engine::count_error(const failure& why) {
    if (why.code == errc::contended) return counted_.refusals.add();
    if (why.code == errc::lost || why.code == errc::cancelled) return;
    counted_.errors_by.add(why.code);
    if (!parts_.watch->has_several()) parts_.watch->node_failed(address(), why);
}

}  // namespace holdfast::lock
