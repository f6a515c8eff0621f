// SPDX-License-Identifier: BSL-1.0
//
// What it is: what both guards tell of the lock that they own; both may be empty, and both may find
// themselves in a forked child, where the lock is somebody else's.
// Thread safety: safe from any thread.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>

#include "lock/held_lease.hpp"
#include "lock/session.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

namespace holdfast::lock {

using session_ptr = std::shared_ptr<session>;

[[nodiscard]] inline failure empty_guard() {
    return {errc::misuse, "this guard is empty: nothing was acquired with it, or it was given up"};
}

[[nodiscard]] inline const std::string& name_of(const held_ptr& state) noexcept {
    static const std::string none;
    return state ? state->name : none;
}

[[nodiscard]] inline const std::string& id_of(const held_ptr& state) noexcept {
    static const std::string none;
    if (state) state->id_was_told = true;
    return state ? state->id : none;
}

[[nodiscard]] inline std::uint64_t token_of(const held_ptr& state) noexcept {
    return state ? state->fencing_token : 0;
}

[[nodiscard]] inline time_point valid_until_of(const held_ptr& state) noexcept {
    return state ? state->valid_until.load() : time_point{};
}

[[nodiscard]] inline std::chrono::milliseconds remaining_of(const session_ptr& owner,
                                                            const held_ptr& state) noexcept {
    using std::chrono::milliseconds;
    if (!state || !owner->at_home() || !state->held()) return milliseconds{0};
    const auto left = state->valid_until.load() - boot_clock::now();
    return std::max(std::chrono::ceil<milliseconds>(left), milliseconds{0});
}

[[nodiscard]] inline std::stop_token lost_of(const session_ptr& owner,
                                             const held_ptr& state) noexcept {
    // Never destroyed: guards of static storage may be asked at exit.
    static const auto* const stopped = [] {
        auto* const source = new std::stop_source;
        source->request_stop();
        return source;
    }();
    if (!state || !owner->at_home()) return stopped->get_token();
    state->lose_if_over(boot_clock::now());
    return state->lost_signal();
}

[[nodiscard]] inline lost_reason why_lost_of(const session_ptr& owner,
                                             const held_ptr& state) noexcept {
    if (!state) return lost_reason::none;
    if (!owner->at_home()) return lost_reason::forked;
    state->lose_if_over(boot_clock::now());
    return state->why_lost();
}

[[nodiscard]] inline result<lease> hand_over(const session_ptr& owner, const held_ptr& state) {
    if (!owner->at_home())
        return failure(lost_reason::forked, "it is held by the process that forked");
    state->lose_if_over(boot_clock::now());
    auto handed = engine::hand_over(state);
    if (handed) owner->let_go(state);
    return handed;
}

}  // namespace holdfast::lock
