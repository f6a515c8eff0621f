// SPDX-License-Identifier: BSL-1.0
#include <holdfast/range_guard.hpp>

#include "lock/observe.hpp"
#include "range/range_rules.hpp"
#include "range/verbs.hpp"

#include <utility>

namespace holdfast {

held_range::held_range(std::shared_ptr<ranges::verbs> verbs, std::shared_ptr<lock::session> owner,
                       std::shared_ptr<lock::held_lease> state, range_hold what) noexcept
    : session_(std::move(owner)),
      verbs_(std::move(verbs)),
      state_(std::move(state)),
      what_(std::move(what)) {}

held_range::held_range(held_range&& other) noexcept
    : session_(std::move(other.session_)),
      verbs_(std::move(other.verbs_)),
      state_(std::move(other.state_)),
      what_(std::exchange(other.what_, {})) {}

held_range& held_range::operator=(held_range&& other) noexcept {
    if (this == &other) return *this;
    drop();
    verbs_ = std::move(other.verbs_);
    session_ = std::move(other.session_);
    state_ = std::move(other.state_);
    what_ = std::exchange(other.what_, {});
    return *this;
}

void held_range::drop() noexcept {
    if (state_) session_->drop(state_);
}

void held_range::clear() noexcept {
    what_ = {};
    state_.reset();
    verbs_.reset();
    session_.reset();
}

// Whether there is something to be moved or confirmed.
result<void> held_range::check() const {
    if (!state_) return lock::empty_guard();
    if (!session_->at_home())
        return failure(lost_reason::forked, "the hold belongs to the process that forked");
    state_->lose_if_over(boot_clock::now());
    if (state_->held()) return {};
    return failure(state_->why_lost(),
                   "the hold had been lost: " + std::string(to_string(state_->why_lost())));
}

// What the store has not got any more is lost here, too.
failure held_range::note(failure why) const {
    if (why.code == errc::lost) {
        state_->lose_and_tell(why.reason);
        session_->let_go(state_);
    }
    return why;
}

// The hold needs no guard any more.
void held_range::confirmed() {
    if (state_->give_up()) session_->let_go(state_);
    clear();
}

time_point held_range::valid_until() const noexcept { return lock::valid_until_of(state_); }
std::chrono::milliseconds held_range::remaining() const noexcept {
    return lock::remaining_of(session_, state_);
}
std::stop_token held_range::lost() const noexcept { return lock::lost_of(session_, state_); }
lost_reason held_range::why_lost() const noexcept { return lock::why_lost_of(session_, state_); }

result<range_hold> held_range::hand_over() {
    if (!state_) return lock::empty_guard();
    const std::chrono::milliseconds left = remaining();
    const auto session = session_;
    const auto handed = lock::hand_over(session, std::exchange(state_, nullptr));
    range_hold what = std::move(what_);
    clear();
    if (!handed) return handed.error();
    what.remaining = left;
    return what;
}

result<void> range_guard::renew(std::chrono::milliseconds ttl) {
    if (!state_) return lock::empty_guard();
    return session_->call([&](lock::engine& engine) { return engine.renew(state_, ttl); });
}

result<void> range_guard::move(std::int64_t start, std::int64_t end) {
    if (auto ready = check(); !ready) return ready.error();
    auto moved = session_->call([&](lock::engine&) {
        return verbs_->move_held(state_, what_.key, what_.id, {.start = start, .end = end});
    });
    if (!moved) return note(moved.error());
    what_.start = moved->start;
    what_.end = moved->end;
    what_.fencing_token = moved->fencing_token;
    return {};
}

result<range_hold> range_guard::confirm() {
    if (auto ready = check(); !ready) return ready.error();
    auto told = session_->call(
        [&](lock::engine&) { return verbs_->confirm_held(state_, what_.key, what_.id); });
    if (!told) return note(told.error());
    confirmed();
    return told;
}

result<void> range_guard::release() {
    if (!state_) return lock::empty_guard();
    const auto state = std::exchange(state_, nullptr);
    const auto session = session_;
    clear();
    return session->release(state);
}

}  // namespace holdfast
