// SPDX-License-Identifier: BSL-1.0
#include <holdfast/guard.hpp>

#include "lock/observe.hpp"
#include "lock/session.hpp"

#include <utility>

namespace holdfast {

guard::guard(std::shared_ptr<lock::session> owner, std::shared_ptr<lock::held_lease> state) noexcept
    : session_(std::move(owner)), state_(std::move(state)) {}

guard::guard(guard&& other) noexcept
    : session_(std::move(other.session_)), state_(std::move(other.state_)) {}

guard& guard::operator=(guard&& other) noexcept {
    if (this == &other) return *this;
    drop();
    session_ = std::move(other.session_);
    state_ = std::move(other.state_);
    return *this;
}

guard::~guard() { drop(); }

void guard::drop() noexcept {
    if (state_) session_->drop(state_);
    state_.reset();
    session_.reset();
}

const std::string& guard::name() const noexcept { return lock::name_of(state_); }
const std::string& guard::id() const noexcept { return lock::id_of(state_); }
std::uint64_t guard::fencing_token() const noexcept { return lock::token_of(state_); }
time_point guard::valid_until() const noexcept { return lock::valid_until_of(state_); }
std::chrono::milliseconds guard::remaining() const noexcept {
    return lock::remaining_of(session_, state_);
}
std::stop_token guard::lost() const noexcept { return lock::lost_of(session_, state_); }
lost_reason guard::why_lost() const noexcept { return lock::why_lost_of(session_, state_); }
bool guard::held() const noexcept { return lock::remaining_of(session_, state_).count() > 0; }

result<void> guard::renew(std::chrono::milliseconds ttl) {
    if (!state_) return lock::empty_guard();
    return session_->call([&](lock::engine& engine) { return engine.renew(state_, ttl); });
}

result<void> guard::release() {
    if (!state_) return lock::empty_guard();
    const auto state = std::exchange(state_, nullptr);
    const auto session = std::exchange(session_, nullptr);
    return session->release(state);
}

result<lease> guard::hand_over() {
    if (!state_) return lock::empty_guard();
    const auto session = std::exchange(session_, nullptr);
    return lock::hand_over(session, std::exchange(state_, nullptr));
}

}  // namespace holdfast
